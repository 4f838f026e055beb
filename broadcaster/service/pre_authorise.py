"""Wording authorised beforehand: one approver or administrator proposes it for named events and within bounds, another confirms
exactly that, and from then until its last day one officer may send what stays within.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from broadcaster.db import audiences, audit_log, authorities, messages, notices, people, templates
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json, canonical, sha256
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, Role, require, require_reason
from broadcaster.domain.pre_authorisation import LONGEST, Bounds, Filled, PreAuthorisation, lacks, problems
from broadcaster.service.audiences import latest
from broadcaster.service.retired import refuse_retired, why_retired
from broadcaster.service.rules import Rules
from broadcaster.service.templates import Templates
from channels import CHANNELS
from channels.base import ChannelsOfMode

WAITS = timedelta(days=7)
NOT_ONE_OF_BOTH = "One of the two who authorise it must be an approver. Nothing was changed."
WORDED = "You worded this version of the template, so two others must authorise it. Nothing was changed."


@dataclass(frozen=True, kw_only=True)
class Cover:
    """Whether one officer may send a message alone. `under` is None where it is outside, and `lacks` says of each authorisation
    for this wording why. Both empty: nobody authorised this wording. Of a template that is `retired` nothing is covered."""

    under: PreAuthorisation | None = None
    lacks: tuple[str, ...] = ()
    retired: bool = False

    @property
    def known(self) -> bool:
        return bool(self.under or self.lacks)

    @property
    def wording_counts(self) -> bool:
        """Whether two people stand behind the wording still, within the bounds or not."""
        return self.known and not self.retired


class PreAuthorise:
    def __init__(
        self,
        database: Database,
        rules: Rules,
        notices_: Templates,
        channels: ChannelsOfMode,
        *,
        zone: ZoneInfo,
    ) -> None:
        self._database = database
        self._rules = rules
        self._templates = notices_
        self._channels = channels
        self._zone = zone

    def listed(self, actor: Person, *, template: str = "") -> list[PreAuthorisation]:
        """The newest first."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            found = authorities.listed(tx, template=template)
        return self._compared(found)

    def one(self, actor: Person, ref: str) -> PreAuthorisation:
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            found = _found(tx, ref)
        return self._compared([found])[0]

    def _compared(self, found: Sequence[PreAuthorisation]) -> list[PreAuthorisation]:
        """With the wording that is in use now."""
        used = {name: each.template.sha256 for name, each in self._templates.all().items()}
        return [replace(each, in_use=used.get(each.template) == each.template_sha256) for each in found]

    def propose(
        self, actor: Person, template: str, bounds: Bounds, *, ends_at: datetime, reason: str
    ) -> PreAuthorisation:
        """The wording that is in force now. Invalid, with every problem at once."""
        require(actor.name, actor.roles, Action.AUTHORISE)
        require_reason(reason)
        now_used = self._templates.one(template)
        found = problems(bounds, now_used.template, channels=list(CHANNELS))
        with self._database.write() as tx:
            if not timedelta() < ends_at - tx.now() <= LONGEST:
                found.append("Its last day lies ahead, and within a year.")
            if found:
                raise Invalid(
                    "This cannot be authorised beforehand. Nothing was changed.", details=tuple(found)
                )
            refuse_retired(tx, template, self._zone)
            self._rules.require_fresh(tx, actor)
            _refuse_who_worded(tx, now_used.template, now_used.no, actor)
            content = bounds.to_json()
            told: dict[str, Json] = {"bounds": content, "template": template, "ends": ends_at.isoformat()}
            told["template_sha256"] = now_used.template.sha256
            ref = authorities.insert(
                tx,
                template=template,
                template_no=now_used.no,
                template_sha256=now_used.template.sha256,
                content=content,
                sha256=sha256(told),
                reason=reason,
                ends_at=ends_at,
                by=actor.id,
            )
            payload: dict[str, Json] = {"pre_authorisation": ref, "sha256": sha256(told), "reason": reason}
            payload |= {"ends": ends_at.isoformat(timespec="minutes"), "events": list(bounds.events)}
            audit_log.append(
                tx, actor=actor.name, act="pre_authorisation_proposed", subject=template, payload=payload
            )
            return _found(tx, ref)

    def confirm(self, actor: Person, ref: str, sha256_shown: str) -> PreAuthorisation:
        """By somebody else, what was shown. One of the two is an approver; neither has worded the template."""
        require(actor.name, actor.roles, Action.AUTHORISE)
        with self._database.write() as tx:
            self._rules.require_fresh(tx, actor)
            found = _found(tx, ref, lock=True)
            if found.ended_at or found.confirmed_at or found.proposed_at + WAITS <= tx.now():
                raise Stale(f"{found.ref} waits for nobody any more. Nothing was changed.")
            if sha256_shown.strip() != found.sha256:
                raise Stale(f"{found.ref} is not what you were shown. Look at it again. Nothing was changed.")
            if actor.name == found.proposed_by:
                raise NotAllowed(
                    f"You proposed {found.ref}, so somebody else must confirm it. Nothing was changed."
                )
            refuse_retired(tx, found.template, self._zone)
            current = self._templates.one(found.template)
            if current.template.sha256 != found.template_sha256:
                raise Stale(
                    "The wording has changed since this was proposed. Propose it anew. Nothing was changed."
                )
            if not any(_is_approver(tx, name) for name in (actor.name, found.proposed_by)):
                raise NotAllowed(NOT_ONE_OF_BOTH)
            _refuse_who_worded(tx, current.template, current.no, actor)
            authorities.confirm(tx, found.ref, actor.id)
            payload: dict[str, Json] = {"pre_authorisation": found.ref, "proposed_by": found.proposed_by}
            audit_log.append(
                tx,
                actor=actor.name,
                act="pre_authorisation_confirmed",
                subject=found.template,
                payload={**payload, "sha256": found.sha256},
            )
            return _found(tx, found.ref)

    def end(self, actor: Person, ref: str, reason: str) -> PreAuthorisation:
        """At once, by one: it only takes away."""
        require(actor.name, actor.roles, Action.AUTHORISE)
        require_reason(reason)
        with self._database.write() as tx:
            found = _found(tx, ref, lock=True)
            if not authorities.end(tx, found.ref, actor.id):
                raise Stale(f"{found.ref} is over already. Nothing was changed.")
            payload: dict[str, Json] = {"pre_authorisation": found.ref, "reason": reason}
            audit_log.append(
                tx, actor=actor.name, act="pre_authorisation_ended", subject=found.template, payload=payload
            )
            ended = _found(tx, found.ref)
        return self._compared([ended])[0]

    # --- asking -------------------------------------------------------------------------------------------

    def cover(self, ref: str) -> Cover:
        """Of a message as it is now."""
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            return self.cover_of(tx, row, messages.current_version(tx, row))

    def cover_of(self, tx: Tx, row: Message, version: Version) -> Cover:
        configured = self._channels.get(row.mode, {})
        names = [configured[a].name if a in configured else a for a in version.accounts]
        audience = (
            audiences.version_by_id(tx, version.audience_version_id) if version.audience_version_id else None
        )
        filled = Filled(
            values=version.blanks,
            channels=tuple(dict.fromkeys(names)),
            audience=audience.name if audience else "",
            recipients=audience.size if audience else 0,
            pictures=len(version.images),
        )
        return self._judge(tx, NoticeTemplate.from_json(version.template), filled)

    def beforehand(
        self, template: NoticeTemplate, *, values: Mapping[str, str], channels: Sequence[str], audience: str
    ) -> Cover:
        """Of what somebody is writing: so that nobody learns only at the end that it needs a second person."""
        with self._database.read() as tx:
            size = latest(tx, audience).size if audience else 0
            filled = Filled(values=values, channels=channels, audience=audience, recipients=size, pictures=0)
            return self._judge(tx, template, filled)

    def in_force(self, template: NoticeTemplate) -> list[PreAuthorisation]:
        with self._database.read() as tx:
            return [] if why_retired(tx, template.name, self._zone) else _in_force(tx, template)

    def _judge(self, tx: Tx, template: NoticeTemplate, filled: Filled) -> Cover:
        wrong: list[str] = []
        authorised = _in_force(tx, template)
        if authorised and (why := why_retired(tx, template.name, self._zone)):
            return Cover(lacks=(why,), retired=True)
        for each in authorised:
            found = list(lacks(each.bounds, template, filled, zone=self._zone, now=tx.now()))
            if not found:
                return Cover(under=each)
            wrong += [f"{text[:1].upper()}{text[1:]} ({each.ref})." for text in found]
        return Cover(lacks=tuple(dict.fromkeys(wrong)))


def refuse_who_authorised(tx: Tx, under: PreAuthorisation, actor: Person, version: Version) -> None:
    """Three people stand behind what one sends: two who authorised the wording, and the one who says that it is time."""
    if actor.id in authorities.people_of(tx, under.ref):
        raise NotAllowed(
            f"You authorised {under.ref}, so somebody else must send under it. Nothing was sent."
        )
    if version.template_id and actor.id in templates.editors(
        tx, version.template_id, version.template_no or 0
    ):
        raise NotAllowed("You worded the template, so somebody else must send it. Nothing was sent.")


def _in_force(tx: Tx, template: NoticeTemplate) -> list[PreAuthorisation]:
    """Of exactly this wording: another word, and it is another one."""
    found = authorities.listed(tx, template=template.name)
    return [a for a in found if a.in_force(tx.now()) and a.template_sha256 == template.sha256]


def _found(tx: Tx, ref: str, *, lock: bool = False) -> PreAuthorisation:
    found = authorities.find(tx, ref, lock=lock)
    if found is None:
        raise NotFound(
            f'There is no pre-authorisation "{ref}".', command="See: broadcaster pre-authorised list"
        )
    return found


def _is_approver(tx: Tx, name: str) -> bool:
    found = people.by_name(tx, name)
    return found is not None and Role.APPROVER in found.roles


def _refuse_who_worded(tx: Tx, template: NoticeTemplate, no: int, actor: Person) -> None:
    content = canonical(template.to_json()).decode()
    template_id = notices.ensure(tx, name=template.name, sha256=template.sha256, content=content)
    if actor.id in templates.editors(tx, template_id, no):
        raise NotAllowed(WORDED)

"""Notice templates as they are in force here: those that ship, and over each what was edited since, or that it is retired.

A template edited here is a new version; the one that ships is version 0, and an older one is put back as a new version.
So what a message was written from can always be shown, and nothing that waits for approval changes under the approver. To
retire one is a version too, with the same wording; whatever is put in force after it brings the template back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from zoneinfo import ZoneInfo

from broadcaster.db import audit_log, notices, templates
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.templates import StoredTemplate
from broadcaster.domain.canonical import Json, canonical
from broadcaster.domain.checks.agreement import with_names
from broadcaster.domain.errors import Invalid, NotFound, Problem, Stale
from broadcaster.domain.languages import Names, said_in
from broadcaster.domain.message import Mode
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.notice_diff import Changed, changes
from broadcaster.domain.notice_lacks import lacks
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_notices
from broadcaster.service.compose import Compose
from broadcaster.service.proof import NO_AUDIENCE, Proof
from broadcaster.service.retired import FINDING, needs, refuse_retired
from broadcaster.service.ways import all_spares
from channels.base import ChannelsOfMode

SHIPPED = 0
NOT_OF_WORDING = ("account_", "credentials_", FINDING)  # codes of findings


@dataclass(frozen=True, kw_only=True)
class InForce:
    """A template as it is used now, or where it is `retired` as it was used last. `changed_by` and `changed_at` are empty for
    one that ships, and so is `reason`."""

    template: NoticeTemplate
    no: int
    changed_by: str = ""
    changed_at: datetime | None = None
    reason: str = ""
    retired: bool = False

    @property
    def used_no(self) -> int:
        """The version that is used; of one that is retired the last that was, which brings it back as it was."""
        return self.no - 1 if self.retired else self.no

    def is_overdue(self, today: date) -> bool:
        """Whether the day has passed by which its wording was to be read anew."""
        day = self.template.review_by
        return bool(day) and date.fromisoformat(day) < today


@dataclass(frozen=True, kw_only=True)
class PastVersion:
    """One version of a template, and why it was made. Number 0 ships; `put_back_no` is the one whose wording it has again; with
    one that is `retired` the template went out of use."""

    no: int
    sha256: str
    review_by: str
    author: str = ""
    reason: str = ""
    put_back_no: int | None = None
    retired: bool = False
    created_at: datetime | None = None


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A template tried with example facts on every channel. `problems` must be mended before it can be put in force;
    there is no `proof` where its examples cannot be filled in."""

    problems: tuple[str, ...]
    proof: Proof | None


class Templates:
    def __init__(
        self, database: Database, compose: Compose, channels: ChannelsOfMode, *, zone: ZoneInfo
    ) -> None:
        self._database = database
        self._zone = zone
        self._compose = compose
        self._channels = channels

    # --- looking ------------------------------------------------------------------------------------------

    def all(self) -> dict[str, InForce]:
        """What is in force and can be chosen, by name."""
        with self._database.read() as tx:
            return {name: each for name, each in _known(tx).items() if not each.retired}

    def retired(self) -> dict[str, InForce]:
        """What is not to be used any more, by name."""
        with self._database.read() as tx:
            return {name: each for name, each in _known(tx).items() if each.retired}

    def current(self, name: str) -> NoticeTemplate:
        """To write a message from. NotFound, with the nearest name, where there is none; Stale, saying who retired it, where it is
        not to be used any more."""
        with self._database.read() as tx:
            found = _current(tx, name)
            refuse_retired(tx, name, self._zone)
        return found.template

    def one(self, name: str) -> InForce:
        """In use or retired. NotFound, with the nearest name, where there is none."""
        with self._database.read() as tx:
            return _current(tx, name)

    def version(self, name: str, no: int) -> NoticeTemplate:
        with self._database.read() as tx:
            return _version(tx, name, no)

    def versions(self, name: str) -> list[PastVersion]:
        """The newest first, down to the one that ships."""
        with self._database.read() as tx:
            found = [_past(each) for each in templates.versions(tx, name)]
            _current(tx, name)  # or there is no such template
        if name in shipped_notices():
            shipped = shipped_notice(name)
            found.append(PastVersion(no=SHIPPED, sha256=shipped.sha256, review_by=shipped.review_by))
        return found

    def diff(self, name: str, before: int, after: int) -> tuple[Changed, ...]:
        """What the version `after` says that `before` did not, and the other way round."""
        with self._database.read() as tx:
            return changes(_version(tx, name, before), _version(tx, name, after))

    def overdue(self) -> list[NoticeTemplate]:
        """Those whose wording was to be read anew before today."""
        today = self.today()
        return [each.template for each in self.all().values() if each.is_overdue(today)]

    def today(self) -> date:
        """Here, by the database's clock."""
        with self._database.read() as tx:
            return tx.now().astimezone(self._zone).date()

    # --- trying -------------------------------------------------------------------------------------------

    def trial(self, actor: Person, template: NoticeTemplate) -> Trial:
        """With its examples, on every channel that is set up: for the public, or where there is none, of exercises."""
        missing = lacks(template, self.today())
        mode = Mode.LIVE if self._channels.get(Mode.LIVE) else Mode.EXERCISE
        try:
            proof = self._compose.look(
                actor,
                template=template,
                values=example_of(template, self._compose.policy.names),
                languages=tuple(template.languages),
                channels=self._every_channel(mode),
                mode=mode,
                action=Action.READ,
            )
        except Problem as problem:
            return Trial(problems=(*missing, *(problem.details or (problem.text,))), proof=None)
        # an audience is chosen with the message; an account's health, or who may use it, is no matter of the wording
        proof = replace(
            proof,
            problems=tuple(p for p in proof.problems if p != NO_AUDIENCE),
            findings=tuple(f for f in proof.findings if not f.code.startswith(NOT_OF_WORDING)),
        )
        return Trial(problems=(*missing, *proof.problems), proof=proof)

    def _every_channel(self, mode: Mode) -> Sequence[str]:
        configured = self._channels.get(mode, {})
        spares = all_spares(configured)
        return list(dict.fromkeys(c.name for account, c in configured.items() if account not in spares))

    # --- changing -----------------------------------------------------------------------------------------

    def edit(
        self, actor: Person, template: NoticeTemplate, *, reason: str, base: int | None = None
    ) -> PastVersion:
        """The template's next version, in force from now on. Invalid, with all that is to be mended first.

        With `base`, Stale where that is not the version in force any more: somebody else has changed it meanwhile.
        Drafts and what was handed over keep the wording that they were written from. One that was retired is in use again.
        """
        require(actor.name, actor.roles, Action.WORD)
        require_reason(reason)
        if problems := self.trial(actor, template).problems:
            raise Invalid(
                f'"{template.title}" cannot be put in force yet. Nothing was changed.', details=problems
            )
        with self._database.write() as tx:
            tx.alone("templates")
            before = _in_force_or_none(tx, template.name)
            _require_base(before, base)
            if before and not before.retired and before.template.sha256 == template.sha256:
                raise Stale("That is what is in force already, word for word. Nothing was changed.")
            return _add(tx, actor, template, before=before, reason=reason, act="template_edited")

    def put_back(self, actor: Person, name: str, no: int, *, reason: str) -> PastVersion:
        """An older version's wording in force again, as a new version. It is not tried anew: it has been in force before,
        and whoever takes a mistake back at night must not be held up by a review date. One that was retired is in use again,
        with any version."""
        require(actor.name, actor.roles, Action.WORD)
        require_reason(reason)
        with self._database.write() as tx:
            tx.alone("templates")
            before, wanted = _current(tx, name), _version(tx, name, no)
            if not before.retired and before.template.sha256 == wanted.sha256:
                raise Stale(f"Version {no} says word for word what is in force already. Nothing was changed.")
            return _add(
                tx, actor, wanted, before=before, reason=reason, act="template_put_back", put_back_no=no
            )

    def retire(self, actor: Person, name: str, *, reason: str, base: int | None = None) -> PastVersion:
        """Nothing new is written from it from now on, until any version is put in force again. Invalid, naming what needs it, where
        something goes on that does; Stale where it is retired already, or with `base` is not in that version any more.

        Drafts and what was handed over keep the wording that they were written from, and may be sent; runs of schedules may not.
        """
        require(actor.name, actor.roles, Action.WORD)
        require_reason(reason)
        with self._database.write() as tx:
            tx.alone("templates")
            before = _current(tx, name)
            if before.retired:
                raise Stale(f"{before.changed_by} has retired it already. Nothing was changed.")
            _require_base(before, base)
            others = (each.template for each in _known(tx).values() if not each.retired)
            if needed := tuple(needs(tx, name, others)):
                title = before.template.title
                raise Invalid(
                    f'"{title}" cannot be retired: it is needed. Nothing was changed.', details=needed
                )
            return _add(
                tx, actor, before.template, before=before, reason=reason, act="template_retired", retired=True
            )


def example_of(template: NoticeTemplate, names: Names | None = None) -> Mapping[str, str]:
    """Fictional answers: those that ship under this name as far as they fit its blanks still, and for what else is needed
    the blanks' own examples. With `names`, the bilingual ones, in the template's other languages too."""
    blanks = {blank.name: blank for blank in template.blanks}
    shipped = shipped_example(template.name) if template.name in shipped_notices() else {}
    taken = {
        name: value
        for name, value in shipped.items()
        if name in blanks and value in (blanks[name].choices or (value,))
    }
    wanted = [b for b in template.blanks if b.example and (not shipped or (b.required and not b.default))]
    own = {**taken, **{b.name: b.example for b in wanted if b.name not in taken}}
    # In another language the same once more: what is tried is the wording around it.
    for code in template.languages if names is not None else ():
        known = (names or {}).get(code, {})
        anew = {b.name: own.get(b.name.partition(".")[0], "") for b in said_in(template, code)}
        own |= {name: with_names(text, known) for name, text in anew.items() if text}
    return own


def _add(
    tx: Tx,
    actor: Person,
    template: NoticeTemplate,
    *,
    before: InForce | None,
    reason: str,
    act: str,
    put_back_no: int | None = None,
    retired: bool = False,
) -> PastVersion:
    content = canonical(template.to_json()).decode()
    no = (before.no if before else SHIPPED) + 1
    templates.insert(
        tx,
        name=template.name,
        no=no,
        notice_template_id=notices.ensure(tx, name=template.name, sha256=template.sha256, content=content),
        author_id=actor.id,
        reason=reason.strip(),
        put_back_no=put_back_no,
        retired=retired,
    )
    payload: dict[str, Json] = {"version": no, "sha256": template.sha256, "reason": reason.strip()}
    payload |= {"before_sha256": before.template.sha256} if before else {}
    payload |= {} if put_back_no is None else {"of": put_back_no}
    audit_log.append(tx, actor=actor.name, act=act, subject=template.name, payload=payload)
    made = templates.in_force(tx, template.name)
    assert made
    return _past(made)


def _require_base(before: InForce | None, base: int | None) -> None:
    now = before.no if before else SHIPPED
    if base is not None and base != now:
        who = before.changed_by if before and before.changed_by else "somebody"
        raise Stale(
            f"This template was changed meanwhile by {who}: version {now} is in force, and you began from {base}. "
            "Compare the two; what you put in force now takes the place of theirs. Nothing was changed."
        )


def _known(tx: Tx) -> dict[str, InForce]:
    """In use or retired, by name."""
    edited = {each.name: _in_force(each) for each in templates.all_in_force(tx)}
    shipped = {name: InForce(template=each, no=SHIPPED) for name, each in shipped_notices().items()}
    return dict(sorted({**shipped, **edited}.items()))


def _current(tx: Tx, name: str) -> InForce:
    found = _in_force_or_none(tx, name)
    if found is None:
        raise NotFound(f'There is no notice template "{name}".{did_you_mean(name, _known(tx))}')
    return found


def _in_force_or_none(tx: Tx, name: str) -> InForce | None:
    edited = templates.in_force(tx, name)
    if edited:
        return _in_force(edited)
    return InForce(template=shipped_notice(name), no=SHIPPED) if name in shipped_notices() else None


def _version(tx: Tx, name: str, no: int) -> NoticeTemplate:
    if no == SHIPPED and name in shipped_notices():
        return shipped_notice(name)
    _current(tx, name)  # or there is no such template
    for each in templates.versions(tx, name):
        if each.no == no:
            return _read(each)
    raise NotFound(f'The notice template "{name}" has no version {no}. Nothing was changed.')


def _in_force(stored: StoredTemplate) -> InForce:
    return InForce(
        template=_read(stored),
        no=stored.no,
        changed_by=stored.author,
        changed_at=stored.created_at,
        reason=stored.reason,
        retired=stored.retired,
    )


def _past(stored: StoredTemplate) -> PastVersion:
    return PastVersion(
        no=stored.no,
        sha256=stored.sha256,
        review_by=_read(stored).review_by,
        author=stored.author,
        reason=stored.reason,
        put_back_no=stored.put_back_no,
        retired=stored.retired,
        created_at=stored.created_at,
    )


def _read(stored: StoredTemplate) -> NoticeTemplate:
    return NoticeTemplate.from_json(json.loads(stored.content))

"""Beginning a message that follows one that was sent: prefilled with what is known, so that a correction takes a minute.

Nothing is decided here that compose and approve do not decide again: a follow-up is a message like any other.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db import audiences, broadcasts, follow_ups, messages
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.people import Person
from broadcaster.domain.blanks import Blank, BlankType, read_answer
from broadcaster.domain.errors import Invalid, Stale
from broadcaster.domain.follow_up import IN_WORDS, TAKES_DOWN, TEMPLATE_OF, Follows, Purpose
from broadcaster.domain.languages import can_speak, said_in
from broadcaster.domain.message import Facts, MessageState, Mode
from broadcaster.domain.notice import NoticeTemplate
from broadcaster.domain.policy import Action, require
from broadcaster.service import succession
from broadcaster.service.compose import Compose
from broadcaster.service.media import Attached
from broadcaster.service.proof import Proof
from broadcaster.service.templates import Templates
from channels.base import ChannelsOfMode

APPEAL = "missing-person"  # the only notice template after which somebody can be found


@dataclass(frozen=True, kw_only=True)
class Begun:
    """What the form of a follow-up holds before anybody has typed. `said` are the facts of the message `ref`, which was
    released at `released_at`; `values` are in the words of the template's blanks."""

    ref: str
    purpose: Purpose
    said: Facts
    released_at: datetime
    mode: Mode
    incident: str
    template: NoticeTemplate
    values: Mapping[str, str]
    channels: tuple[str, ...]
    audience: str
    languages: tuple[str, ...] = ()

    @property
    def words(self) -> str:
        return IN_WORDS[self.purpose]

    @property
    def takes_down(self) -> bool:
        return self.purpose in TAKES_DOWN


@dataclass(frozen=True, kw_only=True)
class Before:
    """What was said before, beside what is said now. `texts_of` is the message whose texts its own texts follow; empty where
    they follow none."""

    ref: str
    released_at: datetime
    purpose: Purpose
    said: Facts
    texts_of: str

    @property
    def words(self) -> str:
        return IN_WORDS[self.purpose]

    @property
    def takes_down(self) -> bool:
        return self.purpose in TAKES_DOWN


class FollowUps:
    def __init__(
        self,
        database: Database,
        compose: Compose,
        templates: Templates,
        channels: ChannelsOfMode,
        *,
        zone: ZoneInfo,
    ) -> None:
        self._database = database
        self._compose = compose
        self._templates = templates
        self._channels = channels
        self._zone = zone

    def purposes(self, ref: str) -> list[Purpose]:
        """With which a message may be followed now, the most urgent first; none where it was never sent."""
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            if row.state is not MessageState.RELEASED:
                return []
            appeal = messages.current_version(tx, row).template.get("name") == APPEAL
        usual = [Purpose.CORRECTION, Purpose.UPDATE, Purpose.ALL_CLEAR, Purpose.CANCEL, Purpose.SENT_IN_ERROR]
        return [Purpose.FOUND, *usual] if appeal else usual

    def begin(self, actor: Person, ref: str, purpose: Purpose) -> Begun:
        """What is known already. Stale where nothing of the message was sent."""
        require(actor.name, actor.roles, Action.WRITE)
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            said = follow_ups.first_broadcast(tx, row.id)
            if said is None:
                raise Stale(f"{row.ref} is {row.state}: nothing of it was sent, so nothing can follow it.")
            version = messages.current_version(tx, row)
            template = _template(self._templates, version, purpose)
            return Begun(
                ref=row.ref,
                purpose=purpose,
                said=version.facts,
                released_at=said[1],
                mode=row.mode,
                incident=messages.incident_ref(tx, row.incident_id),
                template=template,
                values=self._values(tx, row, version, template),
                channels=self._places(tx, row),
                audience=_audience(tx, row),
                languages=self._languages(version, template),
            )

    def before(self, ref: str) -> Before | None:
        """What the message that this one follows said; None where it follows none."""
        with self._database.read() as tx:
            row = messages.find(tx, ref)
            said = follow_ups.first_broadcast(tx, row.amends_id) if row.amends_id else None
            if row.amends_id is None or said is None:
                return None
            first = next((e.ref for e in succession.told_before(tx, row)), "")
            facts = messages.current_version(tx, messages.by_id(tx, row.amends_id)).facts
            return Before(
                ref=said[0], released_at=said[1], purpose=Purpose(row.purpose), said=facts, texts_of=first
            )

    def meant(self, ref: str, purpose: str) -> Follows | None:
        """What a form says that it follows; None where it follows nothing."""
        if not ref or purpose not in set(Purpose):
            return None
        with self._database.read() as tx:
            return Follows(message_id=messages.find(tx, ref).id, purpose=Purpose(purpose))

    def draft(
        self,
        actor: Person,
        ref: str,
        purpose: Purpose,
        *,
        values: Mapping[str, str],
        channels: Sequence[str] = (),
        audience: str | None = None,
        images: Sequence[Attached] = (),
        reason: str = "",
        languages: Sequence[str] | None = None,
        later: str = "",
    ) -> Proof:
        """A draft that follows `ref`, in the same incident. What is not given is as `begin` has it."""
        begun = self.begin(actor, ref, purpose)
        if purpose in TAKES_DOWN and not reason.strip():
            raise Invalid("Say why what was published comes down: the auditor needs it. Nothing was changed.")
        with self._database.read() as tx:
            row = messages.find(tx, ref)
        return self._compose.draft(
            actor,
            template=begun.template,
            values={**begun.values, **values},
            channels=channels or begun.channels,
            audience=begun.audience if audience is None else audience,
            mode=begun.mode,
            incident=begun.incident,
            visibility=row.visibility,
            images=images,
            follows=Follows(message_id=row.id, purpose=purpose, reason=reason.strip()),
            languages=begun.languages if languages is None else languages,
            later=later,
        )

    def _languages(self, version: Version, template: NoticeTemplate) -> tuple[str, ...]:
        """Those that are spoken here, and those in which the first message was said."""
        policy = self._compose.policy
        both = (*policy.order_for(template), *version.spoken.order)
        return policy.order_for(template, [code for code in both if code in can_speak(template)])

    def _places(self, tx: Tx, row: Message) -> tuple[str, ...]:
        """The channels that the story went to, as far as they are still set up."""
        mine = broadcasts.by_message(tx, row.id)
        assert mine
        its = [t.channel for t in broadcasts.targets(tx, mine.id)]
        its += [e.channel for e in follow_ups.earlier_targets(tx, row.id)]
        configured = {channel.name for channel in self._channels.get(row.mode, {}).values()}
        return tuple(dict.fromkeys(each for each in its if each in configured))

    def _values(self, tx: Tx, row: Message, version: Version, template: NoticeTemplate) -> dict[str, str]:
        """What was filled in, where the blank has the same name; times as they were meant then, and none that has passed."""
        known = {
            "area": version.facts.area,
            "source": version.facts.source,
            **version.blanks,
            "wrong_ref": row.ref,
        }
        for code, facts in version.spoken.facts.items():
            known = {f"area.{code}": facts.area, f"source.{code}": facts.source, **known}
        at = follow_ups.written_at(tx, version.id)
        its = {blank.name: blank for blank in NoticeTemplate.from_json(version.template).blanks}
        found = {}
        for blank in template.blanks:
            value = known.get(blank.name, "")
            if blank.type is BlankType.TIME:
                value = self._time(its.get(blank.name, blank), value, at, tx.now())
            if value:
                found[blank.name] = value
        for code in template.languages:
            found |= {b.name: known[b.name] for b in said_in(template, code) if known.get(b.name)}
        return found

    def _time(self, blank: Blank, value: str, then: datetime, now: datetime) -> str:
        moment, _ = read_answer(blank, value, self._zone, then) if value else (None, ())
        if not isinstance(moment, datetime) or (moment <= now and (blank.ahead or blank.name == "expires")):
            return ""
        return f"{moment.astimezone(self._zone):%Y-%m-%dT%H:%M}"


def _template(templates: Templates, version: Version, purpose: Purpose) -> NoticeTemplate:
    """The one that is worded for it; else the one that the first was written from, as it was then."""
    if purpose in TEMPLATE_OF:
        return templates.current(TEMPLATE_OF[purpose])
    return NoticeTemplate.from_json(version.template)


def _audience(tx: Tx, row: Message) -> str:
    """The name of the one that the story's texts went to; empty where it had none."""
    mine = broadcasts.by_message(tx, row.id)
    known = [t.audience_version_id for t in broadcasts.targets(tx, mine.id)] if mine else []
    known += [e.audience_version_id for e in follow_ups.earlier_targets(tx, row.id)]
    return next((audiences.version_by_id(tx, each).name for each in known if each), "")

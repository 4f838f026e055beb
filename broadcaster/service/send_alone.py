"""Sending without a second person on the day: wording that two people authorised beforehand, or break-glass.

The same manifest, the same submission, the same release and the same event as an approval; what differs is who stands behind
it, and that is said wherever the approval is.
"""

from collections.abc import Callable
from dataclasses import dataclass

from broadcaster.db import audit_log, authorities, broadcasts, messages, submissions
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message, Version
from broadcaster.db.people import Person
from broadcaster.db.submissions import Submission
from broadcaster.domain.break_glass import (
    INTERVAL,
    OFF,
    REVIEW_FIRST_ASKED,
    REVIEW_WITHIN,
    SHORTEST_REASON,
    is_correction,
    outside,
)
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, Problem, Stale
from broadcaster.domain.identity import Switch
from broadcaster.domain.manifest import Manifest
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.paging import RequestKind
from broadcaster.domain.policy import Action, require
from broadcaster.domain.pre_authorisation import PreAuthorisation
from broadcaster.domain.rota import DutyRole
from broadcaster.queue import Bells
from broadcaster.service.approve import FACTOR_TOKEN, Approve, Released
from broadcaster.service.compose import Compose
from broadcaster.service.pager import tell
from broadcaster.service.pre_authorise import PreAuthorise, refuse_who_authorised
from broadcaster.service.record import SYSTEM
from broadcaster.service.rules import WANTED, WANTED_COMMAND, Rules
from broadcaster.tracing import traced
from channels.base import ChannelsOfMode, SendsMany

PRE_AUTHORISED, BREAK_GLASS = "pre-authorised", "break-glass"
SUBMITTABLE = frozenset({MessageState.DRAFT, MessageState.EXPIRED})
IS_OFF = "Break-glass is switched off here: nobody sends without a second person. Nothing was sent."
OUTSIDE = "This cannot be sent without a second person. Nothing was sent; it can be approved as always."
SHORT = (
    f"Say why it cannot wait, in {SHORTEST_REASON} characters or more: others review it. Nothing was sent."
)


@dataclass(frozen=True, kw_only=True)
class _Ready:
    """What would be released, compared with what is stored to the letter."""

    row: Message
    waiting: Submission
    version: Version
    manifest: Manifest
    release: Callable[[Person], Released]


class SendAlone(Approve):
    def __init__(
        self,
        database: Database,
        channels: ChannelsOfMode,
        bells: Bells,
        rules: Rules,
        compose: Compose,
        authorised: PreAuthorise,
    ) -> None:
        super().__init__(database, channels, bells, rules)
        self._compose = compose
        self._authorised = authorised

    @traced("send pre-authorised")
    def pre_authorised(
        self, actor: Person, ref: str, event: str, *, manifest_sha256: str = "", version: int = 0
    ) -> Released:
        """One officer sends what stays within bounds that two others authorised. NotAllowed, with each reason, otherwise.

        What was shown is named by its hash where it waits, or by the version of a draft: Stale where it is another one."""
        require(actor.name, actor.roles, Action.SEND_ALONE)
        with self._database.write() as tx:
            row = messages.find(tx, ref, lock=True)
            if row.state in SUBMITTABLE:
                if version not in (0, row.version):
                    raise Stale(f"{row.ref} was changed meanwhile. Look at it again. Nothing was sent.")
                self._compose.hand_over(tx, actor, row)
            self._rules.require_first_live(tx, actor, row.mode)
            self._require_factor(tx, actor, row.mode)
            ready = self._ready(tx, row.id, manifest_sha256)
            under = self._covering(tx, ready)
            refuse_who_authorised(tx, under, actor, ready.version)
            if event not in under.bounds.events:
                raise Invalid(
                    "Say which of the named events it is. Nothing was sent.", details=under.bounds.events
                )
            released = self._send_under(tx, ready, under, actor, event)
        self._ring(released, ready.row.id, ready.row.mode)
        return released

    def by_the_clock(self, ref: str) -> Released | None:
        """Nobody answered, and it was chosen that wording within its bounds then goes out by itself. None where this is not
        such a message, or it was decided meanwhile: then nothing happens."""
        try:
            with self._database.write() as tx:
                row = messages.find(tx, ref, lock=True)
                ready = self._ready(tx, row.id, "")
                under = self._covering(tx, ready)
                released = self._send_under(tx, ready, under, None, "nobody answered")
        except Problem:
            return None
        self._ring(released, ready.row.id, ready.row.mode)
        return released

    @traced("break glass")
    def break_glass(self, actor: Person, ref: str, manifest_sha256: str, reason: str) -> Released:
        """One officer sends what waits for a second person. NotAllowed or FactorWanted where that is not allowed now, with the
        reason. Whoever approves or audits is told at once, and somebody else reviews it within a day."""
        require(actor.name, actor.roles, Action.SEND_ALONE)
        with self._database.write() as tx:
            tx.alone("break-glass")  # or two at the same moment would both be the first in ten minutes
            policy = self._rules.switch(tx, Switch.BREAK_GLASS)
            if policy == OFF:
                raise NotAllowed(IS_OFF)
            if len(" ".join(reason.split())) < SHORTEST_REASON:
                raise Invalid(SHORT)
            row = messages.find(tx, ref, lock=True)
            self._rules.require_first_live(tx, actor, row.mode)
            self._require_factor(tx, actor, row.mode)
            if not manifest_sha256:
                raise Stale("Look at what would be sent first. Nothing was sent.")
            ready = self._ready(tx, row.id, manifest_sha256)
            correction = self._require_allowed(tx, ready, policy)
            released = ready.release(actor)
            approval_id = authorities.say_how(tx, ready.waiting.id, kind=BREAK_GLASS, sent_by=actor.id)
            values = {
                "message_id": row.id,
                "approval_id": approval_id,
                "person_id": actor.id,
                "reason": reason,
            }
            values |= {"policy": policy, "correction": int(correction), "recipients": released.recipients}
            uid = authorities.insert_broken(tx, values, review_within=REVIEW_WITHIN)
            _tell_everybody(tx, ready, actor, released, uid)
            told: dict[str, Json] = {"reason": reason, "policy": policy, "correction": correction}
            self._record(tx, ready, released, actor, BREAK_GLASS, told)
        self._ring(released, ready.row.id, ready.row.mode)
        return released

    # --- what is required ---------------------------------------------------------------------------------

    def _require_factor(self, tx: Tx, actor: Person, mode: Mode) -> None:
        """Of everybody, whatever the roles ask: one person alone speaks to the public here."""
        if mode is not Mode.LIVE or self._rules.is_fresh(tx, actor) or self._rules.is_sandbox():
            return
        minutes = int(self._rules.fresh_for.total_seconds() // 60)
        raise FactorWanted(WANTED.format(minutes=minutes), command=WANTED_COMMAND)

    def _ready(self, tx: Tx, message_id: int, shown: str) -> _Ready:
        """Stale where it does not wait, its time is over, or it is not what was shown or stored."""
        row = messages.by_id(tx, message_id)
        waiting = submissions.open_for(tx, row.id) if row.state is MessageState.SUBMITTED else None
        if waiting is None or waiting.expires_at <= tx.now():
            raise Stale(f"{row.ref} waits for nobody now. Hand it over again. Nothing was sent.")
        if shown.strip().lower() not in ("", waiting.manifest_sha256):
            raise Stale(f"This is not what {row.ref} says now. Look at it again. Nothing was sent.")
        stored, version = submissions.posts(tx, waiting.id), messages.current_version(tx, row)
        try:
            manifest = self._compare(tx, row, version, waiting, stored)
        except (ValueError, KeyError, TypeError) as error:
            raise Stale(f"What is stored of {row.ref} cannot be read. Nothing was sent.") from error
        return _Ready(
            row=row,
            waiting=waiting,
            version=version,
            manifest=manifest,
            release=lambda person: self._release(tx, row, version, waiting, stored, manifest, person),
        )

    def _covering(self, tx: Tx, ready: _Ready) -> PreAuthorisation:
        cover = self._authorised.cover_of(tx, ready.row, ready.version)
        if cover.under is None:
            raise NotAllowed(OUTSIDE, details=cover.lacks or ("Nobody authorised this wording beforehand.",))
        return cover.under

    def _require_allowed(self, tx: Tx, ready: _Ready, policy: str) -> bool:
        """Whether it is a correction, which waits for no interval."""
        configured = self._channels.get(ready.row.mode, {})
        wrong = outside(
            policy,
            recipients=ready.manifest.audience.count if ready.manifest.audience else 0,
            public=any(not isinstance(configured[t.account], SendsMany) for t in ready.manifest.targets),
            pre_authorised_wording=self._authorised.cover_of(tx, ready.row, ready.version).wording_counts,
        )
        if details := tuple(f"{text[:1].upper()}{text[1:]}." for text in wrong):
            raise NotAllowed(OUTSIDE, details=details)
        correction = is_correction(
            purpose=ready.row.purpose,
            template=str(ready.version.template.get("name", "")),
            sequence=ready.manifest.sequence,
        )
        last = authorities.last_at(tx, ready.row.mode)
        if not correction and last and tx.now() - last < INTERVAL:
            left_s = int((last + INTERVAL - tx.now()).total_seconds()) + 1
            raise NotAllowed(
                f"Break-glass was used less than {INTERVAL.seconds // 60} minutes ago, and may be again in {left_s} seconds. "
                "A correction need not wait. Nothing was sent."
            )
        return correction

    # --- and done -----------------------------------------------------------------------------------------

    def _send_under(
        self, tx: Tx, ready: _Ready, under: PreAuthorisation, actor: Person | None, event: str
    ) -> Released:
        confirmed_by = authorities.people_of(tx, under.ref)[1]
        assert confirmed_by
        who = actor or Person(id=confirmed_by, uid="", name=SYSTEM, roles=frozenset())
        released = ready.release(who)
        sent_by = actor.id if actor else None
        authorities.say_how(
            tx, ready.waiting.id, kind=PRE_AUTHORISED, sent_by=sent_by, event=event, ref=under.ref
        )
        told: dict[str, Json] = {"pre_authorisation": under.ref, "event": event}
        told |= {"authorised_by": under.may_send, "by_the_clock": actor is None}
        self._record(tx, ready, released, who, PRE_AUTHORISED, told)
        return released

    def _record(
        self,
        tx: Tx,
        ready: _Ready,
        released: Released,
        actor: Person,
        authority: str,
        told: dict[str, Json],
    ) -> None:
        payload: dict[str, Json] = {
            "authority": authority,
            "broadcast": released.broadcast,
            "factor": actor.factor or FACTOR_TOKEN,
            "manifest_sha256": ready.waiting.manifest_sha256,
            "public_posts": released.public_posts,
            "recipients": released.recipients,
        }
        audit_log.append(
            tx,
            actor=actor.name,
            act="message_approved_and_released",
            subject=ready.row.ref,
            payload={**payload, **told},
        )

    def _ring(self, released: Released, message_id: int, mode: Mode) -> None:
        with self._database.read() as tx:
            broadcast = broadcasts.by_message(tx, message_id)
        assert broadcast
        self._bells.ring(mode, Lane.PUBLIC, wanted=released.public_posts)
        if released.recipients:
            self._bells.plan(broadcast.id, mode)


def _tell_everybody(tx: Tx, ready: _Ready, actor: Person, released: Released, uid: str) -> None:
    ref = ready.row.ref
    exercise = "EXERCISE: " if ready.row.mode == Mode.EXERCISE else ""
    size = f"public posts: {released.public_posts}, people by text: {released.recipients:,}"
    words = f"{exercise}BREAK-GLASS: {actor.name} sent {ref} without a second person ({size})."
    link, asked = (
        f"/break-glass/{uid}",
        f"{exercise}{ref} was sent by break-glass and nobody has reviewed it yet.",
    )
    told = f"{words} It is to be reviewed."
    tell(tx, DutyRole.APPROVER, told, subject=ref, link=link, kind=RequestKind.BREAK_GLASS)
    tell(
        tx,
        DutyRole.APPROVER,
        asked,
        subject=ref,
        link=link,
        kind=RequestKind.REVIEW,
        first_after=REVIEW_FIRST_ASKED,
    )

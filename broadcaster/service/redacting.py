"""Taking words or a picture out of an old message, for good. What proves the message stays: the log holds digests alone,
and the manifest names each post by its own, so the proof still verifies; the words stand nowhere any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta

from broadcaster.db import audit_log, broadcasts, erasures, holds, media, messages, redactions
from broadcaster.db.engine import Database, Tx
from broadcaster.db.messages import Message
from broadcaster.db.people import Person
from broadcaster.db.redactions import Place, Redaction
from broadcaster.domain.broadcast import BroadcastState
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.message import MessageState
from broadcaster.domain.policy import Action, require, require_reason
from broadcaster.domain.records import check_code, mark_of, passage
from broadcaster.service.record import SYSTEM
from broadcaster.service.rules import Rules

TEXT, PICTURE = "text", "picture"
NOT_KEPT = "[draft not kept]"
STAYS = frozenset({MessageState.DRAFT, MessageState.REJECTED, MessageState.EXPIRED})


@dataclass(frozen=True, kw_only=True)
class Authority:
    """Why something is taken out: a code of domain/records.py, the reason in words, and who authorised it."""

    code: str
    reason: str
    authorised_by: str


class Redacting:
    """`drafts_kept_days` is how long the words of drafts that nobody released stay; 0 keeps them."""

    def __init__(self, database: Database, rules: Rules, *, drafts_kept_days: int = 0) -> None:
        self._database = database
        self._rules = rules
        self._drafts_kept_days = drafts_kept_days

    def of(self, ref: str) -> Sequence[Redaction]:
        """What was taken out of a message, the first one first."""
        with self._database.read() as tx:
            return redactions.of_message(tx, messages.find(tx, ref).id)

    def found(self, actor: Person, ref: str, words: str) -> int:
        """How often these words stand in what is kept of a message. Nothing is changed."""
        require(actor.name, actor.roles, Action.REDACT)
        pattern, count = passage(words), 0

        def counted(text: str) -> str:
            nonlocal count
            count += len(pattern.findall(text))
            return text

        with self._database.read() as tx:
            row = messages.find(tx, ref)
            for _ in redactions.places(tx, row.id, row.incident_id, counted):
                pass
        return count

    def redact_text(self, actor: Person, ref: str, words: str, why: Authority) -> Redaction:
        """These words, wherever they stand in what is kept of the message. There is no undo. Stale where the message may
        still be sent or a legal hold covers it, NotFound where the words do not stand in it."""
        pattern, mark = passage(words), mark_of(why.code)
        self._check(actor, why)
        if pattern.search(f"{why.reason}\n{why.authorised_by}"):
            raise Invalid("The reason holds the words, and it stays for good. Nothing was changed.")
        with self._database.write() as tx:
            self._rules.require_fresh(tx, actor)
            row = messages.find(tx, ref, lock=True)
            _require_over(tx, row)
            erasures.leave_no_traces(tx)
            every = redactions.places(tx, row.id, row.incident_id, lambda text: pattern.sub(mark, text))
            changed = _written(tx, every)
            if not changed:
                raise NotFound(f"These words do not stand in {row.ref}. Nothing was changed.")
            digests = [place.sha256 for place in changed if place.sha256]
            made = _add(tx, actor, row, TEXT, digests, why, places=len(changed))
        erasures.clear_journal(self._database)
        return made

    def redact_picture(self, actor: Person, ref: str, sha256: str, why: Authority) -> Redaction:
        """A picture and all that was made of it, in every message that has it. There is no undo."""
        self._check(actor, why)
        with self._database.write() as tx:
            self._rules.require_fresh(tx, actor)
            row = messages.find(tx, ref, lock=True)
            using = redactions.using_picture(tx, sha256)
            if row.id not in using or media.is_redacted(tx, sha256):
                raise NotFound(f"{row.ref} has no such picture any more. Nothing was changed.")
            for each in using:
                _require_over(tx, messages.by_id(tx, each))
            erasures.leave_no_traces(tx)
            made = _add(tx, actor, row, PICTURE, media.redact(tx, sha256), why, places=len(using))
        erasures.clear_journal(self._database)
        return made

    def wipe_old_drafts(self) -> bool:
        """The words of one draft that nobody released in its days. Whether there was any."""
        if not self._drafts_kept_days:
            return False
        with self._database.write() as tx:
            erasures.leave_no_traces(tx)
            before = tx.now() - timedelta(days=self._drafts_kept_days)
            found = redactions.begun_long_ago(tx, before, NOT_KEPT)
            if found is None:
                return False
            row = messages.by_id(tx, found[0])
            every = redactions.places(
                tx, row.id, row.incident_id, lambda text: NOT_KEPT if text.strip() else text
            )
            mine = (place for place in every if place.column != "name" or _is_alone(tx, row))
            _written(tx, mine)
            payload: dict[str, Json] = {"kept_days": self._drafts_kept_days, "versions": row.version}
            audit_log.append(tx, actor=SYSTEM, act="draft_wiped", subject=row.ref, payload=payload)
        return True

    def _check(self, actor: Person, why: Authority) -> None:
        require(actor.name, actor.roles, Action.REDACT)
        check_code(why.code)
        require_reason(why.reason)
        if not why.authorised_by.strip():
            raise Invalid("Say who authorised it: an office or a role. Nothing was changed.")


def _written(tx: Tx, every: Iterable[Place]) -> list[Place]:
    changed = [place for place in every if place.is_changed]
    for place in changed:
        redactions.write(tx, place)
    return changed


def _is_alone(tx: Tx, row: Message) -> bool:
    """Whether no other message belongs to its incident, whose name is a headline."""
    return messages.count_of_incident(tx, row.incident_id) == 1


def _add(
    tx: Tx, actor: Person, row: Message, kind: str, digests: list[str], why: Authority, *, places: int
) -> Redaction:
    made = redactions.insert(
        tx,
        row.id,
        kind=kind,
        digests=digests,
        code=why.code,
        reason=why.reason.strip(),
        authorised_by=why.authorised_by.strip(),
        by=actor.id,
    )
    payload: dict[str, Json] = {
        "redaction": made.ref,
        "kind": kind,
        "code": made.code,
        "digests": list(digests),
        "places": places,
        "reason": made.reason,
        "authorised_by": made.authorised_by,
    }
    audit_log.append(tx, actor=actor.name, act="message_redacted", subject=row.ref, payload=payload)
    return made


def _require_over(tx: Tx, row: Message) -> None:
    """Stale where it may still be sent, read as a warning in force, or is kept for an inquiry."""
    if held := holds.on_message(tx, row.id, row.incident_id):
        raise Stale(
            f"A legal hold ({', '.join(held)}) covers {row.ref}: nothing is taken out of it until it is lifted. "
            "Nothing was changed."
        )
    if row.state in STAYS:
        return
    sent = broadcasts.by_message(tx, row.id)
    if sent is None or sent.state is BroadcastState.SENDING:
        raise Stale(
            f"{row.ref} is being decided on or sent. Give it back, or stop it, first. Nothing was changed."
        )
    if sent.expires_at > tx.now() and sent.state is not BroadcastState.STOPPED:
        raise Stale(
            f"{row.ref} is in force: people act on what it says. Correct it by an update, or wait until it has ended. "
            "Nothing was changed."
        )

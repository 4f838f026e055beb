"""What people write to us: kept sealed for some days, and STOP heeded in the same transaction in which it is stored."""

import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from broadcaster.db import audit_log, callbacks, heard, opt_outs
from broadcaster.db.engine import Database, Tx
from broadcaster.db.heard import HeardCount, Written
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.canonical import Json
from broadcaster.domain.erasure import ending
from broadcaster.domain.errors import NotFound
from broadcaster.domain.opt_out import ENDED_BY_START, START_WORDS, STOP_WORDS, Meaning, Reason, meaning
from broadcaster.domain.policy import Action, require
from broadcaster.service.audience_file import e164
from broadcaster.service.callbacks import Callbacks, Unread, raw_of
from broadcaster.service.outcomes import storable
from broadcaster.service.record import SYSTEM
from channels.incoming import ConfirmsStop, Heard, Hears, Unreadable

MOST_CHARS = 2_000  # more than the longest text; whoever sends more is no telephone
REGION = "GB"  # of a number that a gateway of one's own brings without its country


@dataclass(frozen=True, kw_only=True)
class HeardAt:
    """A message, and what it was read from."""

    account_id: int
    message: Heard
    raw: str = field(default="", repr=False)
    confirm: bool = False  # we tell its sender that he is out, since the gateway does not


@dataclass(frozen=True, kw_only=True)
class Shown:
    """`number` has at most three digits, but where somebody asked for this one. `text` is empty once wiped."""

    id: int
    mode: str
    account: str
    meaning: str
    number: str
    text: str
    received_at: datetime
    wiped: bool
    reply: str


class Hearing:
    """`stop_words` are beside those that everybody knows. `kept_days` is how long number and text are kept."""

    def __init__(
        self,
        database: Database,
        brought: Callbacks,
        vault: Vault,
        *,
        stop_words: Collection[str] = (),
        kept_days: int,
    ) -> None:
        self._database = database
        self._brought = brought
        self._vault = vault
        self._stop_words = STOP_WORDS | set(stop_words)
        self._kept_days = kept_days

    def read(
        self, mode: str, account: str, *, query: Mapping[str, str], body: bytes, headers: Mapping[str, str]
    ) -> HeardAt | Unread:
        """The message in a callback. NotFound for an account that hears nothing; ValueError for what is not genuine."""
        channel, account_id = self._brought.account(mode, account)
        if not isinstance(channel, Hears):
            raise NotFound("No account here takes messages at this address.")
        raw = raw_of(query, body, headers)
        try:
            message = channel.hear(query, body, headers)
        except Unreadable:
            return Unread(account_id=account_id, raw=raw)
        confirm = isinstance(channel, ConfirmsStop) and channel.confirms_stop
        return HeardAt(account_id=account_id, message=message, raw=raw, confirm=confirm)

    def store(self, brought: Sequence[HeardAt | Unread]) -> None:
        """Keep them, in one transaction, and do what they ask for; only then may the gateway be told that they were
        received. What was brought before does nothing."""
        found = [each for each in brought if isinstance(each, HeardAt)]
        with self._database.write() as tx:
            opt_outs.alone(tx)
            told = [event for each in found if (event := self._take(tx, each))]
            self._brought.keep(tx, callbacks.HEARD, ((each.account_id, each.raw) for each in found))
            self._brought.keep_unread(tx, (each for each in brought if isinstance(each, Unread)))
            for act, payload in told:
                audit_log.append(tx, actor=SYSTEM, act=act, payload=payload)

    def _take(self, tx: Tx, each: HeardAt) -> tuple[str, Json] | None:
        """What the audit log is told of it, where it changed something."""
        number = _number(each.message.address)
        index = self._vault.index(number) if number else b""
        said = storable(each.message.text)[:MOST_CHARS]
        mark = self._mark(each.message.platform_id)
        means = meaning(said, stop=self._stop_words, start=START_WORDS) if number else Meaning.OTHER
        kept_number = number or storable(each.message.address)[:64]
        heard_id = heard.insert(
            tx,
            account_id=each.account_id,
            mark=mark,
            meaning=means,
            number_index=index,
            number_sealed=self._vault.seal(kept_number, index or mark),
            text_sealed=self._vault.seal(said, mark),
        )
        if heard_id is None or means is Meaning.OTHER:
            return None
        of = opt_outs.purposes(tx, index, each.account_id)
        if means is Meaning.STOP:
            return self._stop(tx, each, heard_id, index, of)
        heard.call_off(tx, index)
        ended = opt_outs.end(tx, index, of=of, reasons=ENDED_BY_START)
        act = "opted_in"
        return (act, {"account": each.account_id, "purposes": ended}) if ended else None

    def _stop(
        self, tx: Tx, each: HeardAt, heard_id: int, index: bytes, of: Sequence[str]
    ) -> tuple[str, Json] | None:
        """Confirmed once: two machines that answer each other would go on for ever."""
        new = opt_outs.add(tx, index, of, Reason.STOP)
        if not new:
            return None
        if each.confirm:
            heard.set_due(tx, heard_id)
        act = "opted_out"
        return act, {"account": each.account_id, "purposes": new}

    def _mark(self, platform_id: str) -> bytes:
        """Of a gateway that gives no id, every message is a new one."""
        return self._vault.index(f"heard\n{platform_id}") if platform_id else os.urandom(16)

    # --- for people ---------------------------------------------------------------------------------------

    def counts(self) -> list[HeardCount]:
        with self._database.read() as tx:
            return heard.counts(tx)

    def unreadable(self) -> list[callbacks.Unreadable]:
        with self._database.read() as tx:
            return callbacks.unreadable(tx)

    def newest(self, actor: Person, *, everything: bool, limit: int) -> list[Shown]:
        """What people wrote that is neither STOP nor START, or everything; that somebody read it is recorded."""
        require(actor.name, actor.roles, Action.DECIDE)
        with self._database.write() as tx:
            found = heard.listed(tx, meaning=None if everything else Meaning.OTHER, limit=limit)
            audit_log.append(tx, actor=actor.name, act="answers_read", payload={"count": len(found)})
        return [self._shown(each) for each in found]

    def one(self, actor: Person, heard_id: int) -> Shown:
        """One message with its whole number: somebody may need help. That it was looked at is recorded."""
        require(actor.name, actor.roles, Action.DECIDE)
        with self._database.write() as tx:
            found = heard.by_id(tx, heard_id)
            if found is None:
                raise NotFound(
                    f"There is no message {heard_id}.", command="Those there are: broadcaster heard list"
                )
            audit_log.append(tx, actor=actor.name, act="answer_number_read", payload={"heard": heard_id})
        return self._shown(found, whole=True)

    def _shown(self, each: Written, *, whole: bool = False) -> Shown:
        number = self._opened(each.number_sealed, each.number_index or each.mark)
        return Shown(
            id=each.id,
            mode=each.mode,
            account=each.account,
            meaning=each.meaning,
            number=number if whole or not number else f"...{ending(number)}",
            text=self._opened(each.text_sealed, each.mark),
            received_at=each.received_at,
            wiped=not each.text_sealed,
            reply=each.reply,
        )

    def _opened(self, sealed: bytes, index: bytes) -> str:
        if not sealed:
            return ""
        try:
            return self._vault.open(sealed, index)
        except ValueError:
            return "(sealed with an earlier data key, or altered)"

    def wipe_old(self) -> bool:
        """Number and text of some that were kept long enough. Whether there were any."""
        with self._database.write() as tx:
            count = heard.wipe(tx, tx.now() - timedelta(days=self._kept_days))
            if count:
                payload = {"count": count, "kept_days": self._kept_days}
                audit_log.append(tx, actor=SYSTEM, act="answers_wiped", payload=payload)
        return bool(count)


def _number(address: str) -> str:
    """As it stands in lists; empty for what is no phone number, such as a name. Gateways write 447700900123 too."""
    digits = address.strip()
    if digits.isdigit() and not digits.startswith("0") and len(digits) > 6:
        digits = f"+{digits}"
    elif digits.startswith("00"):
        digits = f"+{digits[2:]}"
    try:
        return e164(digits, REGION)
    except ValueError:
        return ""

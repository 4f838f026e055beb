"""SMPP 3.4: our own line to a carrier's SMS centre. Tried against the npm module smpp 0.5.1 and our stand-in, and Kannel 1.4.5
against the latter; not with a real carrier.

What it keeps to, and why, stands in the modules beside it: smpp_segments (what a text is made of), smpp_sending (window,
pace, time), smpp_outcomes (what an answer means), smpp_receipts and smpp_listening (what comes back).
"""

import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import ClassVar, Self

from broadcaster.domain.errors import SendError
from broadcaster.domain.post import Post
from broadcaster.domain.readiness import Readiness
from channels.base import Account, CheckProblem, Option, Sending
from channels.gateways import Ask
from channels.gateways.smpp_lines import Lines
from channels.gateways.smpp_listening import Listening
from channels.gateways.smpp_receipts import Ids
from channels.gateways.smpp_sending import RefusedSending, SmppSending
from channels.gateways.smpp_settings import SMPP_OPTIONS, SmppSettings
from channels.gateways.smpp_texts import Texts
from channels.gateways.smpp_times import TIMES, Times
from channels.incoming import DeliveryReceipt, Heard
from channels.probing import failed, ready
from channels.text import graphemes, sms_size


class Smpp:
    """One account at an SMS centre. Connections are opened by the first text and kept between sendings."""

    options: ClassVar[tuple[Option, ...]] = SMPP_OPTIONS

    def __init__(
        self,
        account: Account,
        *,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        times: Times = TIMES,
    ) -> None:
        self._settings = SmppSettings.of(account)
        self._now = now
        self._times = times
        self._ids = Ids(self._settings.message_ids)
        self._lines = Lines(self._settings, times)
        # Runs when this object goes, at the latest when the interpreter ends: the centre is told goodbye.
        self._finalizer = weakref.finalize(self, self._lines.close)

    @classmethod
    def from_account(cls, account: Account) -> Self:
        return cls(account)

    @property
    def target(self) -> str:
        return f"sender {self._settings.sender}"

    def check(self, post: Post) -> list[CheckProblem]:
        """What the centre's own alphabet lacks; in UCS-2 it lacks nothing."""
        if not self._settings.latin1 or sms_size(post.text).encoding == "UCS-2":
            return []
        lacking = [piece for piece in dict.fromkeys(graphemes(post.text)) if not _is_latin1(piece)]
        if not lacking:
            return []
        text = (
            f"The SMS centre's alphabet (Latin-1) has no {' '.join(lacking[:10])} and would show something else. "
            "Write it in another way."
        )
        return [CheckProblem(code="no_such_character", text=text)]

    @contextmanager
    def sending(self, post: Post) -> Iterator[Sending]:
        """What has no outcome when it is left stays without one: the caller takes it for unknown."""
        try:
            texts = Texts(self._settings, post, self._now)
        except SendError as exc:
            yield RefusedSending(exc)
            return
        sending = SmppSending(
            lines=self._lines,
            segments=texts.total,
            build=texts.submit_sm,
            id_of=self._ids.of_answer,
            times=self._times,
        )
        try:
            yield sending
        finally:
            sending.leave()

    def listen(
        self, told: Callable[[Sequence[DeliveryReceipt | Heard]], None], running: Callable[[], bool]
    ) -> None:
        """Holds a bound receiver. See `Listens` in channels/base.py."""
        Listening(self._settings, self._times).run(told, running)

    def probe(self, ask: Ask) -> Readiness:  # noqa: ARG002 - nothing of it goes over HTTP
        """A bind, or a question on a connection that is open already."""
        began = time.monotonic()
        try:
            self._lines.check()
        except SendError as exc:
            return failed("The SMS centre", exc)
        unknown = "whether the networks behind the centre take texts, and what they cost"
        facts = (("answered in", f"{time.monotonic() - began:.1f} s"), ("cannot be checked", unknown))
        return ready("The SMS centre accepts the account.", facts=facts)

    def close(self) -> None:
        """Ends the connections; the next text opens new ones."""
        self._lines.close()

    def read_receipt(
        self,
        query: Mapping[str, str],  # noqa: ARG002
        body: bytes,  # noqa: ARG002
        headers: Mapping[str, str],  # noqa: ARG002
    ) -> DeliveryReceipt:
        """ValueError always: receipts come over the account's own line, and nobody may bring one to a web address."""
        raise ValueError("an SMPP account takes no receipts over HTTP")


def _is_latin1(piece: str) -> bool:
    return all(ord(char) < 0x100 for char in piece)

"""Delivery receipts: gateways call back, first when the network took a text, then when it arrived.

Kannel calls the `dlr-url` of a text by GET, GOV.UK Notify, Twilio and Sinch post what they bring themselves. Only loopback
addresses are ever called. Supported escapes in a dlr-url: %d (the report's value), %p (sender), %P (recipient), %A (the
SMSC's reply), %t and %T (time, readable and in seconds), %F (the SMSC's message id), %%. Others stay as they are. The
mask's bits: 1 delivered, 2 not delivered, 4 buffered, 8 taken by the SMSC, 16 refused by it.
"""

import asyncio
import re
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from urllib.parse import quote

import aiohttp
from yarl import URL

from channels.sandbox.settings import Settings

AT_ONCE = 20
RETRY_AFTER_S = (0.2, 1.0, 3.0)
TIMEOUT_S = 10.0

DELIVERED, UNDELIVERED, SMSC_TOOK_IT = 1, 2, 8
_VALUES = {"delivered": DELIVERED, "undelivered": UNDELIVERED, "none": 0}
_SMSC_SAYS = {
    DELIVERED: "stat:DELIVRD err:000",
    UNDELIVERED: "stat:UNDELIV err:001",
    SMSC_TOOK_IT: "ACK/",
}


@dataclass(frozen=True, kw_only=True)
class Callback:
    """One call to be made; without a body it is a GET."""

    url: str
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)


class Receipts:
    """The queue of callbacks and those who make them. `start` within the event loop, `stop` before it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: asyncio.Queue[Callback] = asyncio.Queue()
        self._callers: list[asyncio.Task[None]] = []
        self._ids = count(1)
        self.counts = {"expected": 0, "sent": 0, "given_up": 0}

    def expect(self, template: str, mask: int, sender: str, recipient: str) -> None:
        """Queue the receipts for one text to one recipient, as far as the mask asks for them."""
        smsc_id = f"{next(self._ids):08d}"

        def callback(value: int) -> Callback:
            url = fill(template, value=value, sender=sender, recipient=recipient, smsc_id=smsc_id)
            return Callback(url=url)

        if mask & SMSC_TOOK_IT:
            self.now(callback(SMSC_TOOK_IT))
        final = _VALUES[self.final(recipient)]
        if mask & final:
            self._after_a_while(lambda: self.now(callback(final)))

    def now(self, callback: Callback) -> None:
        """Queue it, as often as receipts are to come. Its address must be loopback."""
        for _ in range(self._settings.dlr_copies):
            self.counts["expected"] += 1
            self._queue.put_nowait(callback)

    def later(self, callback: Callback) -> None:
        """Queue it when a text's way to its telephone is over."""
        self._after_a_while(lambda: self.now(callback))

    def final(self, recipient: str) -> str:
        """What texts to this recipient come to: delivered, undelivered or none, where nothing is ever said."""
        return "undelivered" if recipient in self._settings.undelivered else self._settings.dlr_final

    async def start(self) -> None:
        connector = aiohttp.TCPConnector(limit=AT_ONCE)
        timeout = aiohttp.ClientTimeout(total=TIMEOUT_S)
        self._session = aiohttp.ClientSession(connector=connector, timeout=timeout, trust_env=False)
        self._callers = [asyncio.create_task(self._call_back()) for _ in range(AT_ONCE)]

    async def stop(self) -> None:
        for caller in self._callers:
            caller.cancel()
        await asyncio.gather(*self._callers, return_exceptions=True)
        await self._session.close()

    def forget(self) -> None:
        """Drop what is queued, as a gateway does whose spool was emptied; the counts start again."""
        with suppress(asyncio.QueueEmpty):
            while True:
                self._queue.get_nowait()
        self.counts = dict.fromkeys(self.counts, 0)

    def _after_a_while(self, act: Callable[[], None]) -> None:
        asyncio.get_running_loop().call_later(self._settings.dlr_delay_s, act)

    async def _call_back(self) -> None:
        while True:
            callback = await self._queue.get()
            self.counts["sent" if await self._delivered(callback) else "given_up"] += 1

    async def _delivered(self, callback: Callback) -> bool:
        method, url = "POST" if callback.body else "GET", URL(callback.url, encoded=True)
        for wait_s in (0.0, *RETRY_AFTER_S):
            await asyncio.sleep(wait_s)
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with self._session.request(
                    method, url, data=callback.body or None, headers=callback.headers, allow_redirects=False
                ) as response:
                    await response.read()
                    if response.status < 400:
                        return True
        return False


def fill(template: str, *, value: int, sender: str, recipient: str, smsc_id: str) -> str:
    """The dlr-url with its escapes replaced, their values percent-encoded as Kannel does it."""
    now = time.time()
    escapes: dict[str, Callable[[], str]] = {
        "d": lambda: str(value),
        "p": lambda: sender,
        "P": lambda: recipient,
        "A": lambda: _SMSC_SAYS[value],
        "t": lambda: time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now)),
        "T": lambda: str(int(now)),
        "F": lambda: smsc_id,
        "%": lambda: "%",
    }

    def replacement(match: re.Match[str]) -> str:
        letter = match[1]
        return quote(escapes[letter](), safe="%") if letter in escapes else match[0]

    return re.sub(r"%(.)", replacement, template)

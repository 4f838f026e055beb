"""Delivery receipts: Kannel calls the `dlr-url` of a text back, first when the SMSC took it, then when it arrived.

Only loopback addresses are ever called. Supported escapes in a dlr-url: %d (the report's value), %p (sender), %P
(recipient), %A (the SMSC's reply), %t and %T (time, readable and in seconds), %F (the SMSC's message id), %%. Others
stay as they are. The mask's bits: 1 delivered, 2 not delivered, 4 buffered, 8 taken by the SMSC, 16 refused by it.
"""

import asyncio
import re
import time
from collections.abc import Callable
from contextlib import suppress
from functools import lru_cache
from itertools import count
from urllib.parse import quote, urlsplit

import aiohttp
from yarl import URL

from channels.sandbox.settings import Settings

AT_ONCE = 20
RETRY_AFTER_S = (0.2, 1.0, 3.0)
TIMEOUT_S = 10.0
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})

DELIVERED, UNDELIVERED, SMSC_TOOK_IT = 1, 2, 8
_SMSC_SAYS = {
    DELIVERED: "stat:DELIVRD err:000",
    UNDELIVERED: "stat:UNDELIV err:001",
    SMSC_TOOK_IT: "ACK/",
}


class Receipts:
    """The queue of callbacks and those who make them. `start` within the event loop, `stop` before it ends."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._queue: asyncio.Queue[str] = asyncio.Queue()
        self._callers: list[asyncio.Task[None]] = []
        self._ids = count(1)
        self.counts = {"expected": 0, "sent": 0, "given_up": 0}

    def expect(self, template: str, mask: int, sender: str, recipient: str) -> None:
        """Queue the receipts for one text to one recipient, as far as the mask asks for them."""
        smsc_id = f"{next(self._ids):08d}"

        def address(value: int) -> str:
            return fill(template, value=value, sender=sender, recipient=recipient, smsc_id=smsc_id)

        if mask & SMSC_TOOK_IT:
            self._put(address(SMSC_TOOK_IT))
        final = self._final(recipient)
        if mask & final:
            loop = asyncio.get_running_loop()
            loop.call_later(self._settings.dlr_delay_s, lambda: self._put(address(final)))

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

    def _final(self, recipient: str) -> int:
        if recipient in self._settings.undelivered:
            return UNDELIVERED
        return {"delivered": DELIVERED, "undelivered": UNDELIVERED, "none": 0}[self._settings.dlr_final]

    def _put(self, address: str) -> None:
        for _ in range(self._settings.dlr_copies):
            self.counts["expected"] += 1
            self._queue.put_nowait(address)

    async def _call_back(self) -> None:
        while True:
            address = await self._queue.get()
            self.counts["sent" if await self._delivered(address) else "given_up"] += 1

    async def _delivered(self, address: str) -> bool:
        for wait_s in (0.0, *RETRY_AFTER_S):
            await asyncio.sleep(wait_s)
            with suppress(aiohttp.ClientError, TimeoutError, ValueError):
                async with self._session.get(URL(address, encoded=True), allow_redirects=False) as response:
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


def is_loopback(address: str) -> bool:
    """Whether this is an http address on this machine: receipts go nowhere else."""
    try:
        parts = urlsplit(address)
        return _is_loopback(parts.scheme, parts.netloc)
    except ValueError:
        return False


@lru_cache(maxsize=256)
def _is_loopback(scheme: str, netloc: str) -> bool:
    return scheme in ("http", "https") and urlsplit(f"//{netloc}").hostname in LOOPBACK

"""One request to a platform and its answer: read it, let faults interfere, record it, answer it.

The platforms decide what an answer says; this module alone decides when it is recorded and whether it is sent.
"""

import asyncio
import socket
import struct
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, Protocol, Self, runtime_checkable

from channels.sandbox.faults import Fault, Faults
from channels.sandbox.ledger import Entry, Ledger
from channels.sandbox.receipts import Callback

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]

#: How long a silent answer may hold a connection: longer than any client of ours waits.
SILENCE_S = 120.0
#: SO_LINGER with no time: closing sends RST, so the client sees "connection reset by peer".
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Purpose(StrEnum):
    """What a call is for, which decides the faults that may meet it."""

    PUBLISH = "publish"
    UPLOAD = "upload"  #: brings something that a later call publishes
    CHANGE = "change"  #: edits or takes down what was published
    READ = "read"
    OTHER = "other"


@dataclass(slots=True, kw_only=True)
class Call:
    """A request as it came in. `target` is path and query as sent; `path` is the path alone, decoded."""

    method: str
    path: str
    target: str
    query: bytes
    headers: list[Header]
    body: bytes

    @classmethod
    def recorded(cls, entry: Entry) -> Self:
        """The call that the ledger keeps. Its path is not decoded: no API of ours has a path that needs it."""
        path, _, query = entry.path.partition("?")
        return cls(
            method=entry.method,
            path=path,
            target=entry.path,
            query=query.encode("latin-1"),
            headers=entry.headers,
            body=entry.body,
        )

    def header(self, name: bytes) -> str:
        """The first header of this name (lower case), or nothing."""
        return next((value.decode("latin-1") for key, value in self.headers if key == name), "")

    @property
    def base_url(self) -> str:
        return f"http://{self.header(b'host')}"


class Said(NamedTuple):
    """What a call asks to publish, as a reader would see it. `key` is our delivery's key where the call carries one."""

    key: str = ""
    recipient: str = ""
    text: str = ""
    link: str = ""


@dataclass(slots=True, kw_only=True)
class Answer:
    """What the platform answers; `accepted` means that a post or text was taken, whatever the status says."""

    status: int
    body: bytes
    content_type: bytes = b"application/json"
    headers: tuple[Header, ...] = ()
    accepted: bool = False
    platform_id: str = ""
    said: Said | None = None


@dataclass(slots=True, kw_only=True)
class Mood:
    """How faults bend an answer. Reading back: posts younger than `lag_s` are missing, and look-alikes of the
    last texts may stand there. Sending: these recipients are refused, or taken and not named in the answer.
    """

    lag_s: float = 0.0
    lookalike: bool = False
    refused: tuple[str, ...] = ()
    unnamed: tuple[str, ...] = ()


class Remembers(Protocol):
    """A stand-in, whatever it speaks."""

    name: ClassVar[str]

    def restore(self, entries: Iterable[Entry]) -> None:
        """Take up again what an earlier process of this sandbox had accepted."""
        ...

    def forget(self) -> None: ...


class Platform(Remembers, Protocol):
    """One stand-in that speaks HTTP. It answers calls from memory and never waits."""

    def purpose(self, call: Call) -> Purpose: ...

    def said(self, call: Call) -> Said:
        """What the call asks to publish, also where it will be refused."""
        ...

    def answer(self, call: Call, mood: Mood) -> Answer: ...

    def refusal(self, kind: str, call: Call) -> Answer:
        """The platform's own words for this kind of fault."""
        ...


@runtime_checkable
class BringsTexts(Protocol):
    """A stand-in for a gateway that brings us what people write."""

    name: ClassVar[str]

    def heard(self, sender: str, text: str, url: str) -> Callback:
        """The call to be made to `url`, our address for it."""
        ...


class StandIn(Platform, Protocol):
    """A stand-in that needs nothing but its account, and so only a line in STAND_INS."""

    #: how the paths of its API begin, which tells it from the other platforms at this address: "/api/v1/"
    paths: ClassVar[str]

    def __init__(self, account: Mapping[str, str]) -> None: ...

    @staticmethod
    def new_account(secret: Callable[[str], str]) -> dict[str, str]:
        """What the channel's account file says, but for `channel` and `base_url`. `secret("token")` is 64 random
        hexadecimal digits, the same ones whenever they are asked for."""
        ...


class Exchange:
    """The ASGI application in front of one platform."""

    def __init__(self, platform: Platform, ledger: Ledger, faults: Faults) -> None:
        self._platform = platform
        self._ledger = ledger
        self._faults = faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        call = await _read(scope, receive)
        fault, mood = await self._interfere(call) if self._faults.active else (None, Mood())
        if fault is not None and fault.refuses:
            answer = self._refused(fault, call)
        else:
            answer = self._platform.answer(call, mood)
        taken = answer.accepted or bool(answer.platform_id)  # a post, or what a later call publishes
        after = fault.ending(accepted=taken) if fault is not None else ""
        if after in {"500", "504"}:
            told, answer = answer, self._platform.refusal(after, call)
            answer.accepted, answer.platform_id, answer.said = told.accepted, told.platform_id, told.said
        elif after == "broken":
            answer.body = answer.body[: len(answer.body) // 2]
        unanswered = after in {"silence", "reset"}
        self._record(call, answer, status=0 if unanswered else answer.status)
        if unanswered:
            await _leave_unanswered(scope, receive, wait_s=SILENCE_S if after == "silence" else 0.0)
        else:
            await _send(answer, send)

    async def _interfere(self, call: Call) -> tuple[Fault | None, Mood]:
        name, purpose = self._platform.name, self._platform.purpose(call)
        recipients = self._platform.said(call).recipient.split() if purpose is Purpose.PUBLISH else []
        fired = self._faults.fire(name, purpose, recipients)
        mood = Mood()
        decisive = None
        for fault in fired:
            if fault.kind == "delay":
                await asyncio.sleep(fault.seconds)
            elif fault.kind == "readback_lag":
                mood.lag_s = fault.seconds
            elif fault.kind == "readback_lookalike":
                mood.lookalike = True
            elif fault.kind == "refuse_recipient":
                mood.refused += (fault.recipient,)
            elif fault.kind == "unnamed_recipient":
                mood.unnamed += (fault.recipient,)
            else:
                decisive = fault
        return decisive, mood

    def _refused(self, fault: Fault, call: Call) -> Answer:
        answer = self._platform.refusal(fault.words, call)
        if fault.retry_after:
            answer.headers = (
                *answer.headers,
                (b"retry-after", fault.retry_after.encode("latin-1", "replace")),
            )
        return answer

    def _record(self, call: Call, answer: Answer, *, status: int) -> None:
        said = answer.said
        if said is None:
            wants = self._platform.purpose(call) is Purpose.PUBLISH
            said = self._platform.said(call) if wants else Said()
        self._ledger.record(
            Entry(
                at=datetime.now(UTC).isoformat(timespec="microseconds"),
                platform=self._platform.name,
                method=call.method,
                path=call.target,
                headers=call.headers,
                body=call.body,
                status=status,
                accepted=answer.accepted,
                platform_id=answer.platform_id,
                key=said.key,
                recipient=said.recipient,
                text=said.text,
                link=said.link,
            )
        )


async def _read(scope: Scope, receive: Receive) -> Call:
    body = b""
    if scope["method"] != "GET":
        more = True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
    query: bytes = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return Call(
        method=scope["method"],
        path=scope["path"],
        target=target.decode("latin-1"),
        query=query,
        headers=scope["headers"],
        body=body,
    )


async def _send(answer: Answer, send: Send) -> None:
    length = str(len(answer.body)).encode()
    headers = [(b"content-type", answer.content_type), (b"content-length", length), *answer.headers]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})


async def _leave_unanswered(scope: Scope, receive: Receive, *, wait_s: float) -> None:
    """Hold the connection without a word for so long, or until the client leaves; then cut it by RST."""
    with suppress(TimeoutError):
        async with asyncio.timeout(wait_s):
            await _gone(receive)
            return
    transport: asyncio.Transport = scope["sandbox.transport"]
    sock: socket.socket = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    transport.abort()
    await _gone(receive)


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

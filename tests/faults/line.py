"""A line between two programs that can be slow, silent, refused, cut or reset: a TCP proxy in a thread of its own."""

import asyncio
import re
import socket
import struct
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from broadcaster.settings import Settings

READ_AT_ONCE = 1 << 16
DOES_WITHIN_S = 10.0
#: SO_LINGER with no time: closing sends RST.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)

Far = Path | tuple[str, int]  # a unix socket, or host and port


class Line:
    """Listens on `port` of this machine and passes on to `far`. Every order may come from any thread, at any time."""

    def __init__(self, far: Far) -> None:
        self._far = far
        self._loop = asyncio.new_event_loop()
        self._ends: set[asyncio.StreamWriter] = set()
        self._pairs: set[asyncio.Task[None]] = set()
        self._delay_s = 0.0
        self.taken = 0  # connections so far
        self._thread = threading.Thread(target=self._loop.run_forever, name="line", daemon=True)
        self._thread.start()
        self.port = self._do(self._open())

    def close(self) -> None:
        self._do(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(DOES_WITHIN_S)
        self._loop.close()

    def slow(self, delay_s: float) -> None:
        """Whatever passes, either way, arrives so much later."""
        self._delay_s = delay_s

    def fall_silent(self) -> None:
        """Nothing passes any more and nobody is told: connections stay, and new ones are taken."""
        self._loop.call_soon_threadsafe(self._passes.clear)

    def refuse(self) -> int:
        """From now on nobody listens here, and those who are there are reset. How many."""
        self._do(self._close_door())
        return self.reset()

    def mend(self) -> None:
        """As new. What was held back by silence passes now."""
        self._delay_s = 0.0
        self._do(self._open_door())

    def reset(self) -> int:
        """Both ends of every connection hear "connection reset by peer". How many connections."""
        return self._do(self._end(_reset))

    def cut(self) -> int:
        """Both ends of every connection read its end, in the middle of whatever was being said. How many."""
        return self._do(self._end(_cut))

    # --- within the loop ------------------------------------------------------------------------------------

    def _do(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(DOES_WITHIN_S)

    async def _open(self) -> int:
        self._passes = asyncio.Event()
        self._server: asyncio.Server | None = None
        self.port = 0
        await self._open_door()
        assert self._server
        return int(self._server.sockets[0].getsockname()[1])

    async def _open_door(self) -> None:
        self._passes.set()
        if self._server is None:
            self._server = await asyncio.start_server(self._take, "127.0.0.1", self.port)

    async def _close_door(self) -> None:
        if self._server:
            self._server.close()
        self._server = None

    async def _close(self) -> None:
        await self._close_door()
        for pair in list(self._pairs):
            pair.cancel()
        await asyncio.gather(*self._pairs, return_exceptions=True)

    async def _end(self, how: Callable[[asyncio.StreamWriter], None]) -> int:
        ends = list(self._ends)
        for each in ends:
            how(each)
        return len(ends) // 2

    async def _take(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.taken += 1
        task = asyncio.current_task()
        assert task
        self._pairs.add(task)
        try:
            with suppress(OSError):
                await self._join(reader, writer)
        except asyncio.CancelledError:
            pass  # the line is being taken down
        finally:
            self._pairs.discard(task)
            writer.close()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if isinstance(self._far, Path):
            far_reader, far_writer = await asyncio.open_unix_connection(self._far)
        else:
            far_reader, far_writer = await asyncio.open_connection(*self._far)
        self._ends |= {writer, far_writer}
        try:
            await asyncio.gather(self._pass(reader, far_writer), self._pass(far_reader, writer))
        finally:
            self._ends -= {writer, far_writer}
            far_writer.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until one end has said its last word, which is passed on too."""
        while chunk := await reader.read(READ_AT_ONCE):
            if self._delay_s:
                await asyncio.sleep(self._delay_s)
            await self._passes.wait()
            writer.write(chunk)
            await writer.drain()
        with suppress(OSError):
            writer.write_eof()


def _reset(writer: asyncio.StreamWriter) -> None:
    sock = writer.get_extra_info("socket")
    if sock.family != socket.AF_UNIX:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()


def _cut(writer: asyncio.StreamWriter) -> None:
    writer.transport.close()


@contextmanager
def line_to(far: Far) -> Iterator[Line]:
    line = Line(far)
    try:
        yield line
    finally:
        line.close()


@contextmanager
def line_to_gateway(account: str = "sms") -> Iterator[Callable[[Settings], Line]]:
    """For `prepare` of an installation: puts a line before this account's platform, and returns it."""
    lines: list[Line] = []

    def put(settings: Settings) -> Line:
        if not lines:
            path = settings.credentials / "live" / f"{account}.toml"
            text = path.read_text()
            found = re.search(r'base_url = "http://127\.0\.0\.1:(\d+)"', text)
            assert found, text
            lines.append(Line(("127.0.0.1", int(found[1]))))
            path.write_text(text.replace(found[0], f'base_url = "http://127.0.0.1:{lines[0].port}"'))
        return lines[0]

    try:
        yield put
    finally:
        for line in lines:
            line.close()

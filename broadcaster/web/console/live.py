"""One look for all: what many browsers watch of one message is read and rendered twice a second, however many they are.

Knows no page and no database: it is given what looks.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass

import structlog

from broadcaster.domain.errors import Problem

log = structlog.get_logger()

EVERY_S = 0.5  # with the looking itself, what is shown is never a second old


@dataclass(frozen=True)
class Look:
    """What there is to see, by kind of viewer; empty where it cannot be seen now."""

    texts: Mapping[bool, str]


class Watchers:
    def __init__(self, look: Callable[[str], Look], *, every_s: float = EVERY_S) -> None:
        self._look = look
        self._every_s = every_s
        self._watched: dict[str, _Watched] = {}

    async def follow(self, ref: str, *, wake_s: float) -> AsyncIterator[Look | None]:
        """Each look that differs from the one before; None after `wake_s` without any, so that the viewer can see to
        other things. The looking ends with its last viewer."""
        watched = self._watched.setdefault(ref, _Watched())
        watched.viewers += 1
        if watched.task is None:
            watched.task = asyncio.create_task(self._go_on(ref, watched))
        seen: Look | None = None
        try:
            while True:
                if watched.newest is not None and watched.newest != seen:
                    seen = watched.newest
                    yield seen
                else:
                    yield None
                await watched.wait(seen, wake_s)
        finally:
            watched.viewers -= 1
            if not watched.viewers and self._watched.get(ref) is watched:
                del self._watched[ref]
                watched.task.cancel()

    async def _go_on(self, ref: str, watched: "_Watched") -> None:
        while True:
            await watched.show(await asyncio.to_thread(self._once, ref))
            await asyncio.sleep(self._every_s)

    def _once(self, ref: str) -> Look:
        try:
            return self._look(ref)
        except Problem:  # the database is away: said so, and looked at again
            log.warning("board_look_failed", ref=ref)
            return Look({})


class _Watched:
    """One message, and who watches it."""

    def __init__(self) -> None:
        self.viewers = 0
        self.newest: Look | None = None
        self.task: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    async def show(self, look: Look) -> None:
        async with self._changed:
            if look != self.newest:
                self.newest = look
                self._changed.notify_all()

    async def wait(self, seen: Look | None, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(lambda: self.newest != seen)
        except TimeoutError:
            return

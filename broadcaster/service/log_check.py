"""Checking the whole log while a person waits at a page: in a thread of this process, one at a time, with its progress.

A million events take some twenty seconds, in which no request may hang. What came out is an event, so that every web
process can tell it; how far a check is, only the process that does it knows.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from threading import Lock, Thread

import structlog

from broadcaster.audit.verifier.verdict import Unreadable, Verdict
from broadcaster.audit.verifier.words import in_words
from broadcaster.db import audit_log
from broadcaster.db.engine import Database
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Unavailable
from broadcaster.domain.policy import Action, require
from broadcaster.service.audit import Audit

log = structlog.get_logger()

#: After so many lines the thread lets others have the processor: a warning that is being approved goes first.
BREATHE_EVERY, BREATHE_S = 200, 0.001
AT_MOST_S = 900.0


class TookTooLong(Exception):
    """The check took longer than a quarter of an hour, and was given up."""


@dataclass(frozen=True, kw_only=True)
class Checking:
    """`done` of about `total` events. `said` is what came out, in words, and `whole` whether it is good news; both are
    empty while it runs, and before the first."""

    running: bool = False
    done: int = 0
    total: int = 0
    by: str = ""
    said: tuple[str, ...] = ()
    whole: bool | None = None

    @property
    def percent(self) -> int:
        return min(100, 100 * self.done // max(1, self.total))


class LogCheck:
    def __init__(self, database: Database, audit: Audit) -> None:
        self._database = database
        self._audit = audit
        self._lock = Lock()
        self._now = Checking()
        self._thread: Thread | None = None

    def state(self) -> Checking:
        return self._now

    def begin(self, actor: Person) -> Checking:
        """Where one runs already, that one is as good."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._lock:
            if not self._now.running:
                with self._database.read() as tx:
                    total = audit_log.size(tx)
                self._now = Checking(running=True, total=total, by=actor.name)
                # Nobody waits for it: a process that is told to end, ends.
                self._thread = Thread(target=self._run, args=(actor,), name="log-check", daemon=True)
                self._thread.start()
            return self._now

    def wait(self, within_s: float) -> Checking:
        """For those who have nothing else to do."""
        if self._thread:
            self._thread.join(within_s)
        return self._now

    def _run(self, actor: Person) -> None:
        try:
            verdict = self._audit.verify(watched=self._watched)
            self._now = replace(self._now, done=verdict.events)
            self._record(actor, verdict)
            said, whole = _in_words(verdict), not verdict.problems
        except (Unreadable, Unavailable, TookTooLong) as error:
            said, whole = (f"The log could not be checked: {error}",), False
        except Exception as error:  # in a thread of its own nobody else would hear of it
            log.exception("log_check_failed")
            said, whole = (f"The log could not be checked: {type(error).__name__}.",), False
        self._now = replace(self._now, running=False, said=said, whole=whole)

    def _record(self, actor: Person, verdict: Verdict) -> None:
        payload: dict[str, Json] = {"code": verdict.code, "events": verdict.events}
        payload |= {"first_bad": verdict.first_bad} if verdict.first_bad is not None else {}
        with self._database.write() as tx:
            audit_log.append(tx, actor=actor.name, act="audit_log_checked", payload=payload)

    def _watched(self, lines: Iterator[str]) -> Iterator[str]:
        ends, done = time.monotonic() + AT_MOST_S, 0
        for count, line in enumerate(lines, 1):
            done += line.startswith('{"event":')
            if count % BREATHE_EVERY == 0:
                self._now = replace(self._now, done=done)
                time.sleep(BREATHE_S)
                if time.monotonic() > ends:
                    raise TookTooLong(TookTooLong.__doc__)
            yield line


def _in_words(verdict: Verdict) -> tuple[str, ...]:
    """Without its last lines, on the key: they are for those who check elsewhere, on a command line."""
    return tuple(line for line in in_words(verdict) if not line.startswith("Key:"))

"""One import of an audience, in a thread of its own: it goes on when the browser that asked for it goes away. Its upload is
removed as soon as it is over.
"""

import csv
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from queue import SimpleQueue

from broadcaster.domain.audience import ImportProgress, ImportResult, RowProblem
from broadcaster.domain.errors import Problem
from broadcaster.web.console.received import Received

SHOWN = 500  # rows that were not taken as they are
TOLD_EVERY_PERCENT = 5

Work = Callable[[Path, Callable[[ImportProgress], None]], ImportResult]


@dataclass(frozen=True, kw_only=True)
class Imported:
    """`rows` are the first that were left out or changed; there are `noted` of them in all."""

    result: ImportResult
    rows: tuple[RowProblem, ...]

    @property
    def noted(self) -> int:
        return self.result.problems + self.result.duplicates + self.result.remarks


class Importing:
    """`work` gets where to write down each row that was not taken as it is, and whom to tell how far it is."""

    def __init__(self, work: Work, upload: Received) -> None:
        self._work = work
        self._upload = upload
        self._told: SimpleQueue[str | None] = SimpleQueue()
        self._said = 0
        pool = ThreadPoolExecutor(1, thread_name_prefix="import")
        self._coming: Future[Imported] = pool.submit(self._run)
        self._coming.add_done_callback(lambda _: self._told.put(None))
        pool.shutdown(wait=False)

    def outcome(self, within_s: float | None = None) -> tuple[Imported | None, Problem | None]:
        """What became of it. TimeoutError where it is not over by then."""
        try:
            return self._coming.result(within_s), None
        except Problem as problem:
            return None, problem

    def progress(self) -> Iterator[str]:
        """A sentence now and then, until it is over."""
        return iter(self._told.get, None)

    def _run(self) -> Imported:
        noted = self._upload.folder / "noted.csv"
        try:
            result = self._work(noted, self._tell)
            return Imported(result=result, rows=_first(noted))
        finally:
            self._upload.remove()

    def _tell(self, now: ImportProgress) -> None:
        percent = 100 * now.bytes_read // max(1, now.bytes_total)
        if percent >= self._said + TOLD_EVERY_PERCENT:
            self._said = percent
            self._told.put(f"{percent} %: {now.rows:,} rows read, {now.kept:,} numbers kept")


def _first(noted: Path) -> tuple[RowProblem, ...]:
    with noted.open(encoding="utf-8", newline="") as file:
        rows = islice(csv.reader(file), 1, SHOWN + 1)
        found = [RowProblem(row=int(row), reason=reason) for row, reason in rows]
    return tuple(sorted(found, key=lambda each: each.row))

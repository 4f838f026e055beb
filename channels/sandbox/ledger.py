"""The ledger: every request a stand-in got, byte for byte, and what it answered. The tests' only witness.

Rows are written in groups by a thread, at most 50 ms after the request; the counts are kept in memory.
"""

import asyncio
import base64
import contextlib
import json
import sqlite3
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from channels.sandbox.tally import Tally

FLUSH_EVERY_S = 0.05
COLUMNS = (
    "at, platform, method, path, headers, body, status, accepted, platform_id, key, recipient, text, link"
)
SCHEMA = """
create table if not exists request (
    id integer primary key autoincrement,
    at text not null, platform text not null, method text not null, path text not null, headers text not null,
    body blob not null, status integer not null, accepted integer not null, platform_id text not null,
    key text not null, recipient text not null, text text not null, link text not null
)
"""


class Entry(NamedTuple):
    """One request. `status` is 0 where nothing was answered; `recipient` may be several, separated by spaces, and `key` as many."""

    at: str
    platform: str
    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes
    status: int
    accepted: bool
    platform_id: str
    key: str
    recipient: str
    text: str
    link: str


class Ledger:
    """A SQLite file with one writer. Call `keep_writing` as a task, and `close` at the end."""

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.execute("pragma journal_mode = wal")
        self._db.execute("pragma synchronous = normal")
        self._db.execute(SCHEMA)
        self._pending: list[Entry] = []
        self._writing = asyncio.Lock()
        self.tally = Tally()
        for entry in self.entries():
            self.tally.add(entry)

    def record(self, entry: Entry) -> None:
        self._pending.append(entry)
        self.tally.add(entry)

    async def keep_writing(self) -> None:
        while True:
            await asyncio.sleep(FLUSH_EVERY_S)
            try:
                await self.flush()
            except sqlite3.Error as error:  # a full disk: the rows stay in memory and are tried again
                print(f"sandbox: the ledger cannot be written: {error}", file=sys.stderr)  # noqa: T201

    async def flush(self) -> None:
        """Returns once every request recorded so far is in the file."""
        async with self._writing:
            group = self._pending[:]
            if group:
                await asyncio.to_thread(self._write, group)
                del self._pending[: len(group)]

    async def page(
        self, *, platform: str, accepted: bool | None, after: int, limit: int
    ) -> list[dict[str, Any]]:
        """Rows with an id above `after`, oldest first, ready for JSON."""
        await self.flush()
        where, values = "id > ?", [after]
        clauses: list[tuple[str, Any]] = []
        if platform:
            clauses.append(("platform = ?", platform))
        if accepted is not None:
            clauses.append(("accepted = ?", int(accepted)))
        where = " and ".join([where, *(clause for clause, _ in clauses)])
        values += [value for _, value in clauses]
        sql = f"select id, {COLUMNS} from request where {where} order by id limit ?"  # noqa: S608
        async with self._writing:
            rows = await asyncio.to_thread(lambda: self._db.execute(sql, [*values, limit]).fetchall())
        return [_as_json(row) for row in rows]

    async def clear(self) -> None:
        await self.flush()
        async with self._writing:
            await asyncio.to_thread(self._db.execute, "delete from request")
        self.tally = Tally()

    def entries(self, platform: str = "") -> Iterator[Entry]:
        """What is in the file, of this platform or of all, oldest first."""
        sql = f"select {COLUMNS} from request where ? in ('', platform) order by id"  # noqa: S608
        for row in self._db.execute(sql, [platform]):
            entry = Entry(*row)
            headers = [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in json.loads(row[4])
            ]
            yield entry._replace(headers=headers, accepted=bool(entry.accepted))

    def close(self) -> None:
        """Write what is left. The event loop's tasks must have ended."""
        with contextlib.closing(self._db):
            self._write(self._pending)
            self._pending = []

    def _write(self, group: list[Entry]) -> None:
        self._db.execute("begin immediate")
        try:
            sql = f"insert into request ({COLUMNS}) values (?{', ?' * 12})"  # noqa: S608
            self._db.executemany(sql, map(_as_row, group))
        except BaseException:
            self._db.execute("rollback")
            raise
        self._db.execute("commit")


def _as_row(entry: Entry) -> tuple[Any, ...]:
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in entry.headers]
    return (*entry[:4], json.dumps(headers), *entry[5:7], int(entry.accepted), *entry[8:])


def _as_json(row: tuple[Any, ...]) -> dict[str, Any]:
    names = ["id", *COLUMNS.split(", ")]
    data = dict(zip(names, row, strict=True))
    body: bytes = data.pop("body")
    data["headers"] = json.loads(data["headers"])
    return {**data, "body": body.decode("utf-8", "replace"), "body_base64": base64.b64encode(body).decode()}

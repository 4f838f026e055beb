"""Somebody who only looks: polls wall, website and feeds through the whole night and writes down every change of what is shown.

Whether what was seen contradicts itself is for `judging.py`; what counts as current on each surface, for `surfaces.py`.
"""

import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

import requests
from lxml import etree

from tests.storm import surfaces
from tests.storm.house import House
from tests.storm.surfaces import Facts, Shown

EVERY_S = 0.2
ANSWERS_WITHIN_S = 10.0


@dataclass(kw_only=True)
class Sight:
    """A surface that was seen like this at `first_s` and at every look until `last_s`, in seconds of the night. `last_at` is the
    wall clock's word for `last_s`."""

    surface: str
    shown: Shown
    first_s: float
    last_s: float
    last_at: datetime


@dataclass(kw_only=True)
class Record:
    """What was seen, surface by surface, the oldest first; how often was looked, and how often nothing could be read."""

    sights: list[Sight] = field(default_factory=list)
    facts: Facts = field(default_factory=Facts)
    looks: dict[str, int] = field(default_factory=dict)
    longest_gap_s: dict[str, float] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)

    def saw(self, surface: str, shown: Shown, at_s: float, at: datetime) -> None:
        self.looks[surface] = self.looks.get(surface, 0) + 1
        before = next((s for s in reversed(self.sights) if s.surface == surface), None)
        if before:
            gap = at_s - before.last_s
            self.longest_gap_s[surface] = max(gap, self.longest_gap_s.get(surface, 0.0))
        if before and before.shown == shown:
            before.last_s, before.last_at = at_s, at
        else:
            self.sights.append(Sight(surface=surface, shown=shown, first_s=at_s, last_s=at_s, last_at=at))

    def learned(self, facts: Facts) -> None:
        """A message that leaves the feed is not forgotten."""
        self.facts = Facts(
            incident={**self.facts.incident, **facts.incident},
            ends={**self.facts.ends, **facts.ends},
            pages=facts.pages,
        )


def _alert(content: bytes) -> Shown:
    return surfaces.cap(content, datetime.now(UTC))


class Watcher:
    """Two threads: one for the site, one for the wall. `now_s` is the night's own clock."""

    def __init__(self, house: House, now_s: Callable[[], float]) -> None:
        self._house, self._now_s = house, now_s
        self._record = Record()
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._threads = [
            threading.Thread(target=self._keep_looking, args=(look,), daemon=True)
            for look in (self._look_at_site, self._look_at_wall)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> Record:
        """No more looks; all that was seen."""
        self._stop.set()
        for thread in self._threads:
            thread.join(3 * ANSWERS_WITHIN_S)
        return self._record

    def seen(self, surface: str) -> Mapping[str, str]:
        """What this surface shows as current, by the last look."""
        with self._lock:
            last = next((s for s in reversed(self._record.sights) if s.surface == surface), None)
            return dict(last.shown.live) if last else {}

    def _keep_looking(self, look: Callable[[requests.Session], None]) -> None:
        with requests.Session() as session:
            session.trust_env = False
            while not self._stop.is_set():
                began = time.monotonic()
                try:
                    look(session)
                except (requests.RequestException, etree.LxmlError, ValueError, KeyError, TypeError) as error:
                    with self._lock:
                        self._record.failed.append(
                            f"{self._now_s():.1f} s: {type(error).__name__}: {error}"[:300]
                        )
                self._stop.wait(max(0.0, EVERY_S - (time.monotonic() - began)))

    def _look_at_site(self, session: requests.Session) -> None:
        """The overview first, then each page that it names with its alert: no page is judged by what a later one says."""
        site = self._house.site
        self._see(session, surfaces.LIST, f"{site}/", surfaces.listing)
        self._see(session, surfaces.FEED, f"{site}/atom.xml", surfaces.atom)
        content = self._get(session, f"{site}/alerts.json")
        if content is None:
            return
        shown, facts = surfaces.alerts_json(content, datetime.now(UTC))
        self._saw(surfaces.JSON, shown)
        with self._lock:
            self._record.learned(facts)
        for ref in facts.pages:
            address = f"{site}/alerts/{ref.lower()}"
            self._see(session, f"{surfaces.PAGE} {ref}", f"{address}/", surfaces.page)
            self._see(session, f"{surfaces.ALERT} {ref}", f"{address}.cap.xml", _alert)

    def _look_at_wall(self, session: requests.Session) -> None:
        content = self._get(session, f"{self._house.sandbox}/")
        for surface, shown in surfaces.wall(content or b"").items():
            self._saw(surface, shown)

    def _see(
        self, session: requests.Session, surface: str, address: str, read: Callable[[bytes], Shown]
    ) -> None:
        content = self._get(session, address)
        if content is not None:
            self._saw(surface, read(content))

    def _saw(self, surface: str, shown: Shown) -> None:
        with self._lock:
            self._record.saw(surface, shown, self._now_s(), datetime.now(UTC))

    def _get(self, session: requests.Session, address: str) -> bytes | None:
        """None where the site has nothing there yet."""
        answer = session.get(address, timeout=ANSWERS_WITHIN_S)
        if answer.status_code == requests.codes.not_found:
            return None
        answer.raise_for_status()
        return answer.content

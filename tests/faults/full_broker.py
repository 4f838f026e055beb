"""T6: the broker has no memory left: it refuses every bell (noeviction), or throws away what waits (allkeys-lru)."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import redis
import requests
from redis.exceptions import RedisError

from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import house, listening
from tests.faults.sending import Brake, alive, all_started_again, judge, killed, taken, wait_until_over
from tests.installation import Installation, wait_for

MEMORY = "4mb"  # an empty one takes about one
WORKERS = ("live-public-1", "live-bulk-1", "live-bulk-2")
RED_WITHIN_S, BACK_WITHIN_S = 30.0, 5.0
LISTENS_WITHIN_S = 60.0
OVER_WITHIN_S = 240


def full(place: Place, figures: Figures, *, texts: int, full_s: float, policy: str, red: bool) -> None:
    """Filled just before the release; workers are killed while it is. `red`: /health/ready has to say so."""
    with house(place, own_broker=True) as here:
        found = here.found
        here.broker.kill()
        here.broker.start("--maxmemory", MEMORY, "--maxmemory-policy", policy)
        wait_for(lambda: listening(here.socket) >= len(WORKERS), within_s=LISTENS_WITHIN_S)
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(full_s)
        with redis.Redis(unix_socket_path=str(here.socket)) as broker, _gaps(found) as gaps:
            _fill(broker)
            began = time.monotonic()
            ref = found.release()
            with _kept_full(here.socket):
                figures.add("full_after_release", _is_full(broker), equals=True)
                told = _told(found) if red else 0.0
                wait_for(lambda: taken(found) > 0, within_s=60)
                for name in WORKERS:
                    killed(found.processes()[name])
                    time.sleep(1)
                time.sleep(max(0.0, full_s - (time.monotonic() - began)))
            figures.add("evicted", int(broker.info("stats")["evicted_keys"]))
            broker.flushall()
            found.clear_faults()
            figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
            wait_for(lambda: listening(here.socket) >= len(WORKERS), within_s=LISTENS_WITHIN_S)
        if red:
            figures.add("red_s", told, at_most=RED_WITHIN_S)
        figures.add("gone_for_s", max(gaps.longest.values()), at_most=BACK_WITHIN_S)
        all_started_again(found)
        judge(found, ref, figures, planned=texts + here.public, sent=False)
        later = found.release()  # the bells ring again
        wait_until_over(found, later, within_s=OVER_WITHIN_S)


def _fill(broker: redis.Redis) -> None:
    """With what is no bell, down to the last kilobytes."""
    for size in (100_000, 10_000, 1_000, 100):
        with suppress(RedisError):
            for number in range(100_000):
                broker.set(f"junk-{size}-{number}", b"x" * size)
                if broker.info("stats")["evicted_keys"]:
                    return


def _is_full(broker: redis.Redis) -> bool:
    found = broker.info("memory")
    return bool(found["used_memory"] > 0.9 * found["maxmemory"])


@contextmanager
def _kept_full(socket: object) -> Iterator[None]:
    """Somebody else's program goes on writing: what is taken out is taken up."""
    stop = threading.Event()

    def write() -> None:
        with redis.Redis(unix_socket_path=str(socket)) as client:
            number = 0
            while not stop.wait(0.01):
                with suppress(RedisError):
                    number += 1
                    client.set(f"more-{number}", b"x" * 10_000)

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _told(found: Installation) -> float:
    """After how many seconds /health/ready said that the broker is full; without end where it did not in time."""
    started = time.monotonic()
    while _broker_is(found) != "full":
        if time.monotonic() - started > RED_WITHIN_S:
            return math.inf
        time.sleep(0.5)
    return time.monotonic() - started


def _broker_is(found: Installation) -> str:
    return str(requests.get(f"{found.web}/health/ready", timeout=30).json()["broker"])


@dataclass
class _Gaps:
    """For how long each process was not there, at most."""

    longest: dict[str, float] = field(default_factory=dict)


@contextmanager
def _gaps(found: Installation) -> Iterator[_Gaps]:
    gaps, stop = _Gaps(), threading.Event()

    def look() -> None:
        seen: dict[str, float] = {}
        while not stop.wait(0.1):
            now, running = time.monotonic(), found.processes()
            for name in WORKERS:
                if name in running and alive(running[name]):
                    seen[name] = now
                gaps.longest[name] = max(gaps.longest.get(name, 0.0), now - seen.setdefault(name, now))

    thread = threading.Thread(target=look, daemon=True)
    thread.start()
    try:
        yield gaps
    finally:
        stop.set()
        thread.join()


SCENARIOS = [
    Scenario(
        test="T6",
        title=f"the broker is full ({policy})",
        run=full,
        small={"texts": 400, "full_s": 10.0, "policy": policy, "red": red},
        full={"texts": 20_000, "full_s": 60.0, "policy": policy, "red": red},
        n="texts",
        pushed=False,
    )
    for policy, red in (("noeviction", True), ("allkeys-lru", False))
]

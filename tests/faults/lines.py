"""The lines between us and database, broker and gateway: slow, silent, cut and reset in mid-send, one after the other."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from tests.faults.falling_silent import Scene
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import LISTENING_WITHIN_S, listening
from tests.faults.line import Line, line_to, line_to_gateway
from tests.faults.own_broker import forgetful_broker
from tests.faults.own_server import own_server
from tests.faults.sending import Brake, judge, taken, wait_until_over
from tests.installation import AUDIENCE, Installation, installation, wait_for

SLOW_S = 0.05
GOES_ON_WITHIN_S = 60.0
OVER_WITHIN_S = 300.0
LISTENERS = 3
IN_FLIGHT = 150  # two bulk workers and the pump, 50 each


def to_database(
    place: Place, figures: Figures, *, texts: int, rounds: int, away_s: float, lease_s: float
) -> None:
    with own_server() as (server, url), line_to(server.socket) as line:
        address = through(url, line)
        with installation(place.folder / "data", address, lease_s=lease_s) as found:
            _broken_in_mid_send(place, figures, found, line, texts=texts, rounds=rounds, away_s=away_s)


def to_broker(place: Place, figures: Figures, *, texts: int, rounds: int, away_s: float) -> None:
    with forgetful_broker() as broker, line_to(broker.socket) as line:
        url = f"redis://127.0.0.1:{line.port}/0"
        with installation(place.folder / "data", place.database_url, broker_url=url) as found:
            _broken_in_mid_send(place, figures, found, line, texts=texts, rounds=rounds, away_s=away_s)
            started = time.monotonic()
            wait_for(lambda: listening(broker.socket) >= LISTENERS, within_s=2 * LISTENING_WITHIN_S)
            figures.add("listening_again_s", time.monotonic() - started, at_most=LISTENING_WITHIN_S)


def to_gateway(
    place: Place, figures: Figures, *, texts: int, rounds: int, away_s: float, receipt_wait_s: float
) -> None:
    """A call that was on its way has an unknown outcome, and policy holds those: none may go out again by itself."""
    with line_to_gateway() as put:
        made = installation(
            place.folder / "data", place.database_url, prepare=put, receipt_wait_s=receipt_wait_s
        )
        with made as found:
            line = put(found.settings)
            found.import_numbers(texts)
            _brake(found, texts, rounds, away_s)
            ref = Scene(found=found).release(hold=True, audience=AUDIENCE, channels=["sms"])
            _break(place, figures, found, line, texts, rounds, away_s)
            figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
            judge(found, ref, figures, planned=texts, sent=False)
            figures.add("sent_again", figures.values["sent_again"], equals=0)
            figures.add("unknown", figures.values["unknown"], at_most=figures.values["faults"] * IN_FLIGHT)


def _broken_in_mid_send(
    place: Place,
    figures: Figures,
    found: Installation,
    line: Line,
    *,
    texts: int,
    rounds: int,
    away_s: float,
) -> None:
    found.import_numbers(texts)
    _brake(found, texts, rounds, away_s)
    ref = found.release()
    _break(place, figures, found, line, texts, rounds, away_s)
    figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
    judge(found, ref, figures, planned=texts + 3, sent=False)


def _brake(found: Installation, texts: int, rounds: int, away_s: float) -> None:
    Brake(found, texts).last_for(4 * rounds * (away_s + 1))


def _break(
    place: Place,
    figures: Figures,
    found: Installation,
    line: Line,
    texts: int,
    rounds: int,
    away_s: float,
) -> None:
    """Each kind of fault so often, in an order that chance decides. After each, texts go out again."""
    kinds = [_slow, _silent, _cut, _reset] * rounds
    Random(place.seed).shuffle(kinds)
    wait_for(lambda: taken(found) > 0)
    longest = 0.0
    for kind in kinds:
        with kind(line):
            time.sleep(away_s)
        before, mended = taken(found), time.monotonic()
        wait_for(lambda before=before: taken(found) > before, within_s=2 * GOES_ON_WITHIN_S)
        longest = max(longest, time.monotonic() - mended)
    figures.add("faults", len(kinds))
    figures.add("sent_at_last_fault", taken(found), at_most=texts - 1)
    figures.add("goes_on_s", longest, at_most=GOES_ON_WITHIN_S)
    found.clear_faults()


@contextmanager
def _slow(line: Line) -> Iterator[None]:
    line.slow(SLOW_S)
    yield
    line.mend()


@contextmanager
def _silent(line: Line) -> Iterator[None]:
    """For a while nothing passes; then everybody who still waits hears that the connection is gone."""
    line.fall_silent()
    yield
    line.reset()
    line.mend()


@contextmanager
def _cut(line: Line) -> Iterator[None]:
    line.cut()
    yield


@contextmanager
def _reset(line: Line) -> Iterator[None]:
    line.refuse()
    yield
    line.mend()


def through(url: str, line: Line) -> str:
    """The address of a PostgreSQL on a unix socket, as it is reached through this line."""
    return url.partition("?")[0].replace("@/", f"@127.0.0.1:{line.port}/")


SCENARIOS = [
    Scenario(
        test="T10",
        title="the line to PostgreSQL is slow, silent, cut and reset",
        run=to_database,
        small={"texts": 800, "rounds": 1, "away_s": 2.0, "lease_s": 8},
        full={"texts": 20_000, "rounds": 4, "away_s": 10.0, "lease_s": 20},
        n="texts",
        databases=("postgres",),
        pushed=False,
    ),
    Scenario(
        test="T4",
        title="the line to the broker is slow, silent, cut and reset",
        run=to_broker,
        small={"texts": 800, "rounds": 1, "away_s": 2.0},
        full={"texts": 20_000, "rounds": 4, "away_s": 10.0},
        n="texts",
        pushed=False,
    ),
    Scenario(
        test="T18",
        title="the line to the gateway is slow, silent, cut and reset",
        run=to_gateway,
        small={"texts": 800, "rounds": 1, "away_s": 2.0, "receipt_wait_s": 4.0},
        full={"texts": 20_000, "rounds": 4, "away_s": 10.0, "receipt_wait_s": 10.0},
        n="texts",
        pushed=False,
    ),
]

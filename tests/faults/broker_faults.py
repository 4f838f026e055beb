"""The doorbell fails: flushed (T3), killed and back empty (T4), never there (T5), ringing five times over (T7)."""

import time
from datetime import UTC, datetime
from random import Random
from statistics import quantiles

import redis

from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import house
from tests.faults.own_broker import bells_in, echoing
from tests.faults.sending import (
    Brake,
    acceptances,
    all_started_again,
    deaf_workers,
    judge,
    longest_wait_s,
    taken,
    wait_until_over,
)
from tests.installation import Installation, wait_for

PUBLIC_TARGETS = 3

PUBLIC = ("website", "facebook", "x")
OVER_WITHIN_S = 180


def flushed(
    place: Place, figures: Figures, *, texts: int, flushes: int, every_s: float, resume_s: float
) -> None:
    """The first time just after the release, before anybody has heard the bell."""
    with house(place) as here:
        found = here.found
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(flushes * every_s)
        with redis.Redis(unix_socket_path=str(here.socket)) as broker:
            with deaf_workers(found):
                ref = found.release()
                figures.add("unheard", bells_in(broker), at_least=1)
                broker.flushall()
                moments = [datetime.now(UTC)]
            wait_for(lambda: taken(found) > 0)
            for left in range(flushes - 1, 0, -1):
                brake.last_for(left * every_s)
                time.sleep(every_s)
                broker.flushall()
                moments.append(datetime.now(UTC))
        found.clear_faults()
        wait_until_over(found, ref, within_s=OVER_WITHIN_S)
        figures.add("flushes", len(moments), equals=flushes)
        figures.add("resume_s", longest_wait_s(moments, acceptances(found)), at_most=resume_s)
        judge_all_sent(found, ref, figures, texts, public=here.public, in_process=bool(place.shared))


def back_empty(
    place: Place,
    figures: Figures,
    *,
    texts: int,
    kills: int,
    pause_s: tuple[float, float],
    resume_s: float,
    listening_s: float | None,
) -> None:
    """Killed first with a bell that nobody has heard. Between two kills it is away for a while, and there for a while."""
    dice = Random(place.seed)
    pauses = [(dice.uniform(*pause_s), dice.uniform(*pause_s)) for _ in range(kills - 1)]
    with house(place, own_broker=True) as here:
        found, broker = here.found, here.broker
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(sum(map(sum, pauses)))
        with deaf_workers(found):
            ref = found.release()
            broker.kill()
            moments = [datetime.now(UTC)]
        time.sleep(pause_s[0])
        broker.start()
        wait_for(lambda: taken(found) > 0)
        for no, (there_s, away_s) in enumerate(pauses):
            brake.last_for(sum(map(sum, pauses[no:])))
            time.sleep(there_s)
            broker.kill()
            moments.append(datetime.now(UTC))
            time.sleep(away_s)
            broker.start()
        found.clear_faults()
        wait_until_over(found, ref, within_s=OVER_WITHIN_S)
        all_started_again(found)
        figures.add("kills", len(moments), equals=kills)
        if listening_s:
            figures.add("listening_again_s", here.listen_again_s(), at_most=listening_s)
        figures.add("resume_s", longest_wait_s(moments, acceptances(found)), at_most=resume_s)
        judge_all_sent(found, ref, figures, texts, public=here.public, in_process=bool(place.shared))


def never_there(
    place: Place,
    figures: Figures,
    *,
    texts: int,
    public_releases: int,
    release_s: float,
    public_p95_s: float,
) -> None:
    """Public posts are released one after the other while the texts go out; the p95 is over all their targets."""
    with house(place, needs_broker=False, broker_url="redis://127.0.0.1:1/0") as here:
        found = here.found
        found.import_numbers(texts)
        submitted = [found.submit()]
        submitted += [found.submit(audience="", channels=PUBLIC) for _ in range(public_releases)]
        refs, took = [], []
        for each in submitted:
            started = time.monotonic()
            refs.append(found.approve(each))
            took.append(time.monotonic() - started)
            time.sleep(1)
        for ref in refs:
            wait_until_over(found, ref, within_s=OVER_WITHIN_S)
        figures.add("release_s", max(took), at_most=release_s)
        seconds = [
            t.seconds for ref in refs for t in found.status(ref).targets if t.channel in PUBLIC and t.seconds
        ]
        figures.add("public_posts", len(seconds), equals=here.public * len(refs))
        figures.add("public_p95_s", quantiles(seconds, n=20)[-1], at_most=public_p95_s)
        for ref in refs[1:]:
            judge(found, ref, figures, planned=here.public, in_process=bool(place.shared))
        judge_all_sent(found, refs[0], figures, texts, public=here.public, in_process=bool(place.shared))


def ringing_five_times(place: Place, figures: Figures, *, texts: int, within_s: float) -> None:
    """Every bell is put into its queue four more times, byte for byte, also long after all was sent."""
    with house(place) as here:
        found, socket = here.found, here.socket
        found.import_numbers(texts)
        with (
            redis.Redis(unix_socket_path=str(socket)) as client,
            echoing(socket, copies=4, within_s=within_s, dice=Random(place.seed)) as echo,
        ):
            found.fault(platform="sms", kind="delay", seconds=0.2)  # so that copies meet work still going on
            ref = found.release()
            wait_until_over(found, ref, within_s=OVER_WITHIN_S)
            before = taken(found)
            wait_for(lambda: echo.failed or not echo.waiting, within_s=within_s + 60)
            wait_for(lambda: echo.failed or not bells_in(client), within_s=60)
        figures.add("bells", len(echo.bells), at_least=2)
        figures.add("copies", echo.repeated, equals=4 * len(echo.bells))
        figures.add("sent_after_the_end", taken(found) - before, equals=0)
        all_started_again(found)
        judge_all_sent(found, ref, figures, texts, public=here.public, in_process=bool(place.shared))


def judge_all_sent(
    found: Installation,
    ref: str,
    figures: Figures,
    texts: int,
    *,
    public: int = PUBLIC_TARGETS,
    in_process: bool = False,
) -> None:
    judge(found, ref, figures, planned=texts + public, in_process=in_process)
    figures.add("duplicated_after_unknown", figures.values["duplicated_after_unknown"], equals=0)


SCENARIOS = [
    Scenario(
        test="T3",
        title="the broker is flushed in mid-send",
        run=flushed,
        small={"texts": 600, "flushes": 3, "every_s": 0.7, "resume_s": 30},
        full={"texts": 20_000, "flushes": 10, "every_s": 4.0, "resume_s": 10},
        n="texts",
        turn=2,
    ),
    Scenario(
        test="T4",
        title="the broker is killed and comes back empty",
        run=back_empty,
        small={"texts": 600, "kills": 2, "pause_s": (0.5, 1.5), "resume_s": 30, "listening_s": None},
        full={"texts": 20_000, "kills": 5, "pause_s": (0.5, 30.0), "resume_s": 10, "listening_s": 60},
        n="texts",
        turn=4,
    ),
    Scenario(
        test="T5",
        title="no broker from start to end",
        run=never_there,
        small={"texts": 400, "public_releases": 2, "release_s": 10, "public_p95_s": 60},
        full={"texts": 20_000, "public_releases": 20, "release_s": 1, "public_p95_s": 10},
        n="texts",
        turn=1,  # the installation begins without a broker
    ),
    Scenario(
        test="T7",
        title="every bell rings five times",
        pushed=False,
        run=ringing_five_times,
        small={"texts": 600, "within_s": 3.0},
        full={"texts": 20_000, "within_s": 600.0},
        n="texts",
        turn=3,
        patient=True,
    ),
]

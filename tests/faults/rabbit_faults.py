"""RabbitMQ as the doorbell fails: emptied (T3), killed with and without its data (T4), full or silent at the release (T6);
and workers die with bells in their hands (T1). Judged as with Valkey."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from random import Random

import amqp

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import queue_name
from tests.faults.broker_faults import OVER_WITHIN_S, PUBLIC_TARGETS, judge_all_sent
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.killing import IN_FLIGHT_AT_MOST, SENDERS
from tests.faults.sending import (
    Brake,
    acceptances,
    all_started_again,
    deaf_workers,
    events,
    judge,
    kill_one_of,
    longest_wait_s,
    taken,
    wait_until_over,
)
from tests.installation import Installation, installation, wait_for
from tests.rabbit import INSTALLED, MISSING, Rabbit, own_rabbit

QUEUES = tuple(queue_name(Mode.LIVE, lane) for lane in Lane)


def no_broker() -> str:
    """Why RabbitMQ cannot run here; nothing where it can."""
    return "" if INSTALLED else MISSING


def emptied(
    place: Place, figures: Figures, *, texts: int, times: int, every_s: float, resume_s: float
) -> None:
    """The first time just after the release; each time also bells that a worker would have taken next."""
    with ringing_rabbit(place) as (rabbit, found):
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(times * every_s)
        with deaf_workers(found):
            ref = found.release()
            moments = [empty(rabbit)]
        wait_for(lambda: taken(found) > 0)
        for left in range(times - 1, 0, -1):
            brake.last_for(left * every_s)
            time.sleep(every_s)
            moments.append(empty(rabbit))
        found.clear_faults()
        wait_until_over(found, ref, within_s=OVER_WITHIN_S)
        figures.add("emptied", len(moments), equals=times)
        figures.add("resume_s", longest_wait_s(moments, acceptances(found)), at_most=resume_s)
        judge_all_sent(found, ref, figures, texts)


def killed(
    place: Place, figures: Figures, *, texts: int, kills: int, there_s: float, resume_s: float
) -> None:
    """By turns without what it had on the disk, and with it. Starting takes it some ten seconds: so long it is away."""
    with ringing_rabbit(place) as (rabbit, found):
        found.import_numbers(texts)
        brake = Brake(found, texts)
        lasts_s = (there_s + 15) * kills
        brake.last_for(lasts_s)
        with deaf_workers(found):
            ref = found.release()
            rabbit.kill(forget=True)
            moments = [datetime.now(UTC)]
        rabbit.start()
        wait_for(lambda: taken(found) > 0)
        for no in range(1, kills):
            brake.last_for(lasts_s * (kills - no) / kills)
            time.sleep(there_s)
            rabbit.kill(forget=no % 2 == 0)
            moments.append(datetime.now(UTC))
            rabbit.start()
        found.clear_faults()
        wait_until_over(found, ref, within_s=OVER_WITHIN_S)
        all_started_again(found)
        wait_for(lambda: heard(rabbit), within_s=60)
        figures.add("kills", len(moments), equals=kills)
        figures.add("resume_s", longest_wait_s(moments, acceptances(found)), at_most=resume_s)
        judge_all_sent(found, ref, figures, texts)


def full_or_silent(
    place: Place, figures: Figures, *, texts: int, for_s: float, release_s: float, resume_s: float
) -> None:
    """Released while it takes nothing (the memory alarm), and while it answers nothing; both waits are an officer's."""
    with ringing_rabbit(place) as (rabbit, found):
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(2 * for_s)
        submitted, took = [found.submit(), found.submit(audience="", channels=("website",))], []
        rabbit.full()
        refs = [timed(took, lambda: found.approve(submitted[0]))]
        moments = [datetime.now(UTC)]
        wait_for(lambda: taken(found) > 0, within_s=60)
        time.sleep(for_s)
        figures.add("sent_while_full", taken(found), at_least=1)
        rabbit.no_longer_full()
        brake.last_for(for_s)
        moments.append(datetime.now(UTC))
        rabbit.pause()
        try:
            refs.append(timed(took, lambda: found.approve(submitted[1])))
            time.sleep(for_s / 2)
        finally:
            rabbit.go_on()
        found.clear_faults()
        for ref in refs:
            wait_until_over(found, ref, within_s=OVER_WITHIN_S)
        all_started_again(found)
        figures.add("release_s", max(took), at_most=release_s)
        figures.add("resume_s", longest_wait_s(moments, acceptances(found)), at_most=resume_s)
        judge(found, refs[1], figures, planned=1)
        judge_all_sent(found, refs[0], figures, texts)


def workers_killed(
    place: Place, figures: Figures, *, texts: int, kills: int, every_s: float, receipt_wait_s: float
) -> None:
    """Each with the bells that RabbitMQ had given it: they come back, to others."""
    dice = Random(place.seed)
    with ringing_rabbit(place, receipt_wait_s=receipt_wait_s) as (rabbit, found):
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(kills * every_s)
        ref = found.release()
        wait_for(lambda: taken(found) > 0)
        for left in range(kills, 0, -1):
            brake.last_for(left * every_s)
            time.sleep(every_s)
            kill_one_of(found, SENDERS, dice)
        figures.add("sent_before_last_kill", taken(found), at_most=texts - 1)
        found.clear_faults()
        figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
        all_started_again(found)
        wait_for(lambda: heard(rabbit), within_s=60)
        figures.add("kills", kills)
        judge(found, ref, figures, planned=texts + PUBLIC_TARGETS, sent=False)
        left_unknown = [int(str(event["unknown"])) for event in events(found, "batch_taken_over")]
        figures.add("unknown_per_kill", max(left_unknown, default=0), at_most=IN_FLIGHT_AT_MOST)


@contextmanager
def ringing_rabbit(place: Place, **changes: object) -> Iterator[tuple[Rabbit, Installation]]:
    with (
        own_rabbit() as rabbit,
        installation(place.folder / "data", place.database_url, broker_url=rabbit.url, **changes) as found,
    ):
        wait_for(lambda: heard(rabbit))  # the workers listen
        yield rabbit, found


def heard(rabbit: Rabbit) -> bool:
    """Nothing waits in a queue, and somebody listens to each."""
    try:
        with rabbit.channel() as channel:
            said = [channel.queue_declare(queue, passive=True) for queue in QUEUES]
    except amqp.NotFound:
        return False
    return all(queue.consumer_count and not queue.message_count for queue in said)


def empty(rabbit: Rabbit) -> datetime:
    with rabbit.channel() as channel:
        for queue in QUEUES:
            channel.queue_purge(queue)
    return datetime.now(UTC)


def timed(took: list[float], what: Callable[[], str]) -> str:
    started = time.monotonic()
    answer = what()
    took.append(time.monotonic() - started)
    return answer


SCENARIOS = [
    Scenario(
        test="T3",
        title="RabbitMQ is emptied in mid-send",
        run=emptied,
        small={"texts": 1_000, "times": 4, "every_s": 1.0, "resume_s": 30},
        full={"texts": 20_000, "times": 10, "every_s": 4.0, "resume_s": 10},
        n="texts",
        databases=("postgres",),
        pushed=False,
        why_not=no_broker,
    ),
    Scenario(
        test="T4",
        title="RabbitMQ is killed and comes back, with and without its data",
        run=killed,
        small={"texts": 1_000, "kills": 2, "there_s": 2.0, "resume_s": 30},
        full={"texts": 20_000, "kills": 4, "there_s": 8.0, "resume_s": 10},
        n="texts",
        databases=("postgres",),
        pushed=False,
        why_not=no_broker,
    ),
    Scenario(
        test="T6",
        title="RabbitMQ is full, and silent, when a message is released",
        run=full_or_silent,
        small={"texts": 1_000, "for_s": 5.0, "release_s": 5, "resume_s": 30},
        full={"texts": 20_000, "for_s": 20.0, "release_s": 2, "resume_s": 25},
        n="texts",
        databases=("postgres",),
        pushed=False,
        why_not=no_broker,
    ),
    Scenario(
        test="T1",
        title="workers are killed with bells of RabbitMQ in their hands",
        run=workers_killed,
        small={"texts": 1_000, "kills": 3, "every_s": 1.5, "receipt_wait_s": 2.0},
        full={"texts": 20_000, "kills": 20, "every_s": 2.0, "receipt_wait_s": 3.0},
        n="texts",
        databases=("postgres",),
        pushed=False,
        why_not=no_broker,
    ),
]

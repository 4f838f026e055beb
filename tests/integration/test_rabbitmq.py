"""RabbitMQ as the doorbell: a real node, real workers. What a send comes to when it is killed or full: `make faults`."""

import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from itertools import count

import pytest
from structlog.testing import capture_logs

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import QUIET_S, QUORUM, CeleryBells, queue_name, queues
from broadcaster.settings import Settings
from tests.installation import wait_for
from tests.rabbit import INSTALLED, MISSING, own_rabbit
from worker.app import make_app
from worker.roles import worker

pytestmark = pytest.mark.skipif(not INSTALLED, reason=MISSING)

PATIENCE_S = 20  # so long nobody waits for a doorbell: only a call that hangs takes it
BULK, PUBLIC = queue_name(Mode.LIVE, Lane.BULK), queue_name(Mode.LIVE, Lane.PUBLIC)


@pytest.fixture(scope="module")
def rabbit():
    with own_rabbit() as node:
        yield node


@pytest.fixture(scope="module")
def address(rabbit):
    return rabbit.with_few_rights()


@pytest.fixture
def bells(rabbit, address):
    empty(rabbit)
    return CeleryBells(address)


def empty(rabbit):
    with rabbit.channel() as channel:
        for queue in queues():
            channel.queue_declare(queue.name, durable=True, auto_delete=False, arguments=QUORUM)
            channel.queue_purge(queue.name)


def returns(what, *arguments, **named):
    """What it returned, within a time that only a call that hangs would need."""
    answer = []
    thread = threading.Thread(target=lambda: answer.append(what(*arguments, **named)), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert answer, "it hangs"
    return answer[0]


@contextmanager
def bulk_worker(address, folder, template):
    """One that answers a bell at a time, on a database in which nothing is to be done."""
    (folder / "logs").mkdir(parents=True, exist_ok=True)
    database = shutil.copy(template, folder / "broadcaster.db")
    settings = Settings(data_dir=folder, database_url=f"sqlite:///{database}", broker_url=address)
    name, words = worker(Mode.LIVE, Lane.BULK, 1)
    with (folder / "logs" / f"{name}.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", *words],
            env={**os.environ, **settings.environment()},
            stdout=log,
            stderr=log,
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_no_more_bells_wait_than_are_wanted(rabbit, bells):
    for _ in range(2):
        bells.ring(Mode.LIVE, Lane.PUBLIC, wanted=3)
    assert rabbit.waiting(PUBLIC) == 3
    bells.ring(Mode.LIVE, Lane.PUBLIC, wanted=5)
    assert rabbit.waiting(PUBLIC) == 5
    assert rabbit.waiting(BULK) == 0
    assert bells.answer()


def test_every_queue_is_a_quorum_queue_whoever_declares_it_first(rabbit, address, bells):
    for mode in Mode:
        for lane in Lane:
            bells.ring(mode, lane)
    listens = make_app(Settings(broker_url=address))
    with listens.connection_for_read() as connection:
        for queue in listens.amqp.queues.consume_from.values():
            queue.bind(connection.default_channel).declare()  # refused where an argument differs
    assert rabbit.queues() == {queue_name(mode, lane): "quorum" for mode in Mode for lane in Lane}


def test_a_queue_of_another_kind_keeps_nobody_who_rings(rabbit, bells):
    with rabbit.channel() as channel:
        channel.queue_delete(BULK)
        channel.queue_declare(BULK, durable=True, auto_delete=False)
    try:
        with capture_logs() as logs:
            bells.ring(Mode.LIVE, Lane.BULK)
    finally:
        with rabbit.channel() as channel:
            channel.queue_delete(BULK)
    assert [(line["event"], line["queue"]) for line in logs] == [("bell_not_rung", BULK)]


def test_a_full_broker_holds_nobody_up_and_bells_go_on_when_it_is_no_longer_full(rabbit, address, bells):
    now = count(step=QUIET_S)
    patient = CeleryBells(address, monotonic=lambda: next(now))
    rabbit.full()
    try:
        with capture_logs() as logs:
            assert returns(patient.answer)
            returns(patient.ring, Mode.LIVE, Lane.PUBLIC)
            returns(bells.ring, Mode.LIVE, Lane.BULK)
            returns(bells.plan, 1, Mode.LIVE)  # told a moment ago: not tried
    finally:
        rabbit.no_longer_full()
    assert [(line["event"], line["queue"]) for line in logs] == [
        ("bell_not_rung", PUBLIC),
        ("bell_not_rung", BULK),
    ]
    wait_for(lambda: rabbit.waiting(PUBLIC) == 1)  # it was under way, and is a bell too many at most
    patient.ring(Mode.LIVE, Lane.PUBLIC, wanted=2)
    assert rabbit.waiting(PUBLIC) == 2


def test_a_broker_that_answers_nothing_holds_nobody_up(rabbit, bells):
    rabbit.pause()
    try:
        with capture_logs() as logs:
            assert not returns(bells.answer)
            returns(bells.ring, Mode.LIVE, Lane.PUBLIC)
    finally:
        rabbit.go_on()
    assert [line["event"] for line in logs] == ["bell_not_rung"]


def test_a_bell_that_too_many_workers_died_on_is_thrown_away(rabbit, bells):
    bells.ring(Mode.LIVE, Lane.BULK)
    given_back = 0
    with rabbit.channel() as channel:
        while (bell := channel.basic_get(BULK)) is not None:
            assert given_back <= 20, "it comes back for ever"
            channel.basic_reject(bell.delivery_tag, requeue=True)
            given_back += 1
    assert given_back == QUORUM["x-delivery-limit"] + 1
    bells.ring(Mode.LIVE, Lane.BULK)
    assert rabbit.waiting(BULK) == 1


def test_a_worker_takes_one_bell_at_a_time_and_gives_it_back_when_it_is_killed(
    rabbit, address, bells, tmp_path, sqlite_template
):
    with bulk_worker(address, tmp_path, sqlite_template) as process:
        for _ in range(2):  # the second is taken when the first was acknowledged
            bells.ring(Mode.LIVE, Lane.BULK)
            wait_for(lambda: rabbit.waiting(BULK) == 0)
        process.send_signal(signal.SIGSTOP)
        bells.ring(Mode.LIVE, Lane.BULK, wanted=3)
        wait_for(lambda: rabbit.in_hand(BULK) == 1)
        waiting = rabbit.waiting(BULK)
        assert waiting >= 2
    wait_for(lambda: rabbit.waiting(BULK) == waiting + 1)
    # Nothing for events, control, results or timers, and nobody tried to make them: the rights would not have sufficed.
    assert {*rabbit.queues()} <= {queue.name for queue in queues()}
    assert "access_refused" not in rabbit.log

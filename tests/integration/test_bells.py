"""Ringing the bundled broker, and one that is away. RabbitMQ: test_rabbitmq.py."""

import redis
from structlog.testing import capture_logs

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import QUIET_S, CeleryBells, queue_name, queues
from broadcaster.settings import Settings
from tests.faults.own_broker import forgetful_broker
from tests.installation import free_port
from worker.app import make_app
from worker.roles import worker

PUBLIC, BULK = (queue_name(Mode.LIVE, lane) for lane in (Lane.PUBLIC, Lane.BULK))


def test_no_more_bells_wait_than_are_wanted_also_after_the_broker_lost_everything():
    with forgetful_broker() as broker, redis.Redis(unix_socket_path=str(broker.socket)) as client:
        bells = CeleryBells(broker.url)
        for _ in range(2):
            bells.ring(Mode.LIVE, Lane.PUBLIC, wanted=3)
            bells.plan(1, Mode.LIVE)
        assert (client.llen(PUBLIC), client.llen(BULK)) == (3, 2)
        client.flushall()
        bells.ring(Mode.LIVE, Lane.PUBLIC)
        assert client.llen(PUBLIC) == 1


def test_after_a_ring_in_vain_nobody_waits_for_the_next():
    now = [0.0]
    bells = CeleryBells(f"redis://127.0.0.1:{free_port()}/0", monotonic=lambda: now[0])
    with capture_logs() as logs:
        for now[0] in (0.0, 0.1, QUIET_S - 0.1, QUIET_S + 0.1):
            bells.ring(Mode.LIVE, Lane.PUBLIC)
            bells.plan(1, Mode.LIVE)
    assert [line["queue"] for line in logs] == [PUBLIC, PUBLIC]


def test_workers_listen_to_queues_that_somebody_rings_and_to_no_others():
    listens = make_app(Settings(broker_url="redis://127.0.0.1:1/0")).amqp.queues
    for mode in Mode:
        for lane in Lane:
            _, words = worker(mode, lane)
            listens.select(words[words.index("-Q") + 1].split(","))
            assert {*listens.consume_from} <= {queue.name for queue in queues()}
            assert all(queue.exchange.name == "" for queue in listens.consume_from.values())


def test_a_worker_takes_no_more_bells_than_it_can_answer_at_once():
    for lane, at_once in ((Lane.PUBLIC, "8"), (Lane.BULK, "1")):
        _, words = worker(Mode.LIVE, lane)
        assert words[words.index("-c") + 1] == at_once  # Celery's own: as many as the machine has cores

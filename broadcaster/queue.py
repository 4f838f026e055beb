"""The doorbell: tells workers that there is work. The database is the truth; a lost ring costs seconds, never a post."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Protocol

import structlog
from celery import Celery
from kombu.connection import Connection
from kombu.entity import Exchange, Queue
from kombu.exceptions import OperationalError

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode

log = structlog.get_logger()

PLAN = "plan"
DELIVER = "deliver"
PLANS_WAITING = 8  # more would only pile up where nobody takes them
GIVE_UP_S = 1
QUIET_S = 2.0

#: RabbitMQ's alone; Valkey looks at none of it. Whoever comes first declares a queue, and others must name the same
#: arguments: with other ones RabbitMQ refuses them.
QUORUM = {
    # On a majority of the nodes: the loss of one takes no bell away. From RabbitMQ 4 on the only replicated kind.
    "x-queue-type": "quorum",
    # A bell that so many workers died on is thrown away, and rung anew by the sweeper: the poison, if it was one, is
    # found by the database. Written out since RabbitMQ 3 has no limit of its own, and RabbitMQ 4 has 20.
    "x-delivery-limit": 5,
}


class BrokerState(StrEnum):
    ANSWERS = "answers"
    FULL = "full"  #: it is there, and takes no bell
    AWAY = "away"


class Bells(Protocol):
    def ring(self, mode: str, lane: Lane, wanted: int = 1) -> None:
        """At most `wanted` bells will be waiting for this lane. Never raises: the sweeper rings again."""
        ...

    def plan(self, broadcast_id: int, mode: str) -> None:
        """Ask for the deliveries of a broadcast to be planned. Never raises."""
        ...


class NoBells:
    """Rings nothing: the pump and the sweeper find the work by themselves."""

    def ring(self, mode: str, lane: Lane, wanted: int = 1) -> None: ...

    def plan(self, broadcast_id: int, mode: str) -> None: ...


class CeleryBells:
    """Rings through Celery's broker, and gives up after a second: nobody waits for a doorbell.

    After a ring in vain it rings nothing for `QUIET_S`: approving rings twice and a sweep four times, and a broker that
    swallows connections would take a second from each.
    """

    def __init__(self, broker_url: str, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._quiet_until = 0.0
        self._app = Celery("broadcaster.bells", broker=broker_url)
        self._app.conf.update(
            broker_connection_retry=False,
            broker_connection_timeout=GIVE_UP_S,
            broker_transport_options={
                "socket_timeout": GIVE_UP_S,
                "socket_connect_timeout": GIVE_UP_S,
                # kombu tries a connection again by itself: with its defaults approving took four seconds without a broker
                "max_retries": 0,
                "interval_start": 0,
                # RabbitMQ: a bell counts as rung when a majority of the nodes has it; nothing is waited for longer.
                "confirm_publish": True,
                "read_timeout": GIVE_UP_S,
                "write_timeout": GIVE_UP_S,
            },
            task_ignore_result=True,
            task_queues=queues(),
        )

    def answer(self) -> bool:
        """Whether the broker can be reached now. Says so within about a second, either way."""
        return self.state() is not BrokerState.AWAY

    def state(self) -> BrokerState:
        """Whether the broker takes bells now, told within about two seconds. Found out by ringing one, for exercises:
        a full broker answers everything else as ever, and a bell in vain does nothing."""
        connection, reached = self._app.connection_for_write(), False
        try:
            with _left_behind_on_error(connection):
                reached = bool(connection.default_channel)
                if _waiting(connection, PROBED) < PROBES_WAITING:
                    self._put(connection, DELIVER, (Mode.EXERCISE.value, Lane.PUBLIC.value), PROBED)
        except _away(connection):
            return BrokerState.FULL if reached else BrokerState.AWAY
        return BrokerState.ANSWERS

    def ring(self, mode: str, lane: Lane, wanted: int = 1) -> None:
        self._send(DELIVER, (mode, lane.value), queue_name(mode, lane), most=wanted, count=wanted)

    def plan(self, broadcast_id: int, mode: str) -> None:
        self._send(PLAN, (broadcast_id, mode), queue_name(mode, Lane.BULK), most=PLANS_WAITING, count=1)

    def _send(self, task: str, arguments: tuple[object, ...], queue: str, *, most: int, count: int) -> None:
        """Send it `count` times, as long as no more than `most` messages wait in the queue."""
        if self._monotonic() < self._quiet_until:
            return
        connection = self._app.connection_for_write()
        try:
            with _left_behind_on_error(connection):
                for _ in range(min(count, most - _waiting(connection, queue))):
                    self._put(connection, task, arguments, queue)
        except _away(connection) as error:  # also a full broker's refusal: nothing of it may reach who rings
            self._quiet_until = self._monotonic() + QUIET_S
            log.warning("bell_not_rung", queue=queue, error=type(error).__name__)

    def _put(self, connection: Connection, task: str, arguments: tuple[object, ...], queue: str) -> None:
        self._app.send_task(
            task,
            args=arguments,
            queue=queue,
            declare=[],  # it just was
            connection=connection,
            retry=False,
            confirm_timeout=GIVE_UP_S,
        )


@contextmanager
def _left_behind_on_error(connection: Connection) -> Iterator[None]:
    """Closes it; where something went wrong without a good-bye: RabbitMQ in an alarm reads nothing from who has
    published, and its answer would be waited for once more."""
    try:
        yield
    except BaseException:
        connection.collect(socket_timeout=GIVE_UP_S)  # type: ignore[no-untyped-call]  # kombu has few types
        raise
    connection.release()  # type: ignore[no-untyped-call]


def _away(connection: Connection) -> tuple[type[BaseException], ...]:
    """What is raised where the broker is away, full, or will not have it."""
    return (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)


def _waiting(connection: Connection, queue: str) -> int:
    """How many bells nobody has taken yet. Declares the queue, with the same words as a worker does."""
    said = connection.default_channel.queue_declare(  # type: ignore[no-untyped-call]
        queue, durable=True, auto_delete=False, arguments=QUORUM
    )
    return int(said.message_count)


def queues() -> list[Queue]:
    """All there are, for whoever rings and whoever listens. Without an exchange of their own: a queue's name is its
    address everywhere, and nothing has to be bound again in a broker that lost its data."""
    nowhere = Exchange("")  # type: ignore[no-untyped-call]
    return [
        Queue(  # type: ignore[no-untyped-call]
            name, nowhere, routing_key=name, durable=True, queue_arguments=QUORUM
        )
        for name in (queue_name(mode, lane) for mode in Mode for lane in Lane)
    ]


def queue_name(mode: str, lane: Lane) -> str:
    """The broker's queue of a lane: live and exercise never share one."""
    return f"{mode}.{lane.value}"


PROBED = queue_name(Mode.EXERCISE, Lane.PUBLIC)
PROBES_WAITING = 8  # where no worker for exercises runs, they would pile up

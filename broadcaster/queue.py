"""The doorbell: tells workers that there is work. The database is the truth; a lost ring costs seconds, never a post."""

from typing import Protocol

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from broadcaster.domain.broadcast import Lane

log = structlog.get_logger()

PLAN = "plan"
DELIVER = "deliver"
PLANS_WAITING = 8  # more would only pile up where nobody takes them


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
    """Rings through Celery's broker, and gives up after a second: nobody waits for a doorbell."""

    def __init__(self, broker_url: str) -> None:
        self._app = Celery("broadcaster.bells", broker=broker_url)
        self._app.conf.update(
            broker_connection_retry=False,
            broker_connection_timeout=1,
            broker_transport_options={
                "socket_timeout": 1,
                "socket_connect_timeout": 1,
                # kombu tries a connection again by itself: with its defaults approving took four seconds without a broker
                "max_retries": 0,
                "interval_start": 0,
            },
            task_ignore_result=True,
        )

    def answer(self) -> bool:
        """Whether the broker can be reached now. Says so within about a second, either way."""
        connection = self._app.connection_for_write()
        away = (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
        try:
            with connection:
                return bool(connection.default_channel)
        except away:
            return False

    def ring(self, mode: str, lane: Lane, wanted: int = 1) -> None:
        self._send(DELIVER, (mode, lane.value), queue_name(mode, lane), most=wanted, count=wanted)

    def plan(self, broadcast_id: int, mode: str) -> None:
        self._send(PLAN, (broadcast_id, mode), queue_name(mode, Lane.BULK), most=PLANS_WAITING, count=1)

    def _send(self, task: str, arguments: tuple[object, ...], queue: str, *, most: int, count: int) -> None:
        """Send it `count` times, as long as no more than `most` messages wait in the queue."""
        connection = self._app.connection_for_write()
        away = (OperationalError, OSError, *connection.connection_errors, *connection.channel_errors)
        try:
            with connection:
                waiting = connection.default_channel.queue_declare(
                    queue, passive=False, durable=True
                ).message_count
                for _ in range(min(count, most - waiting)):
                    self._app.send_task(task, args=arguments, queue=queue, connection=connection, retry=False)
        except away as error:  # also a full broker's refusal: nothing of it may reach who rings
            log.warning("bell_not_rung", queue=queue, error=type(error).__name__)


def queue_name(mode: str, lane: Lane) -> str:
    """The broker's queue of a lane: live and exercise never share one."""
    return f"{mode}.{lane.value}"

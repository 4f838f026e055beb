"""The Celery app, and each of its settings with its reason. Tasks are in `worker/tasks.py`."""

import logging
import os
from contextlib import AbstractContextManager, ExitStack, nullcontext

from celery import Celery
from celery.signals import celeryd_init, setup_logging, worker_shutdown
from celery.worker import state
from celery.worker.consumer import Consumer

from broadcaster.alive import Pulse
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import queue_name, queues
from broadcaster.settings import Settings
from worker.process import process
from worker.roles import BULK_NICENESS

_running = ExitStack()
_pulses: list[Pulse] = []

#: How long one bell keeps a worker at work: far below the visibility timeout, and below the half hour after which
#: RabbitMQ takes a bell back (`consumer_timeout`).
WORK_S = 15


class Listener(Consumer):  # type: ignore[misc]  # Celery has no types
    """Without the 28 queues and exchanges for delayed messages that Celery declares at RabbitMQ for each worker that
    listens to a quorum queue: here timers are rows, and each queue costs every node memory and files."""

    class Blueprint(Consumer.Blueprint):  # type: ignore[misc]
        default_steps = tuple(s for s in Consumer.Blueprint.default_steps if "delayed_delivery" not in s)


def make_app(settings: Settings) -> Celery:
    """The app that workers run. Nothing is connected yet."""
    logging.getLogger("celery.worker.request").addFilter(_ends_where_deaf)
    app = Celery("broadcaster", broker=settings.broker, include=["worker.tasks"])
    app.conf.update(
        # A task holds ids and words: JSON cannot carry code, and other content is refused.
        task_serializer="json",
        accept_content=["json"],
        # The database knows every outcome; a result store would be a second, lossy truth.
        task_ignore_result=True,
        # A bell is acknowledged when its work is done, so that a restart in the middle rings it again.
        task_acks_late=True,
        # Off: with it, one poisonous task ran 150 times in 15 s. The database's leases bring work back instead.
        task_reject_on_worker_lost=False,
        # One bell at a time: a worker never sits on bells that another could answer.
        worker_prefetch_multiplier=1,
        # Memory that a library leaks is given back (prefork pools only).
        worker_max_tasks_per_child=1000,
        # Lost bells come back after two minutes instead of an hour, and are looked for every two seconds:
        # with kombu's defaults nothing came back for 100 s. Longer than WORK_S, so no bell is answered twice.
        broker_transport_options={
            "visibility_timeout": 120,
            "unacked_restore_interval": 2,
            "unacked_restore_throttle": 1,
            "socket_timeout": 10,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
        },
        # A broker that is away is tried for ever: the pump sends meanwhile.
        broker_connection_retry_on_startup=True,
        broker_connection_max_retries=None,
        # A lost connection does not take back a bell that is being answered: the claim in the database decides.
        worker_cancel_long_running_tasks_on_connection_loss=False,
        # Remote control and events are traffic nobody reads; one secret less on the broker.
        worker_enable_remote_control=False,
        worker_send_task_events=False,
        # Our own logging, as key and value.
        worker_hijack_root_logger=False,
        task_default_queue=queue_name(Mode.LIVE, Lane.BULK),
        # Declared as whoever rings declares them; a misspelt `-Q` is an error and no queue that nobody ever rings.
        task_queues=queues(),
        task_create_missing_queues=False,
        # Else Celery puts an exchange of its own making into each of them, which a user with few rights may not bind.
        task_default_exchange="",
        worker_consumer="worker.app:Listener",
        # RabbitMQ drops a connection that was silent for two minutes, longer than any bell keeps a worker from saying
        # that it is there; a worker whose broker fell silent connects again.
        broker_heartbeat=60,
    )
    return app


def at_work() -> AbstractContextManager[None]:
    """Around the answer to one bell: one that hangs stops this worker's signs of life."""
    return _pulses[0].at_work() if _pulses else nullcontext()


@celeryd_init.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _begin(sender: str, **_: object) -> None:
    """`sender` is the worker's name, such as live-public-1@host. A broker that is away keeps it from nothing here: a
    worker that waits for it is alive."""
    name = sender.partition("@")[0]
    if Lane.BULK in name.split("-"):
        os.nice(BULK_NICENESS)
    this = _running.enter_context(process(name, mode=name.partition("-")[0]))
    _pulses.append(this.pulse)


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _end(**_: object) -> None:
    _pulses.clear()
    _running.close()


def _ends_where_deaf(record: logging.LogRecord) -> bool:
    """A worker whose broker went away while it answered a bell cannot acknowledge that, and often hears no other bell
    ever after (Celery 5.7 on Valkey, three of three tries). So it ends, and is started anew within seconds."""
    if str(record.msg).startswith("Couldn't ack"):
        state.should_stop = 0
    return True


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _logs_are_set_up(**_: object) -> None:
    """Celery sets up its own where nobody listens to this."""

"""The Celery app, and each of its settings with its reason. Tasks are in `worker/tasks.py`."""

from contextlib import AbstractContextManager, ExitStack, nullcontext

from celery import Celery
from celery.signals import celeryd_init, setup_logging, worker_shutdown

from broadcaster.alive import Pulse
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import queue_name
from broadcaster.settings import Settings
from worker.process import process

_running = ExitStack()
_pulses: list[Pulse] = []

WORK_S = 15  # how long one bell keeps a worker at work; far below the visibility timeout


def make_app(settings: Settings) -> Celery:
    """The app that workers run. Nothing is connected yet."""
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
    this = _running.enter_context(process(name, mode=name.partition("-")[0]))
    _pulses.append(this.pulse)


@worker_shutdown.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _end(**_: object) -> None:
    _pulses.clear()
    _running.close()


@setup_logging.connect  # type: ignore[untyped-decorator]  # Celery has no types
def _logs_are_set_up(**_: object) -> None:
    """Celery sets up its own where nobody listens to this."""

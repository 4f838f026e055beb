"""Which processes there are and how each is started, once: for the supervisor and, held by a test, docker-compose.yml."""

from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.queue import queue_name

PUBLIC_THREADS = 8
#: How far bulk workers stand back from whoever else wants a core: what the public reads first must not wait for texts.
BULK_NICENESS = 10

#: A process's name and what follows `python -m`.
Role = tuple[str, list[str]]

#: One lease or none keeps those from getting in each other's way, so any number may run.
FOR_BOTH_MODES: tuple[Role, ...] = (
    ("sweeper", ["worker.sweeper"]),
    ("sealer", ["worker.sealer"]),
    ("web", ["broadcaster.web"]),
)


def worker(mode: Mode, lane: Lane, number: int | None = None) -> Role:
    """Public posts: one process with threads, since they wait for platforms. Bulk: a process each, since they compute;
    `-c 1` since Celery else takes as many bells into its hand as the machine has cores, for one process that answers.

    `number` tells several on one machine apart; containers are told apart by their hosts.
    """
    name = f"{mode}-{lane}" if number is None else f"{mode}-{lane}-{number}"
    pool = ["-P", "threads", "-c", str(PUBLIC_THREADS)] if lane is Lane.PUBLIC else ["-P", "solo", "-c", "1"]
    quiet = ["-l", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    queue = ["-n", f"{name}@%h", "-Q", queue_name(mode, lane)]
    return name, ["celery", "-A", "worker.celery", "--quiet", "worker", *queue, *pool, *quiet]


def pump(mode: Mode) -> Role:
    return f"{mode}-pump", ["worker.pump", mode.value]


def in_containers() -> dict[str, list[str]]:
    """Every process of a cluster, by the name of its service; each may be run more than once."""
    roles = [role for mode in Mode for role in (*(worker(mode, lane) for lane in Lane), pump(mode))]
    return dict([*roles, *FOR_BOTH_MODES])

"""Two machines, one database, one broker: one of the two is cut off in mid-send, and comes back (T13, many machines)."""

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise

from sqlalchemy import func, select

from broadcaster.db.tables import audit_event
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.hosts import NETWORKS, Machine, in_the_middle, no_machines, process
from tests.faults.sending import Brake, judge, taken, wait_until_over
from tests.faults.town import Town, logged, spilled, town
from tests.installation import wait_for
from tests.rabbit import INSTALLED, MISSING

OVER_WITHIN_S = 300
SWEEPER_LEASE_S = 10  # so long the one that leads may be silent
LOCKS_WITHIN_S = 60  # after so long the server has given up a line that fell silent


def no_machines_or_broker() -> str:
    """Why there can be no machines with RabbitMQ here; nothing where there can."""
    return no_machines() or ("" if INSTALLED else MISSING)


def cut_off(
    place: Place,
    figures: Figures,
    *,
    texts: int,
    cables: Sequence[str],
    broker: str,
    cut_s: float,
    lease_s: float,
) -> None:
    """Of the two the one whose sweeper leads, with a transaction open that holds the sealers' lock."""
    with in_the_middle(), town(place.folder, broker=broker, lease_s=lease_s) as here:
        found = here.found
        found.import_numbers(texts)
        brake = Brake(found, texts)
        brake.last_for(cut_s)
        ref = found.approve(found.submit(channels=("sms",)))
        wait_for(lambda: taken(found) > 0 and len(here.at_work()) == len(here.hosts))
        victim = next(host for host in here.hosts if host.name == here.leads())
        with holding_a_lock(victim, here.databases[victim.name]) as session:
            victim.cut(cables)
            brake.last_for(1.5 * cut_s)
            figures.add("sent_at_cut", taken(found), at_most=texts - 1)
            meanwhile(here, figures, victim, session, for_s=cut_s)
            figures.add(
                "spilled_bytes", spilled(victim), **({"at_least": 1} if "outside" not in cables else {})
            )
            victim.heal(cables)
        figures.add("sent_at_heal", taken(found))  # all of it, where the other was quick
        found.clear_faults()
        figures.add("drain_s", wait_until_over(found, ref, within_s=OVER_WITHIN_S))
        wait_for(lambda: not any(spilled(host) for host in here.hosts), within_s=60)
        wait_for(lambda: here.unsealed_s() == 0, within_s=30)
        told(here, figures)
        judge(found, ref, figures, planned=texts)


def meanwhile(here: Town, figures: Figures, victim: Machine, session: int, *, for_s: float) -> None:
    """What the other one does while this one is away."""
    started, before, longest_unsealed_s, let_go_s, taken_over_s = time.monotonic(), 0, 0.0, None, None
    while (passed := time.monotonic() - started) < for_s:
        if passed > for_s / 2 and not before:
            before = taken(here.found)
        if taken_over_s is None and here.leads() != victim.name:
            taken_over_s = passed
        if let_go_s is None and not here.connected(session):
            let_go_s = passed
        longest_unsealed_s = max(longest_unsealed_s, here.unsealed_s())
        time.sleep(0.2)
    figures.add("went_on", taken(here.found) - before, at_least=1)
    figures.add("sweeper_taken_over_s", taken_over_s or for_s, at_most=min(for_s - 1, 3 * SWEEPER_LEASE_S))
    figures.add("lock_let_go_s", let_go_s or for_s, at_most=min(for_s - 1, LOCKS_WITHIN_S))
    figures.add("longest_unsealed_s", longest_unsealed_s, at_most=min(for_s - 1, LOCKS_WITHIN_S + 5))


def told(here: Town, figures: Figures) -> None:
    """One effect each: of two sweepers and two sealers, no act was done twice, and no place in the log given twice."""
    e = audit_event.c
    with here.found.parts.database.read() as tx:
        acts = tx.execute(select(e.act, func.count()).group_by(e.act)).all()
        numbers = list(tx.execute(select(e.no).where(e.no.is_not(None)).order_by(e.no)).scalars())
    figures.add("broadcasts_ended", dict(tuple(row) for row in acts).get("broadcast_done", 0), equals=1)
    figures.add("holes_in_the_log", sum(b - a != 1 for a, b in pairwise(numbers)), equals=0)
    for name, event in (("spilled", "outcomes_spilled"), ("brought_in", "spilled_outcomes_brought_in")):
        figures.add(name, sum(logged(host, event) for host in here.hosts))


HOLDER = """
import sys, time
from broadcaster.db.engine import Database
with Database(sys.argv[1]).write() as tx:
    tx.alone("sealer")
    print(tx.connection.exec_driver_sql("SELECT pg_backend_pid()").scalar(), flush=True)
    time.sleep(600)
"""


@contextmanager
def holding_a_lock(host: Machine, url: str) -> Iterator[int]:
    """A process of this machine is in the middle of a transaction. The server's number of its session."""
    log = host.root / "holder.log"
    with process([*host.inside(), sys.executable, "-c", HOLDER, url], log=log, environment={}):
        wait_for(lambda: log.read_text().strip(), within_s=20)
        yield int(log.read_text())


SCENARIOS = [
    Scenario(
        test="T13",
        title="one of two machines loses database and broker, and not the gateway",
        run=cut_off,
        small={"texts": 1_500, "cables": ("inside",), "broker": "valkey", "cut_s": 40.0, "lease_s": 6},
        full={"texts": 10_000, "cables": ("inside",), "broker": "valkey", "cut_s": 90.0, "lease_s": 20},
        n="texts",
        databases=("postgres",),
        pushed=False,
        why_not=no_machines,
    ),
    Scenario(
        test="T13",
        title="one of two machines is cut off from everything",
        run=cut_off,
        small={"texts": 1_500, "cables": tuple(NETWORKS), "broker": "rabbitmq", "cut_s": 40.0, "lease_s": 6},
        full={"texts": 10_000, "cables": tuple(NETWORKS), "broker": "rabbitmq", "cut_s": 90.0, "lease_s": 20},
        n="texts",
        databases=("postgres",),
        pushed=False,
        why_not=no_machines_or_broker,
    ),
]

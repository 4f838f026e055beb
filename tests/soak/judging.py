"""What a soak is judged by. Pure: it is given what was seen, and knows no process and no database.

Memory is what a process has written and nobody shares: its private dirty pages, and what of them is swapped out. Pages of a
program's file are none of it: they are counted as its own or as shared by who else runs the same program just then.

Of each process, from its start: the first sixth of the soak is warm-up and left out; of what remains, the median of the
first tenth is compared with the median of the last tenth. A process that was started anew is a new one, with a warm-up of
its own; one that did not live long enough for three looks in a tenth is told and not judged, but of each role at least one
must have been. Open files and threads go up and down with what is sent, by as many as a pool holds: a leak lifts their floor
above all that was before. So the least of the last tenth is compared with the most of the first half. All else that is
measured on the way is told, and judged by nobody: this machine may have had something else to do.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

WARM_UP = 1 / 6  # of the soak
LEAST_LOOKS = 3  # in a tenth
MOST_GROWTH = 0.10
#: Pools open what they need when they first need it: so many more are no leak, and neither is a tenth more.
MORE_FDS, MORE_THREADS = 3, 2
#: In less time, what a process loads when it first needs it is more than any leak.
JUDGED_FROM_S = 600.0

#: What may be left when it is over, and what each means. Whoever looks must have looked for all of them.
LEFT = {
    "open intents": "groups of deliveries were about to be sent, and nobody knows what became of them",
    "lapsed leases": "batches are held by somebody who has fallen silent",
    "held by the dead": "batches are held by a process that is gone",
    "deliveries under way": "deliveries are neither sent nor given up",
    "broadcasts not ended": "broadcasts are still being sent",
    "receipts not applied": "receipts of ours were stored and never applied",
    "callbacks unread": "genuine callbacks could not be read",
    "replies under way": "people who wrote STOP were not told that they are out",
    "events not sealed": "events wait for their place in the audit log",
    "bells": "bells wait in the broker",
    "bytes spilled": "bytes of outcomes never came into the database",
    "alarms": "alarms are open that no person has to answer",
}


@dataclass(frozen=True, kw_only=True)
class Look:
    """At one process, `at_s` seconds after the soak began."""

    at_s: float
    memory_mb: float
    fds: int
    threads: int


@dataclass(frozen=True, kw_only=True)
class Growth:
    """After the warm-up. `memory_mb` are the medians of the first and the last tenth; `fds` and `threads` the most in the first
    half and the least in the last tenth. `mb_an_hour` is what the growth makes in an hour."""

    role: str
    pid: int
    memory_mb: tuple[float, float]
    fds: tuple[int, int]
    threads: tuple[int, int]
    between_s: float

    @property
    def share(self) -> float:
        return self.memory_mb[1] / self.memory_mb[0] - 1

    @property
    def mb_an_hour(self) -> float:
        return (self.memory_mb[1] - self.memory_mb[0]) / self.between_s * 3600


def growth(role: str, pid: int, looks: Sequence[Look], *, soak_s: float) -> Growth | None:
    """Of one process; None where it was not watched for long enough."""
    warm = [look for look in looks if look.at_s >= looks[0].at_s + WARM_UP * soak_s]
    tenth = len(warm) // 10
    if tenth < LEAST_LOOKS:
        return None
    first, last = warm[:tenth], warm[-tenth:]

    def lifted(name: str) -> tuple[int, int]:
        half = warm[: len(warm) // 2]
        return max(getattr(look, name) for look in half), min(getattr(look, name) for look in last)

    return Growth(
        role=role,
        pid=pid,
        memory_mb=(median(look.memory_mb for look in first), median(look.memory_mb for look in last)),
        fds=lifted("fds"),
        threads=lifted("threads"),
        between_s=median(each.at_s for each in last) - median(each.at_s for each in first),
    )


def growths(lives: Mapping[tuple[str, int], Sequence[Look]], *, soak_s: float) -> list[Growth]:
    """Of every process, by role and process id, that was watched for long enough."""
    found = (growth(role, pid, looks, soak_s=soak_s) for (role, pid), looks in lives.items())
    return [each for each in found if each is not None]


def grown(found: Iterable[Growth], *, roles: Iterable[str]) -> list[str]:
    """A sentence for each process of these roles that grew, and for each role of which none was watched."""
    by_role: dict[str, list[Growth]] = defaultdict(list)
    for each in found:
        by_role[each.role].append(each)
    return [said for role in roles for said in _of_role(role, by_role[role])]


def _of_role(role: str, found: Sequence[Growth]) -> list[str]:
    if not found:
        return [f"No {role} was watched for long enough to say whether it grows."]
    return [said for each in found for said in _said(each)]


def _said(each: Growth) -> list[str]:
    said, who = [], f"{each.role} (process {each.pid})"
    if each.share >= MOST_GROWTH:
        (first, last), share = each.memory_mb, each.share
        said.append(
            f"{who} grew from {first:.1f} to {last:.1f} MB, by {share:.1%} and not under {MOST_GROWTH:.0%}."
        )
    both = ("open files", each.fds, MORE_FDS), ("threads", each.threads, MORE_THREADS)
    for name, (most, least), more in both:
        if least > most + max(more, MOST_GROWTH * most):
            said.append(f"{who} has at least {least} {name} at the end, and had at most {most} before.")
    return said


def stuck(left: Mapping[str, int]) -> list[str]:
    """A sentence for each kind of thing that is left."""
    missing = LEFT.keys() - left.keys()
    if missing:
        raise ValueError(f"nobody has looked for: {', '.join(sorted(missing))}")
    return [f"{left[name]:,} {means}." for name, means in LEFT.items() if left[name]]


def idle(done: Mapping[str, int], *, wanted: Iterable[str]) -> list[str]:
    """A sentence for each thing that never happened: a soak that does nothing finds nothing."""
    return [f"There were no {name}: that was not tried." for name in wanted if not done.get(name)]


def disagree(counts: Mapping[str, int], broken: Sequence[str]) -> list[str]:
    """What the stand-ins' ledgers, the database and the audit log do not agree on."""
    wrong = ("lost", "unexpected", "duplicated")
    said = [f"{counts[name]:,} deliveries are {name}." for name in wrong if counts[name]]
    return said + [f"An invariant does not hold: {each}." for each in broken[:5]]

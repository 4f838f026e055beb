"""What a fault test is made of: a scenario at a size on one database, which ends as a row of figures beside its pass line."""

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.faults.house import House

BOUNDS = {"at_most": ("<=", operator.le), "at_least": (">=", operator.ge), "equals": ("=", operator.eq)}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a scenario runs: an empty folder of its own, and a freshly migrated database good in other processes too."""

    database: str  # sqlite or postgres
    database_url: str
    folder: Path
    seed: int
    shared: "House | None" = None  # the installation that runs already, where rows share one


@dataclass
class Figures:
    """What was measured, and what each figure has to be. A figure without a bound is told, and judged by nobody."""

    values: dict[str, Any] = field(default_factory=dict)
    bounds: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, name: str, value: Any, **bound: Any) -> None:
        """`bound` is one of at_most, at_least, equals; a figure given twice keeps the later value and both bounds."""
        self.values[name] = value
        for kind, limit in bound.items():
            sign, holds = BOUNDS[kind]
            if f"{name} {sign} {limit}" not in self.bounds:
                self.bounds.append(f"{name} {sign} {limit}")
            if not holds(value, limit):
                self.missed.append(f"{name} is {value}, not {sign} {limit}")


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """`run(place, figures, **size)` breaks something and measures; `small` and `full` are its keyword arguments.

    A `patient` scenario mostly waits: `make faults` runs it beside others. `n` names the argument that is shown as n.
    `turn` is its place among the small rows that share one installation; 0 where it has one of its own, or none.
    What is not `pushed` takes too long for every change: `make test` leaves it to `make faults`. `why_not` says why it
    cannot run on this machine, and nothing where it can.
    """

    test: str
    title: str
    run: Callable[..., None]
    small: Mapping[str, Any]
    full: Mapping[str, Any]
    n: str
    databases: tuple[str, ...] = ("sqlite", "postgres")
    patient: bool = False
    turn: int = 0
    pushed: bool = True
    why_not: Callable[[], str] = str

    @property
    def name(self) -> tuple[str, str]:
        return self.test, self.title


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of the report. `error` is set where the scenario did not come to its end, which is a miss too."""

    test: str
    title: str
    database: str
    n: Any
    seed: int
    seconds: float
    figures: Figures
    folder: Path
    error: str = ""
    cpu_s: float = 0.0  # of this process and of all that it started and saw end

    @property
    def passed(self) -> bool:
        return not self.error and not self.figures.missed and bool(self.figures.bounds)

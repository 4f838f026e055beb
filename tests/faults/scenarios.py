"""Every fault test there is, in the order in which `make faults` runs them."""

from tests.faults import (
    broker_faults,
    crash_points,
    database_faults,
    killing,
    sealing,
    stopped,
    unknowns,
)
from tests.faults.frame import Scenario

MODULES = (killing, crash_points, broker_faults, stopped, database_faults, unknowns, sealing)
SCENARIOS: tuple[Scenario, ...] = tuple(
    sorted(
        (s for module in MODULES for s in module.SCENARIOS),
        key=lambda s: int(s.test.lstrip("T").split("-")[0]),
    )
)

"""Every fault test there is, in the order in which `make faults` runs them."""

from tests.faults import (
    bounds,
    broker_faults,
    clicks,
    clocks,
    crash_points,
    database_faults,
    exercising,
    failover,
    full_broker,
    full_disk,
    hostile,
    killing,
    lines,
    partial_answers,
    provider_faults,
    rabbit_faults,
    receiving,
    sealing,
    slow_gateway,
    stopped,
    stopping,
    twice,
    two_hosts,
    unknowns,
)
from tests.faults.frame import Scenario

MODULES = (
    killing,
    crash_points,
    broker_faults,
    full_broker,
    lines,
    stopped,
    clocks,
    database_faults,
    full_disk,
    twice,
    unknowns,
    provider_faults,
    failover,
    slow_gateway,
    partial_answers,
    bounds,
    receiving,
    stopping,
    sealing,
    rabbit_faults,
    two_hosts,
    exercising,
    hostile,
    clicks,
)
SCENARIOS: tuple[Scenario, ...] = tuple(
    sorted(
        (s for module in MODULES for s in module.SCENARIOS),
        key=lambda s: int(s.test.lstrip("T").split("-")[0]),
    )
)

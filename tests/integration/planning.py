"""Schedules for tests: a weekly notice of a planned disruption, written, handed over and approved, and a clock that can be set."""

from datetime import UTC, date, datetime
from typing import Any

from broadcaster.db.tables import schedule_run
from broadcaster.domain.message import Mode
from broadcaster.domain.schedule import Plan
from broadcaster.render.notices import shipped_notice
from broadcaster.service.schedule_writing import Written
from tests.builders import World

VALUES = {
    "service": "The Poulton tip",
    "state": "not working",
    "area": "All of Wyre",
    "instead": "the tip in Preesall",
    "works": "collections from the kerb",
    "expires": "=date +1 18:00",
    "next_update": "=date +7",
    "source": "Waste team, Wyre Council",
    "phone": "01632 960123",
}
WEEKLY = {
    "starts": datetime(2027, 1, 4, 9, 0),
    "zone": "Europe/London",
    "last": date(2027, 12, 31),
    "rule": "FREQ=WEEKLY;BYDAY=MO",
    "grace_minutes": 60,
}

#: As the console's form has it.
SCHEDULE_FORM = {
    "name": "Tip closed on Mondays",
    "starts": "2027-01-04T09:00",
    "last": "2027-06-30",
    "repeat": "weekly",
    "without": "2027-01-11",
    "grace": "60",
    "zone": "Europe/London",
    "channels": "website",
    **{f"blank-{name}": value for name, value in VALUES.items()},
}


def a_plan(**changed: Any) -> Plan:
    return Plan(**{**WEEKLY, **changed})


def written(
    *,
    name: str = "Tip closed on Mondays",
    values: dict[str, str] | None = None,
    channels: tuple[str, ...] = ("website",),
    audience: str = "",
    table: str | None = None,
    **plan: Any,
) -> Written:
    return Written(
        name=name,
        template=shipped_notice("service-disruption"),
        values={**VALUES, **(values or {})},
        plan=a_plan(**plan),
        channels=channels,
        audience=audience,
        table=table,
    )


def set_clock(world: World, local: str) -> None:
    """The database's clock goes to this moment, of UTC where it names no offset; back too, before anything has happened."""
    at = datetime.fromisoformat(local)
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    world.clock.advance((at - world.now()).total_seconds())


def submit(world: World, *, mode: Mode = Mode.LIVE, **given: Any) -> tuple[str, str]:
    """Its reference, and the hash that waits for approval."""
    ref = world.parts.schedule_writing.add(world.officer, written(**given), mode=mode).ref
    return ref, world.parts.schedule_writing.submit(world.officer, ref)


def approved(world: World, **given: Any) -> str:
    ref, digest = submit(world, **given)
    world.parts.schedule_approval.approve(world.approver, ref, digest)
    return ref


def fire(world: World) -> None:
    world.parts.firing.fire()
    assert [line for line in world.logs if line["event"] == "schedule_failed"] == []


def runs(world: World) -> list[tuple[str, str, str]]:
    """Moment, state and code of every run."""
    return [
        (f"{r.planned_at:%Y-%m-%dT%H:%MZ}", r.state, r.code)
        for r in sorted(world.rows(schedule_run), key=lambda r: (r.schedule_id, r.planned_at))
    ]

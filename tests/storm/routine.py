"""Storm mode in the night: what is routine waits from the warning on, is seen nowhere, and is dropped in the morning."""

from tests.storm.night import Broken, Night, Sent
from tests.storm.watcher import Record

ROAD = {
    "road": "A585",
    "from_place": "Eagland Hill",
    "to_place": "Fleetwood docks",
    "directions": "both directions",
    "diversion": "the A588 through Hambleton",
    "phone": "01632 960123",
}


def held(night: Night) -> Sent:
    """The officer switches storm mode on; a notice that was written and approved then does not leave."""
    night.officer.go("/storm")
    night.officer.send("/storm/on", reason="Amber wind warning in force")
    night.told.tell("officer", "switches storm mode on: everything routine waits")
    night.officer.go("/messages/new/road-closure")
    blanks = {f"blank-{name}": value for name, value in ROAD.items()}
    page = night.officer.send("/messages/new/road-closure", channels=["website"], **blanks)
    routine = night.hand_over(page, "routine", counts=False)
    night.approve(night.approver, routine)
    if "Storm mode holds what is not sent" not in night.officer.go(f"/messages/{routine.ref}/board").words:
        raise Broken(f"storm mode does not hold {routine.ref}")
    night.told.tell("board", f"{routine.ref} is held")
    return routine


def dropped(night: Night, routine: Sent) -> None:
    """The storm is over, and somebody decides about what was held."""
    night.officer.go("/storm")
    night.officer.send("/storm/off", reason="The warning has ended")
    night.officer.send(f"/storm/held/{routine.ref}", press="drop", why="The road is open again")
    if routine.ref in night.officer.go("/storm").words:
        raise Broken(f"{routine.ref} is still held, although it was dropped")
    night.told.tell("officer", f"ends storm mode and drops {routine.ref}, which nobody ever read")


def leaked(record: Record, routine: Sent) -> list[str]:
    """Where what was held was seen all the same."""
    found = [
        sight for sight in record.sights if any(routine.ref in text for text in sight.shown.live.values())
    ]
    return [f"{sight.surface}: shows {routine.ref}, which storm mode held" for sight in found]

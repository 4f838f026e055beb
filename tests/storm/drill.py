"""A drill in a quiet hour before the storm: from its plan to its report, on the console, and seen where exercises end alone."""

from datetime import datetime

import requests

from tests.storm import surfaces
from tests.storm.night import CHANNELS, FORM_TIME, ZONE, Broken, Night, Sent

NAME = "Storm surge in a quiet hour"
WITHIN_S = 60.0
STEPS = 3 + len(CHANNELS)  # drafted, handed over, approved, and accepted by each channel


def drilled(night: Night) -> None:
    """The officer and the approver take part. Broken where it does not reach the exercise accounts, or is not measured."""
    officer, approver = night.officer, night.approver
    officer.go("/drills")
    page = officer.send(
        "/drills",
        name=NAME,
        scenario="High water at 04:10. The sea wall at Rossall is low.",
        template="severe-weather",
        starts=f"{datetime.now(ZONE):{FORM_TIME}}",
        parts=["officer", "approver"],
    )
    drill = page.path
    if page.tree.xpath(f'//form[@action="{drill}/start"]'):  # its minute may have come meanwhile
        page = officer.send(f"{drill}/start")
    night.told.tell("officer", f'starts the drill "{NAME}"')
    form = page.links(r"/messages/new/severe-weather\?mode=exercise.*")[0]
    officer.go(form)
    page = officer.send(
        "/messages/new/severe-weather",
        **{
            "mode": "exercise",
            "blank-colour": "Red",
            "blank-hazard": "wind",
            "blank-area": "Rossall",
            "blank-action": "Keep off the sea wall.",
            "blank-phone": "01632 960123",
            "audience": "sample",
        },
    )
    message = night.hand_over(page, "exercise", counts=False)
    night.approve(approver, message)
    night.until(lambda: _on_exercise_wall(night, message), "the exercise on the wall for exercises", WITHIN_S)
    night.out(message)
    officer.go(drill)
    said = officer.send(f"{drill}/end", reason="Everybody knew where to look.").words
    if f"{STEPS} of {STEPS} in time" not in said:
        raise Broken(f"the drill was not measured as it went: {said[-900:]}")
    night.told.tell(
        "officer",
        f"ends the drill: {STEPS} of {STEPS} steps in time; on the live wall nothing of it was seen",
    )


def _on_exercise_wall(night: Night, message: Sent) -> bool:
    """On each platform of the exercises' own, and with the words that say so."""
    answer = requests.get(f"{night.house.exercise_sandbox}/", timeout=15)
    answer.raise_for_status()
    shown = surfaces.wall(answer.content)
    return all(message.ref in each.live and each.wrong for each in shown.values())

"""What a check finds in facts that hold a text."""

from broadcaster.domain.checks.facts import check_facts
from broadcaster.domain.message import Facts


def facts(**changed: str) -> Facts:
    plain = {
        "event": "Flood",
        "headline": "Flood warning",
        "area": "Fleetwood",
        "instruction": "Move upstairs now.",
        "starts": "2026-11-21T18:00:00+00:00",
        "expires": "2026-11-22T06:00:00+00:00",
        "source": "Duty officer, Wyre Council",
    }
    return Facts(**{**plain, **changed})


def everything(text: str, **given: object) -> list:
    return list(check_facts(facts(details=text), **given))


def codes(text: str, **given: object) -> list[str]:
    return [finding.code for finding in everything(text, **given)]

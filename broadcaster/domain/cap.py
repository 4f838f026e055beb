"""What CAP 1.2 asks of a message and a notice template answers: its category, and what people are to do."""

from collections.abc import Mapping

#: By the name of the template; a house's own templates are "Other" until they are named like one of these.
_CATEGORIES: Mapping[str, str] = {
    "evacuation": "Safety",
    "flood": "Met",
    "heat-cold-snow": "Met",
    "missing-person": "Rescue",
    "power-cut": "Infra",
    "road-closure": "Transport",
    "school-closure": "Safety",
    "service-disruption": "Infra",
    "severe-weather": "Met",
    "shelter-in-place": "Safety",
    "water-supply": "Health",
}
_RESPONSES: Mapping[str, str] = {
    "all-clear": "AllClear",
    "evacuation": "Evacuate",
    "road-closure": "Avoid",
    "shelter-in-place": "Shelter",
}


def category_of(template: str) -> str:
    return _CATEGORIES.get(template, "Other")


def response_of(template: str) -> str:
    """Empty where the instruction says it better than one word."""
    return _RESPONSES.get(template, "")

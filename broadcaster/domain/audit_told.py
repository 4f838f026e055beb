"""An event's content, made ready to stand in a sentence: numbers, lists, states and reasons in words."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from broadcaster.domain.audit import AuditEvent

#: Who is named where no person acted.
SYSTEM, NOBODY = "system", "nobody"
UNTOLD = "(not recorded)"

STATES: Mapping[str, str] = {
    "accepted": "accepted by the platform",
    "delivered": "delivered to the phone",
    "undelivered": "not delivered to the phone",
    "not_sent": "not taken, to be tried again",
    "refused": "refused by the platform",
    "not_configured": "refused for the account's credentials",
    "unknown": "with no known outcome",
    "unknown_final": "left to a person to decide",
    "failed": "refused for good",
    "expired": "not sent in time",
    "cancelled": "stopped",
    "suppressed": "left out, since people opted out or were erased",
    "quarantined": "held back",
    "pending": "waiting",
    "sending": "being sent",
}
FACTORS: Mapping[str, str] = {
    "passkey": "a passkey",
    "totp": "a code from an app",
    "recovery-code": "a recovery code on paper",
    "password": "a password alone",
    "single-sign-on": "single sign-on",
    "token": "a token of a program, without a second factor",
}


class Told(dict[str, Any]):
    """What an event says, made ready to stand in a sentence. What an event of an older version lacks reads as unknown,
    so that its sentence still stands."""

    def __init__(self, event: AuditEvent) -> None:
        super().__init__(payload_of(event.payload))
        who = {SYSTEM: "The system", NOBODY: "Nobody who was signed in"}.get(event.actor, event.actor)
        self |= {"who": who, "about": event.subject or "nothing named"}

    def __missing__(self, key: str) -> str:
        return UNTOLD

    def text(self, key: str) -> str:
        return in_text(self[key])

    def number(self, key: str) -> int:
        found = self.get(key, 0)
        return found if isinstance(found, int) else 0

    def why(self, key: str = "reason") -> str:
        """The reason, at a sentence's end; empty where none was given."""
        return f": {self[key]}" if self.get(key) else ""

    def counts(self, key: str, words: Mapping[str, str] = STATES) -> str:
        found = self.get(key)
        if not isinstance(found, dict) or not found:
            return "nothing"
        return listed([f"{in_text(n)} {words.get(state, state)}" for state, n in found.items()])


#: What an act means: words with blanks, or what makes them of the event.
Sentence = str | Callable[[Told], str]


def listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}" if parts else "nothing"


class Ready(dict[str, str]):
    """For a sentence with gaps: each value as it reads there."""

    def __init__(self, told: Told) -> None:
        super().__init__({name: in_text(value) for name, value in told.items()})

    def __missing__(self, key: str) -> str:
        return UNTOLD


def payload_of(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def in_text(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list):
        return listed([in_text(each) for each in value]) if value else "none"
    return str(value)


def many(n: int, word: str, words: str = "") -> str:
    return f"{n:,} {word if n == 1 else words or word + 's'}"

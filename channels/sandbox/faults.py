"""Faults on demand: which of them meets a call. What a platform then says is the platform's business.

Unless its name says otherwise, a fault meets publishing calls only, so that "500" never disturbs reading back;
with `on` = "upload" it meets the uploads of pictures instead.
"""

import math
import random
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from channels.sandbox import STAND_INS

PLATFORMS = ("facebook", "x", "sms", "notify", "twilio", "sinch", "smpp", *STAND_INS)
GATEWAYS = frozenset({"sms", "notify", "twilio", "sinch", "smpp"})

#: What each kind does.
KINDS: Mapping[str, str] = {
    "delay": "wait `seconds` before the platform looks at the call; then it goes on as usual",
    "429": "refuse in the platform's words for going too fast (Facebook: 403 with code 32, as Graph has it)",
    "500": "answer 500; nothing is accepted",
    "502": "answer a gateway's page; nothing is accepted",
    "503": "answer in the platform's words for being unavailable; nothing is accepted",
    "504": "answer a gateway's page; nothing is accepted",
    "silence": "accept nothing, and never answer (the connection is cut after 120 s)",
    "reset": "accept nothing, and reset the connection (SMPP)",
    "accept_then_silence": "accept, and never answer (the connection is cut after 120 s)",
    "accept_then_500": "accept, and answer 500",
    "accept_then_504": "accept, and answer a gateway's page",
    "accept_then_reset": "accept, and reset the connection",
    "broken_json": "accept, and answer with half of the body",
    "expired_token": "refuse every call, reads too, as with credentials that have lapsed",
    "duplicate_refusal": "refuse as a duplicate, though nothing was accepted (Facebook and X)",
    "no_credits": "refuse every call, reads too, as with credits that are used up (X)",
    "spend_cap": "refuse every call, reads too, as with a spending cap that is reached (X)",
    "daily_limit": "refuse a post as one too many for the day (X)",
    "reply_refused": "refuse a post that answers another one, as X does to apps; others go on, and count too (X)",
    "refuse_recipient": "refuse `recipient` (SMS); others in the same request are accepted (Sinch: none is, as it has it)",
    "unnamed_recipient": "take a batch whole and leave `recipient` out of the answer (Sinch)",
    "readback_lag": "posts younger than `seconds` are missing when read back (Facebook, X and Notify)",
    "readback_500": "answer 500 to reading back (Facebook, X and Notify)",
    "readback_lookalike": "reading back also shows another author's and yesterday's post with each of the last texts",
}
KEYS = ("platform", "kind", "count", "seconds", "retry_after", "probability", "seed", "recipient", "on")

_AFTER = {
    "accept_then_silence": "silence",
    "accept_then_500": "500",
    "accept_then_504": "504",
    "accept_then_reset": "reset",
    "broken_json": "broken",
}
_BLIND = {"duplicate_refusal", "readback_lag", "readback_500", "readback_lookalike"}
#: What a platform cannot do. GOV.UK Notify can be asked for a reference, which nobody else has.
_OF_X = {"no_credits", "spend_cap", "daily_limit", "reply_refused"}
_OF_SINCH = {"unnamed_recipient"}
_NOT_FOR = {
    **dict.fromkeys(STAND_INS, _BLIND | _OF_X | _OF_SINCH),
    "facebook": _OF_X | _OF_SINCH,
    "x": _OF_SINCH,
    "sms": _BLIND | _OF_X | _OF_SINCH,
    "twilio": _BLIND | _OF_X | _OF_SINCH,
    "sinch": _BLIND | _OF_X,
    "notify": {"duplicate_refusal", "readback_lookalike"} | _OF_X | _OF_SINCH,
}
#: SMPP is no HTTP: it knows no page of a proxy, and no body that could be broken.
_NOT_FOR = {name: _NOT_FOR.get(name, set()) | {"reset"} for name in PLATFORMS} | {
    "smpp": _BLIND | _OF_X | _OF_SINCH | {"502", "504", "accept_then_500", "accept_then_504", "broken_json"}
}
_BESIDE_OTHERS = {"delay", "refuse_recipient", "unnamed_recipient", "readback_lag", "readback_lookalike"}
_EVERY_CALL = {"expired_token", "no_credits", "spend_cap"}
_NEEDS_SECONDS = {"delay", "readback_lag"}
_MOST_SECONDS = 3600.0


@dataclass(kw_only=True)
class Fault:
    """One standing order. `count` is how often it may still fire (None: always); `fired` how often it did."""

    id: int
    platform: str
    kind: str
    count: int | None = None
    seconds: float = 0.0
    retry_after: str = ""
    probability: float = 1.0
    seed: int | None = None
    recipient: str = ""
    on: str = "publish"
    fired: int = 0
    dice: random.Random = field(default_factory=random.Random, repr=False)

    def ending(self, *, accepted: bool) -> str:
        """What becomes of the platform's answer: silence, 500, 504, reset, broken, or nothing, and then it is sent."""
        if self.kind == "silence":
            return "silence"
        return _AFTER.get(self.kind, "") if accepted else ""

    @property
    def refuses(self) -> bool:
        return self.kind not in _AFTER and self.kind not in _BESIDE_OTHERS

    @property
    def words(self) -> str:
        """The kind of refusal to ask the platform for; of a silent one nobody hears."""
        return {"readback_500": "500", "silence": "504"}.get(self.kind, self.kind)

    def meets(self, platform: str, purpose: str, recipients: Collection[str]) -> bool:
        if self.platform not in ("*", platform) or self.kind in _NOT_FOR.get(platform, ()):
            return False
        if self.kind.startswith("readback_"):
            return purpose == "read"
        if self.kind in _EVERY_CALL:
            return True
        return purpose == self.on and (not self.recipient or self.recipient in recipients)

    def takes_its_chance(self) -> bool:
        return self.probability >= 1 or self.dice.random() < self.probability

    def to_json(self) -> dict[str, Any]:
        return {"id": self.id, **{key: getattr(self, key) for key in KEYS}, "fired": self.fired}


class Faults:
    """The standing orders, oldest first."""

    def __init__(self) -> None:
        self._orders: list[Fault] = []
        self._next_id = 1

    @property
    def active(self) -> bool:
        return bool(self._orders)

    def order(self, data: Any) -> Fault:
        """Take up the order in this JSON. ValueError names what is wrong and what is known."""
        given = _checked(data)
        fault = Fault(id=self._next_id, dice=random.Random(given.get("seed")), **given)  # noqa: S311
        self._next_id += 1
        self._orders.append(fault)
        return fault

    def fire(self, platform: str, purpose: str, recipients: Collection[str]) -> list[Fault]:
        """The faults that this call meets: any that stand beside others, and at most one that decides the outcome."""
        fired: list[Fault] = []
        decided = False
        for fault in self._orders:
            beside = fault.kind in _BESIDE_OTHERS
            if (decided and not beside) or not fault.meets(platform, purpose, recipients):
                continue
            if fault.takes_its_chance():
                decided = decided or not beside
                fired.append(fault)
        self._count(fired)
        return fired

    def listing(self) -> list[dict[str, Any]]:
        return [fault.to_json() for fault in self._orders]

    def clear(self) -> None:
        self._orders.clear()

    def _count(self, fired: Iterable[Fault]) -> None:
        for fault in fired:
            fault.fired += 1
            if fault.count is not None:
                fault.count -= 1
        self._orders = [fault for fault in self._orders if fault.count is None or fault.count > 0]


def _checked(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):  # a ValueError, as for all that is wrong with an order
        raise ValueError(f"A fault is a JSON object with the keys {', '.join(KEYS)}.")  # noqa: TRY004
    given = {key: value for key, value in data.items() if value is not None}
    unknown = sorted(set(given) - set(KEYS))
    if unknown:
        raise ValueError(f"Unknown key {unknown[0]!r}. Known: {', '.join(KEYS)}.")
    if given.get("kind") not in KINDS:
        raise ValueError(f"Unknown kind {given.get('kind')!r}. Known: {', '.join(KINDS)}.")
    if given.get("platform") not in ("*", *PLATFORMS):
        raise ValueError(f"Unknown platform {given.get('platform')!r}. Known: *, {', '.join(PLATFORMS)}.")
    _check_values(given)
    _check_combination(given)
    return given


def _check_values(given: Mapping[str, Any]) -> None:
    bounds = {"count": (1, math.inf), "seconds": (0, _MOST_SECONDS), "probability": (0, 1)}
    for key, (least, most) in bounds.items():
        if key in given and not (_is_number(given[key]) and least <= given[key] <= most):
            raise ValueError(f"{key} is a number from {least} to {most}.")
    for key in ("count", "seed"):
        if key in given and not isinstance(given[key], int):
            raise ValueError(f"{key} is a whole number.")
    if given.get("on", "publish") not in ("publish", "upload", "change"):
        raise ValueError("on is publish, upload or change.")
    for key in ("retry_after", "recipient"):
        if key in given and (not isinstance(given[key], str) or not given[key].isprintable()):
            raise ValueError(f"{key} is text on one line.")


def _check_combination(given: Mapping[str, Any]) -> None:
    kind = given["kind"]
    if kind in _NEEDS_SECONDS and "seconds" not in given:
        raise ValueError(f"{kind} needs seconds.")
    if kind in _NOT_FOR.get(given["platform"], ()):
        who = "This SMS gateway" if given["platform"] in GATEWAYS else given["platform"].capitalize()
        raise ValueError(f"{who} has no {kind}.")
    of_one = kind in {"refuse_recipient", "unnamed_recipient"}
    if of_one and (given["platform"] not in GATEWAYS or not given.get("recipient")):
        raise ValueError(f"{kind} is for {', '.join(sorted(GATEWAYS))} and needs a recipient.")


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)

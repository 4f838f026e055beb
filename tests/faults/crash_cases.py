"""Which runs there are of the crash points: each a point, a channel and a seed, from which all else follows."""

import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from broadcaster.domain.broadcast import Lane

POINTS = (
    "after_claim",
    "after_intent",
    "after_first_byte",
    "after_answer",
    "before_commit",
    "after_commit",
    "before_bell",
)
CHANNELS = ("website", "facebook", "x", "sms")
PUBLIC = ("website", "facebook", "x")
SLOW_S = 0.3  # how long a slow platform looks at a request before it takes it


@dataclass(frozen=True, kw_only=True)
class Texts:
    """How texts that nobody knows of come to an end: by receipts, sent again within the bounds, or left to a person."""

    recipients: int
    in_flight: int
    life_safety: bool
    receipts: bool = False


TEXTS = (
    Texts(recipients=24, in_flight=8, life_safety=False, receipts=True),
    Texts(recipients=40, in_flight=2, life_safety=True),  # 5 %: sent again
    Texts(recipients=18, in_flight=6, life_safety=False, receipts=True),
    Texts(recipients=24, in_flight=8, life_safety=True),  # more than 5 %: a person decides
    Texts(recipients=18, in_flight=6, life_safety=False),  # policy holds: a person decides
)
SIZES = sorted({t.recipients for t in TEXTS})


@dataclass(frozen=True, kw_only=True)
class Case:
    """`task` is what the process that dies was doing; `bell` is the one that it dies before."""

    point: str
    channel: str
    seed: int
    channels: tuple[str, ...]
    texts: Texts | None
    life_safety: bool
    task: str
    bell: str
    groups: int | None  # after so many the worker is asked to end
    group: int
    arrived: int
    files: int
    delay_s: float
    faults: tuple[Mapping[str, Any], ...]  # from the start
    fault: Mapping[str, Any]  # for the group that it dies in
    supervised: bool  # somebody sees it die, so that nobody waits for its lease

    @property
    def lane(self) -> Lane:
        return Lane.BULK if self.texts else Lane.PUBLIC

    @property
    def in_flight(self) -> int:
        return self.texts.in_flight if self.texts else 50

    @property
    def receipts(self) -> bool:
        return bool(self.texts and self.texts.receipts)

    @property
    def leads(self) -> bool:
        """It dies before the bell for the posts that waited for the page."""
        return self.point == "before_bell" and self.task == "work" and self.groups is None

    @property
    def may_double(self) -> int:
        """How many policy may send again without proof: of a life-safety message, as long as they are within 5 %."""
        t = self.texts
        within = t is not None and t.life_safety and not t.receipts and t.in_flight * 20 <= t.recipients
        return t.in_flight if t and within else 0

    def may_stay_unknown(self, left: Mapping[str, int]) -> int:
        """How many of what it left may stay unknown: what proves itself may not."""
        if self.channel == "website" or not left["open"]:
            return 0
        proved = left["taken"] if self.texts is None or self.texts.receipts else 0
        return left["size"] - proved

    @property
    def slow(self) -> bool:
        """The platform is still to take what is on its way when the process dies."""
        return self.point == "after_first_byte" and self.fault.get("kind") == "delay"

    def __str__(self) -> str:
        return f"{self.point} x {self.channel} x seed {self.seed}"


def cases(seeds: Sequence[int], *, share: int, part: int) -> Iterator[Case]:
    """All of them, or one of so many shares, each with every point and every channel in it."""
    for seed in seeds:
        for p, point in enumerate(POINTS):
            for c, channel in enumerate(CHANNELS):
                if (p + c + seed) % share == part % share:
                    yield case(point, channel, seed)


def case(point: str, channel: str, seed: int) -> Case:
    dice = random.Random(f"{point} {channel} {seed}")
    texts = TEXTS[(seed + POINTS.index(point)) % len(TEXTS)] if channel == "sms" else None
    task, bell, groups = _bell(channel, seed, dice) if point == "before_bell" else ("work", "", None)
    together = dice.random() < 0.5 if point != "before_bell" else bell == "ring" and groups is None
    at_once = texts.in_flight if texts else 1
    return Case(
        point=point,
        channel=channel,
        seed=seed,
        channels=PUBLIC if together and not texts else (channel,),
        texts=texts,
        life_safety=texts.life_safety if texts else dice.random() < 0.5,
        task=task,
        bell=bell,
        groups=groups,
        group=dice.randint(1, 3) if texts else 1,
        arrived=dice.randint(1, at_once),
        files=dice.randint(2, 5),
        delay_s=dice.choice([0.0, dice.uniform(0, 0.05)]),
        faults=_faults(point, channel, dice),
        fault=_fault(point, channel, dice),
        supervised=dice.random() < 0.5,
    )


def _bell(channel: str, seed: int, dice: random.Random) -> tuple[str, str, int | None]:
    """Task, bell and groups: who approved dies before the queue is rung, or a worker before its own bell."""
    by_worker: list[tuple[str, str, int | None]] = [
        ("work", "ring", dice.randint(1, 3) if channel == "sms" else 1)
    ]
    by_approver: list[tuple[str, str, int | None]] = [("approve", "ring", None)]
    if channel == "website":
        by_worker.append(("work", "ring", None))  # the page is up, and posts wait for it
    if channel == "sms":
        by_approver.append(("approve", "plan", None))
        by_worker.append(("plan", "ring", None))
    return dice.choice(by_approver if (seed + CHANNELS.index(channel)) % 2 else by_worker)


def _faults(point: str, channel: str, dice: random.Random) -> tuple[Mapping[str, Any], ...]:
    """What the platform does meanwhile: nothing, or it is slow, or (SMS) takes some and is busy for others."""
    if channel == "website" or point == "after_first_byte":
        return ()
    kinds: list[dict[str, Any]] = [{}, {"kind": "delay", "seconds": 0.05, "probability": 0.5}]
    if channel == "sms":
        kinds.append({"kind": "503", "probability": 0.3})
    chosen = dice.choice(kinds)
    return ({**chosen, "platform": channel, "seed": dice.randint(1, 999)},) if chosen else ()


def _fault(point: str, channel: str, dice: random.Random) -> Mapping[str, Any]:
    """It takes what came and says nothing, or is still to take it; files have no platform to order this from."""
    if channel == "website" or point != "after_first_byte":
        return {}
    slow = {"platform": channel, "kind": "delay", "seconds": SLOW_S}
    return dice.choice([slow, {"platform": channel, "kind": "accept_then_silence"}])

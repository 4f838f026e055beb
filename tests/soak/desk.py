"""What people do all day: officers write, approve, stop and decide; people answer; now and then somebody knocks who should not."""

import random
import time
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import cycle

import requests

from broadcaster.domain.alarm import AlarmCode
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotFound, Problem, Stale
from broadcaster.render.notices import shipped_example, shipped_notice
from tests.builders import LIFE_SAFETY, NO_HURRY
from tests.integration.pictures import picture
from tests.soak.place import GATEWAYS, PUBLIC, TOKEN, Place

#: Forty texts a second, one way and another: about half of two cores, with the stand-ins and the database.
AUDIENCES = {"wardens": 10, "street": 100, "village": 400, "town": 1_500}
COLOURS = ("red", "green", "blue", "orange")
WORDS = ("STOP", "Is the bridge open?", "START", "stop.", "Danke", "Unstop", "QUIT")
TEMPLATE = "severe-weather"
FORGED, KEPT = 400, 204
STOPPED_AFTER_S = 3.0
IN_FORCE = timedelta(minutes=10)


@dataclass
class Desk:
    """`done` counts what was done, by its name; `refs` are the messages that went out; `problems` what the product refused."""

    place: Place
    dice: random.Random
    done: Counter[str] = field(default_factory=Counter)
    refs: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        found = self.place.found
        people = found.people
        self._officer, self._approver = (found.parts.people.who(people[n]) for n in ("officer", "approver"))
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Connection"] = "close"  # one that is kept may end just as it is used again
        self._turns = cycle(AUDIENCES)

    def open(self) -> None:
        for name, size in AUDIENCES.items():
            self.place.found.import_numbers(size, name=name)

    def import_again(self) -> None:
        """A list is brought up to date: a new version, and the old one's numbers wait to be wiped."""
        name = self.dice.choice(["wardens", "street", "village"])
        self.place.found.import_numbers(AUDIENCES[name] + self.dice.randint(0, 5), name=name)
        self.done["imports"] += 1

    # --- messages -------------------------------------------------------------------------------------------

    def post(self) -> None:
        """To every public place; every fourth with a picture, every third one that need not be sent twice."""
        number = self.done["posts"]
        images = [picture(self.dice.choice(COLOURS), side=400)] if number % 4 == 3 else []
        self._release(PUBLIC, hold=number % 3 == 2, images=images)
        self.done["posts"] += 1

    def text(self) -> None:
        """To the next audience, the small and the large by turns."""
        audience = next(self._turns)
        self._release(["sms"], audience=audience, hold=self.done["broadcasts of texts"] % 3 == 2)
        self.done["broadcasts of texts"] += 1
        self.done["texts"] += AUDIENCES[audience]

    def everything(self) -> None:
        """One message to every place and every telephone of a street at once."""
        self._release([*PUBLIC, "sms"], audience="street")
        self.done["messages everywhere"] += 1

    def stop_one(self) -> None:
        """A send is stopped on its way: its gateway is slow enough for that."""
        self.place.found.fault(platform=self.place.gateway, kind="delay", seconds=0.5, count=300)
        ref = self._release(["sms"], audience="town")
        time.sleep(STOPPED_AFTER_S)
        try:
            self.place.found.parts.recall.stop(self._officer, ref, "Sent in error")
        except Stale:
            self.done["stops that came too late"] += 1
        else:
            self.done["stops"] += 1

    def decide(self) -> None:
        """What nothing could prove: somebody looks, and has it sent again; what was stopped he only takes note of."""
        parts = self.place.found.parts
        for each in parts.unknowns.undecided():
            if each.state is not DeliveryState.UNKNOWN:
                try:
                    parts.unknowns.send_again(self._officer, each.uid, reason="Nobody got it")
                    self.done["decisions"] += 1
                except (Stale, NotFound):
                    continue
        for alarm in parts.alarms.watch().alarms:
            if alarm.code == AlarmCode.UNKNOWN_UNDECIDED:
                try:
                    parts.alarms.acknowledge(self._officer, alarm.code, alarm.subject, reason="Seen")
                except NotFound:
                    continue

    def read(self) -> None:
        """How a message stands, and what people wrote, as somebody on the staff looks at it."""
        parts = self.place.found.parts
        for ref in self.refs[-3:]:
            parts.report.status(ref)
        parts.hearing.newest(self._officer, everything=True, limit=20)
        self.done["looks"] += 1

    def _release(
        self,
        accounts: Sequence[str],
        *,
        audience: str = "",
        hold: bool = False,
        images: Sequence[object] = (),
    ) -> str:
        parts = self.place.found.parts
        draft = parts.compose.draft(
            self._officer,
            template=shipped_notice(TEMPLATE),
            values={**shipped_example(TEMPLATE), **(NO_HURRY if hold else LIFE_SAFETY), **self._times()},
            channels=accounts,
            audience=audience,
            images=images,
        )
        submitted = parts.compose.submit(self._officer, draft.ref)
        parts.approve.approve(self._approver, draft.ref, submitted.manifest_sha256)
        self.refs.append(draft.ref)
        return draft.ref

    def _times(self) -> dict[str, str]:
        """In force for so long that what platforms delay still goes out, and so shortly that an hour does not leave two hundred
        messages in force: the website shows every one of those, and holds them all while it publishes (50 kB each)."""
        ends = datetime.now(self.place.found.settings.zone) + IN_FORCE
        at = ends.strftime("%Y-%m-%dT%H:%M")
        return {"starts": "", "expires": at, "next_update": at}

    # --- people who answer, and who should not ----------------------------------------------------------------

    def answer(self) -> None:
        """Somebody writes to us, and the gateway brings it."""
        number = f"+4460{self.dice.randrange(AUDIENCES['town']):08d}"
        order = {"platform": self.place.gateway, "from": number, "url": self.place.hook("heard")}
        order["text"] = self.dice.choice(WORDS)
        answer = self._http.post(f"{self.place.found.sandbox}/_sandbox/inbound", json=order, timeout=10)
        answer.raise_for_status()
        self.done["answers"] += 1

    def knock(self) -> None:
        """A forged receipt, which is to be refused; where nothing is signed also one about nothing of ours, which is to be
        kept."""
        key = str(uuid.UUID(int=self.dice.getrandbits(128), version=4))
        hook, about = self.place.hook("receipt").partition("?")[0], {"key": key, "status": 1}
        forged = self._http.get(hook, params={**about, "token": "guessed"}, timeout=10).status_code
        if forged != FORGED:
            self.problems.append(f"a forged receipt was answered {forged}")
        if self.place.gateway == GATEWAYS["kannel"]:
            unknown = self._http.get(hook, params={**about, "token": TOKEN}, timeout=10).status_code
            if unknown != KEPT:
                self.problems.append(f"a receipt about nothing of ours was answered {unknown}")
        self.done["knocks"] += 1

    def tried(self, act: str) -> None:
        """One of these; what the product refuses is kept, and no reason to end."""
        try:
            getattr(self, act)()
        except Problem as problem:
            self.problems.append(f"{act}: {problem.text}")

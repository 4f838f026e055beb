"""The night itself: what each person does on the pages, one act after the other. Everything is done and read by HTTP alone."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

import requests

from tests.storm.browser import Browser, Page
from tests.storm.house import House
from tests.storm.people import at_a_browser, invited
from tests.storm.surfaces import FEED, WALL_FACEBOOK, WALL_SITE, WALL_TEXT, WALL_X
from tests.storm.timeline import Timeline

T = TypeVar("T")
#: What a surface shows, by the last look of somebody who watches: texts by their messages, what is current first.
Seen = Callable[[str], Mapping[str, str]]

ZONE = ZoneInfo("Europe/London")
LOOKS_EVERY_S = 0.5
FORM_TIME = "%Y-%m-%dT%H:%M"
CHANNELS = ("website", "facebook", "x", "sms")
WARNED = "Fleetwood and Cleveleys"
WRONG, RIGHT = "Clitheroe", "Cleveleys"
CORRECTED_WITHIN_S = 120.0
EVERY_FEED_S = 30  # the least that a feed may be looked at


class Broken(Exception):
    """The night did not go as it must."""


@dataclass(kw_only=True)
class Sent:
    """A message of the night. `released_s` is when the approver's click was answered, `over_s` when its board said that all is out."""

    ref: str
    what: str
    handed_over_s: float = 0.0
    released_s: float = 0.0
    over_s: float = 0.0


@dataclass(kw_only=True)
class Night:
    """`ends_in_s` is how far away the end is that the update announces, to the next minute."""

    house: House
    told: Timeline
    ends_in_s: float
    sent: list[Sent] = field(default_factory=list)
    ends_at: datetime | None = None
    held: Sent | None = None  # by storm mode
    noticed_s: float = 0.0  # when somebody saw that a place was wrong, in seconds of the night

    # --- before ---------------------------------------------------------------------------------------------

    def come_on_duty(self) -> None:
        """Who is there, who is on call and how they are reached, and the feed that is watched."""
        administrator = at_a_browser(self.house, "admin")
        self.officer, self.approver = (at_a_browser(self.house, name) for name in ("officer", "approver"))
        self.deputy = invited(self.house, administrator, "deputy", "approver")
        self.told.tell("administrator", "invited the deputy, who chose a password and set up an app")
        now = datetime.now(ZONE)
        for hours_ago, person in ((2, self.approver), (1, self.deputy)):
            administrator.go("/manage/rota")
            administrator.send(
                "/manage/rota",
                name=person.name,
                role="approver",
                starts=f"{now - timedelta(hours=hours_ago):{FORM_TIME}}",
                ends=f"{now + timedelta(hours=10):{FORM_TIME}}",
            )
        for number, person in enumerate((self.approver, self.deputy), start=801):
            person.go("/manage/rota")
            person.send("/manage/rota/contact", phone=f"07700 900{number}")
        self.told.tell("administrator", "entered who is on call: the approver first, then the deputy")
        administrator.go("/manage/feeds")
        administrator.send(
            "/manage/feeds",
            name="Weather service",
            url=f"{self.house.sandbox}/weather/atom.xml",
            template="severe-weather",
            events="wind",
            areas="Fleetwood",
            every=str(EVERY_FEED_S),
        )
        self.told.tell("administrator", "had the weather service's feed watched")

    # --- the night ------------------------------------------------------------------------------------------

    def warned(self) -> str:
        """The weather service warns, and the officer finds it on Home: its page."""
        said = {"headline": f"Amber warning of wind for {WARNED}", "area": WARNED}
        requests.post(f"{self.house.sandbox}/_sandbox/weather", json=said, timeout=15).raise_for_status()
        self.told.tell("weather", said["headline"])
        found = self.until(
            lambda: self.officer.go("/").links(r"/warnings/[\w-]+"), "the warning on Home", EVERY_FEED_S + 30
        )
        self.told.tell("officer", "finds it on Home")
        return found[0]

    def drafted(self, warning: str) -> Sent:
        """From the warning's form to a message that waits, with the list and a number to ring."""
        self.officer.go(warning)
        form = self.officer.send(f"{warning}/write").path
        page = self.officer.send(form, **{"blank-phone": "01632 960123", "audience": "sample"})
        made = self.hand_over(page, "warning")
        if warning in self.officer.go("/").links(r"/warnings/[\w-]+"):
            raise Broken("the warning still waits on Home, although a message was written from it")
        return made

    def approved_after_one_escalation(self, message: Sent) -> None:
        """The approver who is on call does not answer; the deputy is paged, says so, and approves."""
        self.until(lambda: self._paged(message, "approver"), "a page to the approver", 30)
        self.told.tell("pager", "paged the approver, by text; nobody answers")
        self.until(lambda: self._paged(message, "deputy"), "a page to the deputy", 120)
        self.told.tell(
            "pager", f"paged the deputy, {self.told.now_s - message.handed_over_s:.0f} s after it waited"
        )
        if self._paged(message, "everybody"):
            raise Broken("everybody was paged, where one escalation was due")
        self.deputy.go(f"/messages/{message.ref}/approve")
        self.deputy.send(f"/messages/{message.ref}/on-it")
        self.told.tell("deputy", "is on it")
        self.approve(self.deputy, message)

    def followed(self, before: Sent, purpose: str, called: str, **blanks: str) -> Sent:
        """What follows a message, from the button on its board."""
        address = f"/messages/{before.ref}/follow-up/{purpose}"
        if address not in self.officer.go(f"/messages/{before.ref}/board").links(r"/messages/.*"):
            raise Broken(f"the board of {before.ref} offers no {purpose}")
        self.officer.go(address)
        page = self.officer.send(address, **{f"blank-{name}": value for name, value in blanks.items()})
        return self.hand_over(page, called)

    def updated(self, before: Sent) -> Sent:
        """It says that it ends earlier, and names a wrong place."""
        self.ends_at = _next_minute(datetime.now(ZONE) + timedelta(seconds=self.ends_in_s))
        return self.followed(
            before,
            "update",
            "update",
            area=f"Fleetwood and {WRONG}",
            expires=f"{self.ends_at:{FORM_TIME}}",
            next_update=f"{self.ends_at:{FORM_TIME}}",
            expect="The wind eases sooner than was forecast.",
        )

    def corrected(self, before: Sent) -> Sent:
        self.noticed_s = self.told.tell("officer", f'notices "{WRONG}", where "{RIGHT}" was meant')
        return self.followed(before, "correction", "correction", area=f"Fleetwood and {RIGHT}")

    def cleared(self, before: Sent) -> Sent:
        return self.followed(
            before,
            "all-clear",
            "all clear",
            what="The wind warning",
            area=WARNED,
            declared_by="Met Office",
            dangers="loose tiles and fallen branches. Keep away.",
            source="Duty officer, Wyre Council",
            phone="01632 960123",
        )

    def approve(self, person: Browser, message: Sent) -> None:
        """What the approver reads is what goes out; then the board, until everything is."""
        address = f"/messages/{message.ref}/approve"
        person.go(address)
        fields: dict[str, str] = {"real": "yes"}
        if "code" in person.page.form(address).fields:
            fields["code"] = person.codes.next()
        person.send(address, **fields)
        message.released_s = self.told.tell(person.name, f"approves {message.ref}: {message.what}")

    def out(self, message: Sent) -> None:
        board = self.until(lambda: self._over(message), f"all of {message.ref} to be out", 90)
        message.over_s = self.told.tell("board", f"{message.ref} is out: {board}")

    def shown_everywhere(self, message: Sent, seen: Seen) -> None:
        """What every reader meets first, wherever they look, is this message."""
        for surface in (FEED, WALL_FACEBOOK, WALL_X, WALL_TEXT, WALL_SITE):
            shown = partial(self._is_first, message, surface, seen)
            self.until(shown, f"{surface} to show {message.ref} as current", 30)
        self.told.tell("the watcher", f"sees {message.ref} as current on website, feed and wall")

    def wait_for_the_end(self, seen: Seen) -> None:
        """Nothing is done: the website and the feeds say by themselves that it is over."""
        assert self.ends_at
        self.told.tell("everybody", f"waits for the end at {self.ends_at:%H:%M}")
        left = (self.ends_at - datetime.now(ZONE)).total_seconds()
        self.until(
            lambda: not seen(FEED) and not seen(WALL_SITE),
            "the website's feed to say that it has ended",
            left + 90,
        )
        self.told.tell("the watcher", "sees that website, feed and wall say that it has ended")

    def say_the_wrong_thing_by_hand(self, message: Sent) -> None:
        """For `--break`: a colleague posts an old text with the wrong place on the page, by hand."""
        known = requests.get(f"{self.house.sandbox}/_sandbox/accounts", timeout=15).json()["facebook"]
        text = f"Amber wind warning. Where: Fleetwood and {WRONG}. Ref {message.ref}."
        requests.post(
            f"{self.house.sandbox}/v26.0/{known['page_id']}/feed",
            data={"message": text, "access_token": known["access_token"]},
            timeout=15,
        ).raise_for_status()
        self.told.tell("a colleague", f"posts by hand what was wrong (--break): {text}")

    # --- looking --------------------------------------------------------------------------------------------

    def _is_first(self, message: Sent, surface: str, seen: Seen) -> bool:
        return next(iter(seen(surface)), "") == message.ref

    def hand_over(self, page: Page, what: str, *, counts: bool = True) -> Sent:
        """From the draft's page on: a message that waits. It `counts` as one of the night unless it is an exercise."""
        ref = page.path.rpartition("/")[2]
        page = self.officer.send(f"/messages/{ref}/submit")
        if "It waits for a second person" not in page.words:
            raise Broken(f"{ref} was not handed over: {page.problems or page.words[:400]}")
        at = self.told.tell("officer", f"hands over {ref}: {what}")
        made = Sent(ref=ref, what=what, handed_over_s=at)
        self.sent += [made] * counts
        return made

    def _paged(self, message: Sent, whom: str) -> bool:
        words = self.officer.go(f"/messages/{message.ref}").words
        if whom == "everybody":
            return words.count("by text: paged") > 2
        return f"{whom} by text: paged" in words

    def _over(self, message: Sent) -> str:
        """What the board says of each channel, once the broadcast is over and every channel took it; empty until then."""
        page = self.officer.go(f"/messages/{message.ref}/board")
        told = [
            " ".join(each.text_content().split())
            for each in page.tree.xpath('//li[contains(@class, "board__target")]')
        ]
        taken = [said for said in told if _taken(said)]
        over = page.tree.xpath('//p[@class="facts"][contains(., "over")]')
        if not over or len(taken) < len(CHANNELS):
            return ""
        return "; ".join(
            re.sub(r" see it.*|( accepted) (?:accepted|delivered).*", r"\1", said) for said in taken
        )

    def until(self, look: Callable[[], T], what: str, within_s: float) -> T:
        end = time.monotonic() + within_s
        while not (found := look()):
            if time.monotonic() > end:
                raise Broken(f"not within {within_s:.0f} s: {what}")
            time.sleep(LOOKS_EVERY_S)
        return found


def _taken(said: str) -> bool:
    counted = re.search(r"([\d,]+) of ([\d,]+) (?:parts )?accepted", said)
    return counted[1] == counted[2] if counted else bool(re.search(r"\b(?:accepted|delivered)\b", said))


def _next_minute(moment: datetime) -> datetime:
    return (moment + timedelta(seconds=59)).replace(second=0, microsecond=0)

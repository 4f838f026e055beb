"""Every page of the console, in every state that it has: what test_console_access.py looks at, and the docs' pictures may."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Page:
    """A route in a state. `who` is empty for nobody; `ref` names which message of the scene stands in the address, and
    `place` which of its other places does as `{target_id}`; `then` is done on the page before it is looked at."""

    route: str
    who: str = ""
    ref: str = ""
    place: str = ""
    query: str = ""
    state: str = ""
    then: Callable[[Any], object] = lambda _tab: None
    #: Rules that are broken on purpose.
    knowingly: frozenset[str] = frozenset()

    @property
    def title(self) -> str:
        return " ".join(filter(None, (self.route, self.who, self.ref, self.place, self.state)))

    def address(self, scene: Any) -> str:
        ref = scene.refs.get(self.ref, self.ref)
        given = {
            "name": "severe-weather",
            "code": "policy",
            "uid": scene.places["glass" if self.place == "glass" else "uid"],
            "purpose": self.place,
            "warning": str(scene.places["warning"]),
        }
        if self.route.startswith("/manage/users") or (
            self.ref and self.route.startswith("/manage/templates")
        ):
            given["name"] = self.ref
        if self.route.startswith("/invitation"):
            given["code"] = scene.places["code"]
        return self.route.format(ref=ref, target_id=scene.places.get(self.place), **given) + self.query


def press(button: str, /, **typed: str) -> Callable[[Any], object]:
    """Types into the fields of these ids, and presses the button."""

    def act(tab: Any) -> None:
        for field, value in typed.items():
            tab.fill(f"#{field}", value)
        tab.get_by_role("button", name=button, exact=True).first.click()

    return act


def follow(link: str) -> Callable[[Any], object]:
    return lambda tab: tab.get_by_role("link", name=link).first.click()


def open_all(tab: Any) -> None:
    """What is folded away is part of the page too."""
    tab.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true })")


def press_retire(tab: Any) -> None:
    open_all(tab)
    press("Retire it")(tab)


def write(tab: Any) -> None:
    """Until the proof stands beneath."""
    tab.get_by_label("Amber").check()
    facts = {
        "hazard": "wind",
        "area": "Fleetwood",
        "action": "Keep off the seafront.",
        "source": "Duty officer",
    }
    for name, value in facts.items():
        tab.fill(f"#blank-{name}", value)
    tab.fill("#blank-phone", "01632 960123")
    tab.locator("#look .post").first.wait_for()


def import_(tab: Any) -> None:
    rows = b"mobile\n07700900001\nnot a number\n07700900001\n07700900002\n"
    tab.fill("#name", "volunteers")
    tab.set_input_files("#file", {"name": "list.csv", "mimeType": "text/csv", "buffer": rows})
    tab.get_by_role("button", name="Import it").click()


def erase(tab: Any) -> None:
    press("See what we hold", number="07700 900009")(tab)
    tab.fill("#again", "07700 900009")
    tab.fill("#reason", "DP-2026-014")
    tab.get_by_label("I am sure").check()
    press("Erase it")(tab)


def invite(tab: Any) -> None:
    open_all(tab)
    tab.get_by_role("button", name="Make a link").click()


def check_seal(tab: Any) -> None:
    press("Check it now")(tab)
    tab.get_by_text("Every event against its hash").wait_for()


ACCOUNT = [
    Page(route="/sign-in"),
    Page(route="/sign-in", state="wrong", then=press("Sign in", name="olive", password="is it this")),
    Page(route="/sign-in/code", who="anna half"),
    Page(route="/sign-in/code", who="anna half", state="wrong", then=press("Go on", code="000000")),
    Page(route="/invitation/{code}"),
    Page(route="/invitation/{code}", state="too short", then=press("Go on", new="short")),
    Page(route="/me/second-factor", who="nora"),
    Page(route="/me/second-factor", who="nora", state="wrong", then=press("Set it up", code="000000")),
    Page(route="/me/second-factor", who="anna", state="has an app"),
    Page(route="/me/second-factor", who="anna stale", state="once more"),
    Page(route="/me", who="olive"),
    Page(route="/me", who="adam", then=open_all),
    Page(
        route="/me",
        who="adam",
        state="new codes",
        then=press("Make new ones in place of the old recovery codes"),
    ),
    Page(route="/help"),
    Page(route="/help", who="anna"),
    Page(route="/accessibility", who="olive"),
]
DESK = [
    Page(route="/", who="olive"),
    Page(route="/", who="anna"),
    Page(route="/", who="rita"),
    Page(route="/messages", who="olive"),
    Page(route="/messages/new", who="olive"),
    Page(route="/messages/new/{name}", who="olive", then=open_all),
    Page(route="/messages/new/{name}", who="olive", state="written", then=write),
    Page(
        route="/messages/new/{name}",
        who="olive",
        state="nothing filled in",
        then=press("See what every channel says"),
    ),
    *[
        Page(route="/messages/{ref}", who="olive", ref=ref)
        for ref in ("draft", "returned", "expired", "rejected")
    ],
    Page(route="/messages/{ref}", who="oscar", ref="waiting", then=open_all),
    Page(route="/messages/{ref}", who="anna", ref="exercise"),
    Page(route="/messages/{ref}", who="rita", ref="mended"),
    Page(route="/messages/{ref}", who="olive", ref="NOSUCH", state="no such page"),
    Page(route="/messages/{ref}/edit", who="olive", ref="draft", then=open_all),
    Page(route="/messages/{ref}/approve", who="anna", ref="waiting", then=open_all),
    Page(
        route="/messages/{ref}/approve",
        who="anna",
        ref="waiting",
        state="not chosen",
        then=press("Send now to 214 people"),
    ),
    Page(route="/messages/{ref}/approve", who="anna stale", ref="waiting", state="code wanted"),
    Page(route="/messages/{ref}/approve", who="anna", ref="exercise"),
    Page(route="/messages/{ref}/approve", who="anna", ref="done"),
]
BOARD = [
    *[
        Page(route="/messages/{ref}/board", who="olive", ref=ref)
        for ref in ("sending", "mended", "stopped", "done", "draft")
    ],
    Page(
        route="/messages/{ref}/board",
        who="rita",
        ref="mended",
        query="?every=10",
        state="loads itself",
        knowingly=frozenset(
            {"meta-refresh"}
        ),  # asked for, and ended, by a link on the page itself: WCAG 2.2.1 lets it be
    ),
    *[
        Page(route="/messages/{ref}/follow-up/{purpose}", who="olive", ref="done", place=each, then=open_all)
        for each in ("correction", "sent-in-error")
    ],
    Page(route="/messages/{ref}/sent-in-error", who="olive", ref="done"),
    Page(route="/messages/{ref}/stop", who="olive", ref="sending"),
    Page(route="/messages/{ref}/stop", who="olive", ref="sending", state="why", then=press("Stop it now")),
    Page(route="/messages/{ref}/stop", who="rita", ref="done"),
    Page(route="/unknown/{uid}", who="olive"),
    Page(route="/unknown/{uid}", who="olive", state="why", then=press("It was sent")),
    Page(route="/unknown/{uid}", who="rita"),
    Page(route="/messages/{ref}/unknown/{target_id}", who="olive", ref="mended", place="sms"),
    Page(route="/messages/{ref}/again/{target_id}/{code}", who="olive", ref="mended", place="x"),
    Page(
        route="/messages/{ref}/again/{target_id}/{code}",
        who="olive",
        ref="mended",
        place="sms",
        state="why",
        then=press("Try it again"),
    ),
    Page(route="/messages/{ref}/by-hand/{target_id}", who="olive", ref="mended", place="facebook"),
    Page(
        route="/messages/{ref}/by-hand/{target_id}",
        who="olive",
        ref="mended",
        place="x",
        state="when",
        then=press("I posted it, word for word", at="soon"),
    ),
    Page(route="/messages/{ref}/told", who="olive", ref="mended"),
    Page(route="/messages/{ref}/told", who="olive", ref="mended", state="why", then=press("Note it")),
]
AUDIT = [
    Page(route="/audit", who="rita", then=open_all),
    Page(route="/audit", who="rita", query="?person=nobody", state="nothing"),
    Page(route="/audit", who="rita", query="?since=soon", state="no time"),
    Page(route="/audit", who="kim", state="not allowed"),
    Page(route="/audit", who="rita", state="one number", then=press("Look it up", number="07700 900003")),
    Page(route="/audit/seal", who="rita"),
    Page(route="/audit/seal", who="rita", state="checked", then=check_seal),
    Page(
        route="/audit/seal",
        who="rita",
        state="no such message",
        then=press("Take the proof away", ref="NOSUCH"),
    ),
    Page(route="/messages/{ref}/timeline", who="rita", ref="mended", then=open_all),
    Page(route="/messages/{ref}/timeline", who="rita", ref="stopped"),
    Page(route="/messages/{ref}/timeline", who="rita", ref="returned"),
]
MANAGE = [
    Page(route="/manage", who="adam", then=open_all),
    Page(route="/manage/users/new", who="adam"),
    Page(route="/manage/users/new", who="adam", state="no name", then=press("Add this person", name="A B")),
    Page(route="/manage/users/{name}", who="adam", ref="olive", then=open_all),
    Page(route="/manage/users/{name}", who="adam", ref="anna", then=open_all),
    Page(route="/manage/users/{name}", who="adam", ref="nia"),
    Page(route="/manage/users/{name}", who="adam", ref="zed", then=open_all),
    Page(
        route="/manage/users/new",
        who="adam stale",
        state="once more",
        then=press("Add this person", name="una"),
    ),
    Page(route="/manage/tokens", who="adam"),
    Page(route="/manage/audiences", who="kim"),
    Page(route="/manage/audiences/import", who="kim", then=open_all),
    Page(route="/manage/audiences/import", who="kim", state="no file", then=press("Import it")),
    Page(route="/manage/audiences/import", who="kim", state="imported", then=import_),
    Page(route="/manage/person", who="kim"),
    Page(
        route="/manage/person",
        who="kim",
        state="found",
        then=press("See what we hold", number="07700 900009"),
    ),
    Page(route="/manage/person", who="kim", state="erased", then=erase),
    Page(route="/manage/accounts", who="olive"),
    Page(route="/manage/accounts", who="adam", state="one paused"),
]
INCIDENTS = [
    Page(route="/schedules", who="olive"),
    Page(route="/schedules/new", who="olive"),
    Page(route="/schedules/new/{name}", who="olive", then=open_all),
    Page(
        route="/schedules/new/{name}",
        who="olive",
        state="nothing filled in",
        then=press("Keep it and see the next runs"),
    ),
    Page(route="/schedules/calendar", who="olive"),
    Page(route="/schedules/calendar", who="olive", state="an address", then=press("Make an address")),
    Page(route="/schedules/{ref}", who="olive", ref="planned", then=open_all),
    Page(route="/schedules/{ref}", who="anna", ref="plan", then=open_all),
    Page(route="/schedules/{ref}/change", who="olive", ref="planned"),
    Page(route="/schedules/{ref}/approve", who="anna", ref="plan", then=open_all),
    Page(route="/incidents", who="olive"),
    Page(route="/incidents/{ref}", who="olive", ref="incident", then=open_all),
    Page(route="/incidents/{ref}", who="anna", ref="incident", state="offered to her"),
    Page(route="/messages/{ref}/lines", who="olive", ref="sending"),
    Page(route="/messages/{ref}/lines", who="olive", ref="draft"),
]
WEATHER = [
    Page(route="/storm", who="olive", then=open_all),
    Page(route="/storm", who="olive", state="why", then=press("End storm mode")),
    Page(route="/drills", who="olive", then=open_all),
    Page(route="/drills", who="rita", state="only looking"),
    Page(route="/drills/{ref}", who="anna", ref="drill"),
    Page(route="/drills/{ref}", who="olive", ref="next drill"),
]
ROTA = [
    Page(route="/manage/rota", who="olive", then=open_all),
    Page(route="/manage/delegations", who="adam", then=open_all),
]
CLOCK = [
    Page(route="/messages/{ref}/alone", who="olive", ref="waiting"),
    Page(route="/messages/{ref}/break-glass", who="olive", ref="waiting"),
    Page(
        route="/messages/{ref}/break-glass",
        who="olive",
        ref="waiting",
        state="why",
        then=press("Break the glass: send to 214 people"),
    ),
    Page(route="/messages/{ref}/break-glass", who="olive", ref="draft"),
    Page(route="/break-glass", who="anna"),
    Page(route="/break-glass/{uid}", who="anna", place="glass"),
    Page(route="/break-glass/{uid}", who="anna", place="glass", state="why", then=press("Write it down")),
    Page(route="/manage/pre-authorised", who="anna", then=open_all),
    Page(route="/manage/pre-authorised", who="anna", query="?template=flood", state="bounds"),
    Page(route="/manage/elections", who="adam"),
]
RECORDS = [
    Page(route="/manage/templates", who="adam"),
    Page(route="/manage/templates/{name}", who="olive", then=open_all),
    Page(route="/manage/templates/{name}", who="olive", state="no reason", then=press_retire),
    Page(route="/manage/templates/{name}", who="olive", ref="missing-person", state="retired", then=open_all),
    Page(route="/manage/templates/{name}/edit", who="olive"),
    Page(route="/manage/templates/{name}/diff", who="olive"),
    Page(route="/me/policy", who="olive"),
    Page(route="/manage/policy", who="adam"),
    Page(route="/manage/records", who="rita", then=open_all),
    Page(route="/messages/{ref}/redact", who="adam", ref="done"),
]
FEEDS = [
    Page(route="/warnings", who="olive"),
    Page(route="/warnings/{warning}", who="olive"),
    Page(route="/warnings/{warning}", who="olive", state="no reason", then=press("Dismiss it")),
    Page(route="/manage/webhooks", who="adam"),
    Page(route="/manage/webhooks", who="adam", state="nothing filled in", then=press("Tell it")),
    Page(route="/manage/webhooks", who="adam", state="changing one", then=follow("Change it")),
    Page(route="/manage/feeds", who="adam"),
    Page(route="/manage/feeds", who="adam", state="nothing filled in", then=press("Watch it")),
]
PAGES = [*FEEDS, *ACCOUNT, *DESK, *BOARD, *AUDIT, *MANAGE, *INCIDENTS, *ROTA, *CLOCK, *RECORDS, *WEATHER]
#: Not pages: a picture, a stream, files, and what leads to a provider of sign-ins and back.
NO_PAGES = {
    "/messages/{ref}/poster.pdf",
    "/sign-in/sso",
    "/sign-in/sso/back",
    "/pictures/{sha256}",
    "/messages/{ref}/live",
    "/messages/{ref}/outcomes.csv",
    "/audit/verify_audit.py",
    "/drills/people.csv",
    "/drills/{ref}/report.csv",
    "/calendar/{secret}.ics",
}

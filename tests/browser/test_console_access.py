"""Every page of the console, in every state that it has, with real content: no violation that axe-core can find (WCAG 2.2 AA),
nothing cut off at 320 CSS pixels, which is also what 400 % zoom leaves. What no tool can find is walked through elsewhere.
"""

from dataclasses import dataclass
from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from broadcaster.web.console.app import ROUTERS
from tests.browser.people import DESK, NARROWEST, Person

pytestmark = pytest.mark.timeout(400)

AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@dataclass(frozen=True, kw_only=True)
class Page:
    """A route in a state. `who` is empty for nobody; `ref` names which of the messages below stands in the address."""

    route: str
    who: str = ""
    ref: str = ""
    state: str = ""


PAGES = [
    Page(route="/sign-in"),
    Page(route="/sign-in/code", who="half"),
    Page(route="/help"),
    Page(route="/accessibility", who="officer"),
    Page(route="/", who="officer"),
    Page(route="/", who="approver", state="something waits"),
    Page(route="/me", who="officer"),
    Page(route="/messages", who="officer"),
    Page(route="/messages/new", who="officer"),
    Page(route="/messages/new/{name}", who="officer"),
    Page(route="/messages/{ref}", who="officer", ref="draft"),
    Page(route="/messages/{ref}", who="officer", ref="waiting"),
    Page(route="/messages/{ref}", who="auditor", ref="sent"),
    Page(route="/messages/{ref}/edit", who="officer", ref="draft"),
    Page(route="/messages/{ref}/approve", who="approver", ref="waiting"),
    Page(route="/messages/{ref}/approve", who="approver", ref="sent"),
    Page(route="/messages/{ref}/board", who="officer", ref="sent"),
    Page(route="/messages/{ref}/board", who="officer", ref="draft"),
]
#: Not pages: a picture, a stream, what only leads on, or what is looked at where it is made.
NO_PAGES = {"/pictures/{sha256}", "/messages/{ref}/live", "/me/second-factor", "/invitation/{code}"}


@pytest.fixture(scope="module")
def refs(town):
    """References by the state that the message is in."""
    waiting, sent = town.submit(), town.submit(template="flood")
    town.approve(sent)
    draft = town.submit(template="road-closure")
    town.parts.approve.send_back(town.parts.people.who(town.people["approver"]), draft.ref, "Which road?")
    return {"draft": draft.ref, "waiting": waiting.ref, "sent": sent.ref}


@pytest.fixture(scope="module")
def signed_in(playwright_browser, console):
    """signed_in(who) -> somebody whose browser lets axe into the page, past the page's own policy."""
    people = {}

    def come(who):
        if who not in people:
            people[who] = Person(playwright_browser, console, who, bypass_csp=True)
            if who:
                people[who].sign_in()
        return people[who]

    yield come
    for each in people.values():
        each.context.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: f"{p.route} {p.who} {p.ref}{p.state}".strip())
def test_a_page_has_no_fault_that_axe_can_find_and_fits_the_narrowest_screen(page, signed_in, refs):
    person = signed_in("" if page.who == "half" else page.who)
    if page.who == "half":
        person.half_sign_in("approver")
    person.go(page.route.format(ref=refs.get(page.ref), name="severe-weather"))
    for size in (DESK, NARROWEST):
        person.tab.set_viewport_size(size)
        assert violations(person.tab) == []
        assert not person.is_cut_off


def violations(tab):
    tab.evaluate(AXE)
    found = tab.evaluate("rules => axe.run(document, {runOnly: rules})", RULES)
    return [(v["id"], v["help"], [n["html"][:200] for n in v["nodes"]]) for v in found["violations"]]


def test_no_page_is_missing_above():
    routes = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if isinstance(route, APIRoute) and "GET" in route.methods
    }
    assert routes - {page.route for page in PAGES} == NO_PAGES


def test_the_faults_are_found_where_there_are_some(signed_in):
    person = signed_in("")
    person.go("/sign-in")
    person.tab.evaluate("document.querySelector('label').remove()")
    assert "label" in [each[0] for each in violations(person.tab)]

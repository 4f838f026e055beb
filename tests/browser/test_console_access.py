"""Every page of the console, in every state that it has, with real content: no violation that axe-core can find (WCAG 2.2 AA),
nothing cut off at 320 CSS pixels, which is also what 400 % zoom leaves of 1280, and nothing that the browser's console complains
of, refusals by the page's own policy among it. What no tool can find is walked through elsewhere.
"""

from pathlib import Path

import pytest
from fastapi.routing import APIRoute

from broadcaster.web.console.app import ROUTERS
from tests.browser.pages import NO_PAGES, PAGES
from tests.browser.people import NARROWEST, WIDE

pytestmark = pytest.mark.timeout(400)

AXE = (Path(__file__).parent / "vendor" / "axe-core-4.14.1.min.js").read_text()
#: Where a desk's screen has columns beside each other, axe looks at it too. The others are one column, wider.
WITH_COLUMNS = {
    "/",
    "/messages/new",
    "/messages/new/{name}",
    "/messages/{ref}/board",
    "/audit",
    "/manage",
    "/unknown/{uid}",
    "/schedules/calendar",
}
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.title)
def test_a_page_has_no_fault_that_axe_can_find_and_fits_the_narrowest_screen(page, at_a_browser, scene):
    person = at_a_browser(page.who)
    person.tab.set_viewport_size(WIDE)
    person.go(page.address(scene))
    page.then(person.tab)
    for size in (WIDE, NARROWEST):
        person.tab.set_viewport_size(size)
        assert not person.is_cut_off
        if size is NARROWEST or page.route in WITH_COLUMNS:
            found = violations(person.tab)
            assert {each[0] for each in found} == page.knowingly, found
    assert person.complaints == []


def violations(tab):
    """By the browser's own debugger, which asks no page's policy: so the policy is at work while the page is looked at."""
    devtools = tab.context.new_cdp_session(tab)
    devtools.send("Runtime.evaluate", {"expression": AXE})
    devtools.detach()
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


def test_the_faults_are_found_where_there_are_some(at_a_browser, scene):
    person = at_a_browser("")
    person.go("/sign-in")
    person.tab.evaluate("document.querySelector('label').remove()")
    assert "label" in [each[0] for each in violations(person.tab)]
    person.tab.evaluate("document.body.style.width = '2000px'")
    assert person.is_cut_off
    person.tab.evaluate("document.body.append(Object.assign(document.createElement('script'), {text: '1'}))")
    assert "Content Security Policy" in "".join(person.complaints)
    person.complaints.clear()

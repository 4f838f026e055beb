"""The whole story, by people at real browsers, with real workers behind: from signing in to what the public reads."""

import json
import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import PHONE
from tests.installation import wait_for
from tests.papers import read

pytestmark = pytest.mark.timeout(400)

FACTS = {
    "hazard": "wind",
    "area": "Fleetwood and Cleveleys",
    "action": "Keep off the seafront. Avoid driving.",
    "source": "Duty officer, Wyre Council",
    "phone": "01632 960123",
}


def written(officer):
    """A message that waits for an approval: its reference."""
    officer.tab.get_by_role("button", name="Send an update").click()
    officer.tab.get_by_role("link", name="Severe weather").click()
    officer.tab.get_by_label("Amber").check()
    officer.fill(**FACTS)
    officer.tab.get_by_label("Who gets a text message").select_option("residents")
    officer.tab.get_by_role("button", name="See what every channel says").click()
    officer.tab.get_by_role("button", name="Hand over for approval").click()
    officer.tab.get_by_text("It waits for a second person").wait_for()
    return officer.tab.url.rsplit("/", 1)[1]


def approved(approver):
    """What waits is looked at and sent."""
    approver.tab.get_by_role("button", name="Look at it and decide").first.click()
    expect(approver.tab.get_by_text("LIVE", exact=True)).to_be_visible()
    approver.tab.get_by_role("button", name=re.compile("Send now")).click()
    expect(approver.tab.get_by_role("alert")).to_contain_text("Choose whether this is to be sent")
    approver.tab.get_by_label("This is real").check()
    approver.tab.get_by_role("button", name="Send now to 214 people").click()
    approver.tab.wait_for_url("**/board")


def proved(auditor, ref):
    """The auditor finds it in the log, reads how it went, and takes the inquiry pack and the proof away: the pack."""
    auditor.sign_in()
    auditor.tab.get_by_role("link", name="Audit", exact=True).click()
    auditor.tab.get_by_label("About").fill(ref)
    auditor.tab.get_by_role("button", name="Show", exact=True).click()
    expect(auditor.tab.get_by_text(f"approver approved {ref}, as a second person")).to_be_visible()
    auditor.tab.get_by_role("link", name=f"Timeline of {ref}").first.click()
    expect(auditor.tab.get_by_text(f"officer handed over version 1 of {ref}")).to_be_visible()
    with auditor.tab.expect_download() as file:
        auditor.tab.get_by_role("button", name="Take the inquiry pack away (PDF)").click()
    pack = read(file.value.path().read_bytes())
    auditor.tab.get_by_role("link", name="Take its proof away").click()
    with auditor.tab.expect_download() as file:
        auditor.tab.get_by_role("button", name="Take the proof away").click()
    proof = json.loads(file.value.path().read_text())
    assert proof["message"] == ref
    return pack


def test_an_update_goes_from_a_first_sign_in_to_every_channel(person, town):
    officer, approver, auditor = person("officer"), person("approver", size=PHONE), person("auditor")
    officer.sign_in()
    ref = written(officer)
    approver.sign_in()
    approved(approver)
    officer.tab.wait_for_url(f"**/messages/{ref}/board")  # by itself, as soon as it is approved
    officer.tab.get_by_text("214 of 214 accepted").wait_for()  # as it changes: nobody loads the page again
    for channel in ("Website", "Facebook", "X"):
        heading = officer.tab.get_by_role("heading", name=re.compile(rf"^{channel}\b"))
        place = officer.tab.get_by_role("listitem").filter(has=heading)
        place.get_by_text("accepted", exact=True).wait_for()
    assert (
        "Keep off the seafront"
        in officer.context.request.get(f"{town.web}/site/alerts/{ref.lower()}/").text()
    )
    assert not approver.is_cut_off
    pack = proved(auditor, ref)
    assert pack.ua  # what a screen reader needs is in it
    assert ref in pack.title
    assert all(words in pack.words for words in ("Fleetwood and Cleveleys", "214", "approver approved"))
    auditor_herself = town.parts.people.who(town.people["auditor"])
    events = [e.act for e in town.parts.audit.events(auditor_herself, ref) if e.actor != "system"]
    assert events[:3] == ["message_drafted", "message_submitted", "message_approved_and_released"]


def test_the_writer_cannot_approve_and_two_clicks_send_once(person, town):
    officer, approver = person("officer"), person("approver")
    officer.sign_in()
    ref = written(officer)
    officer.go(f"/messages/{ref}/approve")
    expect(officer.tab.get_by_role("heading", name=f"Approve {ref}")).to_be_visible()
    expect(officer.tab.get_by_role("button", name=re.compile("Send now"))).to_have_count(0)
    approver.sign_in()
    approver.go(f"/messages/{ref}/approve")
    second = approver.context.new_page()
    second.goto(approver.tab.url)
    for tab in (approver.tab, second):
        tab.get_by_label("This is real").check()
        tab.get_by_role("button", name=re.compile("Send now")).click()
    expect(second.get_by_role("alert")).to_contain_text("is released")
    wait_for(lambda: town.accepted_texts(ref) == 214)


def test_what_was_typed_outlives_a_session_that_ends(person, town):
    officer = person("officer")
    officer.sign_in()
    officer.go("/messages/new/severe-weather")
    officer.fill(**{name: FACTS[name] for name in ("hazard", "area")})
    officer.tab.get_by_text("Kept at").wait_for()
    officer.context.clear_cookies()
    officer.fill(action=FACTS["action"])
    officer.tab.get_by_role("button", name="See what every channel says").click()
    expect(officer.tab.get_by_text("What you typed is kept on this page")).to_be_visible()
    officer.tab.get_by_label("Name").fill("officer")
    officer.tab.get_by_label("Password", exact=True).fill(officer.console.secrets["officer"]["password"])
    officer.tab.get_by_role("button", name="Sign in", exact=True).click()
    officer.give_code()
    officer.tab.get_by_role("button", name="Go on where I was").click()
    expect(officer.tab.locator("#blank-action")).to_have_value(FACTS["action"])
    officer.go("/")
    officer.tab.get_by_role("link", name=FACTS["area"]).first.click()
    expect(officer.tab.locator("#blank-hazard")).to_have_value("wind")


def test_it_all_works_without_javascript(person, town):
    officer, approver = (
        person("officer", java_script_enabled=False),
        person("approver", java_script_enabled=False),
    )
    officer.sign_in()
    ref = written(officer)
    approver.sign_in()
    approver.go(f"/messages/{ref}/approve")
    approver.tab.get_by_label("This is real").check()
    approver.tab.get_by_role("button", name=re.compile("Send now")).click()
    wait_for(lambda: town.status(ref).over)
    officer.go(f"/messages/{ref}/board")
    expect(officer.tab.get_by_text("214 of 214 accepted")).to_be_visible()

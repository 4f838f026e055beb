"""What no tool finds: writing, approving and stopping by keyboard alone and as a screen reader is told; a connection that breaks
off; what is done on the board without JavaScript; two administrators, an invitation and a passkey. In front of fake platforms.
"""

import re

import pytest
from playwright.sync_api import expect

from tests.browser.people import NARROWEST, PHONE
from tests.browser.scene import served
from tests.installation import free_port
from tests.integration.identities import PASSWORD

pytestmark = pytest.mark.timeout(400)

ALL = "213 of 214 accepted"  # one has opted out
#: Within a field for times the browser itself marks the part that has the focus.
HERE = """() => {
  const here = document.activeElement, box = here.getBoundingClientRect(), style = getComputedStyle(here);
  const marked = style.outlineStyle !== "none" || style.boxShadow !== "none";
  const label = here.labels?.[0] && getComputedStyle(here.labels[0], "::before");
  return {
    name: (here.getAttribute("aria-label") || here.labels?.[0]?.innerText || here.innerText || here.id || "").trim(),
    id: here.id, tag: here.tagName, y: box.top + scrollY,
    visible: (marked || here.type === "datetime-local" || (label && label.boxShadow !== "none")) && box.bottom > 0 && box.top < innerHeight,
  };
}"""


class Keyboard:
    """Somebody without a mouse: Tab, Enter, Space and letters. Wherever the focus goes it can be seen, and it is never lost."""

    def __init__(self, person):
        self.tab = person.tab
        self.been = []

    def to(self, name):
        """Tab by Tab until the focus stands on what is called this."""
        for _ in range(60):
            self.tab.keyboard.press("Tab")
            here = self.tab.evaluate(HERE)
            assert here["tag"] != "BODY", f"the focus is lost on the way to {name}, after {self.been[-1:]}"
            assert here["visible"], f"the focus cannot be seen on {here}"
            self.been.append(here)
            if here["name"].startswith(name):
                return self
        raise AssertionError(f"no {name} on the way: {[each['name'] for each in self.been[-60:]]}")

    def press(self, key, *, leads_to=""):
        if leads_to:
            with self.tab.expect_navigation(url=leads_to):
                self.tab.keyboard.press(key)
        else:
            self.tab.keyboard.press(key)
        return self

    def type(self, text):
        self.tab.keyboard.insert_text(text)
        return self

    @property
    def here(self):
        return self.tab.evaluate(HERE)


def test_an_update_is_written_approved_and_stopped_with_the_keyboard_alone(at_a_browser, scene):
    officer, approver = at_a_browser("oscar"), at_a_browser("anna", size=PHONE)
    keys = Keyboard(officer)
    officer.go("/")
    keys.to("Send an update").press("Enter", leads_to="**/messages/new")
    keys.to("Severe weather").press("Enter", leads_to="**/severe-weather")
    keys.to("See what every channel says").press("Enter", leads_to="**/severe-weather*")
    assert "There is a problem" in keys.here["name"]  # the summary of what is to be mended has the focus
    keys.to("Where is needed").press("Enter")
    assert keys.here["id"] == "blank-area"
    keys.type("Fleetwood and Cleveleys")
    officer.go("/messages/new/severe-weather")
    keys.been.clear()
    keys.to("Yellow").press("Space").to("Hazard").type("wind").to("Where").type("Fleetwood")
    keys.to("What to do").type("Keep off the seafront.").to("Who says so").type("Duty officer, Wyre Council")
    keys.to("Number to ring").type("01632 960123").to("Who gets a text message").press("r")
    keys.to("See what every channel says")
    fields = [each for each in keys.been if each["tag"] not in {"A", "SUMMARY"}]
    heights = [each["y"] for each in fields[fields.index(next(f for f in fields if f["name"] == "Yellow")) :]]
    assert heights == sorted(heights)  # downwards, as it is read
    keys.press("Enter", leads_to=re.compile(r"/messages/[A-Z0-9]{6}$"))
    keys.to("Hand over for approval").press("Enter", leads_to=re.compile(r"/messages/[A-Z0-9]{6}$"))
    ref = officer.tab.url.rsplit("/", 1)[1]

    keys = Keyboard(approver)
    approver.go(f"/messages/{ref}/approve")
    keys.to("Send now").press("Enter", leads_to="**/approve")
    assert "There is a problem" in keys.here["name"]
    keys.to("Choose whether this is to be sent").press("Enter")
    assert keys.here["name"] == "This is real"
    keys.press("Space").to("Send now").press("Enter", leads_to="**/board")

    keys = Keyboard(officer)
    officer.go(f"/messages/{ref}/board")
    keys.to("Stop it").press("Enter", leads_to="**/stop").to("Stop it now").press("Enter", leads_to="**/stop")
    keys.to("Give a reason").press("Enter")
    assert keys.here["id"] == "reason"
    keys.type("The wrong town").to("Stop it now").press("Enter", leads_to="**/board")
    officer.tab.get_by_text("It is stopped. What is left to do").wait_for()
    assert not officer.complaints + approver.complaints


def test_writing_approving_and_stopping_are_told_in_full_to_a_screen_reader(at_a_browser, scene):
    """By names and roles, in the order in which they come; what is refused is told as an alert."""
    officer, approver = at_a_browser("olive"), at_a_browser("anna", size=PHONE)
    officer.go("/messages/new/severe-weather")
    told(
        officer.tab,
        'heading "Severe weather" [level=1]',
        'group "Is this real?"',
        'radio "Real: the public reads it" [checked]',
        'group "Colour of the Met Office warning"',
        'radio "Amber"',
        'textbox "Hazard"',
        'textbox "Where"',
        'textbox "What to do"',
        'combobox "Who gets a text message"',
        'button "See what every channel says"',
    )
    officer.tab.get_by_role("button", name="See what every channel says").click()
    told(officer.tab, "alert", 'heading "There is a problem" [level=2]', 'link "Where is needed')
    assert officer.tab.title().startswith("Problem: ")
    waiting, sending = scene.refs["waiting"], scene.refs["sending"]
    approver.go(f"/messages/{waiting}/approve")
    told(
        approver.tab,
        "LIVE",
        f'heading "Approve {waiting}: Amber wind warning" [level=1]',
        "Keep off the seafront.",
        "term: Where",
        "definition: Fleetwood and Cleveleys",
        "term: Who gets it",
        "term: Until",
        "term: Who says so",
        'heading "What goes out, word for word" [level=2]',
        'heading "Website" [level=3]',
        'group "Is this to be sent to the public now?"',
        'radio "This is real"',
        'button "Send now to 214 people"',
    )
    officer.go(f"/messages/{sending}/board")
    told(
        officer.tab, 'heading "Evacuation', 'button "Stop it"', 'heading "Website site" [level=2]', '% done"'
    )
    officer.go(f"/messages/{sending}/stop")
    told(officer.tab, 'heading "Stop this message?', "Out already", 'textbox "Why?"', 'button "Stop it now"')


def told(tab, *wanted):
    """These, in this order, among what the accessibility tree of the page says."""
    tab.wait_for_load_state()
    said, at = tab.locator("main").aria_snapshot(), 0
    for each in wanted:
        found = said.find(each, at)
        assert found >= 0, f"{each} is not told, or not there:\n{said}"
        at = found


def test_the_board_tells_politely_what_changed_and_can_be_held_still(at_a_browser, scene):
    officer = at_a_browser("olive")
    ref = scene.release("power-cut", channels=("website", "sms"))
    officer.go(f"/messages/{ref}/board")
    summary, note = officer.tab.locator("#live-summary"), officer.tab.locator("#live-note")
    assert (summary.get_attribute("role"), summary.get_attribute("aria-live")) == ("status", "polite")
    assert note.get_attribute("role") == "status"
    officer.tab.get_by_role("button", name="Hold it still").click()
    expect(note).to_contain_text("Held still since")
    scene.work()
    officer.tab.wait_for_timeout(1_500)
    assert not officer.tab.get_by_text(ALL).is_visible()  # at once: what is held still shows it at no moment
    officer.tab.get_by_role("button", name="Let it go on").click()
    officer.tab.get_by_text(ALL).wait_for()
    expect(summary).to_contain_text("accepted")
    assert officer.complaints == []


def test_a_board_whose_connection_breaks_says_so_and_goes_on_by_itself(at_a_browser, scene):
    officer, note = at_a_browser("oscar"), at_a_browser("oscar").tab.locator("#live-note")
    ref, port = scene.release("flood", channels=("website",)), free_port()
    with served(scene.world.beside(web_port=port)) as address:
        officer.tab.goto(f"{address}/messages/{ref}/board")
        officer.tab.get_by_text("waiting").wait_for()
    expect(note).to_contain_text("The connection is lost")
    scene.work()
    with served(scene.world.beside(web_port=port)):
        officer.tab.get_by_role("link", name="see it").wait_for()
        expect(note).to_be_hidden()
        officer.go("/")
    officer.complaints[:] = [each for each in officer.complaints if "net::ERR_" not in each]
    assert officer.complaints == []


def test_without_javascript_the_board_loads_itself_and_it_is_stopped_in_two_steps(at_a_browser, scene):
    officer = at_a_browser("olive", java_script_enabled=False)
    ref = scene.release("service-disruption", channels=("website",))
    officer.go(f"/messages/{ref}/board")
    expect(officer.tab.get_by_role("button", name="Hold it still")).to_have_count(0)
    officer.tab.get_by_role("link", name="have it loaded every 10 seconds").click()
    expect(officer.tab.locator("meta[http-equiv=refresh]")).to_have_attribute("content", "10")
    officer.tab.get_by_role("link", name="stop loading it by itself").click()
    expect(officer.tab.locator("meta[http-equiv=refresh]")).to_have_count(0)
    officer.tab.get_by_role("button", name="Stop it").click()
    assert scene.world.broadcast(ref).state == "sending"
    officer.tab.get_by_label("Why?").fill("It works again")
    officer.tab.get_by_role("button", name="Stop it now").click()
    expect(officer.tab.get_by_role("heading", name="It is stopped")).to_be_visible()
    assert scene.world.broadcast(ref).state == "stopped"


def test_what_went_wrong_is_mended_from_the_board_of_a_phone(at_a_browser, scene):
    officer = at_a_browser("olive", size=NARROWEST, accept_downloads=True)
    officer.context.grant_permissions(["clipboard-read", "clipboard-write"])
    tab, board = officer.tab, f"/messages/{scene.refs['mended']}/board"
    officer.go(board)
    tab.get_by_role("link", name="It may have gone out: decide").click()
    tab.get_by_label("What did you see?").fill("It is not there")
    tab.get_by_role("button", name="Send it again").click()
    scene.work()
    tab.get_by_role("link", name="Decide about them").click()
    tab.get_by_label("How do you know?").fill("The gateway's log")
    tab.get_by_role("button", name="They were sent").click()
    tab.get_by_role("link", name="Post it by hand on X").click()
    tab.get_by_role("button", name="Copy Text").click()
    tab.get_by_text("Copied.").wait_for()
    assert tab.evaluate("navigator.clipboard.readText()").startswith("Flood warning")
    tab.get_by_label("Its address").fill("https://x.test/by-hand")
    tab.get_by_role("button", name="I posted it, word for word").click()
    expect(tab.get_by_text("Posted by hand by olive")).to_be_visible()
    tab.get_by_role("link", name="Try again on Text messages").click()
    tab.get_by_label("What has changed?").fill("They allow it now")
    tab.get_by_role("button", name="Try it again").click()
    scene.work()
    tab.get_by_text(ALL).wait_for()
    with tab.expect_download() as file:
        tab.get_by_role("link", name=re.compile("Download what became of each")).click()
    lines = file.value.path().read_text().splitlines()
    assert len(lines) > 214
    assert "+447700900" not in "".join(lines)
    assert officer.complaints == []


def test_two_administrators_invite_somebody_who_makes_a_passkey_and_comes_back_with_it(at_a_browser, scene):
    adam, bea, new = at_a_browser("adam"), at_a_browser("bea"), at_a_browser()
    adam.go("/manage/users/new")
    adam.tab.get_by_label("Name").fill("pat")
    adam.tab.get_by_role("checkbox", name="approver").check()
    adam.tab.get_by_role("button", name="Add this person").click()
    expect(adam.tab.get_by_text("Another administrator must confirm it").first).to_be_visible()
    bea.go("/manage")
    asked = bea.tab.get_by_role("region", name=re.compile("Add the user pat"))
    asked.get_by_role("button", name="Confirm it: do exactly this").click()
    new.tab.goto(bea.tab.locator("#link").inner_text())
    new.tab.get_by_label("Choose a password").fill(PASSWORD)
    new.tab.get_by_role("button", name="Go on").click()
    devtools = new.context.new_cdp_session(new.tab)
    devtools.send("WebAuthn.enable")
    device = {"protocol": "ctap2", "transport": "internal", "hasResidentKey": True}
    device |= {"hasUserVerification": True, "isUserVerified": True, "automaticPresenceSimulation": True}
    devtools.send("WebAuthn.addVirtualAuthenticator", {"options": device})
    new.tab.get_by_label("What do you call this device?").fill("Pat's phone")
    new.tab.get_by_role("button", name="Make a passkey").click()
    new.tab.get_by_role("heading", name="Your second factor is set up").wait_for()
    expect(new.tab.get_by_role("listitem").filter(has=new.tab.locator("code"))).to_have_count(10)
    new.tab.get_by_role("link", name="pat").click()
    expect(new.tab.get_by_text("Passkey: Pat's phone")).to_be_visible()
    new.tab.get_by_role("button", name="Sign out", exact=True).click()
    new.tab.get_by_role("button", name="Sign in with a passkey").click()
    new.tab.wait_for_url(f"{scene.address}/")
    expect(new.tab.get_by_role("link", name="pat")).to_be_visible()
    assert adam.complaints + bea.complaints + new.complaints == []


def test_a_first_page_is_light(at_a_browser, scene):
    """With an empty cache: the sign-in page, and Home after it. 250 KB are a second on a bad line."""
    for who, path in (("", "/sign-in"), ("rita", "/")):
        person = at_a_browser(who, locale="en-GB")  # a browser that has kept nothing yet
        devtools = person.context.new_cdp_session(person.tab)
        devtools.send("Network.enable")
        sizes = []
        devtools.on(
            "Network.loadingFinished", lambda event, sizes=sizes: sizes.append(event["encodedDataLength"])
        )
        person.go(path)
        person.tab.wait_for_load_state("networkidle")
        assert len(sizes) > 4
        assert sum(sizes) <= 250_000, f"{path}: {sum(sizes)} bytes"

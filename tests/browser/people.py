"""People at browsers: each with a context of their own, signed in as they would, on the pages of a running console."""

import json
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import pyotp
from playwright.sync_api import Error, expect

from broadcaster.domain.identity import Factor

PATIENCE = 30_000  # ms, before what a page is to show counts as missing
expect.set_options(timeout=PATIENCE)
DESK = {"width": 1200, "height": 800}
PHONE = {"width": 360, "height": 740}
WIDE = {"width": 1280, "height": 800}
BROKEN_OFF = ("interrupted by another navigation", "net::ERR_ABORTED")
NARROWEST = {"width": 320, "height": 640}  # CSS pixels; also what 400 % zoom leaves of 1280


@dataclass(frozen=True, kw_only=True)
class Console:
    """A console at this address, and the secrets of its people."""

    address: str
    secrets: dict[str, dict[str, str]]

    recovery: dict[str, list[str]]

    @classmethod
    def of(cls, town):
        secrets = json.loads((town.settings.root / "sandbox" / "secrets.json").read_text())
        recovery = {name: _recovery_codes(town, name) for name in secrets if name in town.people}
        return cls(address=f"http://127.0.0.1:{town.settings.web_port}", secrets=secrets, recovery=recovery)

    def code_of(self, name):
        """Each counts once."""
        app = self.secrets[name].pop("totp_secret", "")
        return pyotp.TOTP(app).now() if app else self.recovery[name].pop()


def _recovery_codes(town, name):
    """As somebody who has given the second factor just now."""
    asking = replace(
        town.parts.people.who(town.people[name]), factor=Factor.TOTP, factor_at=datetime.now(UTC)
    )
    return list(town.parts.factors.new_recovery_codes(asking))


class Person:
    """One at a browser. `complaints` are what the browser's console said, and what no page may make it say."""

    def __init__(self, browser, console, name, *, size=DESK, **context):
        self.console, self.name = console, name
        self.context = browser.new_context(viewport=size, **context)
        self.tab = self.context.new_page()
        self.tab.set_default_timeout(PATIENCE)
        self.complaints = []
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("console", self._heard)

    def _heard(self, message):
        """Of refused requests the browser complains too: a form with a problem in it is one, and no fault."""
        if message.type == "error" and "the server responded with a status of" not in message.text:
            self.complaints.append(message.text)

    def go(self, path):
        """A live page may go on by itself in the same moment: then it is asked for again."""
        try:
            self.tab.goto(f"{self.console.address}{path}")
        except Error as error:
            if not any(broken_off in error.message for broken_off in BROKEN_OFF):
                raise
            self.tab.goto(f"{self.console.address}{path}")

    def sign_in(self):
        self.half_sign_in(self.name)
        self.give_code()
        self.tab.wait_for_url(f"{self.console.address}/")

    def half_sign_in(self, name):
        """With name and password, which is all that some roles need."""
        self.go("/")
        self.tab.get_by_label("Name").fill(name)
        self.tab.get_by_label("Password", exact=True).fill(self.console.secrets[name]["password"])
        self.tab.get_by_role("button", name="Sign in", exact=True).click()

    def give_code(self):
        """The second factor, where it is asked for: from the app, and once that code is used, one from paper."""
        one_more_step = self.tab.get_by_role("heading", name="One more step")
        one_more_step.or_(self.tab.get_by_role("button", name="Sign out", exact=True)).first.wait_for()
        if one_more_step.is_visible():
            self.tab.get_by_label("Code").fill(self.console.code_of(self.name))
            self.tab.get_by_role("button", name="Go on", exact=True).click()

    def fill(self, **fields):
        """Blanks of a notice template by their names."""
        for name, value in fields.items():
            self.tab.locator(f"#blank-{name}").fill(value)

    @property
    def is_cut_off(self):
        """Whether one has to scroll sideways."""
        return self.tab.evaluate(
            "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )

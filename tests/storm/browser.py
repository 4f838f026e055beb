"""Somebody at a browser without a window: loads pages, fills in the forms that stand on them, and gives codes when asked.

Knows the product by its pages alone. A form is sent with every field as it was shown, the token among them, and a field that
is not on the page cannot be filled in.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urljoin, urlsplit

import pyotp
import requests
from lxml import html

ANSWERS_WITHIN_S = 60.0
NEXT_CODE_WITHIN_S = 40.0  # a code is shown for thirty seconds and counts once
Value = str | Sequence[str]


class Stuck(Exception):
    """A person at this page could not go on: what the page says."""


class Page:
    def __init__(self, address: str, status: int, text: str) -> None:
        self.address, self.status, self.text = address, status, text
        self.tree: Any = html.fromstring(text or "<html></html>")

    @property
    def path(self) -> str:
        return urlsplit(self.address).path

    @property
    def words(self) -> str:
        return " ".join(self.tree.text_content().split())

    @property
    def problems(self) -> str:
        found = self.tree.xpath('//*[@role="alert"]')
        return " ".join(" ".join(each.text_content().split()) for each in found)

    def form(self, action: str) -> Any:
        """The form that is sent there. Stuck where there is none."""
        for form in self.tree.forms:
            if urlsplit(urljoin(self.address, form.action or self.address)).path == action:
                return form
        raise Stuck(f"{self.path} has no form for {action}: {self.problems or self.words[:300]}")

    def links(self, pattern: str) -> list[str]:
        return [href for href in self.tree.xpath("//a/@href") if re.fullmatch(pattern, href)]


class Browser:
    """`codes` is the person's own app for second factors."""

    def __init__(self, console: str, name: str, codes: "Codes") -> None:
        self._console, self.name, self.codes = console, name, codes
        self._session = requests.Session()
        self._session.trust_env = False
        self._session.headers["User-Agent"] = f"the browser of {name}"
        self.page = Page(console, 0, "")

    def go(self, path: str) -> Page:
        return self._seen(
            self._session.get(
                urljoin(self._console, path),
                headers={"Sec-Fetch-Site": "same-origin"},
                timeout=ANSWERS_WITHIN_S,
            )
        )

    def send(self, action: str, *, press: str = "", **fields: Value) -> Page:
        """Fill in the form of the page that is open and send it, by the button of the value `press` where it has several; with
        a code where one is asked for. Stuck, with what the page says, where it was not taken."""
        page = self._sent(action, fields, press)
        if page.status == requests.codes.forbidden and page.tree.xpath('//input[@name="code"]'):
            page = self._sent(self._where_the_code_goes(page), {"code": self.codes.next()})
        if page.status >= requests.codes.bad_request:
            raise Stuck(
                f"{self.name} at {action} was answered {page.status}: {page.problems or page.words[:400]}"
            )
        return page

    def _where_the_code_goes(self, page: Page) -> str:
        form = page.tree.xpath('//form[.//input[@name="code"]]')[0]
        return urlsplit(urljoin(page.address, form.action or page.address)).path

    def _sent(self, action: str, fields: Mapping[str, Value], press: str = "") -> Page:
        form = self.page.form(action)
        button = form.xpath(f'.//button[@value="{press}"]') if press else []
        if press and not button:
            raise Stuck(f"{self.page.path} has no button for {press}")
        known = set(form.fields.keys())
        if unknown := set(fields) - known:
            raise Stuck(f"{self.page.path} has no {', '.join(sorted(unknown))} to fill in")
        pairs = [(name, value) for name, value in form.form_values() if name not in fields]
        pairs += [(each.get("name"), press) for each in button]
        for name, value in fields.items():
            pairs += [(name, each) for each in ([value] if isinstance(value, str) else value)]
        return self._seen(
            self._session.post(
                urljoin(self._console, action),
                files=[(name, (None, value)) for name, value in pairs]
                if form.get("enctype") == "multipart/form-data"
                else None,
                data=None if form.get("enctype") == "multipart/form-data" else pairs,
                headers={"Sec-Fetch-Site": "same-origin", "Origin": self._console},
                timeout=ANSWERS_WITHIN_S,
            )
        )

    def _seen(self, answer: requests.Response) -> Page:
        self.page = Page(answer.url, answer.status_code, answer.text)
        return self.page

    # --- who one is -----------------------------------------------------------------------------------------

    def sign_in(self, password: str) -> None:
        self.go("/")
        page = self.send("/sign-in", name=self.name, password=password)
        if page.path == "/sign-in/code":
            page = self.send("/sign-in/code", code=self.codes.next())
        if page.path.startswith("/sign-in"):
            raise Stuck(f"{self.name} could not sign in: {page.problems}")


class Codes:
    """The app on somebody's telephone: each code is given once, so the next may have to be waited for."""

    def __init__(self, shown: Callable[[], str]) -> None:
        self._shown = shown
        self._last = ""

    @classmethod
    def of_secret(cls, secret: str) -> "Codes":
        return cls(pyotp.TOTP(secret).now)

    def next(self) -> str:
        end = time.monotonic() + NEXT_CODE_WITHIN_S
        while (code := self._shown()) == self._last:
            if time.monotonic() > end:
                raise Stuck("the app shows no new code")
            time.sleep(0.2)
        self._last = code
        return code

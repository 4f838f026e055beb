"""Bad input at the console: it is shown as text, and breaks no page."""

import re
from html.parser import HTMLParser
from importlib.resources import files
from urllib.parse import quote_from_bytes

from broadcaster.db.tables import audit_event
from tests.integration.console_routes import ALL_ROLES, FORM, filled, routes
from tests.integration.visitor import visitor

DATABASES = ("sqlite",)


# --- T46: bad input -----------------------------------------------------------------------------------------------

MARK = "x9mark"
PAYLOADS = [
    each.replace("!", MARK)
    for each in """
<script>!</script>|<script src=//!></script>|<img src=x onerror=!>|<svg onload=!>|<svg><script>!</script></svg>|<iframe src=javascript:!>|
<a href="javascript:!">x</a>|<body onload=!>|<input autofocus onfocus=!>|<select onfocus=! autofocus>|<textarea onfocus=!>|<video><source onerror=!>|
<audio src=x onerror=!>|<details open ontoggle=!>|<marquee onstart=!>|<object data=javascript:!>|<embed src=javascript:!>|<form action=javascript:!><input type=submit>|
<math href=javascript:!>x</math>|<link rel=stylesheet href=//!>|<meta http-equiv=refresh content="0;url=javascript:!">|<base href=//!>|<style>@import "//!"</style>|
" onmouseover="!|' onmouseover='!|"><script>!</script>|'><img src=x onerror=!>|</textarea><script>!</script>|</title><script>!</script>|</pre><script>!</script>|
--><script>!</script>|]]><script>!</script>|<scr<script>ipt>!</script>|<IMG SRC=`javascript:!`>|<a href="java&#9;script:!">x</a>|&lt;script&gt;!&lt;/script&gt;|
{{ !.__class__ }}|{% print(!) %}|${!}|<template><script>!</script></template>
""".replace("\n", "").split("|")
]


class Marks(HTMLParser):
    """Where the mark stands in a page that is not a text: in the name of a tag or attribute, in an address or in a script."""

    TEXTS = frozenset({"value", "content", "aria-label", "title", "alt", "placeholder"})

    def __init__(self):
        super().__init__()
        self.wrong, self.seen, self._inside = [], 0, ""

    def handle_starttag(self, tag, attrs):
        self._inside = tag
        for name, value in attrs:
            self.seen += MARK in (value or "")
            if MARK in name or (MARK in (value or "") and (tag == "meta" or name not in self.TEXTS)):
                self.wrong.append((tag, name, value))

    def handle_data(self, data):
        self.seen += MARK in data
        if MARK in data and self._inside in {"script", "style"}:
            self.wrong.append((self._inside, data))

    def handle_endtag(self, tag):
        self._inside = ""


def marked(answer):
    found = Marks()
    found.feed(answer.text)
    assert found.wrong == []
    return found.seen


def test_forty_payloads_are_texts_on_every_page_that_shows_them(world):
    assert len(PAYLOADS) == 40
    ada = visitor(world, "ada", *ALL_ROLES)
    everything = " ".join(PAYLOADS)
    values = {
        name: " ".join(PAYLOADS[no::4]) for no, name in enumerate(("headline", "area", "action", "source"))
    }
    world.page.target = everything
    ref = world.draft(**values)
    drafts = [f"/messages/{ref}", f"/messages/{ref}/edit", "/"]
    assert all(marked(ada.get(path)) for path in drafts)
    submitted = world.parts.compose.submit(world.officer, ref)
    waiting = ["/", f"/messages/{ref}", f"/messages/{ref}/approve", "/messages"]
    assert all(marked(ada.get(path)) for path in waiting)
    world.approve(submitted)
    world.work_public()
    world.parts.by_hand.told(world.officer, ref, way=PAYLOADS[0][:60], at=world.now(), words=everything[:400])
    world.parts.recall.stop(world.officer, ref, everything)
    sent = [f"/messages/{ref}/board", f"/messages/{ref}/stop", f"/messages/{ref}/told"]
    sent += [f"/messages/{ref}/timeline", "/audit", f"/audit?person={quote_from_bytes(everything.encode())}"]
    assert [path for path in sent if not marked(ada.get(path))] == []
    ada.get("/messages/new/severe-weather")
    typed = {f"blank-{name}": everything for name in ("hazard", "area", "action", "source", "phone")}
    assert marked(ada.post("/messages/new/severe-weather", typed))
    look = ada.ask_with(typed, "/messages/new/severe-weather/look")
    assert "<script" not in look
    assert marked(ada.get("/")) or MARK in ada.page


#: These read the token elsewhere than in such a form.
OWN_DOORS = {"/manage/audiences/import", "/me/passkeys/options"}


def test_characters_that_nobody_types_and_a_megabyte_break_no_route(world):
    ada = visitor(world, "ada", *ALL_ROLES)
    ref = world.submit(channels=("website",)).ref
    ada.get("/me")
    token = ada.token
    odd = quote_from_bytes(b"a\x00\xed\xa0\x80\xff\xe2\x80\xae" + "\u2066\U000e0041\u200d".encode())
    large = f"reason={'x' * 1_000_000}&words={'x' * 100}"
    names = sorted(set(re.findall(r'(?:get|text|_text|texts)\([^)]*?"(\w+)"', _sources())))
    for path in routes("GET"):
        if path.endswith(("/live", "/sign-out")):
            continue
        query = "&".join(f"{name}={odd}" for name in [*names, "next", "sheet", "every"])
        address = filled(path, ref=ref, target_id=10**30).replace("X", odd).replace("%00", "\0")
        assert ada.ask("GET", f"{address}?{query}").status in range(200, 500), path
    for path in routes("POST"):
        if path in {"/sign-out", "/me/sessions/end", "/sign-in", "/sign-in/code"}:
            continue
        address = filled(
            path, ref=ref, name="flood" if "messages" in path else "ada", token_id=10**30, target_id=1
        )
        for body in ("&".join(f"{name}={odd}" for name in names), large):
            answer = ada.ask("POST", address, f"csrf={token}&{body}".encode(), FORM)
            assert answer.status in range(200, 500), path
            assert "did not come from here" not in answer.text or path in OWN_DOORS, path
    assert max(len(told.payload) for told in world.rows(audit_event)) < 20_000
    assert "\0" not in "".join(told.payload for told in world.rows(audit_event))


def _sources():
    """The names of fields, as the routes ask for them."""
    folder = files("broadcaster.web.console")
    return "".join(each.read_text() for each in folder.iterdir() if each.name.endswith(".py"))

"""What is said of a message besides its posts: only what was approved and still holds, and a poster that can be read."""

import hashlib
from datetime import UTC, datetime

from broadcaster.db.tables import message_version
from broadcaster.domain.errors import NotAllowed, NotFound, Stale
from broadcaster.domain.message import Mode, Visibility
from broadcaster.render.lines import DRILL
from broadcaster.render.press import Press
from tests.a_notice import a_template
from tests.integration.asgi import web_of
from tests.integration.browsing import Browser
from tests.integration.identities import enter, person
from tests.papers import must_be_accessible, read

DATABASES = ("sqlite",)

NASTY = "Keep off *the* seafront #1: $x$ ((or)) `not` <b>now</b> \\ {{ facts }} @here".replace("((or))", "or")


def lines(world, ref):
    found = world.parts.telling.lines(world.officer, ref)
    return found, {line.name: line.text for line in found.lines}


def test_each_line_says_what_was_approved_and_a_poster_too(world):
    ref = world.release(channels=("website",), action=NASTY).ref
    found, texts = lines(world, ref.lower())
    assert set(texts) == {"contact-centre", "press", "radio"}
    for text in texts.values():
        for said in (NASTY, "Amber wind warning", "Fleetwood and Cleveleys", "Duty officer, Wyre Council"):
            assert said in text
    assert texts["radio"].count(NASTY) == 2
    assert " ".join(ref) in texts["radio"]
    assert f"https://site.test/{ref}" in texts["press"]
    assert found.why_not == ""
    poster = world.parts.telling.poster(world.officer, ref)
    (taken,) = world.events("poster_taken")
    assert taken["sha256"] == hashlib.sha256(poster).hexdigest()
    told = read(poster)
    must_be_accessible(told)
    assert told.pages == 1
    assert told.title == "Amber wind warning"
    assert told.alts == [f"QR code that leads to https://site.test/{ref}"]
    for said in (NASTY, "What to do", "In danger call 999", f"Reference {ref}"):
        assert said in told.words


def test_of_what_nobody_approved_or_what_is_over_nothing_is_said(world):
    draft, stopped = world.draft(), world.release(channels=("website",)).ref
    world.stop(stopped)
    over = world.release(channels=("website",)).ref
    world.clock.advance(13 * 3600)
    for ref, why in ((draft, "is not approved"), (stopped, "was stopped"), (over, "ended")):
        found, texts = lines(world, ref)
        assert why in found.why_not
        assert texts == {}
        with world.refused(Stale, why):
            world.parts.telling.poster(world.officer, ref)
    with world.refused(NotFound, "There is no message"):
        world.parts.telling.lines(world.officer, "ZZZZZZ")


def test_facts_that_were_altered_after_approval_are_not_told(world):
    ref = world.release(channels=("website",)).ref
    stored = world.rows(message_version)[-1]
    world.change(message_version, {"facts": stored.facts.replace("seafront", "pier")}, id=stored.id)
    found, texts = lines(world, ref)
    assert "not what was approved" in found.why_not
    assert texts == {}


def test_an_exercise_says_so_at_both_ends_and_on_the_poster(world):
    ref = world.release(channels=("website",), mode=Mode.EXERCISE).ref
    _, texts = lines(world, ref)
    for text in texts.values():
        assert text.startswith(DRILL)
        assert text.endswith(f"{DRILL} EXERCISE")
    words = read(world.parts.telling.poster(world.officer, ref)).words
    assert "EXERCISE: this is not real" in words
    assert "In a real event we would say" in words


def test_what_is_not_public_has_a_script_for_our_own_telephones_alone(world):
    world.add_audience("staff", 2)
    values = {
        "headline": "Gritters out",
        "area": "Wyre",
        "action": "Ring in.",
        "expires": "+2h",
        "source": "Depot",
    }
    made = world.parts.compose.draft(
        world.officer,
        template=a_template(),
        values=values,
        channels=("sms",),
        audience="staff",
        visibility=Visibility.STAFF,
    )
    ref = made.ref
    world.approve(world.parts.compose.submit(world.officer, ref))
    found, texts = lines(world, ref)
    assert set(texts) == {"contact-centre"}
    assert not found.poster
    with world.refused(NotAllowed, "not for the public"):
        world.parts.telling.poster(world.officer, ref)


def test_a_poster_is_one_page_and_cuts_nothing_however_much_there_is_to_do():
    content = {
        **dict.fromkeys(("organisation", "headline", "contact", "source"), "A body with a long name " * 4),
        "instruction": " ".join(f"Leave number {n} by Fleetwood Road, slowly." for n in range(30)),
        "area": ", ".join(f"Street {n}" for n in range(40)),
        "details": "There is far more to know of it than a poster holds. " * 30,
        "mode": "live",
        "reference": "7F3K2M",
        "from": "noon",
        "until": "6pm",
        "printed": "now",
        "link": "https://site.test/7F3K2M",
        "code": "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 9 9'/>",
    }
    told = read(Press().printed("poster", content, at=datetime.now(UTC)))
    assert told.pages == 1
    for name in ("instruction", "area", "headline", "contact"):
        assert content[name].strip() in told.words
    assert "There is more to know: see the page below." in told.words
    assert "far more to know of it" not in told.words


def test_the_page_shows_the_lines_escaped_and_leads_to_the_poster(world):
    ref = world.release(channels=("website",), action="Keep <b>off</b> & out.").ref
    person(world, "ada", "auditor")
    client = Browser(web_of(world.parts))
    client.cookie = enter(world, "ada").cookie
    text = client.get(f"/messages/{ref}/lines").text
    assert "Keep &lt;b&gt;off&lt;/b&gt; &amp; out." in text
    assert f'href="/messages/{ref}/poster.pdf"' in text
    assert client.get(f"/messages/{ref}/poster.pdf").headers["content-type"] == "application/pdf"
    assert "is not approved" in client.get(f"/messages/{world.draft()}/lines").text

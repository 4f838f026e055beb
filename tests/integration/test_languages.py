"""One message in two languages: each number gets its own, every place both, and nobody the same thing twice."""

import json

import pytest
from lxml import etree, html
from sqlalchemy import select

from broadcaster.db.tables import delivery, post, recipient, schedule_version, submission, target
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, OutcomeUnknown, Refused
from broadcaster.domain.follow_up import Purpose
from broadcaster.domain.post import Post, late_values
from broadcaster.render.notices import shipped_notice
from channels.cap import CAP
from channels.website import Website
from tests.builders import a_world, number
from tests.contract.test_website_cap import SCHEMA
from tests.contract.website_site import account
from tests.integration.at_the_board import Browser
from tests.integration.planning import SCHEDULE_FORM, approved, fire, set_clock, written

VALUES = {
    "colour": "Amber",
    "hazard": "wind",
    "hazard.cy": "gwynt",
    "area": "Cardiff and Barry",
    "area.cy": "Caerdydd a'r Barri",
    "action": "Keep off the seafront after 6pm.",
    "action.cy": "Cadwch draw o lan y môr ar ôl 18:00.",
    "starts": "now",
    "expires": "+14h",
    "next_update": "+4h",
    "source": "Duty officer, Wyre Council",
    "source.cy": "Swyddog ar ddyletswydd, Cyngor Wyre",
    "phone": "01632 960123",
}
WELSH = {2, 5, 6}


ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def schema():
    if not SCHEMA.exists():
        pytest.skip(f"the CAP schema is not at {SCHEMA}")
    return etree.XMLSchema(etree.parse(SCHEMA))


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, languages="cy en", max_in_flight=4) as world:
        yield world


def residents(world, size=7):
    """Numbers 2 and 5 speak Welsh, and 6 in an older spelling; 3 speaks what nobody here does."""
    version_id = world.add_audience("residents", size)
    for ordinal, language in ((2, "cy"), (3, "fr"), (5, "CY"), (6, "cy-GB")):
        world.change(recipient, {"language": language}, audience_version_id=version_id, ordinal=ordinal)


def draft(world, *, channels=("website",), audience="residents", languages=None, later="", **changed):
    return world.parts.compose.draft(
        world.officer,
        template=shipped_notice("severe-weather"),
        values={**VALUES, **changed},
        channels=channels,
        audience=audience if "sms" in channels else "",
        languages=languages,
        later=later,
    )


def release(world, **given):
    submitted = world.parts.compose.submit(world.officer, draft(world, **given).ref)
    released = world.approve(submitted)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    return released


def told(world, since=0):
    """Who got what, as the gateway has it: number -> language of each text."""
    found = {}
    for taken in world.gateway.ledger[since:]:
        found.setdefault(taken.address, []).append("cy" if "Rhybudd" in taken.post.text else "en")
    return found


def in_their_own(ordinals):
    return {number(n): ["cy" if n in WELSH else "en"] for n in ordinals}


def test_each_number_gets_one_text_in_its_own_language(world):
    residents(world)
    released = release(world, channels=("sms", "website"), **{"translator.cy": "Translation unit"})
    assert world.events("message_drafted")[0]["translated_by"] == {"cy": "Translation unit"}
    assert (released.recipients, released.public_posts) == (7, 2)
    world.work_public()
    world.work_bulk()
    assert told(world) == in_their_own(range(1, 8))
    assert [taken.post.language for taken in world.site.ledger] == ["cy", "en"]
    manifest = json.loads(world.row(submission).manifest)
    assert [each["language"] for each in manifest["languages"]] == ["cy", "en"]
    assert [(p["speaking"], p["count"]) for p in manifest["audience"]["parts"]] == [("cy", 3), ("-cy", 4)]
    assert sorted(t.planned_total for t in world.rows(target) if t.speaking) == [3, 4]
    world.parts.sweep.sweep()
    assert {d.state for d in world.rows(delivery)} == {"accepted"}


def test_what_follows_reaches_each_of_them_once_and_in_their_language(world):
    residents(world)
    first = release(world, channels=("sms", "website"))
    world.gateway.by_address = {
        number(1): Refused("dead", "No such number."),
        number(5): OutcomeUnknown("lost"),
    }
    world.work_bulk()
    world.gateway.by_address = {}
    world.opt_out(2)
    before = len(world.gateway.ledger)
    proof = world.parts.follow_ups.draft(world.officer, first.ref, Purpose.UPDATE, values={})
    assert dict(proof.languages) == {"cy": 3, "en": 3}
    update = world.approve(world.parts.compose.submit(world.officer, proof.ref))
    assert update.recipients == 6
    world.parts.plan.plan(world.broadcast_id(update.ref))
    world.clock.advance(1)
    world.work_bulk()
    assert told(world, before) == in_their_own((3, 4, 5, 6, 7))
    world.parts.plan.plan(world.broadcast_id(update.ref))
    world.parts.sweep.sweep()
    mine = world.broadcast_id(update.ref)
    assert sorted(t.planned_total for t in world.rows(target) if t.broadcast_id == mine and t.speaking) == [
        3,
        3,
    ]
    assert sum(d.broadcast_id == mine and d.state == "suppressed" for d in world.rows(delivery)) == 1
    texts = [taken.post.text for taken in world.gateway.ledger[before:]]
    assert {("Diweddariad 2" in t, "Update 2" in t) for t in texts} == {(True, False), (False, True)}


def test_an_older_text_in_one_language_does_not_go_out_after_a_newer_one_in_any(world):
    residents(world)
    first = release(world, channels=("sms", "website"))
    world.once(Lane.BULK)  # the Welsh texts have left, the others wait
    update = world.parts.follow_ups.draft(
        world.officer, first.ref, Purpose.UPDATE, values={}, languages=(), later="+2h"
    )
    assert list(update.later) == ["cy"]
    sent = world.approve(world.parts.compose.submit(world.officer, update.ref))
    world.parts.plan.plan(world.broadcast_id(sent.ref))
    world.clock.advance(1)
    world.work_public()
    world.work_bulk()
    assert set(told(world)) <= set(in_their_own(WELSH))
    assert list(map(list, told(world).values())) == [["cy", "en"]] * len(told(world))
    assert told(world)
    assert [taken.post.language for taken in world.site.ledger] == ["en"]


@ON_SQLITE
def test_what_was_sent_in_error_is_taken_back_in_each_language(world):
    residents(world)
    first = release(world, channels=("sms", "website", "facebook"))
    world.work_public()
    world.work_bulk()
    before = len(world.gateway.ledger)
    taken_back = world.parts.sequels.send(world.officer, first.ref, "A drill went to the public")
    world.parts.plan.plan(world.broadcast_id(taken_back.ref))
    world.clock.advance(1)
    world.work_bulk()
    said = {taken.address: taken.post for taken in world.gateway.ledger[before:]}
    assert {n: "Nid oes angen i chi wneud dim" in post.text for n, post in said.items()} == {
        number(n): n in WELSH for n in range(1, 8)
    }
    assert len(world.gateway.ledger[before:]) == 7


@ON_SQLITE
def test_public_posts_say_both_in_one_where_that_is_set_and_fits(database_url, tmp_path):
    with a_world(database_url, tmp_path, languages="cy en", social_languages="together") as world:
        release(world, channels=("website", "facebook", "x"))
        world.clock.advance(1)
        world.work_public()
        assert [taken.post.language for taken in world.site.ledger] == ["cy", "en"]
        (both,) = world.page.ledger
        assert both.post.language == "mul"
        assert both.post.text.index("Cadwch draw") < both.post.text.index("Keep off")


@ON_SQLITE
def test_two_languages_that_differ_cannot_be_handed_over(world):
    proof = draft(world, **{"action.cy": "Cadwch draw o lan y môr ar ôl 19:00.", "area.cy": "Caerdydd"})
    assert [each.partition(": ")[0] for each in proof.problems] == [
        "area (Welsh)",
        "instruction (Welsh)",
        "instruction (Welsh)",
    ]
    with world.refused(Invalid, "cannot be submitted"):
        world.parts.compose.submit(world.officer, proof.ref)


def test_english_alone_needs_a_time_by_which_welsh_follows_and_home_says_so(world):
    alone = {name: "" for name in VALUES if name.endswith(".cy")}
    assert draft(world, languages=(), **alone).problems == (
        "It is not in Welsh, which is spoken here. Say it in Welsh too, or say by when that follows.",
    )
    with pytest.raises(Invalid, match="cannot be filled in"):
        draft(world, **alone)
    released = release(world, channels=("website",), languages=(), later="+2h", **alone)
    manifest = json.loads(world.rows(submission)[-1].manifest)
    assert list(manifest["languages_later"]) == ["cy"]
    assert "languages" not in manifest
    (due,) = world.parts.homes.of(world.officer).languages_due
    assert (due.ref, due.languages) == (released.ref, ("cy",))
    words = {name: value for name, value in VALUES.items() if name.endswith(".cy")}
    follows = world.parts.follow_ups.draft(world.officer, released.ref, Purpose.UPDATE, values=words)
    world.approve(world.parts.compose.submit(world.officer, follows.ref))
    assert world.parts.homes.of(world.officer).languages_due == ()


@ON_SQLITE
def test_one_language_makes_the_manifest_that_it_always_made(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        residents(world)
        values = {name: value for name, value in VALUES.items() if "." not in name}
        proof = world.parts.compose.draft(
            world.officer,
            template=shipped_notice("severe-weather"),
            values=values,
            channels=("sms", "website"),
            audience="residents",
        )
        world.approve(world.parts.compose.submit(world.officer, proof.ref))
        manifest = json.loads(world.row(submission).manifest)
        assert set(manifest["audience"]) == {"count", "name", "sha256", "version"}
        assert {key for each in manifest["targets"] for key in each} == {
            *("account", "channel", "language", "late_slots", "post_sha256", "speaks_as"),
        }
        assert manifest["targets"][0]["late_slots"] == ["sent_at", "sequence"]
        assert not {"languages", "languages_later"} & set(manifest)
        assert {t.speaking for t in world.rows(target)} == {""}


@ON_SQLITE
def test_one_page_and_one_alert_carry_both_with_welsh_first(world, tmp_path, schema):
    released = release(world, channels=("website",))
    site = Website(account(tmp_path / "site"))
    for no, stored in enumerate(world.rows(post)[::-1]):  # English arrives first
        site.send(Post.from_bytes(stored.content).filled(late_values("03:10", 1)), f"key-{no}")
    folder = tmp_path / "site" / "alerts"
    page = html.fromstring((folder / released.ref.lower() / "index.html").read_bytes())
    assert page.xpath("//article/@lang") == ["cy", "en"]
    assert page.xpath("//article/h1/text()") == ["Rhybudd Oren: gwynt"]
    alert = etree.parse(folder / f"{released.ref.lower()}.cap.xml")
    schema.assertValid(alert)
    infos = alert.findall(f"{{{CAP}}}info")
    said = [(i.findtext(f"{{{CAP}}}language"), i.findtext(f"{{{CAP}}}event")) for i in infos]
    assert said == [("cy", "Tywydd garw"), ("en", "Severe weather")]
    feed = etree.parse(tmp_path / "site" / "atom.xml")
    assert feed.findtext("{*}entry/{*}title") == "Amber wind warning"


@ON_SQLITE
def test_the_form_asks_for_each_sentence_in_both_and_names_what_differs(world):
    olga = Browser(world, "olga", "officer")
    form = html.fromstring(olga.get("/messages/new/severe-weather").text)
    fields = form.xpath("//*[starts-with(@name, 'blank-')]/@name")
    assert fields.index("blank-action.cy") == fields.index("blank-action") + 1
    assert "blank-phone.cy" not in fields
    assert form.xpath("//textarea[@name='blank-action.cy']/@lang") == ["cy"]
    assert form.xpath("//input[@name='languages']/@value") == ["cy"]
    typed = {f"blank-{name}": value for name, value in VALUES.items()}
    given = {**typed, "channels": "website", "asks_languages": "1", "languages": "cy"}
    refused = olga.post("/messages/new/severe-weather", **{**given, "blank-action.cy": ""})
    assert refused.status == 422
    assert "is needed in Welsh too" in refused.text
    kept = olga.post(
        "/messages/new/severe-weather", **{**given, "blank-action.cy": "Cadwch draw ar ôl 19:00."}
    )
    ref = kept.headers["location"].rpartition("/")[2]
    assert "instruction (Welsh)" in olga.get(f"/messages/{ref}").text
    assert VALUES["area.cy"].replace("'", "&#39;") in olga.get(f"/messages/{ref}/edit").text
    olga.post(f"/messages/{ref}/edit", **given, base="1")
    world.parts.compose.submit(olga.person, ref)
    shown = olga.get(f"/messages/{ref}/approve").text
    assert "Website in Welsh" in shown
    assert "Languages" in shown
    assert "sequence_cy" not in shown


@ON_SQLITE
def test_a_series_goes_out_in_the_languages_that_it_was_approved_in(world):
    set_clock(world, "2027-01-02T12:00")
    welsh = {
        "service.cy": "Tip Poulton",
        "area.cy": "Wyre i gyd",
        "instead.cy": "y tip yn Preesall",
        "works.cy": "casgliadau o'r palmant",
        "source.cy": "Tim gwastraff, Cyngor Wyre",
        "reason": "=date",
        "reason.cy": "=date",
    }
    approved(world, values=welsh)
    set_clock(world, "2027-01-04T09:00")
    fire(world)
    world.work_public()
    said = [(taken.post.language, taken.post.text) for taken in world.site.ledger]
    assert [language for language, _ in said] == ["cy", "en"]
    for (_, text), days in zip(
        said,
        (("ddydd Llun 4 Ionawr", "6pm ddydd Mawrth 5 Ionawr"), ("Monday 4 January", "6pm Tuesday 5 January")),
        strict=True,
    ):
        assert all(day in text for day in days)
    assert json.loads(world.row(schedule_version).bounds)["languages"] == ["cy", "en"]


@ON_SQLITE
def test_a_planner_chooses_the_languages_of_a_series_and_a_change_of_another_field_leaves_them(world):
    olga = Browser(world, "olga", "officer")
    form = html.fromstring(olga.get("/schedules/new/service-disruption").text)
    assert form.xpath("//input[@name='languages']/@value") == ["cy"]
    assert form.xpath("//input[@name='languages']/@checked")
    assert form.xpath("//input[@name='blank-area.cy']/@lang") == ["cy"]
    typed = {**SCHEDULE_FORM, "asks_languages": "1"}
    refused = olga.post("/schedules/new/service-disruption", **typed, languages="fr")
    assert (refused.status, "has no wording in" in refused.text) == (422, True)
    made = olga.post("/schedules/new/service-disruption", **typed).headers["location"]
    change = html.fromstring(olga.get(f"{made}/change").text)
    assert not change.xpath("//input[@name='languages']/@checked")
    olga.post(f"{made}/change", **{**typed, "name": "Tip"}, base="1")
    world.parts.schedule_writing.change(olga.person, made.rpartition("/")[2], written(name="Tips"), base=2)
    olga.post(f"{made}/change", **typed, languages="cy", base="3")
    with world.database.read() as tx:
        languages = tx.execute(select(schedule_version.c.languages).order_by(schedule_version.c.no))
        assert list(languages.scalars()) == ["", "", "", "cy en"]

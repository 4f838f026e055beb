"""Writing and submitting: what is kept is what was checked, and submitting freezes it to the byte."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime

import pytest
from rich.console import Console

from broadcaster.cli import show
from broadcaster.cli.message_view import as_json_data
from broadcaster.db.tables import message, message_version, notice_template, post, submission
from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post, digest_of
from channels.base import CheckProblem
from tests.a_notice import a_template
from tests.builders import VALUES

DATABASES = ("sqlite",)


def test_a_draft_shows_every_channel_side_by_side_the_website_first(world):
    world.add_audience("residents", 3)
    ref = world.draft(channels=("sms", "x", "facebook", "website"), audience="residents")
    proof = world.parts.compose.preview(ref)
    assert [p.channel for p in proof.posts] == ["website", "x", "sms", "facebook"]
    assert proof.problems == ()
    assert (proof.audience.name, proof.audience.size) == ("residents", 3)
    for each in proof.posts:
        assert f"https://site.test/{ref}" in each.post.text
    assert world.acts() == ["message_drafted"]


def test_submitting_stores_the_posts_and_the_manifest_to_the_byte(world):
    submitted = world.submit()
    stored = world.row(submission)
    assert manifest_hash(stored.manifest.encode()) == stored.manifest_sha256 == submitted.manifest_sha256
    manifest = json.loads(stored.manifest)
    assert json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False) == stored.manifest
    assert [t["post_sha256"] for t in manifest["targets"]] == [digest_of(p.content) for p in world.rows(post)]
    shown = [p.post for p in submitted.proof.posts]
    assert [Post.from_bytes(p.content) for p in world.rows(post)] == shown


def test_what_was_submitted_is_shown_as_it_was_stored_whatever_a_layout_says_later(world):
    submitted = world.submit()
    row = world.rows(post)[0]
    world.change(post, {"content": row.content.replace(b"seafront", b"seafrond")}, id=row.id)
    assert "seafrond" in world.parts.compose.preview(submitted.ref).posts[0].post.text


def test_two_messages_never_have_the_same_hash(world):
    assert len({world.submit().manifest_sha256 for _ in range(5)}) == 5


def test_the_submission_lives_half_an_hour_and_no_longer_than_the_message(world):
    assert (world.submit().expires_at - world.now()).total_seconds() == pytest.approx(1800, abs=30)
    short = world.submit(expires="+1m")
    expires = datetime.fromisoformat(world.parts.compose.preview(short.ref).expires)
    assert short.expires_at <= expires


def test_a_problem_of_one_channel_keeps_the_whole_message_from_being_submitted(world):
    ref = world.draft()
    world.feed.problems = [CheckProblem(code="too_long", text="It is too long by 12.")]
    with world.refused(Invalid, "cannot be submitted") as caught:
        world.parts.compose.submit(world.officer, ref)
    problem = caught.value
    assert problem.details == ("X (feed): It is too long by 12.",)


def test_texts_need_an_audience_with_somebody_in_it(world):
    ref = world.draft(channels=("sms",))
    with world.refused(Invalid, "cannot be") as caught:
        world.parts.compose.submit(world.officer, ref)
    problem = caught.value
    assert "need an audience" in problem.details[0]
    world.add_audience("nobody", 0)
    world.edit(ref, channels=("sms",), audience="nobody")
    with world.refused(Invalid, "cannot be") as caught:
        world.parts.compose.submit(world.officer, ref)
    problem = caught.value
    assert "is empty" in problem.details[0]


def test_what_is_over_already_cannot_be_submitted(world):
    ref = world.draft(expires="+1m")
    world.clock.advance(3600)
    with world.refused(Invalid, "cannot be") as caught:
        world.parts.compose.submit(world.officer, ref)
    problem = caught.value
    assert "expired at" in problem.details[0]


def test_an_account_that_is_gone_is_a_problem_of_the_draft(world):
    ref = world.draft()
    del world.channels["live"]["page"]
    with world.refused(Invalid, "cannot be") as caught:
        world.parts.compose.submit(world.officer, ref)
    problem = caught.value
    assert "page is not set up any more" in problem.details[0]


def test_a_draft_with_anything_that_cannot_be_used_is_not_kept(world, subtests):
    for given, error, match in [
        ({"channels": ("fasebook",)}, Invalid, "cannot be used"),
        ({"channels": ("facebook",), "mode": Mode.EXERCISE}, Invalid, "not set up"),
        ({"audience": "residents"}, NotFound, "no audience"),
        ({"incident": "ABCDEF"}, NotFound, "no incident"),
        ({"headline": ""}, Invalid, "cannot be filled in"),
        ({"headline": "((sent_at))"}, Invalid, "cannot be filled in"),
        ({"headline": "{{ 7*7 }}", "colour": "red"}, Invalid, "cannot be filled in"),
    ]:
        with subtests.test(str(given)):
            assert world.officer
            with world.refused(error, match):
                world.draft(**given)


def test_what_an_officer_types_is_never_a_template(world):
    ref = world.draft(headline="{{ 7*7 }} {% for x in y %} ${7*7}")
    texts = [p.post.text + p.post.title for p in world.parts.compose.preview(ref).posts]
    assert all("{{ 7*7 }} {% for x in y %} ${7*7}" in t for t in texts)


def test_only_officers_write_edit_and_submit(world, subtests):
    ref = world.draft()
    for role in ["approver", "auditor", "administrator", "data-keeper"]:
        other, match = world.person(f"otto-{role}", role), "Only an officer may write"
        with subtests.test(role):
            with world.refused(NotAllowed, match):
                world.draft(by=other)
            with world.refused(NotAllowed, match):
                world.edit(ref, by=other)
            with world.refused(NotAllowed, match):
                world.parts.compose.submit(other, ref)


def test_what_waits_cannot_be_submitted_again(world):
    submitted = world.submit()
    submit = world.parts.compose.submit
    with world.refused(Stale, "submitted, not a draft"):
        submit(world.officer, submitted.ref)


def test_what_was_released_cannot_be_edited(world):
    released = world.release()
    with world.refused(Stale, "released and cannot be edited"):
        world.edit(released.ref)


def test_each_edit_is_a_version_of_its_own_with_its_author(world):
    ref, other = world.draft(), world.person("otis", "officer")
    world.edit(ref, by=other, headline="Red wind warning")
    assert world.row(message).version == 2
    assert [(v.no, v.author_id) for v in world.rows(message_version)] == [
        (1, world.officer.id),
        (2, other.id),
    ]
    assert "Red wind warning" in world.parts.compose.preview(ref).posts[0].post.title


def test_two_edits_at_once_make_two_versions(world):
    other, ref = world.beside(), world.draft()
    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            for done in [
                pool.submit(
                    parts.compose.edit,
                    world.officer,
                    ref,
                    template=a_template(),
                    values=VALUES,
                    channels=("website",),
                )
                for parts in (world.parts, other)
            ]:
                done.result()
    assert [v.no for v in world.rows(message_version)] == list(range(1, 12))


def test_two_submissions_at_once_leave_one_open(world):
    other = world.beside()
    for _ in range(5):
        ref = world.draft(channels=("website",))
        with ThreadPoolExecutor(2) as pool:
            tries = [pool.submit(p.compose.submit, world.officer, ref) for p in (world.parts, other)]
            errors = [t.exception() for t in tries]
        assert sum(e is None for e in errors) == 1
        assert sum(isinstance(e, Stale) for e in errors) == 1
    assert [s.state for s in world.rows(submission)] == ["open"] * 5


def test_officers_who_use_a_template_or_an_account_for_the_first_time_at_once_lock_nobody_out(world):
    processes = [world.parts, *(world.beside() for _ in range(3))]
    assert world.officer

    def write(parts):
        proof = parts.compose.draft(
            world.officer, template=a_template(), values=VALUES, channels=("website", "facebook", "x")
        )
        return parts.compose.submit(world.officer, proof.ref).ref

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(write, processes))) == 4
    assert world.size(notice_template) == 1


# --- what is checked before approval -------------------------------------------------------------------------


def drawn(proof) -> str:
    console = Console(width=300, file=None, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(show.proof(proof))
    return captured.get()


def test_a_problem_in_the_facts_is_shown_with_the_draft_and_keeps_it_from_being_submitted(world, subtests):
    for text, code, said in [
        ("Read http://wyre.gov.uk now.", "not https", "Use the address that begins with https://"),
        ("He has AB123456C.", "National Insurance", "Take it out"),
        ("It is 943 476 5919.", "NHS number", "Take it out"),
        ("Pay with 4111 1111 1111 1111.", "payment card", "Take it out"),
        ("Go \u200eout.", "another order", "Type this text again"),
        ("Go out\U000e0041.", "hidden characters", "Type this text again"),
        ("https://w\u0430les.gov", "mixes alphabets", "Type it again by hand"),
    ]:
        with subtests.test(code):
            ref = world.draft(action=text)
            (problem,) = world.parts.compose.preview(ref).problems
            assert problem.startswith("instruction: ")
            assert code in problem
            assert said in problem
            with world.refused(Invalid, "cannot be submitted") as caught:
                world.parts.compose.submit(world.officer, ref)
            assert caught.value.details == (problem,)
            world.edit(ref, action="Keep off the seafront.")
            world.parts.compose.submit(world.officer, ref)


def test_warnings_and_hints_are_shown_to_officer_and_approver_and_hold_nothing_up(world):
    text = "Ring Ann on 07700 900123 prior to leaving. KEEP OFF THE SEAFRONT."
    drafted = world.parts.compose.preview(world.draft(action=text))
    submitted = world.submit(action=text).proof
    for proof in (drafted, submitted):
        assert proof.problems == ()
        assert [(f.level, f.code, f.where) for f in proof.findings] == [
            (Level.WARNING, "phone_number", "instruction"),
            (Level.HINT, "jargon", "instruction"),
            (Level.HINT, "capitals", "instruction"),
        ]
        shown = drawn(proof)
        order = ["Look at this before it goes out", "a phone number that is not the template's"]
        order += ["Could be said better", 'say "before"', "Title: "]
        places = [shown.index(each) for each in order]
        assert places == sorted(places)
        data = as_json_data(proof, facts={}, decision={}, turned_down=None)
        assert [each["level"] for each in data["findings"]] == ["warning", "hint", "hint"]
        assert json.loads(json.dumps(data))["findings"][0]["where"] == "instruction"


def test_a_life_safety_message_with_every_warning_there_is_can_be_submitted_and_released(world):
    text = "Ring 07700 900123 or a@b.test, born 3 May 1961. Case 9434765919. Go\u200b \ufffd https://xn--trn-hma.wales"
    ref = world.draft(action=text, severity="Extreme", urgency="Immediate")
    found = world.parts.compose.preview(ref).findings
    assert {f.level for f in found} == {Level.WARNING}
    assert len(found) == 7
    assert world.approve(world.parts.compose.submit(world.officer, ref)).ref == ref


def test_numbers_that_the_template_says_or_asks_for_are_its_own(world):
    plain = a_template()
    asking = replace(
        plain,
        wording={
            **plain.wording,
            "details": "((more))\nNo internet? Ring ((phone)).\nFloodline: 0345 988 1188",
        },
        blanks=(
            *plain.blanks,
            Blank(name="more", type=BlankType.TEXT, label="more"),
            Blank(name="phone", type=BlankType.PHONE, label="phone"),
        ),
    )

    def found(more):
        proof = world.parts.compose.draft(
            world.officer,
            template=asking,
            values={**VALUES, "phone": "01632 960123", "more": more},
            channels=("website",),
        )
        return [(f.code, f.where) for f in proof.findings]

    assert found("Ring +44 1632 960123 by day, Floodline on 03459881188 by night.") == []
    assert found("Ring 01632 960124.") == [("phone_number", "details")]


def test_a_character_that_doubles_the_cost_of_a_text_is_a_warning_of_the_text(world):
    world.add_audience("residents", 3)
    dear = world.draft(channels=("website", "sms"), audience="residents", headline="\u0174ind")
    (found,) = [f for f in world.parts.compose.preview(dear).findings if f.code != "cost"]
    assert (found.where, found.level) == ("text message", Level.WARNING)
    assert "U+0174" in found.text
    assert world.parts.compose.preview(world.draft(headline="\u0174ind")).findings == ()


def test_the_reading_age_is_told_where_there_are_words_enough(world):
    few, many = world.draft(), world.draft(action="Keep off the sea wall and stay in. " * 8)
    assert world.parts.compose.preview(few).reading_age is None
    proof = world.parts.compose.preview(many)
    assert proof.reading_age == 5
    assert "Reading age: about 5" in drawn(proof)
    assert as_json_data(proof, facts={}, decision={}, turned_down=None)["reading_age"] == 5

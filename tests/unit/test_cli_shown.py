"""What a terminal shows: what steers or hides, times, what an approver reads and in which order, totals."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from broadcaster.cli import show
from broadcaster.cli.message_view import as_json_data
from broadcaster.cli.show import in_words, payload, totals
from broadcaster.cli.terminal import local
from broadcaster.cli.visible import visible
from broadcaster.domain.audience import AudienceVersion
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.media import Image
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.post import Post
from broadcaster.service.proof import Proof, ProofPost
from broadcaster.service.report import Status, TargetStatus
from channels.base import CheckProblem

LONDON = ZoneInfo("Europe/London")


def test_characters_that_steer_or_hide_are_made_visible():
    assert visible("a\x1b[31mb\u202ec\u200bd\ne") == "a<U+001B>[31mb<U+202E>c<U+200B>d\ne"
    assert visible("👩\u200d🚒 ŵ é") == "👩\u200d🚒 ŵ é"


def test_times_are_local_with_the_abbreviation():
    assert local(datetime(2026, 7, 1, 12, 0, tzinfo=UTC), LONDON) == "2026-07-01 13:00:00 BST"
    assert local("2026-11-21T12:00:00+00:00", LONDON) == "2026-11-21 12:00:00 GMT"
    assert local(None, LONDON) == ""


def post(channel: str, text: str, *, problems: tuple[CheckProblem, ...] = (), link: str = "") -> ProofPost:
    made = Post(channel=channel, account=channel, title="Title only for pages", text=text, link=link)
    title = {"x": "X", "facebook": "Facebook Page", "sms": "SMS", "website": "Website"}[channel]
    return ProofPost(
        account=channel, channel=channel, title=title, speaks_as="us", post=made, problems=problems
    )


def proof(
    *posts: ProofPost, mode: Mode = Mode.LIVE, audience: AudienceVersion | None = None, problems=()
) -> Proof:
    return Proof(
        ref="7F3K2M",
        version=1,
        mode=mode,
        state=MessageState.SUBMITTED,
        expires="2026-11-21T18:00:00+00:00",
        posts=posts,
        audience=audience,
        problems=problems,
    )


def drawn(renderable, width: int = 100) -> str:
    console = Console(width=width, file=None, markup=False, highlight=False, emoji=False)
    with console.capture() as captured:
        console.print(renderable)
    return captured.get()


RESIDENTS = AudienceVersion(id=1, uid="u", name="residents", no=3, sha256="0" * 64, size=10_214)
FACTS = {"instruction": "Go upstairs.", "area": "Fleetwood", "source": "Duty officer"}


def test_an_approver_reads_things_in_the_order_of_their_weight():
    shown = drawn(
        show.proof(
            proof(
                post("x", "The text."), post("sms", "The SMS."), audience=RESIDENTS, problems=("too long",)
            ),
            FACTS,
            LONDON,
        )
    )
    order = (
        "LIVE",
        "Go upstairs.",
        "Fleetwood",
        "10,214 people by SMS",
        "everybody on X",
        "6pm Saturday 21 November",
    )
    order += ("(GMT)", "Duty officer", "too long", "The text.", "The SMS.")
    places = [shown.index(each) for each in order]
    assert places == sorted(places)


def test_an_exercise_says_so_first_and_live_does_not():
    exercise, live = (
        drawn(show.proof(proof(post("x", "t"), mode=mode))) for mode in (Mode.EXERCISE, Mode.LIVE)
    )
    assert exercise.startswith(" EXERCISE ")
    assert "EXERCISE" not in live


def test_texts_without_an_audience_are_said_to_reach_nobody():
    assert "nobody yet by SMS" in drawn(show.proof(proof(post("sms", "t"))))


def test_equal_texts_are_shown_once():
    shown = drawn(show.proof(proof(post("x", "The same."), post("facebook", "The same."))))
    assert shown.count("The same.") == 1
    assert "X (us), Facebook Page (us):" in shown


def test_texts_that_differ_in_what_readers_see_are_shown_apart():
    shown = drawn(show.proof(proof(post("x", "t"), post("facebook", "t", link="https://a.example/"))))
    assert shown.count("    t\n") == 2
    assert "Link: https://a.example/" in shown


def test_only_a_page_shows_its_title():
    shown = drawn(show.proof(proof(post("website", "web text"), post("x", "x text"))))
    assert shown.count("Title only for pages") == 1


def test_officers_texts_are_shown_to_the_character():
    text = "[bold]not bold[/bold] :smile: [link=x]y[/link]\n  two blanks\x1b[2J"
    shown = drawn(show.proof(proof(post("x", text))))
    assert "    [bold]not bold[/bold] :smile: [link=x]y[/link]\n      two blanks<U+001B>[2J\n" in shown


def test_a_thread_is_shown_part_by_part():
    thread = post("x", "First.")
    thread = replace(thread, post=replace(thread.post, further=("Second.",)))
    shown = drawn(show.proof(proof(thread)))
    assert "  Part 1 of 2:\n    First.\n" in shown
    assert "  Part 2 of 2:\n    Second.\n" in shown
    assert "Part" not in drawn(show.proof(proof(post("x", "First."))))
    assert as_json_data(proof(thread), facts={}, decision={}, turned_down=None)["posts"][0]["parts"] == [
        "First.",
        "Second.",
    ]


def test_what_was_left_out_or_changed_and_what_a_text_costs_is_told_beside_it():
    texted = post("sms", "t")
    texted = replace(
        texted,
        post=replace(texted.post, left_out=("details", "contact")),
        segments=2,
        replaced=("\u2019 became ' (3 times)",),
    )
    shown = drawn(show.proof(proof(texted)))
    assert "  Left out for want of room: details, contact.\n" in shown
    assert "  2 segments for each person.\n" in shown
    assert "  For the text message: \u2019 became ' (3 times).\n" in shown
    (data,) = as_json_data(proof(texted), facts={}, decision={}, turned_down=None)["posts"]
    assert (data["left_out"], data["segments"]) == (["details", "contact"], 2)
    assert data["replaced"] == ["\u2019 became ' (3 times)"]
    assert "segment" not in drawn(show.proof(proof(post("x", "t"))))


def test_pictures_are_told_with_their_alt_text_their_size_and_who_shows_them():
    made = Image(
        sha256="0" * 64, media_type="image/png", width=1200, height=800, size=179_600, alt="Map \u202e."
    )
    facebook, x, sms = post("facebook", "f"), post("x", "x"), post("sms", "s")
    facebook = replace(facebook, post=replace(facebook.post, images=(made,)))
    x = replace(x, post=replace(x.post, images=(replace(made, width=600, height=400, size=10),)))
    shown = drawn(show.proof(proof(facebook, x, sms)))
    assert "  - Map <U+202E>.\n    Facebook Page 1200 x 800 (180 kB), X 600 x 400 (1 kB)\n" in shown
    assert "Without pictures: SMS." in shown
    assert "ictures" not in drawn(show.proof(proof(sms)))
    data = as_json_data(proof(facebook), facts={}, decision={}, turned_down=None)["posts"][0]
    assert data["images"] == [made.to_json()]


def test_who_may_see_it_is_told():
    assert "everybody" in drawn(show.proof(proof()))
    assert "partners only" in drawn(show.proof(replace(proof(), visibility="partners")))
    staff = as_json_data(replace(proof(), visibility="staff"), facts={}, decision={}, turned_down=None)
    assert staff["visibility"] == "staff"


def test_late_slots_are_explained():
    assert "Filled in when it is sent: ((sent_at))" in drawn(show.proof(proof(post("x", "Sent ((sent_at))"))))
    assert "Filled in" not in drawn(show.proof(proof(post("x", "t"))))


def status(states: dict[DeliveryState, int], planned: int, **given) -> Status:
    target = TargetStatus(
        channel="sms",
        account="gateway",
        planned=planned,
        states=states,
        link="",
        seconds=1.25,
        reasons=(),
        **given,
    )
    return Status(
        ref="7F3K2M",
        message_state="released",
        broadcast="b",
        state="sending",
        mode="live",
        released_at=datetime(2026, 11, 21, 12, 0, tzinfo=UTC),
        ended_at=None,
        targets=(target,),
    )


def test_totals_that_add_up_say_so():
    text = totals(status({DeliveryState.ACCEPTED: 9_999, DeliveryState.UNKNOWN_FINAL: 1}, 10_000)).plain
    assert text == "10,000 planned = 9,999 accepted + 1 unknown final. All are accounted for."


@pytest.mark.parametrize("counted", [9_998, 10_001])
def test_totals_that_do_not_add_up_are_an_alarm(counted):
    text = totals(status({DeliveryState.ACCEPTED: counted}, 10_000)).plain
    assert text.startswith("ALARM: 10,000 planned")
    assert f"{counted:,}" in text
    assert "accounted for" not in text


def test_a_status_shows_mode_states_and_time():
    shown = drawn(show.status(status({DeliveryState.PENDING: 3, DeliveryState.FAILED: 2}, 5), LONDON))
    assert shown.startswith(" LIVE  7F3K2M is sending, released 2026-11-21 12:00:00 GMT")
    assert "sms (gateway)" in shown
    assert "3 pending, 2 failed" in shown
    assert "1.2 s" in shown


def test_states_in_words_leave_out_what_is_zero():
    assert in_words({DeliveryState.ACCEPTED: 0, DeliveryState.UNDELIVERED: 1_000}) == "1,000 undelivered"


def test_an_altered_payload_is_shown_as_it_is():
    assert payload('{"a": 1}') == {"a": 1}
    assert payload("{broken") == "{broken"

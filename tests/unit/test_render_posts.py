"""Rendering: what every post says, on each channel, live and in an exercise."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.media import Image
from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.notice import fill
from broadcaster.domain.post import Post
from broadcaster.render.fitting import Room
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.render.posts import Renderer, refuse_late_slot_marks
from channels.text import sms_size, x_weight

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 21, 15, 47, tzinfo=UTC)
LINK = "https://alerts.wyre.example/m/7F3K2M"
CHANNELS = ("website", "facebook", "x", "sms")
GSM_7_PLAIN = frozenset(
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789 \n.,:;!?'\"()-/+&%#*=<>"
)

every_channel = pytest.mark.parametrize("channel", CHANNELS)
every_mode = pytest.mark.parametrize("mode", list(Mode))


def example(now: datetime = NOW) -> Facts:
    return fill(shipped_notice("severe-weather"), shipped_example("severe-weather"), zone=LONDON, now=now)


def with_text(**texts: str) -> Facts:
    """The example with other texts for some of its facts."""
    return Facts.from_json(example().to_json() | texts)


def _fits(post: Post) -> bool:
    return all(x_weight(text) <= 280 for text in post.parts)


def _segments(post: Post) -> int:
    return sms_size(post.text).segments


ROOMS = {"x": Room(fits=_fits, max_parts=5), "sms": Room(cost=_segments, preferred_cost=2)}


def rendered(channel: str, mode: Mode = Mode.LIVE, *, facts: Facts | None = None, link: str = LINK) -> Post:
    return Renderer().render(
        facts or example(),
        channel=channel,
        account="wyre",
        reference="7F3K2M",
        link=link,
        mode=mode,
        zone=LONDON,
        room=ROOMS.get(channel),
    )


@every_mode
@every_channel
def test_every_post_says_what_people_need(channel: str, mode: Mode) -> None:
    post = rendered(channel, mode)
    facts = example()
    for needed in (facts.area, facts.instruction, facts.source, "Ref 7F3K2M", LINK, "((sent_at))"):
        assert needed in post.text
    assert facts.headline in (post.title if channel == "website" else post.text)
    assert (post.channel, post.account, post.language, post.link) == (channel, "wyre", "en", LINK)


@pytest.mark.parametrize(
    ("channel", "words"),
    [
        ("website", "From 6pm Saturday 21 November until 6am Sunday 22 November."),
        ("facebook", "From 6pm Saturday 21 November until 6am Sunday 22 November."),
        ("x", "6pm Sat 21 Nov until 6am Sun 22 Nov."),
        ("sms", "6pm Sat 21 Nov until 6am Sun 22 Nov."),
    ],
)
def test_since_when_and_until_when_in_local_words(channel: str, words: str) -> None:
    assert words in rendered(channel).text


def test_times_are_told_on_the_clock_of_the_zone() -> None:
    summer = with_text(starts="2027-07-01T17:00:00+00:00", expires="2027-07-02T00:30:00+02:00")
    assert (
        "From 6pm Thursday 1 July until 11:30pm Thursday 1 July." in rendered("facebook", facts=summer).text
    )


@every_channel
def test_live_posts_do_not_speak_of_an_exercise(channel: str) -> None:
    post = rendered(channel)
    assert post.title == "Amber wind warning"
    assert "EXERCISE" not in post.text
    assert "real event" not in post.text


@every_channel
def test_an_exercise_says_so_first_and_last(channel: str) -> None:
    post = rendered(channel, Mode.EXERCISE)
    for text in (post.title, post.text):
        assert text.startswith("EXERCISE")
        assert text.endswith("EXERCISE")
        assert text.count("EXERCISE") == 2
    assert "no action needed" in post.text.split("\n")[0]


@pytest.mark.parametrize(
    ("mode", "alt"), [(Mode.LIVE, "A wave"), (Mode.EXERCISE, "EXERCISE: A wave - EXERCISE")]
)
def test_in_an_exercise_alt_texts_say_so_too(mode: Mode, alt: str) -> None:
    picture = Image(sha256="0" * 64, media_type="image/png", width=1, height=1, size=9, alt="A wave")
    given = {"channel": "x", "account": "wyre", "reference": "7F3K2M", "link": LINK, "zone": LONDON}
    post = Renderer().render(example(), mode=mode, images=(picture,), **given)
    assert [image.alt for image in post.images] == [alt]


def test_the_machine_readable_headline_of_an_exercise_says_so_too() -> None:
    assert rendered("website", Mode.EXERCISE).facts["headline"] == "EXERCISE: Amber wind warning - EXERCISE"


@every_mode
@every_channel
def test_late_slots_are_declared_and_can_be_filled(channel: str, mode: Mode) -> None:
    post = rendered(channel, mode)
    assert post.late_slots() == ["sent_at", "sequence"]
    sent = post.filled({"sent_at": "14:05", "sequence": "Update 2"})
    assert "14:05" in sent.text
    assert "Update 2" in sent.text.split("\n")
    assert "((" not in sent.text
    assert "))" not in sent.text


@every_mode
@every_channel
@pytest.mark.parametrize("sequence", ["", "Update 2"])
@pytest.mark.parametrize("link", ["", LINK])
@pytest.mark.parametrize("leave_out", [(), ("details",), ("contact",), ("details", "contact")])
def test_no_odd_spaces_whatever_is_left_empty(
    channel: str, mode: Mode, sequence: str, link: str, leave_out: tuple[str, ...]
) -> None:
    facts = with_text(**dict.fromkeys(leave_out, ""))
    text = (
        rendered(channel, mode, facts=facts, link=link)
        .filled({"sent_at": "14:05", "sequence": sequence})
        .text
    )
    assert text == text.strip()
    assert "  " not in text
    assert "\n\n\n" not in text
    assert not [line for line in text.split("\n") if line != line.strip()]


@every_mode
@every_channel
def test_a_post_comes_back_from_its_bytes(channel: str, mode: Mode) -> None:
    post = rendered(channel, mode)
    again = Post.from_bytes(post.to_bytes())
    assert again == post
    assert again.digest == post.digest


@every_mode
def test_the_example_fits_x_at_whatever_time_it_is_run(mode: Mode) -> None:
    for half_hours in range(0, 7 * 48, 5):  # every half hour of a day, and every day of a week
        facts = example(NOW + timedelta(minutes=30 * half_hours))
        post = rendered("x", mode, facts=facts).at_widest()
        assert not post.further
        assert x_weight(post.text) <= 280


def test_the_example_takes_two_segments_at_whatever_time_it_is_run() -> None:
    for half_hours in range(0, 7 * 48, 5):  # every half hour of a day, and every day of a week
        text = rendered("sms", facts=example(NOW + timedelta(minutes=30 * half_hours))).at_widest().text
        assert len(text) <= 306
        assert GSM_7_PLAIN.issuperset(text)


def test_a_text_message_carries_plain_punctuation_and_keeps_welsh_letters() -> None:
    facts = with_text(instruction="Don\u2019t go \u2014 \u201cstay\u201d\u2026 \u0175y\u00a0now\u200b")
    assert 'Don\'t go - "stay"... \u0175y now.' in rendered("sms", facts=facts).text
    assert facts.instruction in rendered("facebook", facts=facts).text


def test_a_text_message_carries_its_expiry_and_a_number_to_ring() -> None:
    post = rendered("sms")
    assert post.facts == {"expires": "2026-11-22T06:00:00+00:00"}
    assert "01632 960123" in post.text


def test_facebook_carries_all_of_the_text_and_says_that_nobody_may_answer() -> None:
    text = rendered("facebook").text
    assert example().details in text
    assert example().contact in text
    assert "We may not see replies. In danger call 999." in text


def test_the_website_publishes_the_facts_that_there_are() -> None:
    facts = example()
    published = rendered("website").facts
    assert published == {"reference": "7F3K2M"} | facts.to_json()
    fewer = rendered("website", facts=with_text(contact="", details="")).facts
    assert fewer.keys() == published.keys() - {"contact", "details"}


@every_channel
@pytest.mark.parametrize("typed", ["{{7*7}}", "{% raw %}", "{# gone #}", "<b>&amp;", "{{ facts.__class__ }}"])
def test_what_looks_like_a_template_or_markup_stays_as_it_was_typed(channel: str, typed: str) -> None:
    facts = with_text(area=typed, headline=typed)
    post = rendered(channel, facts=facts)
    assert typed in post.text
    assert post.title == typed


@every_channel
@pytest.mark.parametrize("fact", ["headline", "area", "instruction", "source", "details", "contact"])
def test_late_slot_marks_in_facts_are_refused_by_name(channel: str, fact: str) -> None:
    with pytest.raises(Invalid) as caught:
        rendered(channel, facts=with_text(**{fact: "at ((sent_at))"}))
    assert caught.value.details == (f"{fact}: has (( or )) in it; use single brackets",)


def test_marks_that_appear_only_when_invisible_characters_go_are_refused() -> None:
    facts = with_text(area="(\u200b(sent_at)\u200b)")
    refuse_late_slot_marks(facts)
    with pytest.raises(Invalid):
        rendered("sms", facts=facts)


def test_a_link_with_a_late_slot_mark_is_refused() -> None:
    with pytest.raises(Invalid, match="link"):
        rendered("x", link="https://a.example/((sent_at))")


def test_a_channel_without_layout_is_told_the_nearest_name() -> None:
    with pytest.raises(NotFound, match='Did you mean "facebook"'):
        rendered("facebok")


def test_a_path_is_no_channel() -> None:
    with pytest.raises(NotFound):
        rendered("../posts/x")


def test_a_language_without_words_is_refused() -> None:
    with pytest.raises(NotFound, match='"pl"'):
        Renderer().render(
            example(),
            channel="x",
            account="a",
            reference="R",
            link="",
            mode=Mode.LIVE,
            language="pl",
            zone=LONDON,
        )

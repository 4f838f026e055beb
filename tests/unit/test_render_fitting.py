"""Fitting: what is left out first, what never is, and how a thread is cut."""

from dataclasses import replace
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcaster.domain.media import Image
from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.post import Post
from broadcaster.render.fitting import Block, Room, fitted, parts_of
from broadcaster.render.posts import Renderer, changed_for
from broadcaster.service.room import room_of, segments_of
from channels.base import CheckProblem
from channels.text import graphemes, x_weight

LINK = "https://alerts.wyre.example/m/7F3K2M"
FACTS = Facts(
    event="Flood",
    headline="Flood warning",
    area="River Wyre at St. Michael's",
    instruction="Move upstairs. Keep out of flood water.",
    starts="2026-11-21T18:00:00+00:00",
    expires="2026-11-22T06:00:00+00:00",
    source="Duty officer, Wyre Council",
)


def words(least: int, most: int) -> st.SearchStrategy[str]:
    letters = st.text(alphabet="abcde \U0001f6a8\u00e9'", min_size=least, max_size=most)
    return letters.map(lambda text: f"a{text[1:-1]}e" if least > 1 else text.strip()).filter(bool)


WORDS = words(1, 90)


class FakeX:
    """A channel that threads, with X's own weights."""

    name, title = "x", "X"
    max_parts = 3

    def check(self, post: Post) -> list[CheckProblem]:
        over = [text for text in post.parts if x_weight(text) > 280]
        return [CheckProblem(code="too_long", text="Shorten it.") for _ in over]


def on_x(facts: Facts, *kept: str, mode: Mode = Mode.LIVE, link: str = LINK) -> Post:
    return rendered(facts, "x", room_of(FakeX(), kept=kept), mode=mode, link=link)


def rendered(
    facts: Facts, channel: str, room: Room | None, *, mode: Mode = Mode.LIVE, link: str = LINK
) -> Post:
    return Renderer().render(
        facts,
        channel=channel,
        account="a",
        reference="7F3K2M",
        link=link,
        mode=mode,
        zone=ZoneInfo("Europe/London"),
        room=room,
    )


def post_of(length: int) -> Post:
    return Post(channel="x", account="a", title="t", text="x" * length)


# --- what is left out ----------------------------------------------------------------------------------------


def without(left_out: tuple[str, ...]) -> Post:
    return replace(post_of(30 - 10 * len(left_out)), left_out=left_out)


@pytest.mark.parametrize(
    ("most", "left_out"),
    [(30, ()), (29, ("details",)), (19, ("details", "contact")), (1, ("details", "contact"))],
)
def test_facts_go_in_the_declared_order_and_no_more_than_must(most: int, left_out: tuple[str, ...]) -> None:
    room = Room(fits=lambda post: len(post.text) <= most)
    assert fitted(without, ("details", "contact"), room).left_out == left_out


@pytest.mark.parametrize(
    ("preferred", "left_out"), [(30, ()), (20, ("details",)), (5, ("details", "contact"))]
)
def test_facts_go_until_the_preferred_cost_is_reached(preferred: int, left_out: tuple[str, ...]) -> None:
    room = Room(cost=lambda post: len(post.text), preferred_cost=preferred)
    assert fitted(without, ("details", "contact"), room).left_out == left_out


def test_nothing_goes_where_that_would_save_nothing() -> None:
    room = Room(cost=lambda _post: 3, preferred_cost=2)
    assert fitted(without, ("details", "contact"), room).left_out == ()


def test_late_slots_are_counted_at_their_widest() -> None:
    slotted = Post(channel="x", account="a", title="t", text="((sequence))")
    room = Room(fits=lambda post: post.text == "Update 99")
    assert fitted(lambda names: replace(slotted, left_out=names), ("contact",), room).left_out == ()


def test_an_empty_fact_is_not_said_to_be_left_out() -> None:
    assert on_x(replace(FACTS, details="Long. " * 60)).left_out == ("details",)


def test_what_the_template_keeps_is_never_left_out() -> None:
    crowded = replace(
        FACTS, contact="Ring 01632 960123 at any hour.", details="More. " * 60, source="Office " * 12
    )
    assert on_x(crowded).left_out == ("details", "contact")
    assert not on_x(crowded).further
    kept = on_x(crowded, "contact")
    assert kept.left_out == ("details",)
    assert crowded.contact in kept.further[0]


def test_what_was_left_out_is_stored_with_the_post() -> None:
    post = on_x(replace(FACTS, details="Long. " * 60))
    assert Post.from_bytes(post.to_bytes()).left_out == ("details",)
    assert "Long." not in post.text


def test_a_text_message_aims_at_two_segments_and_may_have_six() -> None:
    class Texts(FakeX):
        name, title = "sms", "SMS"

        def check(self, post: Post) -> list[CheckProblem]:
            return []

    room = room_of(Texts(), kept=("contact",))
    crowded = replace(FACTS, contact="Ring 01632 960123. " * 12, details="More. " * 20)
    post = rendered(crowded, "sms", room)
    assert post.left_out == ("details",)
    assert " ".join(crowded.contact.split()) in " ".join(post.text.split())
    assert segments_of(post) == 3
    assert rendered(replace(FACTS, details="Sandbags: village hall."), "sms", room).left_out == ()
    assert segments_of(post_of(10)) is None


def test_what_stands_against_a_fact_that_may_go_lets_it_go() -> None:
    class NoLinks(FakeX):
        def check(self, post: Post) -> list[CheckProblem]:
            problems = super().check(post)
            return problems + [CheckProblem(code="link", text="Leave it out.")] * (
                "police.example" in post.text
            )

    told = replace(FACTS, details="See https://police.example/")
    assert rendered(told, "x", room_of(NoLinks())).left_out == ("details",)
    assert rendered(told, "x", room_of(FakeX())).left_out == ()
    thread = replace(told, contact="Ring 01632 960123. " * 8)
    assert rendered(thread, "x", room_of(NoLinks(), kept=("contact",))).left_out == ("details",)
    assert rendered(thread, "x", room_of(FakeX(), kept=("contact",))).left_out == ()


# --- threads -------------------------------------------------------------------------------------------------


@settings(max_examples=60)
@given(
    headline=words(10, 30),
    area=words(20, 60),
    instruction=words(90, 110),
    source=words(20, 60),
    contact=words(60, 80),
    mode=st.sampled_from(Mode),
)
def test_every_fact_stands_whole_in_one_part(headline, area, instruction, source, contact, mode) -> None:
    given_facts = {
        "headline": headline,
        "area": area,
        "instruction": instruction,
        "source": source,
        "contact": contact,
    }
    post = on_x(replace(FACTS, **given_facts), "contact", mode=mode)
    assert post.further
    assert all(any(fact in text for text in post.parts) for fact in given_facts.values())
    assert all(fact in post.text for name, fact in given_facts.items() if name != "contact")
    assert any(LINK in text for text in post.parts)
    assert all("Ref 7F3K2M" in text for text in post.parts)
    for text in post.at_widest().further:
        assert x_weight(text) <= 280
    if mode is Mode.EXERCISE:
        assert all(text.startswith("EXERCISE") and text.endswith("EXERCISE") for text in post.parts)
    assert len(set(post.parts)) == len(post.parts)


def blocks(*texts: str) -> list[Block]:
    return [Block(text=text, first=no == 0) for no, text in enumerate(texts)]


def cut(*texts: str, most_chars: int = 30, most: int = 9) -> tuple[str, ...]:
    return parts_of(
        blocks(*texts),
        part=lambda text, no, of: f"{text} {no}/{of}",
        fits=lambda t: len(t) <= most_chars,
        most=most,
    )


def test_the_first_part_takes_what_it_must_and_what_else_has_room() -> None:
    assert cut("hazard place", "until six", "a long line to ring 999", "link") == (
        "hazard place\nuntil six 1/3",
        "a long line to ring 999 2/3",
        "link 3/3",
    )
    assert cut("hazard") == ("hazard 1/1",)


def test_what_the_first_part_must_say_is_never_moved_to_a_later_one() -> None:
    parts = cut("x" * 50, "until six")
    assert parts == ("x" * 50 + " 1/2", "until six 2/2")


def test_a_fact_longer_than_a_part_is_cut_between_sentences_only() -> None:
    parts = cut("hazard", "Go to St. Michael's. Ring the number below. Wait.")
    assert parts == ("hazard 1/4", "Go to St. Michael's. 2/4", "Ring the number below. 3/4", "Wait. 4/4")
    assert cut("hazard", "Please all go to the hall of St. Michael's.")[1].endswith("St. Michael's. 2/2")


@given(st.lists(WORDS, min_size=1, max_size=6))
def test_no_letter_or_emoji_is_ever_cut_or_lost(texts: list[str]) -> None:
    parts = parts_of(blocks(*texts), part=lambda text, _no, _of: text, fits=lambda t: len(t) <= 40, most=9)
    assert sorted(graphemes("".join("".join(parts).split()))) == sorted(
        graphemes("".join("".join(texts).split()))
    )


def test_a_channel_without_threads_gets_the_shortest_post_and_says_so() -> None:
    room = Room(fits=_nothing_fits)
    post = rendered(replace(FACTS, details="d.", contact="c."), "x", room)
    assert post.left_out == ("details", "contact")
    assert not post.further


def _nothing_fits(post: Post) -> bool:
    return False


# --- pictures, and other characters --------------------------------------------------------------------------


def test_pictures_go_with_the_post_whatever_is_left_out() -> None:
    picture = Image(sha256="0" * 64, media_type="image/png", width=8, height=8, size=90, alt="A map.")
    post = Renderer().render(
        replace(FACTS, details="Long. " * 60),
        channel="x",
        account="a",
        reference="7F3K2M",
        link=LINK,
        mode=Mode.LIVE,
        zone=ZoneInfo("Europe/London"),
        images=(picture,),
        room=room_of(FakeX()),
    )
    assert post.images == (picture,)


def test_what_a_text_message_says_in_other_characters_is_told() -> None:
    typed = replace(FACTS, instruction="Don\u2019t go. It\u2019s deep.", details="\u2014")
    texted = replace(rendered(typed, "sms", None), left_out=("details",))
    assert [each.in_words() for each in changed_for(typed, texted)] == ["\u2019 became ' (2 times)"]
    assert changed_for(typed, rendered(typed, "facebook", None)) == []

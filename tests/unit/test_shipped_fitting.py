"""That every shipped notice fits on every channel, live and in an exercise, and that no fact is cut for it."""

from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.message import Facts, Mode
from broadcaster.render.notices import shipped_notice, shipped_notices
from broadcaster.render.posts import as_written
from broadcaster.service.room import room_of
from channels.text import sms_size, x_weight
from tests.unit.shipped import (
    LINK,
    LONDON,
    OPTIONS,
    example,
    longest,
    opened,
    problems,
    rendered,
    renderer,
    shortest,
)

LONG = ("website", "facebook")

every_notice = pytest.mark.parametrize("name", sorted(shipped_notices()))
every_channel = pytest.mark.parametrize("channel", list(OPTIONS))
every_mode = pytest.mark.parametrize("mode", list(Mode))


@every_channel
@every_notice
def test_the_channel_finds_nothing_against_the_example(name: str, channel: str) -> None:
    assert problems(channel, name, example(name)) == []


@every_notice
def test_the_example_fits_the_first_post_on_x_and_two_segments_at_whatever_time_it_is_sent(name: str) -> None:
    # Short days are all of three letters, 10.30 is as long as 10.15, and midnight has the longest words.
    for half_hours in range(48):
        facts = example(name, datetime(2026, 11, 21, tzinfo=UTC) + timedelta(minutes=30 * half_hours))
        on_x = rendered("x", name, facts).at_widest()
        assert all(x_weight(part) <= 280 for part in on_x.parts)
        for said in (facts.headline, facts.area, facts.instruction, facts.source):
            assert said in on_x.text
        assert any(LINK in part for part in on_x.parts)
        assert " until " in on_x.text
        size = sms_size(rendered("sms", name, facts).at_widest().text)
        assert (size.encoding, size.segments) <= ("GSM-7", 2), size


@every_notice
def test_an_exercise_goes_out_on_every_channel(name: str) -> None:
    for channel in OPTIONS:
        assert problems(channel, name, example(name), Mode.EXERCISE) == []


@every_mode
@every_channel
@every_notice
def test_the_shortest_fits_and_the_longest_fits_or_is_told_the_cure(
    name: str, channel: str, mode: Mode
) -> None:
    assert problems(channel, name, shortest(name), mode) == []
    found = problems(channel, name, longest(name), mode)
    assert [each for each in found if "Shorten" not in each] == []
    assert channel not in LONG or not found


@every_mode
@every_channel
@every_notice
def test_no_fact_is_ever_cut(name: str, channel: str, mode: Mode) -> None:
    for facts in (shortest(name), example(name), longest(name)):
        post = rendered(channel, name, facts, mode)
        said = [" ".join(text.split()) for text in (post.title, *post.parts)]
        written = as_written(facts, post.channel).to_json()
        kept = {"headline", "area", "instruction", "source", *shipped_notice(name).must_keep} - {"starts"}
        others = {fact for fact in ("details", "contact") if fact not in post.left_out}
        for fact in kept | others:
            assert any(" ".join(written[fact].split()) in text for text in said), fact
        assert any("Ref 7F3K2M" in text for text in said)
        assert channel == "x without links" or any(LINK in text for text in said)
        assert not kept & set(post.left_out)


@pytest.mark.parametrize("channel", ["x", "x without links"])
@every_notice
def test_each_part_of_a_thread_fits_is_numbered_and_carries_the_reference(name: str, channel: str) -> None:
    crowded = example(name)
    crowded = Facts.from_json(crowded.to_json() | {"contact": "Ring us. " * 40})
    post = renderer().render(
        crowded,
        channel="x",
        account="wyre",
        reference="7F3K2M",
        link="",
        mode=Mode.EXERCISE,
        zone=LONDON,
        room=room_of(opened(channel), kept=["contact"]),
    )
    of = len(post.parts)
    assert of > 1
    for no, text in enumerate(post.at_widest().parts, 1):
        assert x_weight(text) <= 280
        assert text.startswith("EXERCISE, no action needed\n")
        assert text.endswith(f"\n{no}/{of} EXERCISE")
        assert "Ref 7F3K2M" in text
        assert crowded.headline in text
    for needed in (crowded.area, crowded.instruction, crowded.source):
        assert needed in post.parts[0]
    assert sum(text.count("Ring us.") for text in post.parts) == 40

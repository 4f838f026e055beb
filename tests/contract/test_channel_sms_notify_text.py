"""That GOV.UK Notify sends the very text that was approved: our check against what its published code does to a text."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post
from broadcaster.render.notices import shipped_notices
from broadcaster.render.punctuation import single_spaced
from channels.gateways.notify_text import as_notify_sends, changes
from channels.sandbox.notify_text import as_notify_sends as as_published
from channels.sms import Sms
from tests.contract.on_notify import account
from tests.unit import shipped

GAPS = "a b , . \t\n \r \v \f \x1c \x1f \x85 \xa0 \u1680 \u2003 \u2028 \u202f \u3000 \u180e \u200b \u200c \u200d \u2060 \ufeff"
SIGNS = "\u2011\u2013\u2014\u2212\u2018\u2019\u201a\u201c\u201d\u201e\u2026"


def problems(text):
    channel = Sms.from_account(account())
    return channel.check(Post(channel="sms", account="wyre-notify", title="Flood", text=text))


def told(text):
    [problem] = problems(text)
    assert problem.code == "would_be_changed"
    return problem.text.removeprefix(
        "GOV.UK Notify would send another text than the approved one. It would change: "
    ).removesuffix(".")


@settings(max_examples=500)
@given(st.text(st.sampled_from(GAPS + SIGNS + "\u0175\u00e7\U0001f468")) | st.text())
@example(" \u200b,")
@example("a\n \n\u2028 \n\nb\xa0.")
def test_our_rules_and_the_steps_of_the_published_code_make_the_same_of_every_text(text):
    """Two writings of the same thing, by other means: neither is merely of one mind with itself."""
    assert as_notify_sends(text) == as_published(text)


@given(st.text(st.sampled_from(GAPS + SIGNS)) | st.text())
def test_a_change_is_told_exactly_where_the_text_would_be_another(text):
    assert bool(changes(text)) == (as_published(text) != text)


@pytest.mark.parametrize(
    ("text", "sent"),
    [  # after the tests of notifications-utils itself
        ("The quick brown fox , jumps .", "The quick brown fox, jumps."),
        ("  one  \n\t two\u00a0\u00a0three  ", "one\ntwo three"),
        ("a\n\n\n\n\nb", "a\n\nb"),
        ("The \u201cquick\u201d fox\u2019s \u2013 \u2026", 'The "quick" fox\'s - ...'),
        ("Wait \u2026 now", "Wait ... now"),
        ("GOV.\u200bUK", "GOV.UK"),
    ],
)
def test_the_published_code_makes_this_of_it(text, sent):
    assert (as_notify_sends(text), as_published(text)) == (sent, sent)


@pytest.mark.parametrize(
    "text",
    [
        "Flood \u20ac [A6]",
        "Afon \u0174yre, t\u0177, m\u00f4r",
        "Line\nline\n\nline",
        "Fa\u00e7ade, \u0141\u00f3d\u017a, \u0627",
        "Storm \U0001f32a\ufe0f",
        "2\u00bd m : 5 ! no ; change ?",
    ],
)
def test_what_notify_sends_as_it_stands_passes(text):
    assert problems(text) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("River , road", 'the space before a comma or full stop after "River" (leave it out)'),
        ("Go  now", 'the double or special space after "Go" (write a single plain space)'),
        ("Go\u00a0now", 'the double or special space after "Go" (write a single plain space)'),
        ("Go\tnow", 'the double or special space after "Go" (write a single plain space)'),
        (" Go", "the space at the beginning of the line at the very beginning (leave it out)"),
        ("Go \nnow", 'the space at the end of the line after "Go" (leave it out)'),
        ("Go\r\nnow", 'the sign for a new line U+000D U+000A after "Go" (use a plain new line)'),
        ("Go\n\n\nnow", 'more than one empty line after "Go" (leave one)'),
        ("Go\n", 'the empty line at the beginning or end after "Go" (leave it out)'),
        ("Don\u2019t go", '\u2019 after "Don" (write \')'),
        ("Go \u2014 now", '\u2014 after "Go" (write -)'),
        (
            "All \U0001f468\u200d\U0001f469",
            (
                'the invisible character U+200D after "\U0001f468" (leave it out; '
                "an emoji that is joined of several, replace by a single one)"
            ),
        ),
    ],
)
def test_what_notify_would_change_is_refused_with_its_place_and_its_cure(text, words):
    assert told(text) == words


def test_many_places_are_not_all_told():
    said = told(" ".join(f"w{number} ," for number in range(9)))
    assert said.count("leave it out") == 5
    assert said.endswith(", and more")


def test_a_gap_that_an_empty_sequence_leaves_is_found():
    """A first message has no "Update 2": nothing stands where officers see its widest."""
    assert problems("Flood. ((sequence)), go") != []
    assert (
        told("Flood: ((sequence)) go")
        == 'the double or special space after "Flood:" (write a single plain space)'
    )
    assert problems("Flood.\n((sequence))\nGo.") == []


@pytest.mark.parametrize("mode", list(Mode))
@pytest.mark.parametrize("name", sorted(shipped_notices()))
def test_notify_changes_nothing_of_a_shipped_notice(name, mode):
    for facts in (shipped.shortest(name), shipped.example(name), shipped.longest(name)):
        post = shipped.rendered("sms", name, facts, mode)
        for sequence in ("", "Update 2", "Update 99"):
            text = post.filled({"sent_at": "18:00", "sequence": sequence}).text
            assert as_published(text) == text
        assert [each.code for each in problems(post.text) if each.code != "too_long"] == []


GAPS_OF_OFFICERS = (
    "Go upstairs.  Stay there. ",
    "Go upstairs , now .",
    "Go upstairs\u00a0 now\u2026",
    "Go upstairs \u2026 now",
    "Go upstairs \n  and stay\n\n\n\nthere\n",
)


@pytest.mark.parametrize("typed", GAPS_OF_OFFICERS)
def test_spaces_that_nobody_sees_keep_no_officer_from_sending(typed):
    post = shipped.rendered("sms by notify", "flood", shipped.example("flood", action=typed))
    assert shipped.opened("sms by notify").check(post.at_widest()) == []
    assert "Go upstairs" in post.text


def test_a_space_that_divides_numbers_stays_and_is_told():
    """Without it, another amount: Notify would make "1.5" of it."""
    facts = shipped.example("flood", action="Keep 1 .5 metres away")
    post = shipped.rendered("sms by notify", "flood", facts)
    assert "1 .5 metres" in post.text
    assert 'before a comma or full stop after "1"' in told(post.text)


@given(st.text(st.sampled_from("ab1,. \n")))
def test_single_spacing_takes_nothing_but_white_space_and_is_done_at_once(text):
    tidy = single_spaced(text)
    assert "".join(tidy.split()) == "".join(text.split())
    assert len(tidy.split()) <= len(text.split())
    assert single_spaced(tidy) == tidy

"""Full stops where a sentence has none, and punctuation that every phone can show."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.render.punctuation import full_stop, plain_punctuation


@pytest.mark.parametrize(
    ("text", "ended"),
    [
        ("Stay in", "Stay in."),
        ("Stay in.", "Stay in."),
        ("Stay in!", "Stay in!"),
        ('He said "stay in."', 'He said "stay in."'),
        ("Keep out (all of you)", "Keep out (all of you)."),
        ("", ""),
    ],
)
def test_a_sentence_ends_in_one_full_stop(text: str, ended: str) -> None:
    assert full_stop(text) == ended


@given(st.text())
def test_ending_a_sentence_twice_changes_nothing(text: str) -> None:
    assert full_stop(full_stop(text)) == full_stop(text)


@given(st.text(st.characters(categories=["L", "N"])))
def test_letters_and_digits_are_never_touched(text: str) -> None:
    assert plain_punctuation(text) == text


@given(st.text(st.characters(max_codepoint=127, exclude_characters="`\t")))
def test_plain_text_is_never_touched(text: str) -> None:
    assert plain_punctuation(text) == text

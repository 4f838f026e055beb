"""What a one-word answer means: STOP only where it is the whole of it."""

import pytest

from broadcaster.domain.opt_out import START_WORDS, STOP_WORDS, Meaning, meaning, words_of

FURTHER = STOP_WORDS | words_of("STOPIO arhoswch!")


@pytest.mark.parametrize(
    "text",
    [
        *("STOP", "stop", " Stop\n", "STOP.", '"stop"', "Stop!!", "\u200bstop", "ＳＴＯＰ"),
        *("STOPALL", "Unsubscribe", "cancel", "END", "quit", "stopio", "Arhoswch"),
    ],
)
def test_one_word_opts_out(text):
    assert meaning(text, stop=FURTHER) is Meaning.STOP


@pytest.mark.parametrize("text", ["START", "unstop", " start. "])
def test_one_word_opts_in_again(text):
    assert meaning(text) is Meaning.START


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "...", "stop it", "STOP the bus?", "do not stop", "stopp", "nonstop", "s t o p", "yes"),
        *("Is the end of the road shut", "help", "STOP START", "stop\nwater is rising"),
    ],
)
def test_anything_else_is_what_somebody_wants_to_say(text):
    assert meaning(text, stop=FURTHER) is Meaning.OTHER


def test_no_word_means_both():
    assert not STOP_WORDS & START_WORDS


def test_words_are_listed_as_they_are_compared():
    assert words_of(" STOPIO  Peidiwch! ... ") == {"stopio", "peidiwch"}
    assert words_of("") == frozenset()

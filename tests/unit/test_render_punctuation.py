"""Full stops where a sentence has none, and punctuation that every phone can show."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.render.punctuation import full_stop, plain_punctuation, replaced
from channels.text import sms_size


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


@pytest.mark.parametrize(
    ("typed", "plain", "words"),
    [
        ("Don\u2019t, don\u2019t", "Don't, don't", ["\u2019 became ' (2 times)"]),
        ("\u201cgo\u201d", '"go"', ['\u201c became "', '\u201d became "']),
        ("5 \u2013 6 \u2014 7", "5 - 6 - 7", ["\u2013 became -", "\u2014 became -"]),
        ("wait\u2026", "wait...", ["\u2026 became ..."]),
        ("50\u00a0m", "50 m", ["no-break space became space"]),
        ("a\tb", "a b", ["tab became space"]),
        ("a\u2028b", "a\nb", ["line separator became new line"]),
        ("safe\u00adty\u200b", "safety", ["soft hyphen was left out", "zero width space was left out"]),
        ("a\u200d b", "a b", ["zero width joiner was left out"]),
        ("cafe\u0301", "café", ["latin small letter e and combining acute accent became é"]),
        ("w\u0302y", "ŵy", ["latin small letter w and combining circumflex accent became ŵ"]),
        ("plain", "plain", []),
    ],
)
def test_what_was_made_plain_is_told(typed, plain, words):
    assert plain_punctuation(typed) == plain
    assert [change.in_words() for change in replaced(typed)] == words


@pytest.mark.parametrize(
    "text",
    [
        "Gŵyl, Tŷ Du, â ê î ô û ï",
        "Łódź, Čeština, ç, Ç, naïve, Ελλάδα, Київ",
        "2½ m at 15°, col·lecció",
        "👨\u200d👩\u200d👧 🏴\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f ❤\ufe0f\u200d🔥",
        "می\u200cخواهم",
        "x\u0301q",
    ],
)
def test_letters_signs_and_joined_emoji_stay_as_they_are(text):
    assert plain_punctuation(text) == text
    assert replaced(text) == []


TROUBLE = st.text(
    st.sampled_from("ae\u0301ŵ\u2019\u2022\u25cf\u200b\u200c\u200d\ufeff\u00a0 \t\n\u2028می👨\u0302")
)


@given(TROUBLE | st.text())
def test_plain_text_is_plain_at_once(text):
    plain = plain_punctuation(text)
    assert plain_punctuation(plain) == plain
    assert replaced(plain) == []


@given(TROUBLE | st.text())
def test_nothing_changes_untold_and_nothing_is_told_without_a_change(text):
    assert bool(replaced(text)) == (plain_punctuation(text) != text)


@given(TROUBLE | st.text())
def test_no_letter_is_lost_and_no_question_mark_comes_in(text):
    def letters(of):
        return [c for c in unicodedata.normalize("NFD", of) if unicodedata.category(c)[0] in "LN"]

    plain = plain_punctuation(text)
    assert letters(plain) == letters(text)
    assert plain.count("?") == text.count("?")


@given(TROUBLE | st.text())
def test_plain_punctuation_never_costs_a_segment_more_but_for_dots(text):
    text = text.replace("\u2026", "")
    assert sms_size(plain_punctuation(text)).segments <= sms_size(text).segments


def test_what_takes_the_place_of_a_sign_is_gsm_7():
    signs = "".join(map(chr, range(0x80, 0x3000)))
    for change in replaced(f"{signs}`\t\ufeff"):
        assert sms_size(change.now).encoding == "GSM-7"

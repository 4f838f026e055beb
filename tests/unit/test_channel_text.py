"""Counting as the platforms count."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import GSM_EXTENSION, graphemes, sms_segments, sms_size, utf16_units, x_weight


@pytest.mark.parametrize(
    ("text", "weight"),
    [
        ("", 0),
        ("a" * 280, 280),
        ("ŵ", 1),
        ("café", 4),
        ("cafe\u0301", 4),  # counted after NFC
        ("\u2019\u201c\u2013\u2014", 4),
        ("…", 2),
        ("日本", 4),
        ("https://a.uk", 23),
        ("https://alerts.wyre.gov.uk/alerts/7f3k2m/?" + "a" * 100, 23),
        ("see https://wyre.gov.uk/a.", 4 + 23 + 1),
        ("(https://wyre.gov.uk/a)", 25),
        ("wyre.gov.uk", 23),
        ("http://192.0.2.1/x", 18),
        ("me@wyre.gov.uk", 14),
        ("notice.pdf", 23),  # X reads text here (10); in doubt the greater number
        ("😀", 2),
        ("👨‍👩‍👧‍👦", 2),
        ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", 2),
        ("🇬🇧", 2),
        ("1️⃣", 2),
        ("👍🏽", 2),
        ("❤️", 2),
        ("©", 1),
        ("a\r\nb", 4),  # X counts both
        ("no. 5, i.e. now", 15),
        ("https://wyre.gov.uk/a https://wyre.gov.uk/b", 47),
        ("x" * 64 + ".uk", 67),  # no name of a host: it is too long
        ("https://a.uk/" + "b" * 4096, 4109),  # too long for a link: text
        ("foo.example.org:80", 23 + 3),  # a port is part of a link with a scheme only
        ("\u26a0\ufe0f Flood", 8),
        ("👩🏽\u200d🚒", 2),
        ("🏴\u200d☠\ufe0f", 2),
        ("🇽🇽", 4),  # no flag
        ("🚗🏽", 4),  # a car has no skin
        ("👩\u200d🚗", 5),  # no sign that anybody has
        ("❤\ufe0e", 4),  # asked for as text
        ("w\u0302", 1),
        ("\u1100\u1161", 2),  # one Korean syllable after NFC
    ],
)
def test_weight_on_x(text, weight):
    assert x_weight(text) == weight


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 1),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("a" * 159 + "€", "GSM-7", 161, 2),
        ("a" * 152 + "€" + "b" * 152, "GSM-7", 306, 3),  # the escape pair may not straddle
        ("a" * 151 + "€" + "b" * 153, "GSM-7", 306, 2),
        ("\f^{}\\[~]|€", "GSM-7", 20, 1),
        ("ŵ" * 70, "UCS-2", 70, 1),
        ("ŵ" * 71, "UCS-2", 71, 2),
        ("ŵ" * 134, "UCS-2", 134, 2),
        ("ŵ" * 135, "UCS-2", 135, 3),
        ("ŵ" * 66 + "😀" + "ŵ" * 66, "UCS-2", 134, 3),  # the surrogate pair may not straddle
        ("🏴󠁧󠁢󠁷󠁬󠁳󠁿", "UCS-2", 14, 1),
    ],
)
def test_segments_of_an_sms(text, encoding, units, segments):
    size = sms_size(text)
    assert (size.encoding, size.units, size.segments) == (encoding, units, segments)


@pytest.mark.parametrize("char", "\u2019\u201c\u2013\u2014…•\u00a0\u200b`\u00b4°½™\tçŵŷâêîôûïáíóúŁ")
def test_these_force_ucs2_and_are_named(char):
    assert sms_size(f"a{char}").foreign == char


@pytest.mark.parametrize("char", "Çéèùìòàäöüñß£¥§¿¡ÅåÆæØøΔ")
def test_these_do_not(char):
    assert sms_size(char).encoding == "GSM-7"


@given(st.text(alphabet=st.sampled_from("aé€^ŵ😀"), max_size=800))
def test_segments_are_never_fewer_than_the_units_need_and_hardly_more(text):
    size = sms_size(text)
    part = 153 if size.encoding == "GSM-7" else 67
    if size.segments > 1:
        assert size.units <= size.segments * part
        assert size.segments <= -(-size.units // (part - 1))


@given(st.text(max_size=300), st.text(max_size=50))
def test_a_longer_sms_never_takes_fewer_segments(text, more):
    assert sms_size(text + more).segments >= sms_size(text).segments


MIXED = st.text(
    st.sampled_from("aé€^[\r\n ŵ\u0302\u0301🌊👩👨\u200d🏽\ufe0f🇬🇧🏴\U000e0067\U000e007f1\u20e3कि्षक"),
    max_size=400,
)
PLAIN = st.text(st.sampled_from("aé€^[]\r\n ~"), max_size=900)
EDGE = st.builds(
    "{0:{0}<{1}}{2}".format, st.sampled_from("aŵ"), st.integers(64, 160), MIXED | PLAIN
)  # near a cut
LONG = EDGE | st.builds("".join, st.lists(MIXED | PLAIN | st.text(max_size=90), max_size=4))


@given(LONG)
def test_segments_together_are_the_text_and_as_many_as_counted(text):
    segments = sms_segments(text)
    assert "".join(segments) == text
    assert len(segments) == sms_size(text).segments >= 1
    assert all(segments) or text == ""


@given(LONG)
def test_each_segment_is_within_its_limit(text):
    size, segments = sms_size(text), sms_segments(text)
    limits = {"GSM-7": (160, 153), "UCS-2": (70, 67)}[size.encoding]
    assert all(units_of(segment, size) <= limits[len(segments) > 1] for segment in segments)
    assert sum(units_of(segment, size) for segment in segments) == size.units


def units_of(text, size):
    if size.encoding == "UCS-2":
        return len(text.encode("utf-16-be")) // 2
    return len(text) + sum(text.count(char) for char in GSM_EXTENSION)


@given(LONG)
def test_no_segment_ends_within_a_pair_or_a_grapheme_that_fits(text):
    """As the wire has it: cut where the segments end, the UTF-16 of the text leaves no half pair."""
    whole, end = text.encode("utf-16-be"), 0
    starts = {sum(map(len, graphemes(text)[:n])) for n in range(len(graphemes(text)) + 1)}
    for segment in sms_segments(text)[:-1]:
        end += len(segment)
        units = utf16_units(text[:end])
        assert not 0xD8 <= whole[2 * units - 2] <= 0xDB
        assert end in starts or longest(text) > 67


def longest(text):
    return max(map(utf16_units, graphemes(text)))


@pytest.mark.parametrize(
    ("text", "last_of_first"),
    [
        ("ŵ" * 66 + "🌊" + "ŵ" * 9, "ŵ"),
        ("ŵ" * 60 + "👨\u200d👩\u200d👧" + "ŵ" * 9, "ŵ"),
        ("ŵ" * 66 + "🇬🇧" + "ŵ" * 9, "ŵ"),
        ("ŵ" * 66 + "o\u0302" + "ŵ" * 9, "ŵ"),
        ("ŵ" * 66 + "\r\n" + "ŵ" * 9, "ŵ"),
        ("a" * 152 + "\r\n" + "a" * 9, "a"),
        ("a" * 152 + "€" + "a" * 9, "a"),
        ("a" * 153 + "  " + "a" * 9, "a"),  # no space is lost where a segment begins
        ("ŵ" * 65 + "🌊" + "ŵ" * 9, "🌊"),
        ("a" * 151 + "€" + "a" * 9, "€"),
    ],
)
def test_what_belongs_together_goes_to_the_next_segment_whole(text, last_of_first):
    first, second = sms_segments(text)
    assert first.endswith(last_of_first)
    assert first + second == text


def test_a_grapheme_longer_than_a_segment_is_cut_between_characters():
    text = "a" + "\u0301" * 200
    assert [len(segment) for segment in sms_segments(text)] == [67, 67, 67]
    assert [utf16_units(segment) for segment in sms_segments("👨" + "\u200d👨" * 40)] == [66, 56]


@given(LONG, st.text(max_size=20) | MIXED)
def test_counts_never_fall_when_text_is_added(text, more):
    longer = text + more
    assert sms_size(longer).segments >= sms_size(text).segments
    assert sms_size(longer).units >= sms_size(text).units or sms_size(text).encoding == "GSM-7"
    assert utf16_units(longer) >= utf16_units(text)
    assert len(graphemes(longer)) >= len(graphemes(text))


@given(
    st.text(st.characters(categories=["L", "Zs", "Nd"])), st.text(st.characters(categories=["L", "Zs", "Nd"]))
)
def test_weight_on_x_never_falls_when_words_are_added(text, more):
    assert x_weight(f"{text} {more}") >= x_weight(text)


@given(st.text() | MIXED)
def test_composed_and_decomposed_text_weighs_the_same_on_x(text):
    forms = {x_weight(unicodedata.normalize(form, text)) for form in ("NFC", "NFD")}
    assert forms == {x_weight(text)}


@given(st.text() | MIXED)
def test_units_of_utf_16_are_those_of_its_encoding(text):
    assert utf16_units(text) == len(text.encode("utf-16-le")) // 2


@given(st.text() | MIXED)
def test_graphemes_together_are_the_text(text):
    assert "".join(graphemes(text)) == text
    assert len(graphemes(text)) <= len(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("ŵ", 1),
        ("w\u0302", 1),
        ("👨\u200d👩\u200d👧", 1),
        ("🇬🇧🇫🇷", 2),
        ("\r\n", 1),
        ("1\ufe0f\u20e3", 1),
        ("각", 1),
    ],
)
def test_a_reader_takes_these_for_so_many_characters(text, count):
    assert len(graphemes(text)) == count


@pytest.mark.parametrize(
    "text", ["http://" + "a" * 50_000, "中" * 20_000, "a." * 20_000, "https://a.uk/" + "(" * 20_000]
)
def test_no_text_keeps_the_counter_busy(text):
    assert x_weight(text) >= 20_000

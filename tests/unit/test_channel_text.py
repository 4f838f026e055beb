"""Counting as the platforms count."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.text import GSM_BASIC, GSM_EXTENSION, sms_size, x_weight
from tests.contract.channel_suite import SHARED


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
        ("a\r\nb", 3),
        ("no. 5, i.e. now", 15),
    ],
)
def test_weight_on_x(text, weight):
    assert x_weight(text) == weight


def official(section):
    yaml = pytest.importorskip("yaml")
    path = SHARED / "twitter-text" / "validate.yml"
    if not path.exists():
        pytest.skip(f"X's conformance vectors are not at {path}")
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))["tests"][section]
    return [(row["description"], row["text"], row["expected"]["weightedLength"]) for row in rows]


def test_no_official_vector_weighs_more_than_we_count():
    vectors = official("WeightedTweetsWithDiscountedEmojiCounterTest")
    assert len(vectors) > 10
    less = [(name, x_weight(text), weight) for name, text, weight in vectors if x_weight(text) < weight]
    assert less == []


def test_official_vectors_are_met_exactly_but_where_we_are_careful():
    vectors = official("WeightedTweetsWithDiscountedEmojiCounterTest")
    more = [name for name, text, weight in vectors if x_weight(text) != weight]
    assert len(more) <= len(vectors) // 5


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


def test_the_alphabet_is_the_published_one():
    path = SHARED / "gsm" / "GSM0338.TXT"
    if not path.exists():
        pytest.skip(f"the published alphabet is not at {path}")
    rows = re.findall(r"^0x([0-9A-F]{2,4})\t0x([0-9A-F]{4})", path.read_text(encoding="utf-8"), re.MULTILINE)
    basic = {int(code, 16): chr(int(char, 16)) for code, char in rows if len(code) == 2}
    extended = {chr(int(char, 16)) for code, char in rows if len(code) == 4}
    del basic[0x1B]  # the escape itself
    basic[0x09] = "Ç"  # unicode.org has the small letter; 3GPP TS 23.038 the capital one
    ours = dict(zip([code for code in range(128) if code != 0x1B], GSM_BASIC, strict=True))
    assert {code: char for code, char in ours.items() if basic[code] != char} == {}
    assert set(GSM_EXTENSION) == extended


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

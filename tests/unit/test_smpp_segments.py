"""What goes over SMPP is what the officer was shown: as many segments, each whole, together the text."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.gateways.smpp_segments import (
    DEFAULT_ALPHABET,
    UCS2,
    gsm_octets,
    gsm_text,
    reference_of,
    segments_of,
)
from channels.sandbox.kannel_text import GSM_7BIT
from channels.text import GSM_BASIC, GSM_EXTENSION, graphemes, sms_segments, sms_size
from tests.contract.smpp_network import from_septets

PLAIN = st.text(alphabet=GSM_BASIC + GSM_EXTENSION, max_size=1000)
ANY = st.text(alphabet=st.sampled_from("aé€[ŵŷ’`§ç🌊👩‍👩‍👧‍👧🏴󠁧󠁢󠁷󠁬󠁳󠁿́\n"), max_size=600)


def told(segments):
    """As a telephone shows each of them by itself."""
    if segments.data_coding == UCS2:
        return [octets.decode("utf-16-be") for octets in segments.octets]  # raises for half a pair
    return [from_septets(octets) for octets in segments.octets]


@given(text=st.one_of(PLAIN, ANY))
@settings(max_examples=150)
def test_as_many_segments_as_were_counted_each_readable_alone_and_together_the_text(text):
    segments = segments_of(text)
    assert len(segments.octets) == sms_size(text).segments
    assert told(segments) == sms_segments(text)
    assert "".join(told(segments)) == text
    header = 6 if len(segments.octets) > 1 else 0
    for octets in segments.octets:
        on_the_air = len(octets) if segments.data_coding == UCS2 else (len(octets) * 7 + 7) // 8
        assert on_the_air + header <= 140


@given(text=ANY)
@settings(max_examples=100)
def test_what_a_reader_takes_for_one_character_stays_in_one_segment(text):
    whole = [piece for segment in told(segments_of(text)) for piece in graphemes(segment)]
    assert whole == graphemes(text)


@pytest.mark.parametrize(
    ("text", "lengths"),
    [
        ("A" * 160, [160]),
        ("A" * 161, [153, 8]),
        ("A" * 152 + "€" + "B" * 152, [152, 153, 1]),  # 152 + 2 is more than 153; so is 2 + 152
        ("ŵ" * 66 + "🌊" + "ŷ" * 66, [66, 67, 1]),  # half of the wave would fit
        ("ŵ" * 70, [70]),
        ("🌊" * 35, [70]),
        ("🌊" * 36, [66, 6]),
    ],
)
def test_pairs_are_never_cut(text, lengths):
    segments = segments_of(text)
    unit = 2 if segments.data_coding == UCS2 else 1
    assert [len(octets) // unit for octets in segments.octets] == lengths


def test_every_character_of_the_alphabet_has_its_code():
    """By the table of the stand-in, which was written apart from ours and held against a real Kannel."""
    assert gsm_octets(GSM_BASIC) == bytes(code for code in range(128) if code != 0x1B)
    assert all(GSM_7BIT[gsm_octets(char)[0]] == char for char in GSM_BASIC)
    assert (
        gsm_octets(GSM_EXTENSION)
        == b"\x1b\x0a\x1b\x14\x1b\x28\x1b\x29\x1b\x2f\x1b\x3c\x1b\x3d\x1b\x3e\x1b\x40\x1b\x65"
    )


@pytest.mark.parametrize(
    ("char", "octets"), [("§", b"\x5f"), ("@", b"\0"), ("Ç", b"\x09"), ("€", b"\x1b\x65")]
)
def test_what_libraries_get_wrong_goes_as_it_is(char, octets):
    segments = segments_of(char)
    assert (segments.data_coding, segments.octets) == (DEFAULT_ALPHABET, (octets,))


@pytest.mark.parametrize("char", ["`", "ç", "ŵ", "’", "\t"])
def test_what_seven_bits_lack_goes_in_ucs2_and_not_as_something_else(char):
    segments = segments_of(char)
    assert (segments.data_coding, segments.octets) == (UCS2, (char.encode("utf-16-be"),))


def test_segments_are_joined_by_a_header_and_a_single_one_has_none():
    one, three = segments_of("short"), segments_of("x" * 400)
    assert (one.esm_class, one.octets_of(1, "key")) == (0, b"short")
    reference = reference_of("key")
    assert three.esm_class == 0x40
    assert [three.octets_of(no, "key")[:6] for no in (1, 2, 3)] == [
        bytes([5, 0, 3, reference, 3, no]) for no in (1, 2, 3)
    ]


def test_the_reference_is_the_same_on_every_try_and_spread_over_deliveries():
    keys = [f"0198f2c0-7b1e-7c3a-9d55-{no:012}" for no in range(2000)]
    assert [reference_of(key) for key in keys] == [reference_of(key) for key in keys]
    assert len({reference_of(key) for key in keys}) == 256


def test_a_centre_with_latin1_gets_latin1_where_the_text_is_plain():
    assert segments_of("£1 § é", latin1=True).octets == ("£1 § é".encode("latin-1"),)
    assert segments_of("ŵ £", latin1=True).data_coding == UCS2
    many = "[" * 100
    assert len(segments_of(many, latin1=True).octets) == sms_size(many).segments == 2


def test_what_comes_in_is_read_back():
    assert gsm_text(gsm_octets(GSM_BASIC + GSM_EXTENSION)) == GSM_BASIC + GSM_EXTENSION
    assert gsm_text(b"STOP\x1b") == "STOP "
    assert gsm_text(b"a\x80b") == "a b"

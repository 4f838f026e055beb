"""Our counting against what the platforms and the standards publish: twitter-text's vectors, X's specification, GSM."""

import json
import re
import unicodedata

import pytest

from channels.text import (
    GSM_BASIC,
    GSM_EXTENSION,
    MAX_X_WEIGHT,
    X_LINK_WEIGHT,
    sms_segments,
    sms_size,
    x_weight,
)
from tests.contract.channel_suite import SHARED

# Here we count more, and say why: where X's reading depends on its list of names, the heavier one counts.
CAREFUL = {
    "Extract URLs without protocol not on (com|org|edu|gov|net) domains": "foo.comm could be a new name",
    "DO NOT extract .bz2 file name as URL": "test.tar could be a new name",
    "DO NOT extract URL with gTLD followed by @ sign": "john.doe could be a new name",
    "DO NOT extract URL with ccTLD followed by @ sign": "john.doe could be a new name",
}


def published(name):
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"what is published is not at {path}")
    return path.read_text(encoding="utf-8")


def vectors(name, *sections):
    yaml = pytest.importorskip("yaml")
    tests = yaml.safe_load(published(name))["tests"]
    return [row for section in sections for row in tests[section]]


def config():
    return json.loads(published("twitter-text/config_v3.json"))


def weight_by_config(text):
    """Without links and emoji, by the published ranges alone."""
    rules = config()
    light = [range(r["start"], r["end"] + 1) for r in rules["ranges"]]
    text = unicodedata.normalize("NFC", text)
    return sum(1 if any(ord(char) in r for r in light) else 2 for char in text)


@pytest.mark.parametrize(
    ("section", "at_least"),
    [("WeightedTweetsWithDiscountedEmojiCounterTest", 20), ("UnicodeDirectionalMarkerCounterTest", 2)],
)
def test_posts_weigh_on_x_what_twitter_text_says(section, at_least):
    rows = vectors("twitter-text/validate.yml", section)
    assert len(rows) >= at_least
    counted = {row["description"]: x_weight(row["text"]) for row in rows}
    assert counted == {row["description"]: row["expected"]["weightedLength"] for row in rows}


def test_links_weigh_23_where_twitter_text_finds_them_and_their_text_elsewhere():
    """The vectors tell the links of a text; what is left of it weighs by the ranges."""
    sections = ("urls", "urls_with_indices", "urls_with_directional_markers", "tco_urls_with_params")
    rows = vectors("twitter-text/extract.yml", *sections)
    assert len(rows) > 100
    more = set()
    for row in rows:
        rest, links = (
            row["text"],
            [link["url"] if isinstance(link, dict) else link for link in row["expected"]],
        )
        for link in sorted(links, key=len, reverse=True):
            assert link in rest, row
            rest = rest.replace(link, "", 1)
        weight, ours = X_LINK_WEIGHT * len(links) + weight_by_config(rest), x_weight(row["text"])
        assert ours >= weight, row
        more |= {row["description"]} if ours > weight else set()
    assert more == set(CAREFUL)


def test_limits_are_those_of_x_configuration():
    rules = config()
    assert (rules["version"], rules["emojiParsingEnabled"]) == (3, True)
    assert (rules["maxWeightedTweetLength"], rules["transformedURLLength"]) == (MAX_X_WEIGHT, X_LINK_WEIGHT)
    edges = [edge for r in rules["ranges"] for edge in (r["start"], r["end"])]
    for code in {edge + step for edge in edges for step in (-1, 0, 1)} - {-1}:
        char = chr(code)
        if unicodedata.normalize("NFC", char) == char:
            assert x_weight(char) == weight_by_config(char), hex(code)


def test_x_specification_calls_a_post_long_beyond_our_limit():
    named = re.findall(r"beyond (\d+) characters", published("x/openapi.json"))
    assert {int(length) for length in named} == {MAX_X_WEIGHT}


def gsm_codes():
    """The septets of each character, as unicode.org's table has them, but for its small c cedilla."""
    rows = re.findall(r"^0x([0-9A-F]{2,4})\t0x([0-9A-F]{4})", published("gsm/GSM0338.TXT"), re.MULTILINE)
    codes = {chr(int(char, 16)): bytes.fromhex(code) for code, char in rows if code != "1B"}
    codes["Ç"] = codes.pop("ç")  # 3GPP TS 23.038 has the capital one
    return codes


def test_the_alphabet_is_the_published_one():
    codes = gsm_codes()
    ours = dict(zip(GSM_BASIC, (bytes([code]) for code in range(128) if code != 0x1B), strict=True))
    assert ours == {char: code for char, code in codes.items() if len(code) == 1}
    assert set(GSM_EXTENSION) == {char for char, code in codes.items() if len(code) == 2}


@pytest.mark.parametrize("lead", [0, 1, 7, 150, 151, 152, 153])
def test_each_segment_can_be_read_by_itself_in_the_published_alphabet(lead):
    codes = gsm_codes()
    text = "a" * lead + (GSM_EXTENSION + GSM_BASIC) * 3
    segments = sms_segments(text)
    assert len(segments) == sms_size(text).segments > 2
    assert b"".join(codes[c] for c in text) == b"".join(codes[c] for s in segments for c in s)
    for segment in segments:
        septets = b"".join(codes[char] for char in segment)
        assert len(septets) <= 153
        assert not septets.endswith(b"\x1b")


def test_units_are_the_octets_of_the_published_alphabet():
    codes = gsm_codes()
    for char in GSM_BASIC + GSM_EXTENSION:
        assert sms_size(char).units == len(codes[char])

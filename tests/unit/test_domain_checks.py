"""What is found before approval, what is not, and that a hostile text of a megabyte is read in one go."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.blanks import BlankType
from broadcaster.domain.checks.characters import check_characters
from broadcaster.domain.checks.facts import check_facts, reading_age_of
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.checks.links import check_links
from broadcaster.domain.checks.plain_english import (
    JARGON,
    check_plain_english,
    check_reading_age,
    reading_age,
)
from broadcaster.domain.checks.text_size import check_text_size
from broadcaster.domain.notice import fill
from broadcaster.render.notices import shipped_notice
from channels.text import sms_size
from tests.unit.checked import codes, everything, facts

ROOT = Path(__file__).parent.parent.parent
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
CYRILLIC_A = "\u0430"


# --- what must not be found ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "From 06:00 to 18:30 on 21 November 2026.",
        "Open 0600 to 1800, high tides at 0412, 1630 and 0458.",
        "Buses leave at 0900 1000 1100 1200 1300 1400.",
        "On 21/11/2026, 2026-11-21 and 21.11.2026 at 07.30.",
        "2026-11-21T18:00:00+00:00 until 2026-11-22T06:00Z",
        "In 2021 2022 2023 2024 2025 it flooded too.",
        "The M55, the A585, the B5192 and junction 3 of the M6 are shut.",
        "At 53.91803, -3.04502 and at SD 33412 47654, or SE 334124 A tree is down.",
        "Grid reference SE334124 A road is shut.",
        "UPRN 010012345678, property 100012345678.",
        "Ref 7F3K2M. Police log LC-20261121-0412, case 20261121-1234567.",
        "Case LC-9434765919 and job REF9434765919.",
        "Gusts of 75 mph, -12 degrees, 3.5 m waves, 1,250,000 litres, \u00a31,500.00, 40% off.",
        "Ring 999, 101, 111 or 105. Childline 0800 1111. Text 60777.",
        "FY7 6HQ, FY5 1AA and PR3 0AB.",
        "https://www.gov.uk/check-flooding?x=1#top and www.metoffice.gov.uk and wyre.gov.uk.",
        "https://www.ambiwlans.cymru/t\u0175r is in Welsh, so is Tr\u00ean.Bws.",
        "Follow @WyreCouncil, or @ the desk.",
        "Children born in 2020 start school. Bring your date of birth and postcode.",
        "The NHS, the BBC, the RNLI and HM Coastguard are there. NHS BBC RNLI.",
        f"{WALES} \U0001f469\u200d\U0001f692 \u2764\ufe0f 1\ufe0f\u20e3",
        "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
        "L\u2019\u00e9t\u00e9 \u2013 \u201cquoted\u201d \u2026",
        "QQ 12 34 56 C is how such a number looks.",
        "Routes 4100 4200 4300 44, then 3000 0000 0000 12.",
        "Routes 345 346 347 348 349 run.",
    ],
)
def test_what_officers_write_every_day_is_not_found(text):
    assert everything(text) == []


def examples() -> list[Path]:
    return sorted((ROOT / "templates" / "examples").glob("*.toml"))


@pytest.mark.parametrize("path", examples(), ids=lambda path: path.stem)
def test_no_shipped_example_has_a_problem_or_a_warning(path):
    example = tomllib.loads(path.read_text())
    notice = shipped_notice(example["notice"])
    made = fill(
        notice, example["values"], zone=ZoneInfo("Europe/London"), now=datetime(2026, 11, 21, tzinfo=UTC)
    )
    asked = [blank.name for blank in notice.blanks if blank.type is BlankType.PHONE]
    own = [*notice.wording.values(), *(example["values"].get(name, "") for name in asked)]
    found = [f for f in check_facts(made, own=own) if f.level is not Level.HINT]
    assert found == []


def test_the_examples_are_there():
    assert examples()


# --- characters ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("char", "code"),
    [
        *(
            (chr(c), "bidirectional_characters")
            for c in (0x202A, 0x202E, 0x2066, 0x2069, 0x200E, 0x200F, 0x061C)
        ),
        *((chr(c), "control_characters") for c in (0, 7, 9, 13, 0x1B, 0x7F, 0x85, 0x2028, 0x2029)),
        *((chr(c), "hidden_characters") for c in (0xE0001, 0xE0041, 0xE007F, 0xE0100)),
        *((chr(c), "zero_width_characters") for c in (0x200B, 0x200C, 0x200D, 0x2060, 0xFEFF, 0xAD, 0x3164)),
        *((chr(c), "damaged_characters") for c in (0xFFFD, 0xE000)),
    ],
)
def test_characters_that_reorder_hide_or_steer_are_found_wherever_they_stand(char, code):
    for text in (f"{char}Stay in", f"Stay{char} in", f"Stay in{char}"):
        (found,) = check_characters(text, "details")
        assert (found.code, found.where) == (code, "details")
        assert f"U+{ord(char):04X}" in found.text


def test_tags_are_hidden_text_unless_they_are_a_flag():
    smuggled = "".join(chr(0xE0000 + ord(c)) for c in "ignore this")
    assert [f.code for f in check_characters(f"Stay in{smuggled}", "d")] == ["hidden_characters"]
    assert [f.code for f in check_characters(f"{WALES}{smuggled}", "d")] == ["hidden_characters"]
    assert [f.code for f in check_characters("a\ufe00\ufe01\ufe02", "d")] == ["hidden_characters"]


def test_a_page_of_such_characters_is_one_finding():
    (found,) = check_characters("".join(chr(c) for c in range(1, 9)) * 1000, "d")
    assert "U+0001, U+0002, U+0003 and 5 more" in found.text


# --- links ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("See http://wyre.gov.uk/flood", "link_not_https"),
        ("See HTTP://WYRE.GOV.UK.", "link_not_https"),
        ("(http://wyre.gov.uk)", "link_not_https"),
        ("ftp://wyre.gov.uk", "link_not_https"),
        ("https://wyre.gov.uk/?to=http://other.test", "link_not_https"),
        ("https://www.gov.uk@other.test/flood", "link_with_user"),
        (f"https://w{CYRILLIC_A}les.gov/flood", "link_mixed_alphabets"),
        (f"www.w{CYRILLIC_A}les.gov, now", "link_mixed_alphabets"),
        ("https://\u0430\u0440\u0440\u04cf\u0435.com", "link_mixed_alphabets"),
        ("https://g\u03bfv.uk", "link_mixed_alphabets"),
        ("https://xn--wles-53d.gov/flood", "link_mixed_alphabets"),
        ("https://xn--trn-hma.wales/", "link_encoded_host"),
    ],
)
def test_links_that_can_be_altered_or_lead_elsewhere_are_found(text, code):
    assert [finding.code for finding in check_links(text, "details")] == [code]


def test_a_forged_letter_is_spelled_out_in_the_finding():
    (found,) = check_links(f"https://w{CYRILLIC_A}les.gov", "details")
    assert "w<U+0430>les.gov" in found.text


# --- plain English -------------------------------------------------------------------------------------------


def hints(text: str) -> dict[str, str]:
    found = list(check_plain_english(text, "details"))
    assert {f.level for f in found} <= {Level.HINT}
    return {f.code: f.text for f in found}


def test_a_sentence_of_26_words_is_long_and_one_of_25_is_not():
    assert hints("word " * 24 + "word. " + "Word " * 24 + "word.") == {}
    assert "long_sentence" in hints("Short one. " + "Word " * 25 + "word.")
    assert hints("word " * 20 + "\n" + "word " * 20) == {}


@pytest.mark.parametrize("word", sorted(JARGON))
def test_each_word_of_jargon_is_named_with_the_plain_one(word):
    found = hints(f"Please {word.capitalize()} it.")
    assert JARGON[word] in found["jargon"]


def test_a_word_that_only_contains_jargon_is_fine():
    assert hints("Recommenced, viaduct, assisted-living, deviate.") == {}


def test_words_in_capitals_are_named_and_abbreviations_are_not():
    assert "KEEP OFF THE SEAFRONT" in hints("Now KEEP OFF THE SEAFRONT, please.")["capitals"]
    assert "DO NOT GO OUT" in hints("DO NOT GO OUT")["capitals"]
    assert hints("NHS and BBC, HM Coastguard, RNLI, NHS UK BBC.") == {}


def test_reading_age_is_the_published_formula():
    text = "The cat sat on the mat. " * 10
    # 17 letters and 6 words a sentence: 4.71 x 17/6 + 0.5 x 6 - 21.43 = -5.1
    assert reading_age(text) == 5
    text = "Precautionary evacuation arrangements necessitate cooperation. " * 6
    # 57 letters, 5 words: 4.71 x 57/5 + 0.5 x 5 - 21.43 = 34.8, up to 35; a pupil of grade 1 is six
    assert reading_age(text) == 40
    assert reading_age("Too few words to tell.") is None
    assert [f.code for f in check_reading_age(text, "text")] == ["reading_age"]
    assert reading_age_of(facts(details=text)) > 14


# --- the size of a text message ------------------------------------------------------------------------------


def sized(text: str) -> list:
    return list(check_text_size(text, "text message", segments=lambda t: sms_size(t).segments))


def test_one_curly_quote_that_makes_two_segments_of_one_is_named_with_its_cure():
    (found,) = sized("Don\u2019t go out. " + "a" * 80)
    assert found.level is Level.WARNING
    assert "2 segments instead of 1" in found.text
    assert "(U+2019). Write ' instead" in found.text


def test_one_character_of_double_width_that_makes_two_segments_of_one_is_named():
    (found,) = sized("a" * 159 + "~")
    assert "U+007E" in found.text


def test_several_characters_that_only_together_cost_a_segment_are_named_together():
    (found,) = sized("\u201cStay in\u201d " + "a" * 80)
    assert "U+201C" in found.text
    assert "U+201D" in found.text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 400,
        "Don\u2019t",
        "It\u2019s " + "a" * 20,
        "",
        "\u5730\u9707\u767c\u751f\u5f8c\u8acb\u7acb\u5373\u758f\u6563" * 9,
    ],
)
def test_nothing_is_said_where_nothing_would_be_saved_or_a_whole_language_is_written(text):
    assert sized(text) == []


# --- all together --------------------------------------------------------------------------------------------


def test_each_finding_says_where_and_what_to_do():
    bad = (
        "http://a.test \u202e \x07 \u200b AB123456C 943 476 5919 a@b.test 07700 900123 born 3 May 1961 "
        + "commence " * 30
    )
    found = [*check_facts(facts(details=bad)), *sized("\u2019" + "a" * 80)]
    assert len({f.code for f in found}) == 13
    for each in found:
        assert each.line.startswith(f"{each.where}: ")
        assert each.text.rstrip().endswith(".")
        advice = ("Type", "Use", "Take", "Give", "Make", "Write", "delete")
        assert any(word in each.text for word in advice), each.text


def test_every_fact_that_is_published_is_checked():
    for name in ("event", "headline", "area", "instruction", "details", "contact", "source"):
        assert [f.where for f in check_facts(facts(**{name: "See http://a.test"}))] == [name]


@given(st.text())
def test_any_text_can_be_checked(text):
    for finding in [*everything(text), *sized(text)]:
        assert len(finding.text) < 900


HOSTILE = [
    "a", "@", "a@", "a@a.", "1", "1 ", "4111 ", "943 476 5918 ", "01 ", "012 ", "+1", "(0)", "01-()0-", "011.. ",
    " ", "\n", "AA ", "AB 12 ", "born ", "dob 1 ", "://", "http://", "http://a ", "\u0430.a ", "xn--a.", "\u202e",
    "a\u200b", "\U0001f3f4\U000e0067", ". ", "in the ", "-", "A" * 63 + "@",
]  # fmt: skip


@pytest.mark.timeout(60)  # no measurement: whatever reads a text again and again takes hours
@pytest.mark.parametrize("unit", HOSTILE, ids=ascii)
def test_a_hostile_megabyte_is_read_in_one_go(unit):
    text = unit * (1_000_000 // len(unit) // 4)
    assert len(everything(text, own=[text[:1000]])) < 20


@pytest.mark.timeout(120)
def test_a_megabyte_of_everything_is_read_in_one_go():
    text = ("".join(HOSTILE) + "Keep off the seafront. ") * (1_000_000 // (sum(map(len, HOSTILE)) + 23))
    assert "bidirectional_characters" in codes(text)

"""What is found before approval, what is not, and that a hostile text of a megabyte is read in one go."""

import tomllib
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from broadcaster.domain.blanks import BlankType
from broadcaster.domain.checks.characters import check_characters
from broadcaster.domain.checks.facts import check_facts, reading_age_of
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.checks.identity_numbers import check_identity_numbers
from broadcaster.domain.checks.links import check_links
from broadcaster.domain.checks.personal_data import check_personal_data
from broadcaster.domain.checks.plain_english import (
    JARGON,
    check_plain_english,
    check_reading_age,
    reading_age,
)
from broadcaster.domain.checks.text_size import check_text_size
from broadcaster.domain.message import Facts
from broadcaster.domain.notice import fill
from broadcaster.render.notices import shipped_notice
from channels.text import sms_size

ROOT = Path(__file__).parent.parent.parent
WALES = "\U0001f3f4\U000e0067\U000e0062\U000e0077\U000e006c\U000e0073\U000e007f"
CYRILLIC_A = "\u0430"
untimed = settings(deadline=None)


def facts(**changed: str) -> Facts:
    plain = {
        "event": "Flood",
        "headline": "Flood warning",
        "area": "Fleetwood",
        "instruction": "Move upstairs now.",
        "starts": "2026-11-21T18:00:00+00:00",
        "expires": "2026-11-22T06:00:00+00:00",
        "source": "Duty officer, Wyre Council",
    }
    return Facts(**{**plain, **changed})


def everything(text: str, **given: object) -> list:
    return list(check_facts(facts(details=text), **given))


def codes(text: str, **given: object) -> list[str]:
    return [finding.code for finding in everything(text, **given)]


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


# --- numbers that name a person ------------------------------------------------------------------------------

FIRST, SECOND = "ABCEGHJKLMNOPRSTWXYZ", "ABCEGHJKLMNPRSTWXYZ"
NEVER_ALLOTTED = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def identity(text: str) -> list[str]:
    return [finding.code for finding in check_identity_numbers(text, "details")]


@untimed
@given(st.sampled_from(FIRST), st.sampled_from(SECOND), st.integers(0, 999_999), st.sampled_from("ABCD"))
def test_every_national_insurance_number_is_found_in_each_spelling(first, second, number, last):
    assume(first + second not in NEVER_ALLOTTED)
    digits = f"{number:06}"
    pairs = " ".join([digits[:2], digits[2:4], digits[4:]])
    spellings = [
        f"{first}{second}{digits}{last}",
        f"{first}{second} {pairs} {last}",
        f"{first}{second} {digits}{last}",
    ]
    for spelling in [*spellings, spellings[0].lower(), spellings[1].replace(" ", "-")]:
        assert identity(f"His number is {spelling}.") == ["national_insurance_number"]


def test_only_prefixes_that_can_be_allotted_make_a_national_insurance_number():
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for prefix in (first + second for first in letters for second in letters):
        allotted = prefix[0] in FIRST and prefix[1] in SECOND and prefix not in NEVER_ALLOTTED
        assert bool(identity(f"{prefix}123456C")) == allotted, prefix
        assert identity(f"{prefix}123456E") == []


def nhs_check_digit(nine: str) -> int:
    """As the NHS Data Dictionary words it; written apart from the product."""
    total = sum(int(digit) * (10 - place) for place, digit in enumerate(nine))
    check = 11 - total % 11
    return 0 if check == 11 else check


@untimed
@given(st.text("0123456789", min_size=9, max_size=9).filter(lambda nine: nine.strip("0")))
def test_exactly_the_nhs_numbers_with_a_right_check_digit_are_found(nine):
    check = nhs_check_digit(nine)
    for last in range(10):
        number = f"{nine}{last}"
        spaced = f"{number[:3]} {number[3:6]} {number[6:]}"
        right = last == check
        assert identity(f"It is {spaced}, he says.") == (["nhs_number"] if right else [])
        assert identity(f"NHS number: {number}") == (["nhs_number"] if right else [])
        assert identity(f"Case {number}.") == (["perhaps_nhs_number"] if right else [])


@pytest.mark.parametrize("number", ["943 476 5919", "401 023 2137", "943-476-5919"])
def test_published_nhs_numbers_are_found(number):
    assert identity(number) == ["nhs_number"]


def test_a_bare_number_that_may_be_a_case_number_never_holds_a_message_up():
    (found,) = check_identity_numbers("Case 9434765919", "details")
    assert found.level is Level.WARNING


def luhn_digit(digits: str) -> str:
    """Written apart from the product: the digit that makes the doubled sum a multiple of ten."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 == 0 else 1)
        total += value if value < 10 else value - 9
    return str(-total % 10)


@untimed
@given(
    st.sampled_from(
        [("4", 16), ("51", 16), ("55", 16), ("2221", 16), ("2720", 16), ("34", 15), ("37", 15), ("36", 14)]
    ),
    st.text("0123456789", min_size=15, max_size=15),
)
def test_exactly_the_cards_with_a_right_check_digit_are_found(brand, filling):
    prefix, length = brand
    body = (prefix + filling)[: length - 1]
    shape = {16: (4, 4, 4, 4), 15: (4, 6, 5), 14: (4, 6, 4)}[length]
    right = luhn_digit(body)
    for last in "0123456789":
        number, start, groups = body + last, 0, []
        for size in shape:
            groups.append(number[start : start + size])
            start += size
        expected = ["payment_card"] if last == right else []
        assert identity(f"It is {number}.") == expected
        assert identity(f"It is {' '.join(groups)} 12/28.") == expected
        assert identity(f"It is {'-'.join(groups)}.") == expected


@pytest.mark.parametrize(
    "card",
    ["4111 1111 1111 1111", "5555555555554444", "378282246310005", "3782 822463 10005", "6011111111111117"],
)
def test_published_test_cards_are_found(card):
    assert identity(f"Card {card} 2026") == ["payment_card"]


@pytest.mark.parametrize(
    "text", ["AB123456C", "NHS 943 476 5919", "4111 1111 1111 1111", "ann.lee@mail.test", "07700 900123"]
)
def test_no_finding_spreads_what_it_found(text):
    (found,) = everything(f"It is {text}.")
    assert text.split()[-1] not in found.text
    assert text[3:9] not in found.text


# --- addresses, phone numbers, dates of birth ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Write to ann.lee+flood@mail.example.org.", "mail_address"),
        ("<ann@mail.test>", "mail_address"),
        ("Ring Ann on 07700 900123.", "phone_number"),
        ("Ring 07700900123 now", "phone_number"),
        ("Ring (0161) 496 0123.", "phone_number"),
        ("Ring 01204-496012 or come.", "phone_number"),
        ("Ring +44 7700 900123", "phone_number"),
        ("Ring +44 (0)20 7946 0958", "phone_number"),
        ("Ring 0044 7700 900 123", "phone_number"),
        ("Ring +33 1 99 00 12 34", "phone_number"),
        ("He was born 3 May 1961.", "date_of_birth"),
        ("born on the 3rd of May, 1961", "date_of_birth"),
        ("born May 3, 1961", "date_of_birth"),
        ("DOB 03/05/61", "date_of_birth"),
        ("D.O.B.: 3.5.1961", "date_of_birth"),
        ("Date of birth: 1961-05-03", "date_of_birth"),
    ],
)
def test_personal_data_is_a_warning_that_never_blocks(text, code):
    (found,) = check_personal_data(text, "details")
    assert (found.code, found.level) == (code, Level.WARNING)


@pytest.mark.parametrize("spelling", ["0345 988 1188", "03459881188", "+44 345 988 1188", "(0345) 988-1188"])
@pytest.mark.parametrize("behind", [".", ", open day and night", " 24 hours a day", " 2026", " or 105"])
def test_the_templates_own_number_is_fine_in_any_spelling_and_whatever_follows_it(spelling, behind):
    own = ["Floodline 0345 988 1188, help@wyre.gov.uk"]
    text = f"Ring {spelling}{behind}, or write to Help@wyre.gov.uk"
    assert list(check_personal_data(text, "details", own=own)) == []
    assert len(list(check_personal_data(text, "details"))) == 2


def test_another_number_beside_the_templates_own_is_found():
    own = ["0345 988 1188"]
    (found,) = check_personal_data("0345 988 1188 07700 900123", "details", own=own)
    assert "07...23" in found.text


def test_the_contact_of_the_facts_may_stand_anywhere():
    made = facts(details="Ring 01632 960123.", contact="No internet? Ring 01632 960123.")
    assert check_facts(made) == ()


def test_a_phone_number_of_ten_digits_that_the_template_asks_for_is_no_nhs_number():
    number = "0800555" + "11"
    number += str(nhs_check_digit(number))
    assert codes(f"Ring {number}.") == ["perhaps_nhs_number", "phone_number"]
    assert codes(f"Ring {number}.", own=[number]) == []


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


@untimed
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

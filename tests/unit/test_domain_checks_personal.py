"""Numbers that name a person, addresses, phone numbers: found in each spelling, told without being spread."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from broadcaster.domain.checks.facts import check_facts
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.checks.identity_numbers import check_identity_numbers
from broadcaster.domain.checks.personal_data import check_personal_data
from tests.unit.checked import codes, everything, facts

# --- numbers that name a person ------------------------------------------------------------------------------

FIRST, SECOND = "ABCEGHJKLMNOPRSTWXYZ", "ABCEGHJKLMNPRSTWXYZ"
NEVER_ALLOTTED = {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}


def identity(text: str) -> list[str]:
    return [finding.code for finding in check_identity_numbers(text, "details")]


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

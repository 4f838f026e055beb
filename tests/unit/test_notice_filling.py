"""Filling in a notice: every problem at once, plain replacement, and times on the local clock."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Certainty, Facts, Severity, Urgency
from broadcaster.domain.notice import NoticeTemplate, fill

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 21, 15, 47, tzinfo=UTC)
GOOD = {
    "colour": "amber",
    "area": "Fleetwood",
    "action": "Keep off the seafront.",
    "expires": "2026-11-22T06:00",
    "source": "Duty officer, Wyre Council",
}


def blank(name: str, kind: BlankType = BlankType.TEXT, *, required: bool = False, **more: object) -> Blank:
    return Blank(name=name, type=kind, label=name, required=required, **more)  # type: ignore[arg-type]


def a_template() -> NoticeTemplate:
    return NoticeTemplate(
        name="storm",
        title="Storm",
        language="en",
        event="Severe weather",
        severity=Severity.SEVERE,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.LIKELY,
        wording={
            "headline": "((colour)) wind warning",
            "area": "((area))",
            "instruction": "((action))",
            "starts": "((starts))",
            "expires": "((expires))",
            "source": "((source))",
            "contact": "Ring ((phone)).",
            "details": "Gusts of ((gusts)) mph.\n\nMore at ((page)).\n\nNext news by ((next_update)).\n\n((more))",
        },
        blanks=(
            blank("colour", BlankType.CHOICE, required=True, choices=("Yellow", "Amber", "Red")),
            blank("area", BlankType.PLACE, required=True, max_chars=40, example="Fleetwood"),
            blank("action", required=True),
            blank("starts", BlankType.TIME),
            blank("expires", BlankType.TIME, required=True),
            blank("next_update", BlankType.TIME),
            blank("source", required=True),
            blank("phone", BlankType.PHONE),
            blank("gusts", BlankType.NUMBER),
            blank("page", BlankType.LINK),
            blank("more"),
        ),
    )


def small_template(wording: dict[str, str], *blanks: Blank) -> NoticeTemplate:
    base = {
        "headline": "Storm",
        "area": "Here",
        "instruction": "Stay in.",
        "source": "Us",
        "expires": "((until))",
    }
    until = blank("until", BlankType.TIME, required=True)
    return replace(a_template(), wording=base | wording, blanks=(until, *blanks))


def filled(**changes: object) -> Facts:
    return fill(a_template(), {**GOOD, **changes}, zone=LONDON, now=NOW)


def problems(**changes: object) -> tuple[str, ...]:
    with pytest.raises(Invalid) as caught:
        filled(**changes)
    return caught.value.details


def test_values_become_facts() -> None:
    assert filled() == Facts(
        event="Severe weather",
        headline="Amber wind warning",
        area="Fleetwood",
        instruction="Keep off the seafront.",
        starts="2026-11-21T15:47:00+00:00",
        expires="2026-11-22T06:00:00+00:00",
        source="Duty officer, Wyre Council",
        severity=Severity.SEVERE,
        urgency=Urgency.EXPECTED,
        certainty=Certainty.LIKELY,
    )


def test_every_problem_is_listed_at_once() -> None:
    values = {
        "color": "amber",
        "colour": "orange",
        "area": "A" * 41,
        "expires": "tonight",
        "source": " ",
        "phone": "ring us",
        "gusts": "strong",
        "page": "http://wyre.example",
        "more": "a ((blank))",
        "severity": "Terrible",
    }
    with pytest.raises(Invalid) as caught:
        fill(a_template(), values, zone=LONDON, now=NOW)
    named = [line.split(":")[0] for line in caught.value.details]
    assert sorted(named) == sorted([*values, "action"])


def test_a_mistyped_blank_is_told_the_nearest_name() -> None:
    assert problems(aria="Fleetwood") == ('aria: there is no such blank. Did you mean "area"?',)


def test_a_missing_blank_is_asked_for_with_its_example() -> None:
    assert problems(area="") == ("area: is needed; fill it in, for example: Fleetwood",)


def test_too_long_says_by_how_much() -> None:
    assert problems(area="x" * 45) == ("area: is too long by 5 characters; 40 is the most",)


def test_a_choice_outside_the_choices_lists_them() -> None:
    assert problems(colour="orange")[0].startswith("colour: must be one of: Yellow, Amber, Red.")


def test_a_choice_is_understood_in_any_case() -> None:
    assert filled(colour="RED").headline == "Red wind warning"


def test_something_that_is_not_text_is_refused() -> None:
    assert problems(gusts=75, area=None) == (
        "area: must be text; put it in quotes",
        "gusts: must be text; put it in quotes",
    )


@pytest.mark.parametrize(
    "link", ["http://a.example", "https://", "a.example", "https://u@a.example", "https://a b", "https://["]
)
def test_only_a_whole_https_address_is_a_link(link: str) -> None:
    assert problems(page=link) == ("page: must be a whole address that begins with https://",)


@pytest.mark.parametrize("phone", ["105", "999", "01632 960123", "+44 1632 960123", "(01632) 960-123"])
def test_a_phone_number_stays_as_it_was_typed(phone: str) -> None:
    assert filled(phone=phone).contact == f"Ring {phone}."


@pytest.mark.parametrize("phone", ["12", "ring 105", "+", "1" * 16, "\u0661\u0660\u0665"])
def test_what_is_no_phone_number_is_refused(phone: str) -> None:
    assert problems(phone=phone)[0].startswith("phone: must be a phone number")


@pytest.mark.parametrize("number", ["75", "-2.5"])
def test_a_number_stays_as_it_was_typed(number: str) -> None:
    assert filled(gusts=number).details == f"Gusts of {number} mph."


@pytest.mark.parametrize("number", ["75mph", "1,000", "1e3", "nan", "\u0667"])
def test_what_is_no_number_in_digits_is_refused(number: str) -> None:
    assert problems(gusts=number) == ("gusts: must be a number in digits, such as 12 or 2.5",)


def test_optional_lines_without_their_blank_are_left_out() -> None:
    assert filled(gusts="70", more="Bring in bins.").details == "Gusts of 70 mph.\n\nBring in bins."
    assert filled().details == ""


def test_a_line_break_stays_in_a_text_and_is_refused_elsewhere() -> None:
    assert filled(more="One.\r\n\r\n\r\nTwo.").details == "One.\n\n\nTwo."
    assert problems(area="Fleet\nwood") == ("area: must stand on one line; take out the line break",)


def test_a_line_break_in_a_headline_is_refused_even_from_a_text() -> None:
    template = small_template({"headline": "Storm: ((words))"}, blank("words", required=True))
    with pytest.raises(Invalid) as caught:
        fill(template, {"until": "+1h", "words": "one\ntwo"}, zone=LONDON, now=NOW)
    assert caught.value.details == (
        "words: stands in the headline, so it must be on one line; take out the line break",
    )


@pytest.mark.parametrize("bad", ["\x00", "\x1b", "\t", "\r", "\x7f", "\x85", "\ud800", "\u2028", "\u202e"])
def test_characters_that_cannot_be_shown_are_refused_by_their_number(bad: str) -> None:
    (problem,) = problems(more=f"before{bad}after")
    assert problem.startswith("more: has characters in it that cannot be shown")
    assert f"U+{ord(bad):04X}" in problem


@pytest.mark.parametrize("brackets", ["((sent_at))", "((area))", "a((b", "a))b"])
def test_double_round_brackets_are_refused(brackets: str) -> None:
    assert problems(action=brackets) == (
        "action: has (( or )) in it, which are kept for blanks; use single brackets",
    )


def test_values_that_would_make_a_mark_side_by_side_are_refused() -> None:
    template = small_template({"details": "((one))((two))"}, blank("one"), blank("two"))
    with pytest.raises(Invalid) as caught:
        fill(template, {"until": "+1h", "one": "here (", "two": "(sent_at)"}, zone=LONDON, now=NOW)
    assert caught.value.details == ("details: has (( or )) in it; use single brackets",)


@pytest.mark.parametrize(
    "typed", ["{{7*7}}", "{% raw %}", "{# gone #}", "%(area)s", "$area", "\\1", "\\g<0>", "{area}"]
)
def test_what_looks_like_a_template_stays_as_it_was_typed(typed: str) -> None:
    facts = filled(area=typed, more=f"a {typed} b")
    assert facts.area == typed
    assert facts.details == f"a {typed} b"


@given(st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp", "Cf"]), min_size=1, max_size=40))
def test_any_text_without_double_brackets_comes_out_as_it_went_in(typed: str) -> None:
    if "((" in typed or "))" in typed or not typed.strip(" "):
        assert problems(area=typed)
    else:
        assert filled(area=typed).area == typed.strip(" ")


def test_severity_urgency_and_certainty_can_be_overridden() -> None:
    facts = filled(severity="extreme", urgency="Immediate", certainty="Observed")
    assert (facts.severity, facts.urgency, facts.certainty) == (
        Severity.EXTREME,
        Urgency.IMMEDIATE,
        Certainty.OBSERVED,
    )


def test_an_override_must_be_a_word_of_cap() -> None:
    (problem,) = problems(urgency="Imediate")
    assert problem.startswith("urgency: must be one of: Immediate, Expected")
    assert problem.endswith('Did you mean "Immediate"?')

"""Times in a notice: the local clock, the nights it changes, and "that long from now"."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Certainty, Facts, Severity, Urgency
from broadcaster.domain.notice import NoticeTemplate, fill
from broadcaster.domain.times import time_in_words

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 21, 15, 47, 31, tzinfo=UTC)
YEAR_START, YEAR_END = datetime(2027, 1, 1), datetime(2028, 1, 1)

TEMPLATE = NoticeTemplate(
    name="t",
    title="T",
    language="en",
    event="Storm",
    severity=Severity.SEVERE,
    urgency=Urgency.EXPECTED,
    certainty=Certainty.LIKELY,
    wording={
        "headline": "Storm",
        "area": "Fleetwood",
        "instruction": "Stay in.",
        "source": "Duty officer",
        "starts": "((starts))",
        "expires": "((ends))",
        "details": "Until ((ends)).",
    },
    blanks=(
        Blank(name="starts", type=BlankType.TIME, label="From", required=False),
        Blank(name="ends", type=BlankType.TIME, label="Until"),
    ),
)


def filled(*, now: datetime = NOW, zone: ZoneInfo = LONDON, ends: str, starts: str = "") -> Facts:
    return fill(TEMPLATE, {"starts": starts, "ends": ends}, zone=zone, now=now)


def problem(*, ends: str, starts: str = "") -> str:
    with pytest.raises(Invalid) as caught:
        filled(ends=ends, starts=starts)
    (only,) = caught.value.details
    return only


def test_a_local_time_gets_the_offset_of_the_zone() -> None:
    assert filled(ends="2027-07-01T18:00").expires == "2027-07-01T18:00:00+01:00"


def test_a_time_with_offset_is_told_on_the_local_clock() -> None:
    facts = filled(ends="2027-07-01T18:00Z")
    assert facts.expires == "2027-07-01T19:00:00+01:00"
    assert facts.details == "Until 7pm Thursday 1 July."


def test_without_a_start_it_starts_now() -> None:
    assert filled(ends="+1h").starts == "2026-11-21T15:47:00+00:00"


def test_a_length_of_time_goes_up_to_the_next_half_hour() -> None:
    assert filled(ends="+12h").expires == "2026-11-22T04:00:00+00:00"
    assert filled(ends="+10m").expires == "2026-11-21T16:00:00+00:00"
    assert filled(ends="+2d").expires == "2026-11-23T16:00:00+00:00"


def test_a_length_of_time_counts_true_hours_across_a_change_of_the_clocks() -> None:
    before = datetime(2026, 10, 24, 23, 30, tzinfo=UTC)  # 00:30 in London; at 02:00 the clocks go back
    assert filled(now=before, ends="+3h").expires == "2026-10-25T02:30:00+00:00"


@given(st.datetimes(YEAR_START, YEAR_END, timezones=st.just(UTC)), st.integers(1, 9999))
def test_a_length_of_time_is_never_shorter_and_less_than_half_an_hour_longer(
    now: datetime, minutes: int
) -> None:
    ends = filled(now=now, ends=f"+{minutes}m").expires_at
    assert timedelta(0) <= ends - now - timedelta(minutes=minutes) < timedelta(minutes=30)
    assert ends.minute in {0, 30}
    assert ends.second == 0


def test_a_time_that_the_clocks_skip_is_refused() -> None:
    assert problem(ends="2027-03-28T01:30") == (
        "ends: 1:30am Sunday 28 March does not exist: the clocks go forward over it; give another time"
    )


def test_a_time_that_comes_twice_is_refused_with_both_readings() -> None:
    text = problem(ends="2027-10-31T01:30")
    assert text.startswith("ends: 1:30am Sunday 31 October comes twice")
    assert "2027-10-31T01:30+01:00 or 2027-10-31T01:30+00:00" in text


@pytest.mark.parametrize("offset", ["+01:00", "+00:00"])
def test_both_readings_of_a_time_that_comes_twice_are_accepted(offset: str) -> None:
    assert filled(ends=f"2027-10-31T01:30{offset}").expires == f"2027-10-31T01:30:00{offset}"


@given(
    st.datetimes(YEAR_START, YEAR_END),
    st.sampled_from(["Europe/London", "Australia/Lord_Howe"]),
)
@example(datetime(2027, 3, 28, 1, 30), "Europe/London")
@example(datetime(2027, 4, 4, 1, 45), "Australia/Lord_Howe")
def test_a_local_time_is_taken_as_typed_or_refused_where_the_clocks_change(
    local: datetime, name: str
) -> None:
    typed, zone = local.isoformat()[:16], ZoneInfo(name)
    offsets = {local.replace(second=0, tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}
    if len(offsets) == 2:
        with pytest.raises(Invalid) as caught:
            filled(zone=zone, ends=typed)
        assert "the clocks go" in caught.value.details[0]
    else:
        expires = filled(zone=zone, ends=typed).expires_at
        assert expires.isoformat()[:16] == typed
        assert expires.astimezone(zone).isoformat()[:16] == typed


@pytest.mark.parametrize(
    "typed",
    [
        "tonight", "2026-11-22", "18:00", "2026-13-01T00:00", "2026-02-30T10:00", "2026-W47-6T10:00", "20261122T060000",
        "2026-11-22T06:00:00.5", "0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00", "+12", "+h", "-2h", "+99999h",
        "2026-11-22T24:30", "\u0662\u0660\u0662\u0666-11-22T06:00", "2026-11-22T06:00+25:00",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused_with_an_example(typed: str) -> None:
    assert problem(ends=typed).startswith("ends: must be a date and time such as 2026-11-21T18:00, or +12h")


@pytest.mark.parametrize("ends", ["2026-11-21T18:00", "2026-11-21T17:59", "2026-11-21T18:00+02:00"])
def test_the_end_must_lie_after_the_start(ends: str) -> None:
    text = problem(starts="2026-11-21T18:00", ends=ends)
    assert text == "ends: must be after the start (6pm Saturday 21 November); give a later time"


def test_the_hour_that_comes_twice_is_compared_by_the_true_time() -> None:
    first, second = "2027-10-31T01:30+01:00", "2027-10-31T01:15+00:00"
    assert filled(starts=first, ends=second).expires == "2027-10-31T01:15:00+00:00"
    assert problem(starts=second, ends=first).startswith("ends: must be after the start")


def test_an_end_that_has_passed_is_refused_when_it_starts_now() -> None:
    assert problem(ends="2026-11-21T15:00").startswith("ends: must be after the start")


@pytest.mark.parametrize(
    ("hour", "minute", "words", "short"),
    [
        (18, 0, "6pm Saturday 21 November", "6pm Sat 21 Nov"),
        (6, 30, "6:30am Saturday 21 November", "6:30am Sat 21 Nov"),
        (0, 0, "midnight at the start of Saturday 21 November", "midnight, start of Sat 21 Nov"),
        (0, 5, "12:05am Saturday 21 November", "12:05am Sat 21 Nov"),
        (12, 0, "midday Saturday 21 November", "midday Sat 21 Nov"),
        (12, 30, "12:30pm Saturday 21 November", "12:30pm Sat 21 Nov"),
    ],
)
def test_times_are_said_in_words(hour: int, minute: int, words: str, short: str) -> None:
    moment = datetime(2026, 11, 21, hour, minute, tzinfo=LONDON)
    assert (time_in_words(moment), time_in_words(moment, short=True)) == (words, short)

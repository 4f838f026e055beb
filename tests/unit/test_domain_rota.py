"""Who a rota makes on call, where nobody is, and times of the clock here on the days that it is changed."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from broadcaster.domain.errors import Invalid
from broadcaster.domain.rota import Duty, gaps, on_call, overlaps
from broadcaster.domain.times import local_time

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def duty(person, starts_h, ends_h, *, role="duty-officer", covers=""):
    start, end = NOW + timedelta(hours=starts_h), NOW + timedelta(hours=ends_h)
    return Duty(
        uid=f"{person}{starts_h}",
        person=person,
        role=role,
        starts_at=start,
        ends_at=end,
        covers=covers,
        entered_by="ada",
        acknowledged_at=None,
    )


def told(duties, **given):
    hours = lambda at: at and (at - NOW) / timedelta(hours=1)  # noqa: E731
    return [(g.role, hours(g.since), hours(g.until)) for g in gaps(duties, NOW, **given)]


def test_whoever_stands_in_takes_the_place_and_only_while_he_does():
    duties = [duty("olive", -1, 10), duty("oscar", 2, 4, covers="olive"), duty("tim", 0, 9, role="technical")]
    names = lambda h: [d.person for d in on_call(duties, NOW + timedelta(hours=h))]  # noqa: E731
    assert (names(1), names(3), names(4), names(9.5)) == (
        ["olive", "tim"],
        ["oscar", "tim"],
        ["olive", "tim"],
        ["olive"],
    )
    assert on_call(duties, NOW + timedelta(hours=10)) == []


def test_gaps_are_told_by_role_and_the_last_one_has_no_end():
    assert told([]) == []
    assert told([duty("olive", -5, 10), duty("oscar", 12, 24), duty("ann", 20, 400)]) == [
        ("duty-officer", 10, 12)
    ]
    assert told([duty("olive", 3, 8)]) == [("duty-officer", 0, 3), ("duty-officer", 8, None)]
    assert told([duty("olive", -1, 5), duty("oscar", 5, 400), duty("tim", 400, 401, role="technical")]) == [
        ("technical", 0, 400)
    ]


def test_two_at_once_in_one_role_are_told_unless_one_stands_in_for_the_other():
    one, other = duty("olive", 0, 8), duty("oscar", 7, 9)
    assert list(overlaps([other, one])) == [(one, other)]
    assert list(overlaps([one, duty("oscar", 8, 9)])) == []
    assert (
        list(overlaps([one, duty("oscar", 7, 9, covers="olive"), duty("tim", 0, 8, role="technical")])) == []
    )


def test_times_are_those_of_the_clock_here_also_when_it_is_changed():
    assert local_time("2026-07-01T18:00", LONDON).astimezone(UTC).hour == 17
    assert local_time("2026-12-01 18:00", LONDON).astimezone(UTC).hour == 18
    first, last = (local_time("2026-10-25T01:30", LONDON, last=last) for last in (False, True))
    assert (first.astimezone(UTC).hour, last.astimezone(UTC).hour) == (0, 1)
    with pytest.raises(Invalid, match="01:30 does not come"):
        local_time("2026-03-29T01:30", LONDON)
    for wrong in ("", "tonight", "2026-02-30T10:00"):
        with pytest.raises(Invalid, match="like 2026-11-21T18:00"):
            local_time(wrong, LONDON)

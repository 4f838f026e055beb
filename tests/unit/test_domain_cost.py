"""What a run of texts costs: how it is read from an account, what it is said like, and that it never blocks."""

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.checks.cost import Run, Tariff, check_cost, month_start
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.errors import Invalid
from channels.base import Account
from channels.tariff import TARIFF_OPTIONS, tariff_of

LONDON = ZoneInfo("Europe/London")
AMOUNTS = st.decimals(min_value=0, max_value=10**7, places=4)


def tariff(price="0.0227", budget="500", currency="GBP"):
    return Tariff.read(price=price, budget=budget, currency=currency)


def run(recipients=12_400, segments=2, used_segments=0):
    return Run(recipients=recipients, segments=segments, used_segments=used_segments)


def said(run, tariff):
    found = check_cost(run, tariff, "cost (gateway)")
    return found.level, found.text


def test_a_run_over_the_budget_is_a_warning_that_says_by_how_much_and_that_it_can_be_sent():
    level, text = said(run(used_segments=12_775), tariff())
    assert level is Level.WARNING
    assert text == (
        "This run: 12,400 texts of 2 segments, 24,800 segments, about £563. £210 of this month's £500 budget is left: "
        "it goes over by £353. It can be sent."
    )


def test_a_run_within_the_budget_says_what_it_costs_and_what_is_left_after_it():
    level, text = said(run(recipients=200, segments=1), tariff())
    assert level is Level.INFO
    assert text == (
        "This run: 200 texts of 1 segment, 200 segments, about £4.54. It is within this month's £500 budget: £495 "
        "are left after it."
    )


def test_a_run_that_uses_up_the_last_penny_is_within_the_budget():
    used = {"price": "0.05", "budget": "10"}
    assert said(run(recipients=100, segments=1, used_segments=100), tariff(**used))[0] is Level.INFO
    assert said(run(recipients=101, segments=1, used_segments=100), tariff(**used))[0] is Level.WARNING


def test_a_budget_that_is_spent_already_says_so():
    level, text = said(run(recipients=10, segments=1, used_segments=30_000), tariff())
    assert level is Level.WARNING
    assert (
        "This month's £500 budget is used up, with £681 spent: it goes over by £181. It can be sent." in text
    )


def test_without_a_price_the_segments_alone_are_told():
    assert said(run(recipients=1, segments=1), tariff(price="", budget="")) == (
        Level.INFO,
        "This run: 1 text of 1 segment, 1 segment. What that costs is not known here: the account states no price.",
    )


def test_without_a_budget_what_was_spent_is_told():
    assert said(run(recipients=1000, segments=1, used_segments=500), tariff(budget=""))[1].endswith(
        "1,000 segments, about £22.70. Before it, £11.35 were spent this month."
    )


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [
        ("GBP", "0.0227", "£0.02"),
        ("GBP", "0.001", "less than £0.01"),
        ("EUR", "99.995", "€100.00"),
        ("USD", "1234.5", "$1,235"),
        ("CHF", "0", "CHF 0"),
        ("", "5", "£5"),
    ],
)
def test_money_is_shown_as_people_write_it(currency, amount, shown):
    assert tariff(currency=currency).money(Decimal(amount)) == shown


@given(AMOUNTS, AMOUNTS, st.integers(1, 10**7), st.integers(1, 6), st.integers(0, 10**8))
def test_any_run_is_told_exactly_and_never_as_a_problem(price, budget, recipients, segments, used):
    found = check_cost(
        run(recipients, segments, used), Tariff(price=price, budget=budget, currency="GBP"), "cost"
    )
    over = price * (recipients * segments + used) > budget
    assert found.level is (Level.WARNING if over else Level.INFO)
    assert f"{recipients * segments:,} segment" in found.text


@pytest.mark.parametrize(
    "price", ["-1", "+1", "1e3", "NaN", "Infinity", "0,02", "£0.02", ".5", "1.", "٣", "1_0"]
)
@pytest.mark.parametrize("name", ["price", "budget"])
def test_an_amount_that_is_none_is_refused_with_an_example(name, price):
    with pytest.raises(Invalid) as caught:
        tariff(**{name: price})
    [problem] = caught.value.details
    assert problem.startswith(f"{name} must be digits")
    assert f'{name} = "' in problem


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"price": "0"}, "price is 0"),
        ({"price": "0.00"}, "price is 0"),
        ({"price": ""}, "budget needs a price"),
        ({"currency": "gbp"}, "three capital letters"),
        ({"currency": "£"}, "three capital letters"),
    ],
)
def test_what_makes_no_sense_is_refused(options, word):
    with pytest.raises(Invalid, match=word):
        tariff(**options)


def test_every_problem_of_an_account_is_told_at_once_with_its_name():
    given = {"price": "two pence", "budget": "much", "currency": "pounds"}
    with pytest.raises(Invalid) as caught:
        tariff_of(Account(name="wyre-sms", channel="sms", mode="live", options=given))
    assert len(caught.value.details) == 3
    assert all('"wyre-sms"' in problem for problem in caught.value.details)


def test_an_account_that_says_nothing_has_no_price_and_no_budget():
    assert tariff_of(Account(name="a", channel="sms", mode="live")) == Tariff()
    assert not any(each.required or each.secret for each in TARIFF_OPTIONS)


@pytest.mark.parametrize(
    ("now", "start"),
    [
        (
            datetime(2026, 7, 31, 23, 30, tzinfo=UTC),
            datetime(2026, 7, 31, 23, 0, tzinfo=UTC),
        ),  # August in London
        (datetime(2026, 7, 31, 22, 30, tzinfo=UTC), datetime(2026, 6, 30, 23, 0, tzinfo=UTC)),
        (datetime(2026, 11, 21, 18, 0, tzinfo=UTC), datetime(2026, 11, 1, 0, 0, tzinfo=UTC)),
        (
            datetime(2026, 10, 31, 12, 0, tzinfo=UTC),
            datetime(2026, 9, 30, 23, 0, tzinfo=UTC),
        ),  # clocks went back
    ],
)
def test_a_month_begins_at_midnight_on_the_clocks_of_the_zone(now, start):
    assert month_start(now, LONDON).astimezone(UTC) == start

"""What a run of text messages costs, and what is left of the month's budget. It warns and never holds a message up.

Knows neither channel nor database. Money is Decimal: in binary fractions a million texts at 0.0227 do not add up.
"""

import re
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Self
from zoneinfo import ZoneInfo

from broadcaster.domain.checks.finding import Finding, Level
from broadcaster.domain.errors import Invalid

DEFAULT_CURRENCY = "GBP"
_AMOUNT = re.compile(r"[0-9]{1,9}(?:\.[0-9]{1,6})?")
_CURRENCY = re.compile(r"[A-Z]{3}")
_SYMBOLS = {"GBP": "£", "EUR": "€", "USD": "$"}
_WHOLE_FROM = 100  # from here on pence are noise, to somebody who decides at 3 a.m.
_PENNY = Decimal("0.01")


@dataclass(frozen=True, kw_only=True)
class Tariff:
    """What one segment costs, and what may be spent in a calendar month; None where nobody has said."""

    price: Decimal | None = None
    budget: Decimal | None = None
    currency: str = DEFAULT_CURRENCY

    @classmethod
    def read(cls, *, price: str, budget: str, currency: str) -> Self:
        """From the texts of an account's file, empty where not given. Invalid, with every problem at once."""
        problems = [*_amount_problems("price", "0.0227", price), *_amount_problems("budget", "500", budget)]
        if not problems and price and not Decimal(price):
            problems.append('price is 0. Leave it out where texts cost nothing: price = "0.0227"')
        if currency and not _CURRENCY.fullmatch(currency):
            problems.append('currency must be three capital letters, such as "GBP".')
        if budget and not price:
            problems.append("budget needs a price: without one nobody can tell what is spent of it.")
        if problems:
            raise Invalid("The costs cannot be used.", details=tuple(problems))
        return cls(
            price=Decimal(price) if price else None,
            budget=Decimal(budget) if budget else None,
            currency=currency or DEFAULT_CURRENCY,
        )

    def money(self, amount: Decimal) -> str:
        """`£563`, `£4.54`, `CHF 0.05`."""
        whole = amount >= _WHOLE_FROM or amount == amount.to_integral_value()
        shown = f"{amount.quantize(Decimal(1) if whole else _PENNY, ROUND_HALF_UP):,}"
        if 0 < amount < _PENNY:
            return f"less than {self.money(_PENNY)}"
        symbol = _SYMBOLS.get(self.currency)
        return f"{symbol}{shown}" if symbol else f"{self.currency} {shown}"


def _amount_problems(name: str, example: str, given: str) -> list[str]:
    if not given or _AMOUNT.fullmatch(given):
        return []
    return [f'{name} must be digits with at most one point, without sign or currency: {name} = "{example}"']


@dataclass(frozen=True, kw_only=True)
class Run:
    """`segments` is of one text, at its widest. `used_segments` are this month's: taken, perhaps taken, on their way."""

    recipients: int
    segments: int
    used_segments: int

    @property
    def size(self) -> str:
        total = self.recipients * self.segments
        texts, each = _counted(self.recipients, "text"), _counted(self.segments, "segment")
        return f"This run: {texts} of {each}, {_counted(total, 'segment')}"


def check_cost(run: Run, tariff: Tariff, where: str) -> Finding:
    """What it costs, always; a warning where it goes over the budget."""
    if tariff.price is None:
        return _info(where, f"{run.size}. What that costs is not known here: the account states no price.")
    cost = tariff.price * run.recipients * run.segments
    used = tariff.price * run.used_segments
    begin = f"{run.size}, about {tariff.money(cost)}. "
    if tariff.budget is None:
        return _info(where, f"{begin}Before it, {tariff.money(used)} were spent this month.")
    left = tariff.budget - used
    budget = tariff.money(tariff.budget)
    if cost <= left:
        after = tariff.money(left - cost)
        return _info(where, f"{begin}It is within this month's {budget} budget: {after} are left after it.")
    state = (
        f"{tariff.money(left)} of this month's {budget} budget is left"
        if left > 0
        else f"This month's {budget} budget is used up, with {tariff.money(used)} spent"
    )
    text = f"{begin}{state}: it goes over by {tariff.money(cost - left)}. It can be sent."
    return Finding(code="over_budget", level=Level.WARNING, where=where, text=text)


def _info(where: str, text: str) -> Finding:
    return Finding(code="cost", level=Level.INFO, where=where, text=text)


def _counted(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def month_start(now: datetime, zone: ZoneInfo) -> datetime:
    """When the calendar month of `now` began, on the clocks of this zone."""
    return now.astimezone(zone).replace(day=1, hour=0, minute=0, second=0, microsecond=0, fold=0)

"""What somebody who is no approver may approve all the same: which notices, how severe, at what cost, until when, and under which
scheme of the organisation. Knows no message: it is told what one is and costs.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, Self

from broadcaster.domain.canonical import Json
from broadcaster.domain.checks.cost import DEFAULT_CURRENCY, Tariff

LONGEST = timedelta(days=366)
MOST_SCHEME = 200


@dataclass(frozen=True, kw_only=True)
class Covers:
    """No templates: every one. No severities: every one. `most_cost` is the most that the texts of one message may cost, as a
    number in `currency`; empty: any cost."""

    templates: tuple[str, ...] = ()
    severities: tuple[str, ...] = ()
    most_cost: str = ""
    currency: str = DEFAULT_CURRENCY

    def to_json(self) -> dict[str, Json]:
        return {
            "templates": list(self.templates),
            "severities": list(self.severities),
            "most_cost": self.most_cost,
            "currency": self.currency,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        lists = {name: tuple(data[name]) for name in ("templates", "severities")}
        return cls(**lists, most_cost=data["most_cost"], currency=data["currency"])

    @property
    def in_words(self) -> str:
        """`flood and severe weather, if severe or extreme, texts for up to £500`."""
        what = _listed([name.replace("-", " ") for name in self.templates], "and") or "every kind of notice"
        how = f", if {_listed([s.lower() for s in self.severities], 'or')}" if self.severities else ""
        if not self.most_cost:
            return f"{what}{how}, texts at any cost"
        most = Decimal(self.most_cost)
        cost = (
            f"texts for up to {Tariff(currency=self.currency).money(most)}"
            if most
            else "without texts that cost anything"
        )
        return f"{what}{how}, {cost}"

    def lacks(self, *, template: str, severity: str, cost: "Cost") -> Iterator[str]:
        """Why it does not cover a message, in words; nothing where it does."""
        if self.templates and template not in self.templates:
            yield f"it is not for {template.replace('-', ' ') or 'a message without a template'}"
        if self.severities and severity not in self.severities:
            yield f"it is not for what is {severity.lower()}"
        if self.most_cost and not cost.known_in(self.currency):
            yield "what the texts cost is not known"
        elif self.most_cost and cost.amount > Decimal(self.most_cost):
            money = Tariff(currency=self.currency).money
            yield f"the texts cost {money(cost.amount)}, and it goes up to {money(Decimal(self.most_cost))}"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of a message's texts: `amount` in each of `currencies`, of which there is one where it can be compared. `known` is False
    where somebody has not said what a text costs."""

    amount: Decimal = Decimal(0)
    currencies: frozenset[str] = frozenset()
    known: bool = True

    def known_in(self, currency: str) -> bool:
        return self.known and self.currencies <= {currency}


@dataclass(frozen=True, kw_only=True)
class Delegation:
    ref: str
    person: str
    covers: Covers
    scheme: str
    starts_at: datetime
    ends_at: datetime
    given_by: str
    given_at: datetime
    ended_at: datetime | None

    def in_force(self, moment: datetime) -> bool:
        return self.ended_at is None and self.starts_at <= moment < self.ends_at


def problems(covers: Covers, *, scheme: str, templates: set[str], severities: set[str]) -> list[str]:
    """What is wrong with one that somebody wants to give."""
    found = [f'There is no notice template "{name}".' for name in covers.templates if name not in templates]
    found += [f'"{each}" is no severity.' for each in covers.severities if each not in severities]
    if not scheme.strip():
        found.append("Name the scheme of delegation that allows it: the auditor asks for it.")
    if len(scheme) > MOST_SCHEME:
        found.append(f"Name the scheme in up to {MOST_SCHEME} characters.")
    if covers.most_cost and not _is_amount(covers.most_cost):
        found.append("Give the most that texts may cost as a number, like 500 or 49.50.")
    return found


def _is_amount(text: str) -> bool:
    try:
        return text.isascii() and Decimal(text).is_finite() and 0 <= Decimal(text) < Decimal(10) ** 9
    except InvalidOperation:
        return False


def _listed(words: list[str], last: str) -> str:
    return f" {last} ".join(filter(None, [", ".join(words[:-1]), words[-1]])) if words else ""

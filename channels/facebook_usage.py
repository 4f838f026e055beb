"""How much of Facebook's rate limits is used up, from the headers of its answers. It knows nothing of posts.

developers.facebook.com/docs/graph-api/overview/rate-limiting, read 2026-11: percentages in JSON headers, and beside
them the minutes until calls are taken again. Graph sends no Retry-After.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

import structlog

from channels.http import clamp_wait_s

WARN_ABOVE_PERCENT = 75
PERCENTAGES = ("call_count", "total_time", "total_cputime")
HEADERS = ("x-app-usage", "x-page-usage", "x-business-use-case-usage")

log = structlog.get_logger()


def used_percent(headers: Mapping[str, str]) -> float:
    """The highest percentage that any of the headers tells; 0 where none does."""
    told = [value for row in _rows(headers) for name in PERCENTAGES if (value := _number(row.get(name)))]
    return max(told, default=0.0)


def regain_s(headers: Mapping[str, str]) -> float | None:
    """The seconds that Facebook asks us to wait, within the bounds of any wait; None where it asks for none."""
    told = [_number(row.get("estimated_time_to_regain_access")) for row in _rows(headers)]
    minutes = max(told, default=0.0)
    return clamp_wait_s(60.0 * minutes) if minutes > 0 else None


def warn_of_use(headers: Mapping[str, str], *, account: str) -> None:
    """Tells the log before Facebook refuses: in a long incident there is then time to post less."""
    percent = used_percent(headers)
    if percent > WARN_ABOVE_PERCENT:
        log.warning("usage_high", channel="facebook", account=account, percent=round(min(percent, 999)))


def _rows(headers: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """The objects in the headers: one in X-App-Usage, lists of them by business in X-Business-Use-Case-Usage."""
    for name, text in headers.items():
        if name.lower() not in HEADERS:
            continue
        try:
            data = json.loads(text)
        except (ValueError, RecursionError):
            continue
        if isinstance(data, dict):
            lists = [rows for rows in data.values() if isinstance(rows, list)]
            yield from (
                row for row in [data, *(each for rows in lists for each in rows)] if isinstance(row, dict)
            )


def _number(value: object) -> float:
    """0 for what is no number: a header must never cost a post."""
    try:
        number = float(value) if isinstance(value, int | float | str) else 0.0
    except (ValueError, OverflowError):
        return 0.0
    return number if number == number else 0.0  # noqa: PLR0124 - not for NaN, which compares with nothing

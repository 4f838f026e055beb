"""The CSV that goes with a schedule: one row a day, whose cells stand in blanks. It is kept as it is, digested and approved."""

import csv
import io
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from broadcaster.domain.errors import Invalid

MOST_CHARS = 500_000
MOST_ROWS = 2_000
MOST_COLUMNS = 50
_DAYS = ("%Y-%m-%d", "%d/%m/%Y", "%d.%m.%Y")


def read_schedule_table(text: str) -> dict[str, Any]:
    """`columns`, and `rows` by ISO date: the first column holds the dates. Invalid lists every row that cannot be used."""
    if len(text) > MOST_CHARS:
        raise Invalid("The table is too large: half a million characters is the most. Nothing was changed.")
    try:
        lines = list(csv.reader(io.StringIO(text.lstrip("\ufeff")), dialect=_dialect(text), strict=True))
    except csv.Error as error:
        raise Invalid(f"The table cannot be read as CSV: {error}. Nothing was changed.") from error
    lines = [line for line in lines if any(cell.strip() for cell in line)]
    columns = [cell.strip() for cell in lines[0]] if lines else []
    if len(columns) < 2 or len(set(columns)) != len(columns) or len(columns) > MOST_COLUMNS:
        raise Invalid(
            "The table needs a first row with the names of its columns, each once: first the date, then what is put in. "
            "Nothing was changed."
        )
    rows, problems = _rows(columns, lines[1:])
    if problems or not rows:
        shown = tuple(problems[:20]) or ("It has no rows.",)
        raise Invalid("The table cannot be used yet. Nothing was changed.", details=shown)
    return {"columns": columns[1:], "rows": rows}


def _dialect(text: str) -> type[csv.Dialect]:
    first = text.partition("\n")[0]
    return _Semicolons if first.count(";") > first.count(",") else csv.excel


class _Semicolons(csv.excel):
    delimiter = ";"


def _rows(columns: list[str], lines: list[list[str]]) -> tuple[dict[str, Mapping[str, str]], list[str]]:
    rows: dict[str, Mapping[str, str]] = {}
    problems = [] if len(lines) <= MOST_ROWS else [f"It has more than {MOST_ROWS:,} rows."]
    for number, line in enumerate(lines[:MOST_ROWS], 2):
        day = _day(line[0].strip())
        if day is None:
            problems.append(f"Row {number}: the first column is no date such as 2026-11-23.")
        elif day.isoformat() in rows:
            problems.append(f"Row {number}: {day.isoformat()} stands in an earlier row already.")
        elif len(line) > len(columns):
            problems.append(f"Row {number}: has more cells than there are columns.")
        else:
            cells = [cell.strip() for cell in line[1:]]
            rows[day.isoformat()] = dict(zip(columns[1:], cells, strict=False))
    return rows, problems


def _day(text: str) -> date | None:
    for form in _DAYS:
        try:
            return datetime.strptime(text, form).date()  # noqa: DTZ007 - a day has no zone
        except ValueError:
            continue
    return None

"""A line of a table for a spreadsheet, in which no cell is a formula."""

import csv
import io
from collections.abc import Iterable

#: With one of these at its beginning a spreadsheet takes a cell for a formula, and works it out.
#: https://owasp.org/www-community/attacks/CSV_Injection, read 2026-11
STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\uff1d", "\uff0b", "\uff0d", "\uff20")


def row(cells: Iterable[object]) -> str:
    """A text that would be a formula gets an apostrophe before it, which spreadsheets show as text."""
    line = io.StringIO()
    csv.writer(line, lineterminator="\r\n").writerow([_safe(cell) for cell in cells])
    return line.getvalue()


def _safe(cell: object) -> object:
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(STARTS_A_FORMULA) else cell

"""Many rows in one statement: they come as one JSON text, which the database takes apart by itself.

Row by row, through the driver, each costs ten times as much: 30 us instead of 3 on PostgreSQL (2026-11).
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import FromClause, Insert, Table, bindparam, cast, column, func, select
from sqlalchemy.dialects.postgresql import JSON
from sqlalchemy.types import Text, TypeEngine

from broadcaster.db.engine import Tx
from broadcaster.db.tables.columns import Id

ROWS, PLACE = "rows", "place"


def given(dialect: str, types: Mapping[str, TypeEngine[Any]]) -> FromClause:
    """A table with these columns, of the rows in the parameter ROWS; `place` numbers them in their order."""
    columns = {PLACE: Id, **types}
    rows = bindparam(ROWS, type_=Text)
    if dialect != "sqlite":
        typed = [column(name, type_) for name, type_ in columns.items()]
        return func.json_to_recordset(cast(rows, JSON)).table_valued(*typed).render_derived(with_types=True)
    each = func.json_each(rows).table_valued("value")
    return select(
        *(func.json_extract(each.c.value, f"$.{name}", type_=t).label(name) for name, t in columns.items())
    ).subquery()


def as_text(tx: Tx, names: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> str:
    """What ROWS is to be. Values are strings, integers, times or None."""
    names = (PLACE, *names)
    said = [dict(zip(names, (place, *row), strict=True)) for place, row in enumerate(rows)]
    sqlite = tx.dialect == "sqlite"
    return json.dumps(said, default=_for_sqlite if sqlite else datetime.isoformat, separators=(",", ":"))


def _for_sqlite(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")  # as `Time` writes it: SQLite compares times as text


def insert_many(
    tx: Tx, table: Table, own: tuple[str, ...], rows: Iterable[tuple[Any, ...]], same: Mapping[str, object]
) -> None:
    """Rows with these columns of their own, in their order, and others that are the same in all of them."""
    statement = _inserting(tx.dialect, table, own, tuple(same))
    tx.execute(statement, {ROWS: as_text(tx, own, rows), **same})


@cache
def _inserting(dialect: str, table: Table, own: tuple[str, ...], same: tuple[str, ...]) -> Insert:
    rows = given(dialect, {name: table.c[name].type for name in own})
    others = [bindparam(name, type_=table.c[name].type) for name in same]
    query = select(*(rows.c[name] for name in own), *others).order_by(rows.c[PLACE])
    return table.insert().from_select([*own, *same], query, include_defaults=False)

"""What the tables are made of: columns that occur everywhere, times, and the names of constraints."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    ForeignKey,
    Integer,
    MetaData,
    String,
    Text,
    TypeDecorator,
)
from sqlalchemy.engine import Dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)

Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts up only for INTEGER PRIMARY KEY


class Time(TypeDecorator[datetime]):
    """An aware time in UTC: `timestamptz` on PostgreSQL, text of fixed width that sorts on SQLite."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        return String(27) if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a time without an offset does not go into the database")
        utc = value.astimezone(UTC)
        return utc.strftime("%Y-%m-%dT%H:%M:%S.%fZ") if dialect.name == "sqlite" else utc

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return datetime.fromisoformat(value) if dialect.name == "sqlite" else value.astimezone(UTC)


def own_id() -> Column[int]:
    return Column("id", Id, primary_key=True)


def uid() -> Column[str]:
    return Column("uid", String(36), nullable=False, unique=True)


def to(table: str, *, name: str = "", nullable: bool = False, index: bool = False) -> Column[int]:
    return Column(name or f"{table}_id", Id, ForeignKey(f"{table}.id"), nullable=nullable, index=index)


def prose(name: str, *, default: str = "") -> Column[str]:
    return Column(name, Text, nullable=False, default=default)


def word(name: str, *, default: str | None = None) -> Column[str]:
    return Column(name, String(64), nullable=False, default=default)


def moment(name: str, *, nullable: bool = False) -> Column[datetime]:
    return Column(name, Time, nullable=nullable)


def count(name: str, *, default: int = 0) -> Column[int]:
    return Column(name, Integer, nullable=False, default=default)

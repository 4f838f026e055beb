"""Audiences, their versions and recipients. Numbers are sealed before they come here; nothing here opens them."""

import hashlib
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy import (
    ColumnElement,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal,
    not_,
    select,
    text,
    true,
    update,
)

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import Time, audience, audience_version, person, recipient, suppression
from broadcaster.domain.audience import AudienceSummary, AudienceVersion, Provenance
from broadcaster.domain.erasure import KEPT_OUT, mark
from broadcaster.domain.languages import Speaking

DELETE_AT_ONCE = 5_000  # recipients per statement: a short write for everybody who waits
MARKS_AT_ONCE = 50_000
DIGEST_AT_ONCE = 2_000  # more at once is slower: the garbage collector walks them

EVERYBODY = Speaking()

_FIELDS = (
    audience_version.c.id,
    audience_version.c.uid,
    audience.c.name,
    audience_version.c.no,
    audience_version.c.sha256,
    audience_version.c.size,
    audience_version.c.wiped_at,
)


def names(tx: Tx) -> list[str]:
    """Of the audiences that can be used: those with a sealed version."""
    sealed = exists().where(_of_audience(), audience_version.c.sealed_at.is_not(None))
    return list(tx.execute(select(audience.c.name).where(sealed).order_by(audience.c.name)).scalars())


def latest_version(tx: Tx, name: str) -> AudienceVersion | None:
    """The newest sealed version."""
    query = (
        select(*_FIELDS)
        .join(audience, _of_audience())
        .where(audience.c.name == name, audience_version.c.sealed_at.is_not(None))
        .order_by(audience_version.c.no.desc())
        .limit(1)
    )
    row = tx.execute(query).mappings().one_or_none()
    return AudienceVersion(**row) if row else None


def version_by_id(tx: Tx, version_id: int) -> AudienceVersion:
    query = select(*_FIELDS).join(audience, _of_audience()).where(audience_version.c.id == version_id)
    return AudienceVersion(**tx.execute(query).mappings().one())


def summary_of(tx: Tx, version_id: int) -> AudienceSummary:
    """Of one version, the newest or not."""
    v = audience_version.c
    query = (
        select(audience.c.name, v.no.label("version"), (v.size - v.erased).label("count"), v.erased)
        .add_columns(v.sealed_at.label("imported_at"), person.c.name.label("imported_by"))
        .add_columns(v.source, v.lawful_basis, v.purpose, v.review_on)
        .join(audience, _of_audience())
        .join(person, person.c.id == v.imported_by)
        .where(v.id == version_id)
    )
    return AudienceSummary(**tx.execute(query).mappings().one())


def summaries(tx: Tx) -> list[AudienceSummary]:
    """The newest sealed version of each audience, by name."""
    v = audience_version.c
    newest = (
        select(v.audience_id, func.max(v.no).label("no"))
        .where(v.sealed_at.is_not(None))
        .group_by(v.audience_id)
        .subquery()
    )
    query = (
        select(audience.c.name, v.no.label("version"), (v.size - v.erased).label("count"), v.erased)
        .add_columns(v.sealed_at.label("imported_at"), person.c.name.label("imported_by"))
        .add_columns(v.source, v.lawful_basis, v.purpose, v.review_on)
        .join(audience, _of_audience())
        .join(newest, (newest.c.audience_id == v.audience_id) & (newest.c.no == v.no))
        .join(person, person.c.id == v.imported_by)
        .order_by(audience.c.name)
    )
    return [AudienceSummary(**row) for row in tx.execute(query).mappings()]


def spoken_by(who: Speaking) -> ColumnElement[bool]:
    """Whether a recipient is one of these: `cy` and `cy-GB` are one language, and whose is not known gets the main one."""
    if who.only:
        return _speaks(who.only)
    return and_(true(), *(not_(_speaks(code)) for code in who.but))


def _speaks(code: str) -> ColumnElement[bool]:
    own = func.lower(recipient.c.language)
    return (own == code) | own.like(f"{code}-%") | own.like(f"{code}\\_%", escape="\\")


def digest(tx: Tx, version_id: int, who: Speaking = EVERYBODY) -> tuple[str, int]:
    """Hexadecimal SHA-256 over the marks of the numbers in the order of their ordinals, and how many there are: of the whole
    version, or of those `who` speak one language.

    Read again from the rows, in one to two seconds for a million: it is how an approval notices that a recipient was changed.
    A row without a salt counts with its index as it is: there an erased number left its mark, and what was imported
    before there were marks has nothing else.
    """
    marks = _marks_row_by_row if tx.dialect == "sqlite" else _marks_by_the_server
    sha256, count = hashlib.sha256(), 0
    for part, size in marks(tx, version_id) if who == EVERYBODY else _marks_of_some(tx, version_id, who):
        sha256.update(part)
        count += size
    return sha256.hexdigest(), count


def _marks_row_by_row(tx: Tx, version_id: int) -> Iterator[tuple[bytes, int]]:
    """By the driver's own cursor: what SQLAlchemy makes of each row took as long as everything else."""
    cursor = tx.connection.connection.cursor()
    cursor.execute(
        "SELECT number_index, salt FROM recipient WHERE audience_version_id = ? ORDER BY ordinal",
        (version_id,),
    )
    while part := cursor.fetchmany(DIGEST_AT_ONCE):
        yield b"".join([mark(index, salt) if salt else index for index, salt in part]), len(part)
    cursor.close()


def _marks_of_some(tx: Tx, version_id: int, who: Speaking) -> Iterator[tuple[bytes, int]]:
    r = recipient.c
    query = select(r.number_index, r.salt).where(r.audience_version_id == version_id, spoken_by(who))
    found = tx.execute(query.order_by(r.ordinal).execution_options(yield_per=DIGEST_AT_ONCE))
    for part in found.partitions():
        yield (
            b"".join([mark(row.number_index, row.salt) if row.salt else row.number_index for row in part]),
            len(part),
        )


def count_of(tx: Tx, version_id: int, who: Speaking) -> int:
    """How many of a version these are."""
    query = select(func.count()).select_from(recipient)
    mine = recipient.c.audience_version_id == version_id
    return int(tx.execute(query.where(mine, spoken_by(who))).scalar_one())


def _marks_by_the_server(tx: Tx, version_id: int) -> Iterator[tuple[bytes, int]]:
    """As `mark` makes them, where the rows are: to send a million rows over took three times as long as all the rest."""
    r = recipient.c
    own = func.substring(func.sha256(r.salt.op("||")(r.number_index)), 1, func.length(r.number_index))
    each = case((func.length(r.salt) > 0, own), else_=r.number_index)
    joined = func.string_agg(each, literal(b"")).aggregate_order_by(r.ordinal)
    mine = r.audience_version_id == version_id
    last = tx.execute(select(func.max(r.ordinal)).where(mine)).scalar_one() or 0
    part = select(joined.label("marks"), func.count().label("size")).where(
        mine, r.ordinal > bindparam("after"), r.ordinal <= bindparam("until")
    )
    for after in range(0, last, MARKS_AT_ONCE):
        told: Any = tx.execute(part, {"after": after, "until": after + MARKS_AT_ONCE}).one()
        yield told.marks or b"", told.size


def recipients(
    tx: Tx, version_id: int, after_ordinal: int, limit: int, who: Speaking = EVERYBODY
) -> Sequence[Any]:
    """Rows of id, ordinal (dense, from 1) and language, in the order of their ordinals."""
    r = recipient.c
    query = (
        select(r.id, r.ordinal, r.language)
        .where(r.audience_version_id == version_id, r.ordinal > after_ordinal, spoken_by(who))
        .order_by(r.ordinal)
        .limit(limit)
    )
    return tx.execute(query).all()


# --- importing ----------------------------------------------------------------------------------------------


def ensure_audience(tx: Tx, name: str) -> int:
    """Its id, made if need be. Its row stays locked, so that imports of one audience begin one after the other."""
    add = text(
        "INSERT INTO audience (name, created_at) VALUES (:name, :now) ON CONFLICT (name) DO NOTHING"
    ).bindparams(bindparam("now", type_=Time))
    tx.execute(add, {"name": name, "now": tx.now()})
    return int(
        tx.execute(select(audience.c.id).where(audience.c.name == name).with_for_update()).scalar_one()
    )


def insert_version(tx: Tx, audience_id: int, *, imported_by: int, provenance: Provenance) -> int:
    """The id of a new, unsealed version: nobody can use it yet."""
    last = select(func.coalesce(func.max(audience_version.c.no), 0)).where(
        audience_version.c.audience_id == audience_id
    )
    values = {
        "uid": new_uid(),
        "audience_id": audience_id,
        "no": tx.execute(last).scalar_one() + 1,
        "size": 0,
        "imported_by": imported_by,
        "created_at": tx.now(),
    }
    return tx.insert(audience_version, {**values, **asdict(provenance)})


def unsealed_versions(tx: Tx, audience_id: int) -> list[int]:
    query = select(audience_version.c.id).where(
        audience_version.c.audience_id == audience_id, audience_version.c.sealed_at.is_(None)
    )
    return list(tx.execute(query).scalars())


def lock_unsealed(tx: Tx, version_id: int) -> bool:
    """False where it is gone or sealed; otherwise it stays as it is until the transaction ends."""
    query = select(audience_version.c.id).where(_unsealed(version_id)).with_for_update()
    return tx.execute(query).one_or_none() is not None


def known_numbers(tx: Tx, version_id: int, indexes: Collection[bytes]) -> set[bytes]:
    """Those of these number indexes that the version has already."""
    query = select(recipient.c.number_index).where(
        recipient.c.audience_version_id == version_id, recipient.c.number_index.in_(indexes)
    )
    return set(tx.execute(query).scalars())


def kept_out(tx: Tx, indexes: Collection[bytes]) -> set[bytes]:
    """Those of these number indexes whose people were erased and asked not to be taken in again."""
    s = suppression.c
    query = select(s.number_index).where(s.number_index.in_(indexes), s.reason == KEPT_OUT, s.purpose == "")
    return set(tx.execute(query).scalars())


def insert_recipients(tx: Tx, rows: Sequence[Mapping[str, Any]]) -> None:
    """Rows of audience_version_id, ordinal, number_index, number_sealed, salt and language."""
    tx.execute(recipient.insert(), rows)


def in_both(tx: Tx, one: int, other: int) -> int:
    """How many numbers two versions share."""
    a, b = recipient.alias(), recipient.alias()
    shared = exists().where(b.c.audience_version_id == other, b.c.number_index == a.c.number_index)
    query = select(func.count()).select_from(a).where(a.c.audience_version_id == one, shared)
    return int(tx.execute(query).scalar_one())


def same_languages(tx: Tx, one: int, other: int) -> bool:
    """Whether two versions have the same languages for the numbers that they share."""
    a, b = recipient.alias(), recipient.alias()
    query = (
        select(a.c.id)
        .join(b, (b.c.audience_version_id == other) & (b.c.number_index == a.c.number_index))
        .where(a.c.audience_version_id == one, a.c.language != b.c.language)
        .limit(1)
    )
    return tx.execute(query).one_or_none() is None


def seal_version(tx: Tx, version_id: int, *, sha256: str, size: int) -> None:
    """From now on it can be used, and never changes."""
    values = {"sha256": sha256, "size": size, "sealed_at": tx.now()}
    tx.execute(update(audience_version).where(_unsealed(version_id)).values(**values))


def delete_some_unsealed(tx: Tx, version_id: int) -> int:
    """How many recipients it took out of an unsealed version: at most DELETE_AT_ONCE, 0 where none are left."""
    return delete_some(tx, version_id) if lock_unsealed(tx, version_id) else 0


def delete_some(tx: Tx, version_id: int) -> int:
    """Takes the first recipients out of a version, at most DELETE_AT_ONCE. How many there were."""
    mine = recipient.c.audience_version_id == version_id
    first = tx.execute(select(func.min(recipient.c.ordinal)).where(mine)).scalar_one()
    if first is None:
        return 0
    some = delete(recipient).where(mine, recipient.c.ordinal < first + DELETE_AT_ONCE)
    return int(tx.execute(some).rowcount)


def delete_unsealed(tx: Tx, version_id: int) -> None:
    """Takes an unsealed version away, and its audience where that has no other version. Sealed ones stay."""
    if not lock_unsealed(tx, version_id):
        return
    of_version = select(audience_version.c.audience_id).where(audience_version.c.id == version_id)
    audience_id = tx.execute(of_version).scalar_one()
    tx.execute(select(audience.c.id).where(audience.c.id == audience_id).with_for_update())
    tx.execute(delete(recipient).where(recipient.c.audience_version_id == version_id))
    tx.execute(delete(audience_version).where(audience_version.c.id == version_id))
    tx.execute(delete(audience).where(audience.c.id == audience_id, ~exists().where(_of_audience())))


def _of_audience() -> ColumnElement[bool]:
    return audience.c.id == audience_version.c.audience_id


def _unsealed(version_id: int) -> ColumnElement[bool]:
    return (audience_version.c.id == version_id) & audience_version.c.sealed_at.is_(None)

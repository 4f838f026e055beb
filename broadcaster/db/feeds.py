"""Feeds that are watched: their rows, when each is due, and how looking at it went."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import RowMapping, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_uid
from broadcaster.db.tables import feed, feed_entry, feed_warning, person
from broadcaster.domain.watching import Rule

F = feed.c


@dataclass(frozen=True, kw_only=True)
class Feed:
    """`heard` is how many warnings it had. `said` is empty after a good look."""

    id: int
    uid: str
    name: str
    url: str
    every_s: int
    silent_h: int
    rules: tuple[Rule, ...]
    added_by: str
    created_at: datetime
    etag: str
    modified: str
    next_at: datetime
    looked_at: datetime | None
    good_at: datetime | None
    changed_at: datetime
    failing_since: datetime | None
    tries: int
    said: str
    heard: int


def insert(
    tx: Tx, *, name: str, url: str, every_s: int, silent_h: int, rules: Sequence[Rule], by: int
) -> str:
    """Its uid. Due at once."""
    row = {"uid": new_uid(), "name": name, "url": url, "every_s": every_s, "silent_h": silent_h}
    row |= {"rules": _rules(rules), "added_by": by, "created_at": tx.now(), "next_at": tx.now()}
    tx.insert(feed, {**row, "changed_at": tx.now()})
    return str(row["uid"])


def change(tx: Tx, feed_id: int, *, url: str, every_s: int, silent_h: int, rules: Sequence[Rule]) -> None:
    """Everything is read anew: another rule may concern what the last one did not."""
    row = {
        "url": url,
        "every_s": every_s,
        "silent_h": silent_h,
        "rules": _rules(rules),
        "etag": "",
        "modified": "",
    }
    row |= {"next_at": tx.now(), "changed_at": tx.now()}
    tx.execute(update(feed).where(F.id == feed_id).values(**row))
    tx.execute(feed_entry.delete().where(feed_entry.c.feed_id == feed_id))


def remove(tx: Tx, feed_id: int) -> None:
    tx.execute(update(feed).where(F.id == feed_id).values(removed_at=tx.now()))
    tx.execute(feed_entry.delete().where(feed_entry.c.feed_id == feed_id))


def every(tx: Tx) -> list[Feed]:
    heard = select(func.count()).where(feed_warning.c.feed_id == F.id).scalar_subquery()
    query = (
        select(feed, person.c.name.label("by"), heard.label("heard"))
        .join(person, person.c.id == F.added_by)
        .where(F.removed_at.is_(None))
        .order_by(F.name, F.id)
    )
    return [_feed(row._mapping) for row in tx.execute(query)]


def claim(tx: Tx, *, for_s: float) -> Feed | None:
    """The one that has been due for the longest; nobody else looks at it meanwhile."""
    due = (
        select(F.id)
        .where(F.removed_at.is_(None), F.next_at <= tx.now())
        .order_by(F.next_at)
        .limit(1)
        .with_for_update(skip_locked=True)
    )
    found = tx.execute(due).scalar_one_or_none()
    if found is None:
        return None
    tx.execute(update(feed).where(F.id == found).values(next_at=tx.now() + timedelta(seconds=for_s)))
    return next(each for each in every(tx) if each.id == found)


def went_well(tx: Tx, row: Feed, *, etag: str, modified: str, changed: bool) -> None:
    values = {"etag": etag, "modified": modified, "looked_at": tx.now(), "good_at": tx.now(), "said": ""}
    values |= {"failing_since": None, "tries": 0, "next_at": tx.now() + timedelta(seconds=row.every_s)}
    if changed:
        values["changed_at"] = tx.now()
    tx.execute(update(feed).where(F.id == row.id).values(**values))


def went_wrong(tx: Tx, row: Feed, *, said: str, again_s: float) -> None:
    values = {"looked_at": tx.now(), "failing_since": row.failing_since or tx.now(), "said": said[:64]}
    values |= {"tries": row.tries + 1, "next_at": tx.now() + timedelta(seconds=again_s)}
    tx.execute(update(feed).where(F.id == row.id).values(**values))


def trouble(tx: Tx, *, failing_for: timedelta) -> list[Feed]:
    """Those that cannot be read for so long, or have had nothing new for longer than they should."""
    now = tx.now()
    return [
        each
        for each in every(tx)
        if (each.failing_since and each.failing_since <= now - failing_for) or is_silent(each, now)
    ]


def is_silent(row: Feed, now: datetime) -> bool:
    return bool(row.silent_h) and row.changed_at <= now - timedelta(hours=row.silent_h)


def unseen(tx: Tx, feed_id: int, marks: Sequence[str]) -> set[str]:
    """Of these digests, those of lines that were never read."""
    c = feed_entry.c
    found = select(c.mark_sha256).where(c.feed_id == feed_id, c.mark_sha256.in_(marks))
    return set(marks) - set(tx.execute(found).scalars())


def see(tx: Tx, feed_id: int, marks: Iterable[str]) -> None:
    rows = [{"feed_id": feed_id, "mark_sha256": mark, "seen_at": tx.now()} for mark in sorted(set(marks))]
    if rows:
        tx.execute(feed_entry.insert(), rows)


def forget(tx: Tx, feed_id: int, *, still_there: Sequence[str], before: datetime) -> None:
    """Lines that the feed does not have any more, so that what is remembered does not grow for ever."""
    c = feed_entry.c
    gone = feed_entry.delete().where(c.feed_id == feed_id, c.seen_at < before)
    tx.execute(gone.where(c.mark_sha256.not_in(still_there)) if still_there else gone)


def _rules(rules: Sequence[Rule]) -> str:
    return json.dumps([rule.to_json() for rule in rules])


def _feed(row: RowMapping) -> Feed:
    kept = (
        "id", "uid", "name", "url", "every_s", "silent_h", "created_at", "etag", "modified", "next_at",
        "looked_at", "good_at", "changed_at", "failing_since", "tries", "said", "heard",
    )  # fmt: skip
    rules = tuple(Rule.from_json(each) for each in json.loads(row["rules"]))
    return Feed(**{name: row[name] for name in kept}, rules=rules, added_by=row["by"])

"""What somebody with every right on the database could do to the audit log, one change at a time, and the number of the first
event that nobody can trust afterwards.

`Log` is the log it is done to: events 1-5 and 6-10 under one checkpoint each, then a broadcast, then four events under one each.
Where an event and its hash are changed together, nothing but the next signed root tells, so the first number is the one after
the root before it.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, func, insert, select, update

from broadcaster.audit.notes import Signer, checkpoint
from broadcaster.db import audit_log
from broadcaster.db.tables import attempt, audit_checkpoint, audit_event, delivery
from broadcaster.domain.audit import event_leaf
from broadcaster.domain.tree import Frontier

TABLES = (audit_event, audit_checkpoint, attempt)
E, C = audit_event.c, audit_checkpoint.c


@dataclass(frozen=True)
class Log:
    last: int  # number of the last event
    sent: int  # of the last checkpoint over the broadcast
    outcomes: int  # of an event that vouches for outcomes
    group: int  # the group of that event


def set_(no, /, **values):
    return lambda tx, _log: tx.execute(update(audit_event).where(E.no == no).values(**values))


def payload_of(no, old, new):
    def change(tx, log):
        payload = tx.execute(select(E.payload).where(E.no == no)).scalar_one()
        set_(no, payload=payload.replace(old, new, 1))(tx, log)

    return change


def later(tx, _log):
    at = tx.execute(select(E.at).where(E.no == 7)).scalar_one()
    tx.execute(update(audit_event).where(E.no == 7).values(at=at + timedelta(microseconds=1)))


def of_last(**values):
    return lambda tx, log: set_(log.last, **values)(tx, log)


def take_out(*numbers):
    return lambda tx, _log: tx.execute(delete(audit_event).where(E.no.in_(numbers)))


def cut(count):
    return lambda tx, log: tx.execute(delete(audit_event).where(E.no > log.last - count))


def renumber(tx, first, by):
    """One after the other, away from those that are there."""
    numbers = tx.execute(select(E.no).where(E.no >= first).order_by(E.no * -by)).scalars().all()
    for no in numbers:
        tx.execute(update(audit_event).where(E.no == no).values(no=no + by))


def take_out_and_renumber(tx, _log):
    tx.execute(delete(audit_event).where(E.no == 7))
    renumber(tx, 8, -1)


def swap_places(tx, _log):
    for no, to in ((7, 10_007), (8, 7), (10_007, 8)):
        tx.execute(update(audit_event).where(E.no == no).values(no=to))


def row_of(tx, no):
    return tx.execute(select(audit_event).where(E.no == no)).one()._asdict()


def swap_contents(tx, _log):
    seven, eight = row_of(tx, 7), row_of(tx, 8)
    for row, other in ((seven, eight), (eight, seven)):
        said = {name: other[name] for name in ("at", "actor", "act", "subject", "payload")}
        tx.execute(update(audit_event).where(E.id == row["id"]).values(**said))


def reseal(tx, no):
    """The hash of an event made anew, as its writer would."""
    (event,) = (e for e in audit_log.events(tx) if e.no == no)
    tx.execute(update(audit_event).where(E.no == no).values(leaf=event_leaf(event).hex()))


def with_its_hash(no_of, **values):
    def change(tx, log):
        no = no_of(log)
        set_(no, **values)(tx, log)
        reseal(tx, no)

    return change


def forge(place_of):
    """An event more, with a hash that is right."""

    def change(tx, log):
        no = place_of(log)
        renumber(tx, no, 1)
        highest = tx.execute(select(func.max(E.id))).scalar_one()
        row = row_of(tx, 1) | {"id": highest + 1, "no": no, "act": "message_rejected", "leaf": ""}
        tx.execute(insert(audit_event).values(row))
        reseal(tx, no)

    return change


def notes(tx):
    return tx.execute(select(C.size, C.note).order_by(C.size)).all()


def note_of(size, change):
    def changed(tx, _log):
        note = tx.execute(select(C.note).where(C.size == size)).scalar_one()
        tx.execute(update(audit_checkpoint).where(C.size == size).values(note=change(note)))

    return changed


def sign_anew(name, first=10):
    """Every event from 6 on as somebody wants it, under checkpoints that are whole in themselves, by a key of his own."""

    def change(tx, log):
        with_its_hash(lambda _log: 7, actor="mallory")(tx, log)
        signer = Signer.new(name or notes(tx)[0].note.split("\n")[0])
        tree, by_size, before = Frontier(), {n.size: n.note for n in notes(tx)}, ""
        for leaf in list(audit_log.leaves(tx)):
            tree.append(bytes.fromhex(leaf))
            if tree.size in by_size:
                note = by_size[tree.size]
                if tree.size >= first:
                    note = checkpoint(signer, size=tree.size, root=tree.root(), at=tx.now(), previous=before)
                    tx.execute(update(audit_checkpoint).where(C.size == tree.size).values(note=note))
                before = note

    return change


def drop_checkpoint(size_of):
    return lambda tx, log: tx.execute(delete(audit_checkpoint).where(C.size == size_of(log)))


def older_snapshot(size):
    """The tables as they were when the log had so many events: whole in itself."""

    def change(tx, _log):
        tx.execute(delete(audit_event).where(E.no > size))
        tx.execute(delete(audit_checkpoint).where(C.size > size))

    return change


def of_attempt(**values):
    def change(tx, log):
        wanted = (
            select(func.min(attempt.c.id)).where(attempt.c.intent_group_id == log.group).scalar_subquery()
        )
        tx.execute(update(attempt).where(attempt.c.id == wanted).values(**values))

    return change


def take_out_attempt(tx, log):
    tx.execute(delete(attempt).where(attempt.c.intent_group_id == log.group))


def add_attempt(tx, log):
    row = tx.execute(select(attempt).where(attempt.c.intent_group_id == log.group)).first()._asdict()
    highest = tx.execute(select(func.max(attempt.c.id))).scalar_one()
    taken = select(attempt.c.delivery_id).where(attempt.c.intent_group_id == log.group)
    free = tx.execute(select(func.min(delivery.c.id)).where(delivery.c.id.not_in(taken))).scalar_one()
    tx.execute(insert(attempt).values(row | {"id": highest + 1, "delivery_id": free}))


def attempt_of_another(tx, log):
    taken = select(attempt.c.delivery_id).where(attempt.c.intent_group_id == log.group)
    free = tx.execute(select(func.min(delivery.c.id)).where(delivery.c.id.not_in(taken))).scalar_one()
    of_attempt(delivery_id=free)(tx, log)


def everything(tx, _log):
    for table in (audit_event, audit_checkpoint):
        tx.execute(delete(table))


def as_replica(tx, log):
    """A superuser of PostgreSQL walks past every trigger and every foreign key."""
    if tx.connection.dialect.name == "postgresql":
        tx.connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
    set_(7, actor="mallory")(tx, log)


#: What is done -> (how, which number is to be told).
TAMPERS = {
    "a byte of a payload": (payload_of(7, "count", "Count"), 7),
    "a blank in a payload": (payload_of(7, ":", ": "), 7),
    "a payload that is no JSON": (set_(7, payload="{"), 7),
    "an empty payload": (set_(7, payload=""), 7),
    "the actor": (set_(7, actor="mallory"), 7),
    "the actor's case": (set_(7, actor="Ann"), 7),
    "the act": (set_(7, act="message_rejected"), 7),
    "the subject": (set_(7, subject="AAAAAA"), 7),
    "the time, by a millionth of a second": (later, 7),
    "the id": (set_(7, id=100_007), 7),
    "the hash": (set_(7, leaf="0" * 64), 7),
    "the hash in capitals": (
        lambda tx, _log: tx.execute(update(audit_event).where(E.no == 7).values(leaf=func.upper(E.leaf))),
        7,
    ),
    "a hash that is none": (set_(7, leaf="x"), 7),
    "no hash": (set_(7, leaf=None), 7),
    "no number": (set_(7, no=None), 7),
    "another number": (set_(7, no=999), 7),
    "the first event": (set_(1, actor="mallory"), 1),
    "the last event": (of_last(actor="mallory"), lambda log: log.last),
    "what vouches for outcomes": (
        lambda tx, log: set_(log.outcomes, payload="{}")(tx, log),
        lambda log: log.outcomes,
    ),
    "an event taken out": (take_out(7), 7),
    "the first one taken out": (take_out(1), 1),
    "three taken out": (take_out(4, 7, 9), 4),
    "the tail cut off by one": (cut(1), lambda log: log.last),
    "the tail cut off by three": (cut(3), lambda log: log.last - 2),
    "an event taken out and the rest renumbered": (take_out_and_renumber, 6),
    "two places swapped": (swap_places, 6),
    "the contents of two swapped": (swap_contents, 7),
    "an event more in the middle": (forge(lambda _log: 7), 6),
    "an event more at the end": (forge(lambda log: log.last + 1), lambda log: log.last + 1),
    "an event together with its hash": (with_its_hash(lambda _log: 7, actor="mallory"), 6),
    "one that has a checkpoint of its own together with its hash": (
        with_its_hash(lambda log: log.last - 1, actor="mallory"),
        lambda log: log.last - 1,
    ),
    "all from there on, signed by another key": (sign_anew(""), 6),
    "all from there on, signed for another log": (sign_anew("fylde.example/log"), 6),
    "all of it, signed by another key": (sign_anew("", first=1), 1),
    "a signature": (note_of(10, lambda note: note[:-6] + ("A" if note[-6] != "A" else "B") + note[-5:]), 6),
    "the root of a checkpoint": (
        note_of(10, lambda note: note.replace(note.split("\n")[2], note.split("\n")[2][::-1])),
        6,
    ),
    "the time of a checkpoint": (note_of(10, lambda note: note.replace("\ntime 2", "\ntime 1")), 6),
    "a checkpoint that is none": (note_of(10, lambda _note: "x"), 6),
    "the size of a checkpoint": (
        lambda tx, _log: tx.execute(update(audit_checkpoint).where(C.size == 10).values(size=9)),
        6,
    ),
    "a checkpoint taken out": (drop_checkpoint(lambda _log: 10), 6),
    "the last checkpoint taken out": (drop_checkpoint(lambda log: log.last), lambda log: log.last),
    "the first checkpoint taken out": (drop_checkpoint(lambda _log: 5), 1),
    "a snapshot from before the last decision": (older_snapshot(10), 11),
    "a snapshot from the beginning": (older_snapshot(5), 6),
    "everything taken away": (everything, 1),
    "an outcome": (of_attempt(outcome="refused"), lambda log: log.outcomes),
    "an outcome's code": (of_attempt(code="timeout"), lambda log: log.outcomes),
    "a platform's id": (of_attempt(platform_id="99"), lambda log: log.outcomes),
    "a link": (of_attempt(link="https://evil.example"), lambda log: log.outcomes),
    "the delivery of an outcome": (attempt_of_another, lambda log: log.outcomes),
    "an outcome taken out": (take_out_attempt, lambda log: log.outcomes),
    "an outcome more": (add_attempt, lambda log: log.outcomes),
    "by a superuser of the database": (as_replica, 7),
}


def saved(tx):
    """Every row of the tables that the log is made of."""
    return {table: [row._asdict() for row in tx.execute(select(table))] for table in TABLES}


def put_back(tx, rows):
    for table in TABLES:
        tx.execute(delete(table))
        tx.execute(insert(table), rows[table])

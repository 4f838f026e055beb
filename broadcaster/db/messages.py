"""Messages, their versions, and incidents."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, update

from broadcaster.db.engine import Tx
from broadcaster.db.ids import new_reference, new_uid
from broadcaster.db.tables import broadcast, incident, message, message_version, notice_template, person
from broadcaster.domain.canonical import canonical
from broadcaster.domain.errors import Invalid, NotFound, Stale
from broadcaster.domain.follow_up import Follows
from broadcaster.domain.languages import Spoken
from broadcaster.domain.message import MESSAGE_TRANSITIONS, Facts, Kind, MessageState, Mode, Visibility
from broadcaster.domain.names import did_you_mean

NOTHING_ELSE = Spoken()  # than the template's own language
AMONG_THE_NEWEST = 2_000  # versions: nobody waits while all of ten years are looked through


@dataclass(frozen=True, kw_only=True)
class Message:
    id: int
    uid: str
    ref: str
    incident_id: int
    mode: Mode
    kind: Kind
    purpose: str
    visibility: Visibility
    state: MessageState
    version: int
    author_id: int
    created_at: datetime
    amends_id: int | None = None  #: the one that it follows


@dataclass(frozen=True, kw_only=True)
class VersionImage:
    """A picture of a version: the SHA-256 of what is kept of it, its alt text, and the name of the file it came from."""

    sha256: str
    alt: str
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Version:
    """One version of a message's content. `accounts` are names, in the order in which they were chosen; `blanks` what its
    officer filled in, and `template` the notice template's content then, which was its version `template_no`: None in
    what is older than such versions."""

    id: int
    no: int
    facts: Facts
    accounts: tuple[str, ...]
    audience_version_id: int | None
    author_id: int
    blanks: Mapping[str, str]
    template: Mapping[str, Any]
    images: tuple[VersionImage, ...] = ()
    template_id: int | None = None
    template_no: int | None = None
    spoken: Spoken = NOTHING_ELSE


def refuse_other_mode(tx: Tx, incident_id: int, mode: str) -> None:
    """Invalid where the incident is a drill's and this is not of an exercise: what is practised must not reach anybody,
    whatever somebody chose on a form."""
    row = tx.execute(select(incident.c.ref, incident.c.mode).where(incident.c.id == incident_id)).one()
    if row.mode not in {"", mode}:
        raise Invalid(
            f"The incident {row.ref} is a drill's: only messages of the mode {row.mode} belong to it. Nothing was changed."
        )


def open_incident(tx: Tx, name: str) -> int:
    row = {"uid": new_uid(), "ref": new_reference(), "name": name, "opened_at": tx.now()}
    return tx.insert(incident, row)


def incident_by_ref(tx: Tx, ref: str) -> int | None:
    return tx.execute(select(incident.c.id).where(incident.c.ref == ref.upper())).scalar_one_or_none()


def incident_ref(tx: Tx, incident_id: int) -> str:
    return str(tx.execute(select(incident.c.ref).where(incident.c.id == incident_id)).scalar_one())


def is_incident_closed(tx: Tx, incident_id: int) -> bool:
    query = select(incident.c.closed_at).where(incident.c.id == incident_id)
    return tx.execute(query).scalar_one() is not None


def count_of_incident(tx: Tx, incident_id: int) -> int:
    """How many messages belong to it."""
    query = select(func.count()).where(message.c.incident_id == incident_id)
    return int(tx.execute(query).scalar_one())


def sequence(tx: Tx, row: Message) -> int:
    """Which message of its incident this is or would be, from 1. What was never released does not count."""
    c = broadcast.c
    before = select(func.count()).where(
        c.incident_id == row.incident_id, c.mode == row.mode, c.message_id != row.id
    )
    return int(tx.execute(before).scalar_one()) + 1


def insert(
    tx: Tx,
    *,
    incident_id: int,
    mode: Mode,
    visibility: Visibility,
    author_id: int,
    follows: Follows | None = None,
    ref: str = "",
) -> Message:
    refuse_other_mode(tx, incident_id, mode)
    row = {
        "uid": new_uid(),
        "ref": ref or unused_reference(tx),
        "incident_id": incident_id,
        "mode": mode,
        "kind": follows.kind if follows else Kind.ALERT,
        "purpose": follows.purpose if follows else "",
        "amends_id": follows.message_id if follows else None,
        "visibility": visibility,
        "state": MessageState.DRAFT,
        "version": 0,
        "author_id": author_id,
        "created_at": tx.now(),
    }
    tx.execute(message.insert().values(**row))
    made = by_ref(tx, str(row["ref"]))
    assert made
    return made


def insert_version(
    tx: Tx,
    message_id: int,
    *,
    no: int,
    facts: Facts,
    blanks: Mapping[str, str],
    accounts: Sequence[str],
    notice_template_id: int,
    template_no: int | None = None,
    audience_version_id: int | None,
    images: Sequence[VersionImage] = (),
    author_id: int,
    next_update_at: datetime | None = None,
    spoken: Spoken = NOTHING_ELSE,
) -> None:
    row = {
        "message_id": message_id,
        "no": no,
        "notice_template_id": notice_template_id,
        "template_no": template_no,
        "facts": canonical(facts.to_json()).decode(),
        "blanks": canonical(dict(blanks)).decode(),
        "accounts": json.dumps(list(accounts)),
        "audience_version_id": audience_version_id,
        "images": canonical([asdict(image) for image in images]).decode(),
        "author_id": author_id,
        "created_at": tx.now(),
        "next_update_at": next_update_at,
        "languages": canonical(said).decode() if (said := spoken.to_json()) else "",
    }
    tx.execute(message_version.insert().values(**row))
    tx.execute(update(message).where(message.c.id == message_id).values(version=no))


def by_ref(tx: Tx, ref: str, *, lock: bool = False) -> Message | None:
    """With `lock`, nobody else decides about this message until the transaction ends."""
    return _message(tx, _select_message().where(message.c.ref == ref.upper()), lock=lock)


def find(tx: Tx, ref: str, *, lock: bool = False) -> Message:
    """The message with this reference. NotFound, with the nearest reference, where there is none."""
    row = by_ref(tx, ref, lock=lock)
    if row is None:
        raise NotFound(f'There is no message "{ref}".{did_you_mean(ref.upper(), refs(tx))}')
    return row


def by_id(tx: Tx, message_id: int) -> Message:
    found = _message(tx, _select_message().where(message.c.id == message_id), lock=False)
    assert found
    return found


def refs(tx: Tx) -> list[str]:
    return list(tx.execute(select(message.c.ref)).scalars())


def set_state(tx: Tx, message_id: int, state: MessageState) -> None:
    """Stale where the message may not go there from where it is: the table of the domain decides."""
    before = [s for s, after in MESSAGE_TRANSITIONS.items() if state in after]
    statement = update(message).where(message.c.id == message_id, message.c.state.in_(before))
    if tx.execute(statement.values(state=state)).rowcount != 1:
        raise Stale(f"The message cannot become {state} from what it is now. Nothing was changed.")


def current_version(tx: Tx, row: Message) -> Version:
    c = message_version.c
    query = (
        select(message_version, notice_template.c.content.label("template"))
        .outerjoin(notice_template, notice_template.c.id == c.notice_template_id)
        .where(c.message_id == row.id, c.no == row.version)
    )
    found = tx.execute(query).one()
    return Version(
        id=found.id,
        no=found.no,
        facts=Facts.from_json(json.loads(found.facts)),
        accounts=tuple(json.loads(found.accounts)),
        audience_version_id=found.audience_version_id,
        author_id=found.author_id,
        blanks=json.loads(found.blanks),
        template=json.loads(found.template or "{}"),
        images=tuple(VersionImage(**each) for each in json.loads(found.images)),
        template_id=found.notice_template_id,
        template_no=found.template_no,
        spoken=Spoken.from_json(json.loads(found.languages or "{}")),
    )


def last_blanks_of(tx: Tx, person_id: int) -> dict[str, str]:
    """What this person filled in last, as far as it is among the newest versions; nothing otherwise."""
    c = message_version.c
    newest = select(func.max(c.id) - AMONG_THE_NEWEST).scalar_subquery()
    query = select(c.blanks).where(c.author_id == person_id, c.id > newest).order_by(c.id.desc()).limit(1)
    found = tx.execute(query).scalar_one_or_none()
    return dict(json.loads(found)) if found else {}


def author(tx: Tx, row: Message) -> str:
    """Who wrote the current version."""
    c = message_version.c
    query = select(person.c.name).join(message_version, c.author_id == person.c.id)
    return str(tx.execute(query.where(c.message_id == row.id, c.no == row.version)).scalar_one())


def authors(tx: Tx, message_id: int) -> frozenset[int]:
    """Ids of everybody who wrote any version."""
    query = select(message_version.c.author_id).where(message_version.c.message_id == message_id)
    return frozenset(tx.execute(query).scalars())


def listing(tx: Tx, *, limit: int, before: str = "") -> list[dict[str, object]]:
    """The newest messages first: reference, state, mode, kind, headline, author and time. With `before`, only those that are
    older than the message with this reference."""
    c, v = message.c, message_version.c
    query = (
        select(c.ref, c.state, c.mode, c.kind, c.created_at, v.facts, person.c.name.label("author"))
        .join(message_version, (v.message_id == c.id) & (v.no == c.version))
        .join(person, person.c.id == c.author_id)
        .order_by(c.id.desc())
        .limit(limit)
    )
    if before:
        query = query.where(c.id < select(c.id).where(c.ref == before).scalar_subquery())
    return [
        {
            "reference": r.ref,
            "state": r.state,
            "mode": r.mode,
            "kind": r.kind,
            "headline": json.loads(r.facts)["headline"],
            "author": r.author,
            "created_at": r.created_at,
        }
        for r in tx.execute(query)
    ]


def _select_message() -> Select[tuple[object, ...]]:
    c = message.c
    return select(
        c.id,
        c.uid,
        c.ref,
        c.incident_id,
        c.mode,
        c.kind,
        c.purpose,
        c.visibility,
        c.state,
        c.version,
        c.author_id,
        c.created_at,
        c.amends_id,
    )


def _message(tx: Tx, query: Select[tuple[object, ...]], *, lock: bool) -> Message | None:
    row = tx.execute(query.with_for_update() if lock else query).one_or_none()
    if row is None:
        return None
    data = dict(row._mapping)
    data |= {"mode": Mode(row.mode), "kind": Kind(row.kind), "state": MessageState(row.state)}
    data |= {"visibility": Visibility(row.visibility)}
    return Message(**data)


def unused_reference(tx: Tx) -> str:
    while True:  # 30^6 references: a second round is rare, a third has never been seen
        ref = new_reference()
        if by_ref(tx, ref) is None:
            return ref

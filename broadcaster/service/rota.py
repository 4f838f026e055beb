"""The rota: who is on call from when until when, who stands in for whom, and who has said that he has seen it.

How people are reached is their work number or work address, as they gave it themselves; no event holds either.
"""

from dataclasses import dataclass
from datetime import datetime

from broadcaster.db import audit_log, people, rota
from broadcaster.db.engine import Database, Tx
from broadcaster.db.people import Person
from broadcaster.db.rota import Contact
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require
from broadcaster.domain.rota import LONGEST, Duty, DutyRole, Gap, gaps, on_call, overlaps

MOST_MAIL, MOST_PHONE = 254, 30
PHONE_MARKS = frozenset("+ ()-./") | frozenset("0123456789")
GONE = "That entry was taken out meanwhile. Nothing was changed."


@dataclass(frozen=True, kw_only=True)
class OnCall:
    duty: Duty
    contact: Contact


@dataclass(frozen=True, kw_only=True)
class Roster:
    """As of `at`. `planned` holds what is and comes, `mine` what this person is still to acknowledge."""

    at: datetime
    planned: tuple[Duty, ...]
    now: tuple[OnCall, ...]
    gaps: tuple[Gap, ...]
    overlaps: tuple[tuple[Duty, Duty], ...]
    mine: tuple[Duty, ...]
    contact: Contact


class Rota:
    def __init__(self, database: Database) -> None:
        self._database = database

    def of(self, actor: Person) -> Roster:
        """For whoever is signed in and may see messages: how staff are reached is for staff."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            planned, contacts, at = rota.from_now(tx), rota.contacts(tx), tx.now()
        return Roster(
            at=at,
            planned=tuple(planned),
            now=tuple(
                OnCall(duty=duty, contact=contacts.get(duty.person, Contact()))
                for duty in on_call(planned, at)
            ),
            gaps=tuple(gaps(planned, at)),
            overlaps=tuple(overlaps(planned)),
            mine=tuple(d for d in planned if d.person == actor.name and d.acknowledged_at is None),
            contact=contacts.get(actor.name, Contact()),
        )

    def enter(
        self, actor: Person, name: str, role: str, *, starts_at: datetime, ends_at: datetime, covers: str = ""
    ) -> str:
        """The id of the entry. Where two overlap, or nobody is on call, `of` tells it: neither is refused."""
        require(actor.name, actor.roles, Action.ROTA)
        if role not in set(DutyRole):
            raise Invalid(f'"{role}" is no role on call.{did_you_mean(role, DutyRole)} Nothing was changed.')
        with self._database.write() as tx:
            _check_times(tx, starts_at, ends_at)
            person, covered = _enabled(tx, name), _enabled(tx, covers) if covers else None
            if covered and covered.id == person.id:
                raise Invalid("Nobody can stand in for himself. Nothing was changed.")
            uid = rota.insert(
                tx,
                person_id=person.id,
                role=role,
                starts_at=starts_at,
                ends_at=ends_at,
                covers_id=covered.id if covered else None,
                by=actor.id,
            )
            payload: dict[str, Json] = {"role": role, "starts": _iso(starts_at), "ends": _iso(ends_at)}
            payload |= {"covers": covers} if covers else {}
            audit_log.append(tx, actor=actor.name, act="duty_entered", subject=person.name, payload=payload)
        return uid

    def remove(self, actor: Person, uid: str) -> None:
        require(actor.name, actor.roles, Action.ROTA)
        with self._database.write() as tx:
            found = rota.find(tx, uid)
            if found is None or not rota.remove(tx, uid):
                raise NotFound(GONE)
            payload: dict[str, Json] = {"role": found.role}
            payload |= {"starts": _iso(found.starts_at), "ends": _iso(found.ends_at)}
            audit_log.append(tx, actor=actor.name, act="duty_removed", subject=found.person, payload=payload)

    def acknowledge(self, actor: Person, uid: str) -> None:
        """By the one who is on call, and nobody else. Once is enough."""
        require(actor.name, actor.roles, Action.ANSWER)
        with self._database.write() as tx:
            found = rota.find(tx, uid)
            if found is None:
                raise NotFound(GONE)
            if found.person != actor.name:
                raise NotAllowed(f"Only {found.person} can say so. Nothing was changed.")
            if not rota.acknowledge(tx, uid):
                return
            payload: dict[str, Json] = {"role": found.role, "starts": _iso(found.starts_at)}
            audit_log.append(
                tx, actor=actor.name, act="duty_acknowledged", subject=actor.name, payload=payload
            )

    def set_contact(self, actor: Person, *, phone: str, mail: str) -> None:
        """One's own, for the others of the staff. Both empty: there is none any more."""
        require(actor.name, actor.roles, Action.READ)
        require(actor.name, actor.roles, Action.ANSWER)
        contact = Contact(" ".join(phone.split()), mail.strip())
        _check_contact(contact)
        with self._database.write() as tx:
            rota.set_contact(tx, actor.id, contact)
            payload: dict[str, Json] = {"phone": bool(contact.phone), "mail": bool(contact.mail)}
            audit_log.append(tx, actor=actor.name, act="contact_changed", subject=actor.name, payload=payload)


def _check_times(tx: Tx, starts_at: datetime, ends_at: datetime) -> None:
    if ends_at <= starts_at:
        raise Invalid("It must end after it begins. Nothing was changed.")
    if ends_at <= tx.now():
        raise Invalid("That is over already. Nothing was changed.")
    if ends_at - starts_at > LONGEST:
        raise Invalid(f"Nobody is on call for more than {LONGEST.days} days at once. Nothing was changed.")


def _check_contact(contact: Contact) -> None:
    digits = sum(c.isdigit() for c in contact.phone)
    if contact.phone and (len(contact.phone) > MOST_PHONE or digits < 3 or set(contact.phone) - PHONE_MARKS):
        raise Invalid("Write the number with digits, like 01632 960123. Nothing was changed.")
    name, at, host = contact.mail.partition("@")
    wrong = not (name and at and host) or len(contact.mail) > MOST_MAIL or len(contact.mail.split()) != 1
    if contact.mail and wrong:
        raise Invalid("Write the address like name@example.org. Nothing was changed.")


def _enabled(tx: Tx, name: str) -> Person:
    found = people.by_name(tx, name)
    if found is None:
        raise NotFound(f'There is no user "{name}" who could be on call. Nothing was changed.')
    return found


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="minutes")

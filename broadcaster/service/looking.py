"""Looking things up in the audit log: a page at a time, by number, or taken away as a table. Looking leaves a trace itself.

What is recorded of it: one event for each person, filter and hour. One for each click would bury the log under its own
reading, an hour of an auditor's work being hundreds of pages; one for each hour alone would not tell what he was after,
which is what the person concerned may ask. The event is written before anything is shown: no event, no look.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta

from broadcaster.db import audit_log, audit_pages, erasures, people
from broadcaster.db.audit_pages import Leg, Page, Place, Search
from broadcaster.db.engine import Database, Tx
from broadcaster.db.erasures import SentTo
from broadcaster.db.people import Person
from broadcaster.db.vault import Vault
from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_words import SENTENCES
from broadcaster.domain.canonical import Json, canonical
from broadcaster.domain.erasure import ending
from broadcaster.domain.errors import Invalid, NotFound
from broadcaster.domain.names import did_you_mean
from broadcaster.domain.policy import Action, require
from broadcaster.service.audience_file import e164
from broadcaster.service.audit_forms import FORMS

PAGE = 50
EXPORT_PAGE = 1_000
NOTED_EVERY = timedelta(hours=1)
TRACED = 200  # messages that one number's answer shows
A_NUMBER = r"(?:\d[\s().-]*){7}"
OUTCOMES, RECEIPTS = "outcomes_recorded", "receipts_applied"
#: Which events tell of a delivery in this state. Those with a text to look for are bounded, see LOOKED_AT.
STATES: dict[str, tuple[Leg, ...]] = {
    "accepted": (Leg(act=OUTCOMES, holds=('"accepted":',)),),
    "delivered": (Leg(act=RECEIPTS, holds=('->delivered":',)),),
    "undelivered": (Leg(act=RECEIPTS, holds=('->undelivered":',)),),
    "refused": (
        Leg(act=OUTCOMES, holds=('"refused":', '"not_configured":')),
        Leg(act="deliveries_failed"),
    ),
    "unknown": (
        Leg(act=OUTCOMES, holds=('"unknown":',)),
        *(
            Leg(act=act)
            for act in (
                "batch_taken_over",
                "deliveries_restored",
                "unknown_decided",
                "unknown_found_by_reading_back",
                "unknown_left_to_a_person",
                "unknown_sent_again",
            )
        ),
    ),
    "expired": (Leg(act="deliveries_expired"),),
    "cancelled": (Leg(act="deliveries_cancelled"),),
    "suppressed": (Leg(act="deliveries_suppressed"),),
    "quarantined": (Leg(act="deliveries_quarantined"),),
}
OF_ACCOUNTS = ("account_paused", "account_failing", "account_takes_again")


@dataclass(frozen=True, kw_only=True)
class Sought:
    """What an auditor looks for; empty is any. `about` is a message's reference, a user, an account, an audience. Never a
    number: filters stand in addresses and in the log."""

    since: datetime | None = None
    until: datetime | None = None
    person: str = ""
    act: str = ""
    about: str = ""
    incident: str = ""
    channel: str = ""
    state: str = ""

    def to_json(self) -> dict[str, Json]:
        """Only what was asked for."""
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: value.astimezone(UTC).isoformat(timespec="seconds")
            if isinstance(value, datetime)
            else value
            for name, value in given.items()
            if value
        }


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A number, by its last digits, and the messages whose audience held it, the newest first. `more`: there are older ones."""

    ending: str
    versions: int
    sent: tuple[SentTo, ...]
    more: bool


class Looking:
    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    def page(self, actor: Person, sought: Sought, *, after: Place | None = None, size: int = PAGE) -> Page:
        """The newest first. Invalid or NotFound where what is sought cannot be."""
        require(actor.name, actor.roles, Action.AUDIT)
        self.note(actor, sought)
        with self._database.read() as tx:
            return audit_pages.page(tx, _search(tx, sought), after=after, size=size)

    def note(self, actor: Person, sought: Sought) -> None:
        """That this person looks for this, where that was not written down within the hour."""
        payload: dict[str, Json] = {"filter": sought.to_json()}
        with self._database.read() as tx:
            _search(tx, sought)  # what cannot be looked for is not written down as a look
            if _noted(tx, actor, payload):
                return
        with self._database.write() as tx:
            audit_log.append(tx, actor=actor.name, act="audit_log_read", payload=payload)

    def names(self, actor: Person) -> list[str]:
        """In whose name something may have been done."""
        require(actor.name, actor.roles, Action.AUDIT)
        with self._database.read() as tx:
            return [*people.names(tx), "system"]

    def channels(self) -> list[str]:
        with self._database.read() as tx:
            return audit_pages.channels(tx)

    # --- a number -----------------------------------------------------------------------------------------

    def trace(self, actor: Person, number: str, *, region: str = "GB") -> Traced:
        """What was sent to a number. For those who may look a person up at all, and recorded like that; the number is
        not. Invalid where it is none."""
        require(actor.name, actor.roles, Action.AUDIT)
        require(actor.name, actor.roles, Action.ERASE)
        known = _number(number, region)
        with self._database.write() as tx:
            held = erasures.holdings(tx, self._vault.index(known))
            sent = erasures.sent_to(tx, [each.id for each in held], limit=TRACED + 1)
            payload: dict[str, Json] = {"versions": len(held), "deliveries": len(sent[:TRACED])}
            audit_log.append(tx, actor=actor.name, act="person_looked_up", payload=payload)
        return Traced(
            ending=ending(known), versions=len(held), sent=tuple(sent[:TRACED]), more=len(sent) > TRACED
        )

    # --- taking it away -----------------------------------------------------------------------------------

    def export(self, actor: Person, sought: Sought, *, form: str) -> Iterator[str]:
        """What is sought as lines of `form`, csv or jsonl, the newest first, ending with a line that says so: one that
        broke off does not look whole. Never all of it in memory. That it was taken is an event, written before the first
        line; what is written after that is not in it."""
        require(actor.name, actor.roles, Action.AUDIT)
        if form not in FORMS:
            raise Invalid(
                f'Events cannot be taken away as "{form}": choose csv or jsonl. Nothing was exported.'
            )
        with self._database.read() as tx:
            _search(tx, sought)
        with self._database.write() as tx:
            payload: dict[str, Json] = {"filter": sought.to_json(), "form": form}
            audit_log.append(tx, actor=actor.name, act="audit_events_exported", payload=payload)
        return FORMS[form](self._all(sought))

    def _all(self, sought: Sought) -> Iterator[AuditEvent]:
        after: Place | None = None
        while True:
            with self._database.read() as tx:
                found = audit_pages.page(tx, _search(tx, sought), after=after, size=EXPORT_PAGE)
            yield from found.events
            after = found.after
            if after is None:
                return


def _search(tx: Tx, sought: Sought) -> Search:
    if any(re.search(A_NUMBER, text) for text in (sought.about, sought.person, sought.incident)):
        raise Invalid(
            "A telephone number is never looked for here: what is looked for is written down. See below for one."
        )
    if sought.act and sought.act not in SENTENCES:
        raise Invalid(f'There is no act "{sought.act}".{did_you_mean(sought.act, list(SENTENCES))}')
    if sought.state and sought.state not in STATES:
        raise Invalid(f'There is no state "{sought.state}".{did_you_mean(sought.state, list(STATES))}')
    if sought.since and sought.until and sought.since >= sought.until:
        raise Invalid("The time from which on you look is not before the time until which you look.")
    legs = STATES[sought.state] if sought.state else (Leg(),)
    subjects = _subjects(tx, sought)
    if sought.channel:
        legs, subjects = _of_channel(tx, sought.channel, legs, subjects)
    if sought.act:
        legs = tuple(Leg(act=sought.act, holds=leg.holds) for leg in legs if leg.act in {"", sought.act})
    return Search(since=sought.since, until=sought.until, actor=sought.person, legs=legs, subjects=subjects)


def _subjects(tx: Tx, sought: Sought) -> tuple[str, ...] | None:
    found: tuple[str, ...] | None = None
    if sought.incident:
        found = tuple(audit_pages.refs_of_incident(tx, sought.incident.upper()))
        if not found:
            raise NotFound(f'There is no incident "{sought.incident}". Its reference has six characters.')
    if sought.about:
        about = (sought.about, sought.about.upper())
        named = tuple(dict.fromkeys(about))
        found = named if found is None else tuple(each for each in found if each in named)
    return found


def _of_channel(
    tx: Tx, channel: str, legs: tuple[Leg, ...], subjects: tuple[str, ...] | None
) -> tuple[tuple[Leg, ...], tuple[str, ...] | None]:
    """Events name accounts and no channels: those about its accounts, and of a message or an incident those that name
    one of them. What became of a post is on its message's timeline."""
    accounts = audit_pages.accounts_of(tx, channel)
    if not accounts:
        raise NotFound(f'There is no account of a channel "{channel}".')
    if subjects is None:
        return legs, tuple(name for _, name in accounts)
    texts = tuple(f'"account":{each},' for each, _ in accounts) + tuple(
        f'"account":"{n}"' for _, n in accounts
    )
    return tuple(Leg(act=leg.act, holds=texts) for leg in legs), subjects


def latest_of(tx: Tx, act: str) -> AuditEvent | None:
    """The newest event of this act."""
    found = audit_pages.page(tx, Search(legs=(Leg(act=act),)), after=None, size=1).events
    return found[0] if found else None


def _noted(tx: Tx, actor: Person, payload: Json) -> bool:
    of_mine = Search(since=tx.now() - NOTED_EVERY, actor=actor.name, legs=(Leg(act="audit_log_read"),))
    text = canonical(payload).decode()
    return any(e.payload == text for e in audit_pages.page(tx, of_mine, after=None, size=EXPORT_PAGE).events)


def _number(number: str, region: str) -> str:
    try:
        return e164(number, region)
    except ValueError as error:
        raise Invalid(
            f"This cannot be looked up: {error}. Give it with its country code, such as +447700900123."
        ) from error

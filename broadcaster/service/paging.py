"""The approval clock: who is paged about what waits, who is next, and who has said "I am on it".

Who is paged is decided beside the sweeper. Pages are sent beside the live pump, which holds the account for texts, in threads of
their own, a few for each way: a mail server that answers slowly keeps no text, no other page and no broadcast waiting. Any
number of both may run: who is paged is decided under a lock, and each page is begun by one.
"""

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

import structlog

from broadcaster.db import audit_log, paging, people, proposals, rota
from broadcaster.db.engine import Database, Tx
from broadcaster.db.paging import Begun, Unpaged
from broadcaster.db.people import Person
from broadcaster.domain.canonical import Json
from broadcaster.domain.errors import NotFound, Stale
from broadcaster.domain.identity import SWITCHES, Switch
from broadcaster.domain.message import MessageState, Mode
from broadcaster.domain.paging import (
    IF_NOBODY_ANSWERS,
    NO_WAY,
    Page,
    PageState,
    Request,
    RequestKind,
    surely_missed,
    worded,
)
from broadcaster.domain.policy import MAY, Action, require
from broadcaster.domain.rota import DutyRole
from broadcaster.service.paging_ways import ByRoom, Came, PagingWay
from broadcaster.service.paging_who import Staff, action_of
from broadcaster.service.record import SYSTEM

log = structlog.get_logger()

AT_ONCE = 4  # pages by one way that are under way in this process
LOST_AFTER = timedelta(seconds=90)
TELL_AGAIN = timedelta(minutes=30)
REVIEW_AGAIN = timedelta(hours=6)
SHOWN = 50
TRIED_WITHIN_S = 25.0
MESSAGE_STATES = {
    MessageState.RELEASED: "released",
    MessageState.DRAFT: "given back or changed",
    MessageState.REJECTED: "rejected",
    MessageState.EXPIRED: "nobody decided in time",
}


@dataclass(frozen=True, kw_only=True)
class Told:
    """A request with its pages, as of `now`."""

    request: Request
    pages: tuple[Page, ...]
    now: datetime

    @property
    def waited_s(self) -> int:
        return self.request.waited_s(self.request.closed_at or self.now)

    @property
    def people(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(p.person for p in self.pages if p.person))


class Paging:
    """`escalates` is how long each who is paged has to answer. `by_the_clock` sends what was authorised beforehand, by the
    reference of its message, where the policy says so and nobody answered."""

    def __init__(
        self,
        database: Database,
        ways: Sequence[PagingWay],
        *,
        organisation: str,
        console_url: str,
        escalates: timedelta,
        by_the_clock: Callable[[str], object] = lambda _ref: None,
    ) -> None:
        self._database = database
        self._ways = {way.name: way for way in ways}
        self._organisation = organisation
        self._console_url = console_url
        self._escalates = escalates
        self._by_the_clock = by_the_clock
        self._pools: dict[str, ThreadPoolExecutor] = {}
        self._under_way: dict[str, set[Future[None]]] = {name: set() for name in self._ways}
        self._lock = Lock()

    # --- every second -------------------------------------------------------------------------------------

    def look(self) -> None:
        """Decide who is paged now. Nothing is written while nothing is due."""
        with self._database.read() as tx:
            new, over, due = paging.unpaged(tx), paging.over(tx), self._due(tx)
            lost = paging.begun_before(tx, tx.now() - LOST_AFTER)
        if new or over or due or lost:
            for ref in self._change(lost):
                self._by_the_clock(ref)

    def prepare(self) -> None:
        """What takes a second before the first page can go by a way."""
        for way in self._ways.values():
            if isinstance(way, ByRoom):
                way.prepare()

    def settle(self) -> None:
        """Wait for what this process is sending."""
        wait([each for group in self._under_way.values() for each in group])

    def _change(self, lost: Sequence[int]) -> list[str]:
        """Of two that look, the second finds nothing left to do. References of messages that go out by the clock."""
        with self._database.write() as tx:
            tx.alone("paging")
            for page_id in lost:
                paging.finish(tx, page_id, PageState.UNKNOWN, "sender_died")
            for request_id, state in paging.over(tx):
                self._close(tx, request_id, MESSAGE_STATES.get(MessageState(state), state))
            for each in paging.unpaged(tx):
                _open_for(tx, each)
            return [request.subject for request in self._due(tx) if self._page_next(tx, request)]

    def _due(self, tx: Tx) -> list[Request]:
        """Whose time has come, or whose pages surely reached nobody while somebody else is left. With many open, as in a
        storm, it costs hardly more than with one: it is asked every second."""
        going = [r for r in paging.open_requests(tx) if r.next_at is not None]
        if not going:
            return []
        pages, staff = paging.pages(tx, [r.id for r in going]), Staff(tx)

        def is_due(request: Request) -> bool:
            if request.next_at and request.next_at <= tx.now():
                return True
            of_now = [p for p in pages[request.id] if p.stage == request.stage]
            missed = request.acknowledged_at is None and surely_missed(of_now)
            return missed and request.stage < len(staff.turns(request))

        return [r for r in going if is_due(r)]

    def _close(self, tx: Tx, request_id: int, why: str) -> None:
        found = next((r for r in paging.open_requests(tx) if r.id == request_id), None)
        if found and paging.close(tx, request_id, why):
            payload: dict[str, Json] = {"kind": found.kind, "why": why, "waited_s": found.waited_s(tx.now())}
            _note(tx, "paging_ended", found.subject, payload)

    def _page_next(self, tx: Tx, request: Request) -> bool:
        """The next stage; after the last one what was chosen at set-up. True where nobody answered and it is left to the
        clock."""
        all_turns = Staff(tx).turns(request)
        ended = request.stage >= len(all_turns)
        policy = _switch(tx, Switch.NOBODY_ANSWERS)
        if ended and request.kind is RequestKind.APPROVAL and policy != "again":
            paging.set_stage(tx, request.id, request.stage, None)
            left_to_it = policy == "pre-authorised" and request.acknowledged_at is None
            _note(
                tx,
                "nobody_answered",
                request.subject,
                {"policy": policy, "waited_s": request.waited_s(tx.now())},
            )
            return left_to_it
        names = all_turns[-1] if ended and all_turns else all_turns[request.stage] if all_turns else ()
        stage = request.stage + 1
        self._page(tx, request, names, stage)
        once = request.kind is RequestKind.BREAK_GLASS
        paging.set_stage(tx, request.id, stage, None if once else tx.now() + self._until_next(request, ended))
        if once:
            paging.close(tx, request.id, "everybody was told")
        return False

    def _until_next(self, request: Request, ended: bool) -> timedelta:  # noqa: FBT001 - said by name where it is asked
        if request.kind is RequestKind.REVIEW:
            return REVIEW_AGAIN
        return TELL_AGAIN if ended and request.kind is RequestKind.TOLD else self._escalates

    def _page(self, tx: Tx, request: Request, names: Sequence[str], stage: int) -> None:
        contacts, counts, unreached = rota.contacts(tx), dict[str, Json](), list[Json]()
        for name in names:
            person = people.by_name(tx, name)
            if person is None:
                continue
            reached = [
                way.name
                for way in self._ways.values()
                if way.for_people and name in contacts and way.reaches(contacts[name])
            ]
            for each in reached:
                paging.insert_page(tx, request.id, person_id=person.id, way=each, stage=stage)
                counts[each] = _number(counts.get(each)) + 1
            if not reached:
                paging.insert_page(tx, request.id, person_id=person.id, way="", stage=stage, code=NO_WAY)
                unreached.append(name)
        for way_name, way in self._ways.items():
            if not way.for_people:
                paging.insert_page(tx, request.id, person_id=None, way=way_name, stage=stage)
                counts[way_name] = 1
        payload: dict[str, Json] = {"kind": request.kind, "people": list(names), "ways": counts}
        payload |= {"stage": stage, "waited_s": request.waited_s(tx.now())}
        _note(tx, "people_paged", request.subject, {**payload, "no_way": unreached})

    # --- sending ------------------------------------------------------------------------------------------

    def send(self) -> None:
        """Begin to send what waits."""
        with self._lock:
            with self._database.read() as tx:
                waiting = [name for name in paging.any_waiting(tx) if name in self._ways]
            for name in waiting:
                group = self._under_way[name]
                group -= {each for each in group if each.done()}
                if room := AT_ONCE - len(group):
                    with self._database.write() as tx:
                        begun = paging.begin(tx, name, most=room)
                    group |= {self._pool(name).submit(self._send, each) for each in begun}

    def _pool(self, name: str) -> ThreadPoolExecutor:
        if name not in self._pools:
            self._pools[name] = ThreadPoolExecutor(AT_ONCE, thread_name_prefix=f"page-{name}")
        return self._pools[name]

    def _send(self, begun: Begun) -> None:
        """With no transaction open; then what came of it. The seconds in it are those of this moment."""
        with self._database.read() as tx:
            request = next(r for r in paging.newest(tx, limit=1_000) if r.id == begun.request_id)
            contact = rota.contacts(tx).get(begun.person, rota.Contact())
            waited_s = request.waited_s(tx.now())
        link = f"{self._console_url}{request.link}"
        text = worded(request.words, waited_s=waited_s, stage=begun.stage - 1, link=link)
        subject = f"{self._organisation}: {request.subject}"
        came = self._ways[begun.way].page(contact, subject=subject, text=f"{self._organisation}: {text}")
        with self._database.write() as tx:
            if paging.finish(tx, begun.page_id, came.state, came.code):
                payload: dict[str, Json] = {"person": begun.person, "way": begun.way, "state": came.state}
                _note(tx, "page_outcome", request.subject, {**payload, "code": came.code})
        log.info("paged", way=begun.way, state=str(came.state), code=came.code)

    # --- people -------------------------------------------------------------------------------------------

    def acknowledge(self, actor: Person, subject: str, *, way: str = "console") -> Told:
        """Says: "I am on it." It holds the clock for as long as somebody has to answer; who then decides nothing is not waited for
        any longer. NotFound where nobody is asked for."""
        with self._database.write() as tx:
            tx.alone("paging")
            found = _open_about(tx, subject)
            require(actor.name, actor.roles, action_of(found))
            if found.acknowledged_by == actor.name and found.acknowledged_at:
                raise Stale("You have said so already. Nothing was changed.")
            told = found.kind is RequestKind.TOLD
            held = tx.now() + (REVIEW_AGAIN if found.kind is RequestKind.REVIEW else self._escalates)
            paging.acknowledge(tx, found.id, by=actor.id, way=way, next_at=None if told else held)
            if told:
                paging.close(tx, found.id, "acknowledged")
            payload: dict[str, Json] = {"kind": found.kind, "way": way, "waited_s": found.waited_s(tx.now())}
            audit_log.append(
                tx, actor=actor.name, act="page_acknowledged", subject=found.subject, payload=payload
            )
            made = paging.find(tx, found.uid)
            assert made
            return _told(tx, [made])[0]

    def try_out(self, actor: Person, *, within_s: float = TRIED_WITHIN_S) -> list[tuple[str, Came]]:
        """A page to oneself by every way that reaches one, and to the rooms: what came of each in so many seconds. What
        still waits then, nobody is there to send."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.write() as tx:
            contact = rota.contacts(tx).get(actor.name, rota.Contact())
            ways = [way for way in self._ways.values() if way.reaches(contact)]
            request_id = self._test(tx, actor, ways) if ways else 0
            payload: dict[str, Json] = {"ways": [way.name for way in ways]}
            audit_log.append(tx, actor=actor.name, act="paging_tried", payload=payload)
        ends = time.monotonic() + within_s
        while True:
            with self._database.read() as tx:
                pages = paging.pages(tx, [request_id])[request_id]
            if all(each.done_at for each in pages) or time.monotonic() >= ends:
                return [(each.way, Came(state=each.state, code=each.code)) for each in pages]
            time.sleep(0.1)

    def _test(self, tx: Tx, actor: Person, ways: Sequence[PagingWay]) -> int:
        words = f"this is a test of paging by {actor.name}. Nothing has happened."
        uid = paging.insert_request(
            tx, kind=RequestKind.TEST, subject="test", role=DutyRole.TECHNICAL, words=words, link=""
        )
        made = paging.find(tx, uid)
        assert made
        paging.close(tx, made.id, "a test")
        for way in ways:
            person_id = actor.id if way.for_people else None
            paging.insert_page(tx, made.id, person_id=person_id, way=way.name, stage=1)
        return made.id

    def about(self, subject: str) -> list[Told]:
        """Who was paged to decide about a message or to review it, the newest first. Of alarms: `asked_of`."""
        with self._database.read() as tx:
            found = paging.of_subject(tx, subject.strip().upper())
            return _told(tx, [r for r in found if r.kind is not RequestKind.TOLD])

    def listed(self, actor: Person, *, past: bool = False) -> list[Told]:
        """What is open, with `past` the newest of all."""
        require(actor.name, actor.roles, Action.READ)
        with self._database.read() as tx:
            return _told(tx, paging.newest(tx, limit=SHOWN) if past else paging.open_requests(tx))

    def asked_of(self, actor: Person) -> list[Told]:
        """What staff are being paged about, beside approvals and reviews, and this person could see to."""
        with self._database.read() as tx:
            told = [r for r in paging.open_requests(tx) if r.kind is RequestKind.TOLD]
            return _told(tx, [r for r in told if MAY[action_of(r)] & actor.roles])

    def if_nobody_answers(self) -> str:
        """The end of the sentence, as it was chosen at set-up."""
        with self._database.read() as tx:
            return IF_NOBODY_ANSWERS[_switch(tx, Switch.NOBODY_ANSWERS)]

    @property
    def ways(self) -> tuple[str, ...]:
        return tuple(self._ways)


def _open_for(tx: Tx, each: Unpaged) -> None:
    facts = json.loads(each.facts)
    exercise = "EXERCISE: " if each.mode == Mode.EXERCISE else ""
    words = f"{exercise}{each.ref} waits for your decision. {facts['severity']}. From {each.submitted_by}."
    paging.insert_request(
        tx,
        kind=RequestKind.APPROVAL,
        subject=each.ref,
        role=DutyRole.APPROVER,
        words=words,
        link=f"/messages/{each.ref}/approve",
        submission_id=each.submission_id,
        opened_at=each.submitted_at,
    )


def _open_about(tx: Tx, subject: str) -> Request:
    wanted = subject.strip().upper()
    found = [r for r in paging.open_requests(tx) if r.subject.upper() == wanted or r.uid == subject.strip()]
    if not found:
        raise NotFound(
            f"Nobody is asked for about {subject}: it was decided meanwhile, or never waited. Nothing was changed.",
            command="What waits: broadcaster page list",
        )
    return found[-1]


def _told(tx: Tx, found: Sequence[Request]) -> list[Told]:
    pages = paging.pages(tx, [r.id for r in found])
    return [Told(request=r, pages=tuple(pages[r.id]), now=tx.now()) for r in found]


def _switch(tx: Tx, switch: Switch) -> str:
    return proposals.switches(tx).get(switch, SWITCHES[switch][0])


def _number(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _note(tx: Tx, act: str, subject: str, payload: dict[str, Json]) -> None:
    audit_log.append(tx, actor=SYSTEM, act=act, subject=subject, payload=payload)

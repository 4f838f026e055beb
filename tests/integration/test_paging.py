"""The approval clock: who is paged, who is next, and what is done when nobody answers."""

import threading
from contextlib import contextmanager
from datetime import timedelta

import pytest
import uvicorn
from starlette.applications import Starlette

from broadcaster.db import proposals, rota
from broadcaster.db.rota import Contact
from broadcaster.db.tables import audit_event, page, page_request
from broadcaster.domain.errors import NotAllowed, NotFound, Stale
from broadcaster.domain.identity import Switch
from broadcaster.domain.message import Mode
from broadcaster.domain.paging import PageState, RequestKind
from broadcaster.domain.rota import DutyRole
from broadcaster.service.mail_server import MailServer
from broadcaster.service.pager import no_longer, tell
from broadcaster.service.paging import Paging
from broadcaster.service.paging_ways import ByMail, ByRoom, ByText, Came
from channels.sandbox.paging import PagingRooms
from tests.installation import free_port, wait_for
from tests.integration.mail_room import a_mail_server

DATABASES = ("sqlite",)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
URL = "https://alerts.wyre.example"


class FakeWay:
    """Takes every page at once, or answers as `came` says; `block` holds it."""

    def __init__(self, name="mail", *, for_people=True):
        self.name, self.for_people, self.pages = name, for_people, []
        self.came, self.free = {}, threading.Event()
        self.free.set()

    def reaches(self, contact):
        return bool(contact.mail)

    def page(self, contact, *, subject, text):
        self.free.wait(10)
        self.pages.append((contact.mail, subject, text))
        return self.came.get(contact.mail, Came(state=PageState.SENT))

    @property
    def to(self):
        return [mail.partition("@")[0] for mail, _, _ in self.pages]


class Clock:
    """An installation in which anna is on call first, then bob, and cleo approves too."""

    def __init__(self, world, *ways, minutes=5, **more):
        self.world, self.way = world, ways[0] if ways else FakeWay()
        self.silent = []
        self.paging = Paging(
            world.database,
            ways or (self.way,),
            organisation="Wyre Council",
            console_url=URL,
            escalates=timedelta(minutes=minutes),
            by_the_clock=self.silent.append,
        )
        for no, name in enumerate(("anna", "bob", "cleo")):
            who = world.person(name, "approver")
            with world.database.write() as tx:
                rota.set_contact(tx, who.id, Contact("07700 900001", f"{name}@wyre.example"))
                if name != "cleo":
                    start = tx.now() - timedelta(hours=2 - no)
                    times = {"starts_at": start, "ends_at": tx.now() + timedelta(hours=8)}
                    rota.insert(
                        tx, person_id=who.id, role=DutyRole.APPROVER, covers_id=None, by=who.id, **times
                    )

    def look(self, *, after_s=0):
        self.world.clock.advance(after_s)
        for _ in range(2):  # what came of it may be a reason to go on at once
            self.begin()
            self.paging.settle()

    def begin(self):
        self.paging.look()
        self.paging.send()

    def acts(self):
        named = ("people_paged", "page_outcome", "page_acknowledged", "paging_ended", "nobody_answered")
        return [row.act for row in self.world.rows(audit_event) if row.act in named]

    def choose(self, value):
        with self.world.database.write() as tx:
            proposals.set_switch(tx, Switch.NOBODY_ANSWERS, value)


@pytest.fixture
def clock(world):
    return Clock(world)


def test_the_first_on_call_is_paged_at_once_then_the_next_then_everybody_and_the_seconds_are_told(
    world, clock
):
    ref = world.submit().ref
    clock.look()
    assert clock.way.to == ["anna"]
    _, subject, text = clock.way.pages[0]
    assert subject == f"Wyre Council: {ref}"
    assert text.startswith(f"Wyre Council: {ref} waits for your decision. Severe. From olive.")
    assert text.endswith(f"{URL}/messages/{ref}/approve")
    clock.look(after_s=290)
    assert clock.way.to == ["anna"]
    clock.look(after_s=15)
    assert clock.way.to == ["anna", "bob"]
    assert "It has waited 305 seconds." in clock.way.pages[-1][2]
    clock.look(after_s=301)
    assert clock.way.to[:2] == ["anna", "bob"]
    assert sorted(clock.way.to[2:]) == ["anna", "bob", "cleo"]
    clock.look(after_s=301)
    clock.look(after_s=301)
    assert len(clock.way.to) == 5
    assert clock.silent == []
    assert clock.acts().count("nobody_answered") == 1


def test_no_page_says_what_the_message_says(world, clock):
    world.submit(headline="Missing: Jane Roe of Elm Street", area="Elm Street")
    clock.look()
    said = [text for _, subject, words in clock.way.pages for text in (subject, words)]
    said += [row.payload for row in world.rows(audit_event) if "page" in row.act]
    assert said
    assert not any(secret in each for each in said for secret in ("Jane", "Elm", "07700", "@wyre"))


@ON_SQLITE
def test_who_says_i_am_on_it_holds_the_clock_and_who_then_stays_silent_does_not_hold_it_for_long(
    world, clock
):
    ref = world.submit().ref
    clock.look()
    clock.look(after_s=200)
    anna = world.person("anna")
    told = clock.paging.acknowledge(anna, ref.lower())
    assert (told.request.acknowledged_by, told.request.answered_in_s) == ("anna", 200)
    with pytest.raises(Stale):
        clock.paging.acknowledge(anna, ref)
    clock.look(after_s=150)
    assert clock.way.to == ["anna"]
    clock.look(after_s=160)
    assert clock.way.to == ["anna", "bob"]
    events = [row for row in world.rows(audit_event) if row.act == "page_acknowledged"]
    assert [(row.actor, row.subject) for row in events] == [("anna", ref)]


@ON_SQLITE
def test_a_decision_ends_it_and_nobody_is_paged_about_what_is_over(world, clock):
    submitted = world.submit()
    clock.way.free.clear()
    clock.begin()
    world.approve(submitted)
    clock.way.free.set()
    clock.look(after_s=400)
    assert clock.way.to == ["anna"]
    assert world.row(page_request, subject=submitted.ref).closed_why == "released"
    assert clock.acts()[-1] == "paging_ended"
    with pytest.raises(NotFound):
        clock.paging.acknowledge(world.person("anna"), submitted.ref)


@ON_SQLITE
def test_whoever_cannot_be_reached_costs_nobody_the_wait(world, clock):
    with world.database.write() as tx:
        rota.set_contact(tx, world.person("anna").id, Contact())
    clock.way.came = {"bob@wyre.example": Came(state=PageState.NOT_SENT, code="refused")}
    world.submit()
    clock.look()
    clock.look()
    clock.look()
    states = [(row.code, row.state) for row in world.rows(page)]
    assert states[:2] == [("no_way", "not_sent"), ("refused", "not_sent")]
    assert sorted(clock.way.to) == ["bob", "bob", "cleo"]


@ON_SQLITE
def test_an_unknown_outcome_is_waited_for_as_long_as_a_page_that_went(world, clock):
    clock.way.came = {"anna@wyre.example": Came(state=PageState.UNKNOWN, code="timeout")}
    world.submit()
    clock.look()
    clock.look(after_s=200)
    assert clock.way.to == ["anna"]


@ON_SQLITE
def test_whoever_wrote_it_is_not_paged_and_an_exercise_says_so(world, clock):
    anna = world.person("anna")
    world.people["anna"] = anna
    ref = world.draft(channels=("website",), mode=Mode.EXERCISE)
    with world.database.write() as tx:
        tx.execute(page.delete())
    world.parts.compose.submit(world.officer, ref)
    clock.look()
    assert "EXERCISE: " in clock.way.pages[0][2]


@pytest.mark.parametrize(
    ("chosen", "pages", "silent"), [("nothing", 5, 0), ("again", 8, 0), ("pre-authorised", 5, 1)]
)
@ON_SQLITE
def test_when_nobody_answers_it_ends_as_was_chosen(world, clock, chosen, pages, silent):
    clock.choose(chosen)
    world.submit()
    for _ in range(4):
        clock.look(after_s=301)
    assert (len(clock.way.pages), len(clock.silent)) == (pages, silent)


@ON_SQLITE
def test_whoever_answered_is_no_silence(world, clock):
    clock.choose("pre-authorised")
    ref = world.submit().ref
    clock.look()
    clock.paging.acknowledge(world.person("anna"), ref)
    for _ in range(5):
        clock.look(after_s=301)
    assert clock.silent == []


def test_two_that_look_at_the_same_moment_page_once(world, clock):
    beside = Clock(world, clock.way)
    world.submit()
    both = [threading.Thread(target=each.begin) for each in (clock, beside)]
    for each in both:
        each.start()
    for each in both:
        each.join()
    clock.paging.settle()
    beside.paging.settle()
    assert clock.way.to == ["anna"]


@ON_SQLITE
def test_a_slow_way_holds_up_no_other(world):
    slow, quick = FakeWay("mail"), FakeWay("sms")
    clock = Clock(world, slow, quick)
    slow.free.clear()
    world.submit()
    clock.begin()
    wait_for(lambda: quick.pages)
    assert not slow.pages
    slow.free.set()
    clock.paging.settle()


@ON_SQLITE
def test_a_page_whose_sender_died_is_unknown_and_not_sent_again(world, clock):
    world.submit()
    clock.begin()
    clock.paging.settle()
    world.change(page, {"state": "begun", "done_at": None}, id=world.rows(page)[0].id)
    clock.look(after_s=100)
    assert (world.rows(page)[0].state, len(clock.way.pages)) == ("unknown", 1)


@ON_SQLITE
def test_other_parts_ask_for_a_person_once_and_that_person_ends_it(world, clock):
    world.person("tess", "administrator")
    for _ in range(2):
        with world.database.write() as tx:
            tell(tx, DutyRole.TECHNICAL, "Nobody seals the log.", subject="seal", link="/audit/seal")
    clock.look()
    assert [row.role for row in world.rows(page_request)] == ["technical"]
    with pytest.raises(NotAllowed):
        clock.paging.acknowledge(world.officer, "seal")
    clock.paging.acknowledge(world.person("tess"), "seal", way="command line")
    assert world.row(page_request, subject="seal").state == "closed"
    with world.database.write() as tx:
        tell(tx, DutyRole.TECHNICAL, "And again.", subject="seal")
        no_longer(tx, "seal", "mended")
    assert [row.state for row in world.rows(page_request)] == ["closed", "closed"]


@ON_SQLITE
def test_who_was_told_of_break_glass_is_told_once_and_auditors_with_them(world, clock):
    world.person("rita", "auditor")
    with world.database.write() as tx:
        tell(tx, DutyRole.APPROVER, "It went out.", subject="glass", kind=RequestKind.BREAK_GLASS)
    clock.look()
    clock.look(after_s=7200)
    assert sorted(clock.way.to) == ["anna", "bob", "cleo"]
    assert [row.code for row in world.rows(page)][-1] == "no_way"


# --- ways -------------------------------------------------------------------------------------------------


@contextmanager
def rooms():
    port = free_port()
    app = Starlette(routes=PagingRooms().routes())
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_config=None, lifespan="off"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        wait_for(lambda: server.started)
        yield f"json://127.0.0.1:{port}/_sandbox/paging"
    finally:
        server.should_exit = True
        thread.join()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its plug-ins: imghdr
def test_a_room_is_told_through_apprise_and_its_address_stands_in_no_log(caplog):
    with rooms() as address:
        assert ByRoom(1, f"{address}/s3cret").page(Contact(), subject="s", text="t").state == "sent"
        refused = ByRoom(2, f"{address}/s3cret?-answer=503").page(Contact(), subject="s", text="t")
        slow = ByRoom(3, f"{address}/s3cret?-wait_s=3&rto=0.2").page(Contact(), subject="s", text="t")
    assert (refused.state, slow.state) == ("unknown", "unknown")
    assert ByRoom(4, "nonsense").page(Contact(), subject="s", text="t").state == "not_sent"
    assert "s3cret" not in caplog.text + repr(refused) + repr(slow)


def test_a_mail_that_no_server_took_was_surely_not_sent():
    with a_mail_server() as box:
        way = ByMail(MailServer(f"smtp://127.0.0.1:{box.port}", "log@wyre.example"))
        assert way.page(Contact("", "anna@wyre.example"), subject="s", text="t").state == "sent"
        box.answer = "452 full"
        assert way.page(Contact("", "anna@wyre.example"), subject="s", text="t").state == "not_sent"
    assert way.page(Contact("", "anna@wyre.example"), subject="s", text="t").state == "not_sent"
    assert not way.reaches(Contact("07700 900001", ""))


@ON_SQLITE
def test_a_text_to_staff_goes_through_our_own_account_and_is_no_broadcast(world):
    way = ByText("gateway", world.gateway)
    came = way.page(Contact("07700 900001", ""), subject="", text="Ref waits.")
    assert (came.state, world.gateway.addresses) == ("sent", ["+447700900001"])
    assert world.rows(page) == []
    assert not way.reaches(Contact("ext 12", ""))

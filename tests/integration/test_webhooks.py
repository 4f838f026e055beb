"""Webhooks against a real receiver on this machine: what it is told, how often, under which signature, and what never goes out."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from broadcaster.db import proposals
from broadcaster.db.tables import alarm, audit_event, webhook, webhook_message
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, Stale
from broadcaster.service.keys import Keys
from broadcaster.service.outgoing import NotReached, Outgoing
from broadcaster.service.webhooks import Webhooks
from tests.builders import ALWAYS
from tests.fakes import WorkerDied
from tests.integration.identities import person as a_person
from tests.integration.programs import program

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
REASON = "Mrs Smith, 07700 900123, called"


class Receiver:
    """`answers` are the statuses of its next answers; 200 when there are none left."""

    def __init__(self) -> None:
        self.answers: list[int] = []
        self.got: list[tuple[dict[str, str], bytes]] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                receiver.got.append(({k.lower(): v for k, v in self.headers.items()}, body))
                status = receiver.answers.pop(0) if receiver.answers else 200
                self.send_response(status)
                if 300 <= status < 400:
                    self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?key=7"

    @property
    def told(self):
        return [json.loads(body) for _, body in self.got]

    @property
    def ids(self):
        return [headers["webhook-id"] for headers, _ in self.got]


@contextmanager
def receiving() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    made.server.shutdown()
    thread.join()
    made.server.server_close()


@pytest.fixture
def receiver():
    with receiving() as made:
        yield made


class Dies(Outgoing):
    """The process is gone when the answer would come."""

    def post(self, url, body, headers):
        super().post(url, body, headers)
        raise WorkerDied


def told_by(world, outgoing=Outgoing):
    parts = world.parts
    return Webhooks(parts.database, parts._vault, outgoing(may_stay_here=lambda: True), parts.proposals)


@pytest.fixture
def hooks(world):
    return told_by(world)


@pytest.fixture
def added(world, hooks, receiver):
    return hooks.add(world.administrator, receiver.url)


def later(world, hooks, seconds=0):
    world.clock.advance(seconds)
    world.parts.seal.seal()
    return hooks.look()


def test_a_message_is_told_from_its_submission_to_its_end_and_no_text_of_it(world, hooks, receiver, added):
    made = world.submit()
    released = world.approve(made)
    world.work_public()
    world.parts.sweep.end_what_is_over()
    back = world.submit()
    world.parts.approve.send_back(world.approver, back.ref, REASON)
    later(world, hooks)
    assert [t["type"] for t in receiver.told] == [
        "message.submitted", "message.approved", "message.finished", "message.submitted", "message.returned",
    ]  # fmt: skip
    submitted, approved, finished = (t["data"] for t in receiver.told[:3])
    assert submitted["manifest_sha256"] == made.manifest_sha256
    assert (approved["broadcast"], approved["public_posts"], approved["mode"]) == (
        released.broadcast,
        3,
        "live",
    )
    assert (finished["reference"], finished["totals"]) == (made.ref, {"accepted": 3})
    events = [t["data"]["event"] for t in receiver.told]
    assert events == sorted(events)
    everything = b"".join(body for _, body in receiver.got)
    for private in (b"Amber", b"Fleetwood", b"Smith", b"900123", b"olive", b"anna"):
        assert private not in everything
    assert later(world, hooks) == 0


@ON_SQLITE
def test_the_receiver_verifies_who_told_it(world, hooks, receiver, added):
    world.submit()
    later(world, hooks)
    ((headers, body),) = receiver.got
    world_time = {**headers, "webhook-timestamp": headers["webhook-timestamp"]}
    assert Webhook(added.secret).verify(body, world_time)["type"] == "message.submitted"
    with pytest.raises(WebhookVerificationError):
        Webhook(added.secret).verify(body.replace(b"submitted", b"approved."), headers)
    other = hooks.add(world.administrator, receiver.url)
    with pytest.raises(WebhookVerificationError):
        Webhook(other.secret).verify(body, headers)


@ON_SQLITE
def test_the_secret_is_sealed_and_shown_once(world, hooks, added, receiver):
    assert added.secret.startswith("whsec_")
    assert added.secret not in repr(added) + repr(hooks.listed(world.administrator)) + str(world.snapshot())
    assert added.secret[6:].encode() not in world.row(webhook).secret_sealed
    assert receiver.url not in "".join(e.payload + e.subject for e in world.rows(audit_event))


def test_what_is_not_sealed_is_not_told_yet_and_what_was_before_never(world, hooks, receiver):
    world.submit()
    world.parts.seal.seal()
    hooks.add(world.administrator, receiver.url)
    world.submit()
    assert hooks.look() == 0
    assert later(world, hooks) == 1


@ON_SQLITE
def test_only_what_was_wished_for_is_told(world, hooks, receiver):
    hooks.add(world.administrator, receiver.url, types=["message.approved"])
    world.release()
    later(world, hooks)
    assert [t["type"] for t in receiver.told] == ["message.approved"]
    with pytest.raises(Invalid) as caught:
        hooks.add(world.administrator, receiver.url, types=["message.aproved"])
    assert 'Did you mean "message.approved"' in caught.value.details[0]


def test_what_did_not_arrive_comes_again_under_its_id_ever_more_rarely(world, hooks, receiver, added):
    receiver.answers = [500, 302, 404]
    world.submit()
    assert later(world, hooks) == 1
    assert [hooks.look(), later(world, hooks, 5), later(world, hooks, 299), later(world, hooks, 2)] == [
        0,
        1,
        0,
        1,
    ]
    assert later(world, hooks, 1801) == 1
    assert (len(receiver.got), len(set(receiver.ids))) == (4, 1)
    assert world.row(webhook_message).said == "200"
    assert (world.row(webhook).failing_since, later(world, hooks, 100_000)) == (None, 0)


def test_one_that_died_between_sending_and_writing_it_down_sends_it_again(world, hooks, receiver, added):
    world.submit()
    world.parts.seal.seal()
    with pytest.raises(WorkerDied):
        told_by(world, Dies).look()
    assert hooks.look() == 0  # it may be at work still
    assert later(world, hooks, 6 * 60 + 1) == 1
    assert receiver.ids == [receiver.ids[0]] * 2
    assert later(world, hooks, 100_000) == 0


def test_two_processes_tell_it_once(world, receiver, added):
    world.submit()
    world.parts.seal.seal()
    ready, counts = threading.Barrier(2), []

    def look():
        hooks = told_by(world)
        ready.wait()
        counts.append(hooks.look())

    threads = [threading.Thread(target=look) for _ in range(2)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (sorted(counts), len(receiver.got)) == ([0, 1], 1)


def test_one_that_nothing_reaches_is_an_alarm_then_disabled_and_a_test_enables_it(
    world, hooks, receiver, added
):
    receiver.answers = [500] * 10
    world.submit()
    later(world, hooks)
    world.parts.alarms.look()
    assert world.rows(alarm) == []
    later(world, hooks, 16 * 60)
    world.parts.alarms.look()
    assert world.row(alarm).code == "webhook_failing"
    for _ in range(8):
        later(world, hooks, 24 * 3600)
    assert (len(receiver.got), bool(world.row(webhook).disabled_at)) == (10, True)
    assert "webhook_disabled" in world.acts()
    world.submit()
    assert later(world, hooks, 24 * 3600) == 0
    world.parts.alarms.look()
    assert len(world.rows(alarm, cleared_at=None)) == 1
    assert hooks.test(world.administrator, added.uid).arrived
    world.parts.alarms.look()
    assert world.rows(alarm, cleared_at=None) == []
    world.submit()
    later(world, hooks)
    assert [t["type"] for t in receiver.told[10:]] == ["webhook.test", "alarm.cleared", "message.submitted"]


@ON_SQLITE
def test_one_that_says_it_is_gone_is_told_nothing_more(world, hooks, receiver, added):
    receiver.answers = [410]
    world.submit()
    later(world, hooks)
    assert (world.row(webhook).disabled_at is not None, later(world, hooks, 100_000)) == (True, 0)


@ON_SQLITE
def test_one_that_does_not_answer_keeps_no_other_waiting(world, hooks, receiver, added):
    with receiving() as other:
        hooks.add(world.administrator, other.url)
        receiver.answers = [500] * 9
        for _ in range(3):
            world.submit()
        for _ in range(3):
            later(world, hooks)
        assert len(other.got) == 3


@ON_SQLITE
def test_removing_one_forgets_what_waits_and_old_messages_go(world, hooks, receiver, added):
    other = hooks.add(world.administrator, receiver.url)
    receiver.answers = [500]
    world.submit()
    later(world, hooks)
    hooks.remove(world.administrator, added.uid)
    assert {m.webhook_id for m in world.rows(webhook_message)} == {world.row(webhook, uid=other.uid).id}
    world.clock.advance(8 * 24 * 3600)
    hooks.wipe_old()
    assert world.size(webhook_message) == 0


@ON_SQLITE
def test_the_secret_is_under_the_new_key_once_the_data_key_was_changed(world, hooks, receiver, added):
    before = world.row(webhook).secret_sealed
    Keys(world.database, world.parts.settings.root / "keys" / "data.key").rotate(world.administrator)
    assert world.row(webhook).secret_sealed != before
    hooks.test(world.administrator, added.uid)
    ((headers, body),) = receiver.got
    assert Webhook(added.secret).verify(body, headers)["type"] == "webhook.test"


@ON_SQLITE
def test_only_administrators_with_a_fresh_factor_and_each_act_is_one_event(world, hooks, receiver, added):
    officer = world.officer
    for act in (
        lambda who: hooks.add(who, receiver.url),
        lambda who: hooks.remove(who, added.uid),
        lambda who: hooks.test(who, added.uid),
        hooks.listed,
    ):
        with world.refused(NotAllowed, "administrator"):
            act(officer)
    stale = program(world, "adam", fresh=False)
    with pytest.raises(FactorWanted):
        hooks.add(world.parts.people.who(stale.token), receiver.url)
    before = world.size(audit_event)
    hooks.test(world.administrator, added.uid)
    hooks.remove(world.administrator, added.uid)
    assert [e.act for e in world.rows(audit_event)[before:]] == ["webhook_tested", "webhook_removed"]


@ON_SQLITE
def test_a_second_administrator_confirms_each_address_and_each_secret(world, hooks, receiver):
    adam, bea = (replace(a_person(world, name, "administrator"), factor_at=ALWAYS) for name in ("amy", "bea"))
    with world.database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")
    wanted = hooks.add(adam, receiver.url, types=["message.submitted"], reason="the control room")
    assert (world.size(webhook), receiver.url in wanted.in_words) == (0, True)
    with world.refused(NotAllowed, "another administrator"):
        world.parts.proposals.confirm(adam, wanted.ref)
    made = world.parts.proposals.confirm(bea, wanted.ref, wanted.sha256)
    world.submit()
    later(world, hooks)
    ((headers, body),) = receiver.got
    assert Webhook(made.secret).verify(body, headers)["type"] == "message.submitted"
    rotated = world.parts.proposals.confirm(bea, hooks.rotate(adam, made.uid).ref)
    hooks.test(adam, made.uid)
    with pytest.raises(WebhookVerificationError):
        Webhook(made.secret).verify(*reversed(receiver.got[-1]))
    assert Webhook(rotated.secret).verify(*reversed(receiver.got[-1]))["type"] == "webhook.test"
    stale = hooks.change(adam, made.uid, url=receiver.url, types=["alarm.raised"])
    moved = hooks.change(adam, made.uid, url="https://localhost/")
    world.parts.proposals.confirm(bea, moved.ref)
    with world.refused(Stale, "has changed"):
        world.parts.proposals.confirm(bea, stale.ref)
    written = [e for e in world.rows(audit_event) if e.act.startswith(("webhook", "change"))]
    assert "key=7" not in "".join(e.payload + e.subject for e in written)
    assert [e.act for e in written].count("change_proposed") == 4
    assert [each.state for each in hooks.deliveries(adam, made.uid)] == ["arrived", "arrived"]
    hooks.remove(adam, made.uid)  # that only takes away


def test_a_name_that_leads_inside_is_refused_when_it_is_used(receiver):
    inside = receiver.url.replace("127.0.0.1", "localhost").replace("http://", "https://")
    strict = Outgoing(may_stay_here=lambda: False)
    strict.check(inside)  # nobody can tell from a name
    with pytest.raises(NotReached, match="address_refused"):
        strict.post(inside, b"{}", {})
    assert receiver.got == []


@ON_SQLITE
def test_they_are_looked_after_on_the_command_line(desk):
    assert desk.data_of("webhooks", "list", who="admin") == []
    assert "There is no webhook yet" in desk.do("webhooks", "list", who="admin")
    made = desk.data_of("webhooks", "add", "https://localhost/", "--type", "alarm.raised", who="admin")
    assert made["secret"].startswith("whsec_")
    assert made["secret"] not in desk.do("webhooks", "list", who="admin")
    rotated = desk.data_of("webhooks", "rotate", made["uid"], who="admin")
    assert rotated["secret"] != made["secret"]
    desk.do("webhooks", "change", made["uid"], "--every-type", who="admin")
    assert desk.data_of("webhooks", "list", who="admin")[0]["types"] == []
    assert "told nothing" in desk.do("webhooks", "told", made["uid"], who="admin")
    tried = desk.run("webhooks", "test", made["uid"], who="admin")
    assert (tried.returncode, "address_refused" in tried.stdout) == (1, True)
    assert "must begin with https" in desk.refused("webhooks", "add", "http://example.org/", who="admin")
    assert "Only an administrator" in desk.refused("webhooks", "list", who="officer")
    desk.do("webhooks", "remove", made["uid"], who="admin")
    assert "no such webhook" in desk.refused("webhooks", "remove", made["uid"], who="admin")

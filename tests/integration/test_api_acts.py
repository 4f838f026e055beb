"""The API: every act leaves exactly one event, and nobody does or reads what is not his."""

import re

import pytest

from broadcaster.db import alarms, proposals
from broadcaster.db.tables import token
from broadcaster.render.notices import shipped_example
from tests.builders import NO_HURRY, VALUES
from tests.integration.api_acts import each_leaves_one_event
from tests.integration.api_acts_of_incidents import ACTS_OF_INCIDENTS
from tests.integration.api_acts_of_managing import ACTS_OF_MANAGING, NO_ACTS_OF_MANAGING
from tests.integration.api_acts_of_mending import ACTS_OF_MENDING, NO_ACTS_OF_MENDING
from tests.integration.api_acts_of_records import ACTS_OF_RECORDS, NO_ACTS_OF_RECORDS
from tests.integration.api_acts_of_the_desk import ACTS_OF_THE_DESK
from tests.integration.api_acts_of_time import ACTS_OF_TIME, NO_ACTS_OF_TIME
from tests.integration.asgi import web_of
from tests.integration.authorised import EVENT, authorise, switch
from tests.integration.authorised import REASON as WHY
from tests.integration.authorised import draft as flood
from tests.integration.desk import ROOT
from tests.integration.identities import with_app
from tests.integration.programs import DRAFT, Program, program
from tests.integration.threads import SILENCE

CSV = b"mobile\n07700 900001\n07700 900002\n"
BECAUSE = {"reason": "as agreed"}
DATABASES = ("sqlite",)
ON_POSTGRES = pytest.mark.parametrize("database_url", ["postgres"], indirect=True)


@pytest.fixture
def values():
    return shipped_example("severe-weather")


@pytest.fixture
def ada(world):
    return program(world, "ada", "administrator")


# --- each human act is one event ---------------------------------------------------------------------------


class Acts:
    """What each route that is not for reading does, made ready and done. `ask` is the whole of it."""

    def __init__(self, world, values):
        self.world, self.values = world, values
        self.olive = program(world, "olive", "officer")
        self.anna = program(world, "anna", "approver")
        self.ada = program(world, "ada", "administrator")
        self.kay = program(world, "kay", "data-keeper")

    def draft(self):
        return self.olive, "/messages", {**DRAFT, "values": self.values}

    def edit(self):
        body = {"values": VALUES, "channels": ["website"], "base": 1}
        return self.olive, f"/messages/{self.world.draft()}", body

    def submit(self):
        return self.olive, f"/messages/{self.world.draft()}/submit", None

    def approve(self):
        made = self.world.submit()
        return self.anna, f"/messages/{made.ref}/approve", {"manifest_sha256": made.manifest_sha256}

    def on_it(self):
        ref = self.world.submit(channels=("website",)).ref
        self.world.parts.paging.look()
        return self.anna, f"/messages/{ref}/on-it", None

    def _fresh(self):
        """The officer's token, with a second factor of this moment."""
        self.world.change(token, {"factor": "totp", "factor_at": self.world.now()})
        return self.olive

    def send_alone(self):
        authorise(self.world, by="bob")
        made = self.world.parts.compose.submit(self.world.officer, flood(self.world))
        body = {"event": EVENT, "manifest_sha256": made.manifest_sha256}
        return self._fresh(), f"/messages/{made.ref}/send-alone", body

    def break_glass(self):
        switch(self.world, "break-glass", "public-50000")
        made = self.world.submit(channels=("website",))
        body = {"reason": WHY, "manifest_sha256": made.manifest_sha256}
        return self._fresh(), f"/messages/{made.ref}/break-glass", body

    def review(self):
        ref = self.world.parts.reviews.listed(self.world.officer).found[0].ref
        return self.anna, f"/messages/{ref}/review", {"verdict": "right", "finding": "It could not wait."}

    def send_back(self):
        return self.anna, f"/messages/{self.world.submit().ref}/return", BECAUSE

    def reject(self):
        return self.anna, f"/messages/{self.world.submit().ref}/reject", BECAUSE

    def stop(self):
        return self.anna, f"/messages/{self.world.release_texts(3).ref}/stop", BECAUSE

    def decide(self):
        return (
            self.olive,
            f"/unknowns/{an_unknown(self.world)}/decision",
            {"decision": "send_again", **BECAUSE},
        )

    def take_in(self):
        return self.olive, "/audiences/harbour/versions", CSV

    def find(self):
        return self.kay, "/audiences/find", {"number": "+447700900001"}

    def erase(self):
        self.world.add_audience("quay", 3)
        return self.kay, "/audiences/erase", {"number": "+447700900001", **BECAUSE}

    def acknowledge(self):
        an_alarm(self.world)
        return self.olive, "/alarms/acknowledge", {"code": "counts_differ", "subject": "7F3K2M", **BECAUSE}

    def factor(self):
        app = with_app(self.world, "zoe", "approver")
        return program(self.world, "zoe"), "/me/second-factor", {"code": app.next_code()}

    def add_user(self):
        return self.ada, "/users", {"name": "bea", "roles": ["officer"]}

    def roles(self):
        return self.ada, "/users/olive/roles", {"roles": ["officer", "auditor"]}

    def disable(self):
        return self.ada, "/users/kay/disable", {}

    def enable(self):
        self.ada.post("/users/kay/disable", {})
        return self.ada, "/users/kay/enable", {}

    def invite(self):
        return self.ada, "/users/olive/invite", {"factors": False}

    def issue(self):
        return self.olive, "/tokens", {"days": 3, "scopes": ["read"]}

    def revoke(self):
        program(self.world, "olive")
        return self.olive, f"/tokens/{self.world.rows(token)[-1].id}", None

    def _second_administrator(self, value):
        with self.world.database.write() as tx:
            proposals.set_switch(tx, "second-administrator", value)

    def _proposed(self, name):
        self._second_administrator("on")
        made = program(self.world, "carl", "administrator").post(
            "/users", {"name": name, "roles": ["auditor"]}
        )
        assert made.json["done"] is False
        return made.json

    def confirm(self):
        made = self._proposed("dan")
        return self.ada, f"/proposals/{made['proposal']}/confirm", {"sha256": made["sha256"]}

    def decline(self):
        return self.ada, f"/proposals/{self._proposed('eve')['proposal']}/decline", BECAUSE

    def policy(self):
        self._second_administrator("off")
        return self.ada, "/policies/second-factor", {"value": "all"}

    def add_webhook(self):
        return self.ada, "/webhooks", {"url": "https://localhost/", "types": ["alarm.raised"]}

    def _webhook(self):
        return self.ada.post("/webhooks", {"url": "https://localhost/"}).json["uid"]

    def try_webhook(self):
        return self.ada, f"/webhooks/{self._webhook()}/test", None

    def remove_webhook(self):
        return self.ada, f"/webhooks/{self._webhook()}", None


#: Every route that is not for reading, with its act, and what the log says then. One that stands not here fails a test.
ACTS = {
    ("POST", "/unknowns/{uid}/decision"): (Acts.decide, "unknown_decided"),
    ("POST", "/messages"): (Acts.draft, "message_drafted"),
    ("PUT", "/messages/{ref}"): (Acts.edit, "message_edited"),
    ("POST", "/messages/{ref}/submit"): (Acts.submit, "message_submitted"),
    ("POST", "/messages/{ref}/approve"): (Acts.approve, "message_approved_and_released"),
    ("POST", "/messages/{ref}/on-it"): (Acts.on_it, "page_acknowledged"),
    ("POST", "/messages/{ref}/send-alone"): (Acts.send_alone, "message_approved_and_released"),
    ("POST", "/messages/{ref}/break-glass"): (Acts.break_glass, "message_approved_and_released"),
    ("POST", "/messages/{ref}/review"): (Acts.review, "break_glass_reviewed"),
    ("POST", "/messages/{ref}/return"): (Acts.send_back, "message_returned"),
    ("POST", "/messages/{ref}/reject"): (Acts.reject, "message_rejected"),
    ("POST", "/messages/{ref}/stop"): (Acts.stop, "broadcast_stopped"),
    ("POST", "/audiences/{name}/versions"): (Acts.take_in, "audience_imported"),
    ("POST", "/audiences/find"): (Acts.find, "person_looked_up"),
    ("POST", "/audiences/erase"): (Acts.erase, "person_erased"),
    ("POST", "/alarms/acknowledge"): (Acts.acknowledge, "alarm_acknowledged"),
    ("POST", "/me/second-factor"): (Acts.factor, "factor_given"),
    ("POST", "/users"): (Acts.add_user, "user_added"),
    ("PUT", "/users/{name}/roles"): (Acts.roles, "roles_changed"),
    ("POST", "/users/{name}/disable"): (Acts.disable, "user_disabled"),
    ("POST", "/users/{name}/enable"): (Acts.enable, "user_enabled"),
    ("POST", "/users/{name}/invite"): (Acts.invite, "user_invited"),
    ("POST", "/tokens"): (Acts.issue, "token_issued"),
    ("DELETE", "/tokens/{token_id}"): (Acts.revoke, "token_revoked"),
    ("POST", "/proposals/{ref}/confirm"): (Acts.confirm, "user_added"),
    ("POST", "/proposals/{ref}/decline"): (Acts.decline, "change_declined"),
    ("PUT", "/policies/{name}"): (Acts.policy, "policy_changed"),
    ("POST", "/webhooks"): (Acts.add_webhook, "webhook_added"),
    ("POST", "/webhooks/{uid}/test"): (Acts.try_webhook, "webhook_tested"),
    ("DELETE", "/webhooks/{uid}"): (Acts.remove_webhook, "webhook_removed"),
}


#: They are sent what they show, and keep nothing of it.
ONLY_LOOK = {("POST", "/messages/look"), ("POST", "/messages/{ref}/look")}


#: No scope is asked for.
OF_ONES_OWN = {"factor_given", "token_issued", "token_revoked"}


@ON_POSTGRES
def test_each_act_leaves_exactly_one_event_and_none_without_the_right_scope(world, values, subtests):
    each_leaves_one_event(world, ACTS, Acts(world, values), subtests, for_readers=OF_ONES_OWN)


def test_every_route_is_in_the_table_of_acts_and_in_the_document(world):
    document = program(world, "olive", "officer").get("/openapi.json").json
    routes = {(m.upper(), path) for path, of in document["paths"].items() for m in of}
    acts = {
        *ACTS,
        *ACTS_OF_TIME,
        *ACTS_OF_THE_DESK,
        *ACTS_OF_INCIDENTS,
        *ACTS_OF_MENDING,
        *ACTS_OF_RECORDS,
        *ACTS_OF_MANAGING,
    }
    assert {
        r for r in routes if r[0] != "GET"
    } == acts | ONLY_LOOK | NO_ACTS_OF_TIME | NO_ACTS_OF_MENDING | NO_ACTS_OF_RECORDS | NO_ACTS_OF_MANAGING
    told = set(re.findall(r"`(GET|POST|PUT|DELETE) (/\S*)`", (ROOT / "docs" / "api.md").read_text()))
    assert told == routes


def test_nobody_reads_what_his_roles_or_his_token_do_not_allow(world, subtests):
    keeper, auditor, ada = (
        (program(world, role, role), program(world, role, scopes=("write",)))
        for role in ("data-keeper", "auditor", "administrator")
    )
    for path, (may, narrow), (other, _) in (
        ("/messages", auditor, keeper),
        ("/unknowns", auditor, keeper),
        ("/audiences", keeper, auditor),
        ("/users", ada, auditor),
        ("/policies", ada, auditor),
        ("/audit/events", auditor, keeper),
    ):
        with subtests.test(path):
            answers = [
                who.get(path).status for who in (may, other, narrow, Program(web_of(world.parts), "bcr_no"))
            ]
            assert answers == [200, 403, 403, 401]


def test_a_person_finds_what_there_is_on_a_page_that_runs_nothing_from_elsewhere(world):
    page = Program(web_of(world.parts)).get("/")
    assert (page.status, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert {f"{method} {path}".encode() in page.body for method, path in ACTS} == {True}
    assert b"://" not in page.body.replace(b"http://www.w3.org", b"")


def an_unknown(world):
    """The id of a delivery that a person must decide about: a post that Facebook took in silence."""
    world.page.answers.append(SILENCE)
    world.release(channels=("facebook",), **NO_HURRY)
    world.work_public()
    for _ in range(4):
        world.clock.advance(65)
        world.parts.read_back.look("live")
    return world.parts.unknowns.undecided()[0].uid


def an_alarm(world):
    with world.database.write() as tx:
        alarms.insert(tx, code="counts_differ", subject="7F3K2M", text="They differ.", size=1)

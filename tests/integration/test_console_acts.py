"""T38: whatever a person does through the console leaves exactly one event that says who, when and what; by whom and from where
that person was let in stands in the event of the signing in before it, and what was approved by its hash.

The acts are made from the routers: a route that is in neither list fails.
"""

import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from broadcaster.db import accounts, people
from broadcaster.db.people import Person
from broadcaster.db.tables import audit_event, delivery, target, token
from tests.builders import NO_HURRY, World, number
from tests.integration.acts_of_the_clock import ACTS_OF_THE_CLOCK
from tests.integration.acts_of_the_desk import ACTS_OF_FOLLOWING, ACTS_OF_THE_DESK, REASON, ada, ref_of
from tests.integration.at_the_board import RUDE, SILENCE
from tests.integration.console_routes import filled, routes
from tests.integration.identities import PASSWORD, App, enter, person
from tests.integration.visitor import Visitor, visitor
from tests.soft_key import SoftKey

DATABASES = ("postgres",)  # it takes fewer statements than SQLite, and here each of a person's acts is done

#: What asks, tries out or keeps what is being typed: nobody will ever ask who did it. With the reason.
NO_ACTS = {
    "/sign-in/passkey/options": "a question for the device",
    "/sign-in/elsewhere": "shows again what was typed; signing in was the act",
    "/me/passkeys/options": "a question for the device",
    "/messages/new/{name}/look": "kept as it is typed; the draft that comes of it is an act",
    "/messages/{ref}/look": "kept as it is typed; the change that comes of it is an act",
    "/messages/{ref}/follow-up/{purpose}/look": "kept as it is typed; the draft that comes of it is an act",
    "/messages/worksheets/{uid}/discard": "one's own half-typed form",
    "/warnings/{warning}/write": "a form, filled in; the draft that comes of it is an act",
    "/manage/feeds/{uid}/check": "looks at the source at once, as the program does when it is due",
    "/manage/accounts/check": "asks the platforms at once, as the program does every three minutes",
}
#: Reading is an act too where something leaves the house, or the log is looked through.
ACTS_OF_LOOKING = {
    "/messages/{ref}/outcomes.csv": "outcomes_exported",
    "/messages/{ref}/poster.pdf": "poster_taken",
    "/audit": "audit_log_read",
}


@dataclass(kw_only=True)
class Stage:
    """Messages in the states that the acts below need, each used once, and `ada`, who may do everything."""

    world: World
    ada: Visitor
    ref: dict[str, str] = field(default_factory=dict)
    key: SoftKey = field(default_factory=SoftKey)
    invitation: str = ""
    leaving: list[str] = field(default_factory=lambda: ["bob", "tom"])
    shown: Any = None
    nia: Any = None
    decided: str = ""
    planned: str = ""

    def hash_of(self, ref):
        self.decided = self.world.parts.report.decision(self.ref[ref])["manifest_sha256"]
        return self.decided

    def place(self, ref, channel):
        row = self.world.broadcast(self.ref[ref])
        return self.world.row(target, broadcast_id=row.id, channel=channel).id

    def unknown(self):
        return next(row.uid for row in self.world.deliveries("facebook") if row.state == "unknown_final")

    def use_key(self, visitor_, path):
        """What the browser's script sends; the answer's status."""
        options = visitor_.ask("POST", "/sign-in/passkey/options").text
        return visitor_.ask("POST", path, self.key.get(options).encode(), b"application/json")

    def new_key(self):
        token_ = [(b"x-csrf-token", self.ada.token.encode())]
        options = self.ada.ask("POST", "/me/passkeys/options", headers=token_).text
        return {"answer": self.key.create(options), "name": "phone"}

    def clock(self):
        return f"{self.world.now().astimezone(self.world.parts.settings.zone):%H:%M}"

    def sealed(self, ref):
        self.world.parts.seal.seal()
        return self.ref[ref]

    def proposal_of_another(self):
        """The newest that waits for ada: somebody is to be disabled."""
        proposals = self.world.parts.proposals
        made = proposals.disable_user(self.world.administrator, self.leaving.pop(), reason="left")
        self.shown = next(each for each in proposals.listed(self.ada_herself()) if each.ref == made.ref)
        return made.ref

    def shown_hash(self):
        return {"hash": self.shown.sha256}

    def import_a_list(self):
        self.ada.get("/manage/audiences/import")
        return self.ada.upload(
            "/manage/audiences/import", b"mobile\n07700900001\n", name="volunteers", region="GB"
        )

    def sign_in(self):
        return Visitor(self.world.parts).post("/sign-in", name="zoe", password=PASSWORD, token=False)

    def give_code(self):
        half = Visitor(self.world.parts, enter(self.world, "ada", NEW_PASSWORD).cookie)
        return half.post("/sign-in/code", code=self.ada.app.next_code(), token=False)

    def sign_in_by_key(self):
        return self.use_key(Visitor(self.world.parts), "/sign-in/passkey")

    def key_again(self):
        return self.use_key(self.ada, "/sign-in/passkey/again")

    def accept(self):
        self.nia = Visitor(self.world.parts)
        return self.nia.post(f"/invitation/{self.invitation}", new=NEW_PASSWORD, token=False)

    def set_up_app(self):
        secret = re.search(r'class="secret">(\w+)<', self.nia.get("/me/second-factor").text).group(1)
        return self.nia.post("/me/second-factor", code=App(self.world, secret).next_code())

    def ada_herself(self) -> Person:
        with self.world.database.read() as tx:
            return people.by_name(tx, "ada")


@pytest.fixture
def stage(world):
    world.add_audience("residents", 4)
    ada = visitor(world, "ada", "officer", "approver", "auditor", "data-keeper", "administrator")
    _come_in(ada)
    for name in ("bob", "nia", "tom", "zoe"):
        person(world, name, "officer")
    found = Stage(world=world, ada=ada)
    channels = ("website", "facebook", "x", "sms")
    world.gateway.by_address = {number(1): RUDE, number(2): SILENCE}
    world.page.answers.append(SILENCE)
    world.feed.answers.append(RUDE)
    found.ref["sent"] = world.release(channels=channels, audience="residents", **NO_HURRY).ref
    world.parts.plan.plan(world.broadcast_id(found.ref["sent"]))
    world.work_public(), world.work_bulk()
    for row in world.rows(delivery, state="unknown"):
        world.change(delivery, {"state": "unknown_final"}, id=row.id)
    found.ref["running"] = world.release(channels=("x",)).ref
    for state in ("approve", "return", "reject"):
        found.ref[state] = world.submit(channels=("website",)).ref
    for state in ("draft", "changing"):
        found.ref[state] = world.draft(channels=("website",))
    with world.database.write() as tx:
        row = accounts.ensure(tx, mode="live", channel="facebook", name="page")
        accounts.pause(tx, row.id, "The token was refused.")
    found.invitation = world.parts.proposals.invite_user(world.administrator, "nia").invitation
    return found


def _come_in(who):
    """By the pages, as everybody does."""
    who.post("/sign-in", name="ada", password=PASSWORD, token=False)
    assert who.post("/sign-in/code", code=who.app.next_code(), token=False).status == 303


NEW_PASSWORD = "nine dry geese at dusk"
WRITTEN = {
    "blank-headline": "Amber warning",
    "blank-area": "Fleetwood",
    "blank-action": "Keep off the seafront.",
    "blank-expires": "+12h",
    "blank-source": "Duty officer",
    "channels": "website",
}
NOTICE = "/messages/new/{name}"


def place_of(channel):
    return lambda s: s.place("sent", channel)


def decided(state):
    return lambda s: {"real": "yes", "hash": s.hash_of(state)}


def newest_token(s):
    return max(row.id for row in s.world.rows(token) if row.revoked_at is None)


def uid_of_session(s):
    enter(s.world, "ada")
    return max(s.world.parts.sessions.listed(s.ada_herself()), key=lambda each: each.created_at).uid


SENT = {"ref": ref_of("sent")}
ACTS = [
    ada(
        NOTICE,
        "message_drafted",
        WRITTEN
        | {
            "blank-colour": "Amber",
            "blank-hazard": "wind",
            "blank-next_update": "+4h",
            "blank-phone": "01632 960123",
        },
        name="severe-weather",
    ),
    *ACTS_OF_FOLLOWING,
    ada("/messages/{ref}/edit", "message_edited", WRITTEN, ref=ref_of("changing")),
    ada("/messages/{ref}/submit", "message_submitted", ref=ref_of("draft")),
    ada(
        "/messages/{ref}/approve", "message_approved_and_released", decided("approve"), ref=ref_of("approve")
    ),
    ada("/messages/{ref}/return", "message_returned", REASON, ref=ref_of("return")),
    ada("/messages/{ref}/reject", "message_rejected", REASON, ref=ref_of("reject")),
    ada("/messages/{ref}/stop", "broadcast_stopped", REASON, ref=ref_of("running")),
    ada("/unknown/{uid}", "unknown_decided", {"decision": "again", **REASON}, uid=Stage.unknown),
    ada(
        "/messages/{ref}/unknown/{target_id}",
        "unknown_decided",
        {"decision": "sent", **REASON},
        **SENT,
        target_id=place_of("sms"),
    ),
    ada(
        "/messages/{ref}/again/{target_id}/{code}",
        "failed_tried_again",
        REASON,
        **SENT,
        target_id=place_of("sms"),
        code="too_rude",
    ),
    ada(
        "/messages/{ref}/by-hand/{target_id}",
        "posted_by_hand",
        lambda s: {"at": s.clock(), "link": "https://facebook.test/7"},
        **SENT,
        target_id=place_of("x"),
    ),
    ada(
        "/messages/{ref}/told",
        "told_by_hand",
        lambda s: {"way": "doors", "at": s.clock(), "words": "Dock Street"},
        **SENT,
    ),
    ada("/audit/number", "person_looked_up", {"number": number(1)}),
    ada("/audit/export", "audit_events_exported", {"form": "csv"}),
    ada("/audit/prove", "message_proved", lambda s: {"ref": s.sealed("approve")}),
    ada("/audit/seal/check", "audit_log_checked"),
    ada("/manage/users/new", "user_added", {"name": "una", "roles": "officer"}),
    ada("/manage/users/{name}/roles", "roles_changed", {"roles": "auditor"}, name="bob"),
    ada("/manage/users/{name}/invite", "user_invited", name="bob"),
    ada("/manage/users/{name}/sign-out", "sessions_ended", name=lambda s: enter(s.world, "bob") and "bob"),
    ada("/manage/users/{name}/disable", "user_disabled", REASON, name="bob"),
    ada("/manage/users/{name}/enable", "user_enabled", REASON, name="bob"),
    ada("/manage/tokens", "token_issued", {"name": "zoe", "days": "9"}),
    ada("/manage/tokens/{token_id}/revoke", "token_revoked", token_id=newest_token),
    ada("/manage/accounts/{mode}/{name}/resume", "account_resumed", mode="live", name="page"),
    ada("/manage/person", "person_looked_up", {"number": number(4)}),
    ada(
        "/manage/person/erase",
        "person_erased",
        {"number": number(4), "ending": number(4)[-3:], "sure": "yes", "reason": "DP-1"},
    ),
    *ACTS_OF_THE_CLOCK,
    *ACTS_OF_THE_DESK,
    ada("/manage/policies/{name}", "policy_changed", {"value": "on"}, name="second-administrator"),
    ada("/manage/proposals/{ref}/confirm", "user_disabled", Stage.shown_hash, ref=Stage.proposal_of_another),
    ada("/manage/proposals/{ref}/decline", "change_declined", REASON, ref=Stage.proposal_of_another),
    ada("/me/tokens", "token_issued", {"label": "laptop", "days": "9"}),
    ada("/me/tokens/{token_id}/revoke", "token_revoked", token_id=newest_token),
    ada("/me/again", "factor_given", lambda s: {"code": s.ada.app.next_code()}),
    ada("/me/recovery-codes", "recovery_codes_made"),
    ada("/me/passkeys", "factor_added", Stage.new_key),
    ada("/me/sessions/{uid}/end", "sessions_ended", uid=uid_of_session),
    ada("/me/sessions/end", "sessions_ended", lambda s: enter(s.world, "ada") and {}),
    ada("/me/password", "password_changed", {"old": PASSWORD, "new": NEW_PASSWORD}),
    ("/manage/audiences/import", "audience_imported", "ada", Stage.import_a_list),
    ("/sign-in", "signed_in", "zoe", Stage.sign_in),
    ("/sign-in/code", "signed_in", "ada", Stage.give_code),
    ("/sign-in/passkey", "signed_in", "ada", Stage.sign_in_by_key),
    ("/sign-in/passkey/again", "factor_given", "ada", Stage.key_again),
    ("/invitation/{code}", "invitation_accepted", "nia", Stage.accept),
    ("/me/second-factor", "factor_added", "nia", Stage.set_up_app),
    ada("/me/factors/remove", "factor_removed", {"uid": "totp"}),
    ada("/sign-out", "signed_out"),
]


def test_every_act_of_a_person_leaves_one_event(stage, subtests):
    """In one installation, one after the other."""
    for path, event, who, act in ACTS:
        with subtests.test(path):
            before = {row.id for row in events(stage)}
            answer = act(stage)
            stage.world.parts.log_check.wait(30)
            new = [row for row in events(stage) if row.id not in before and row.actor == who]
            assert answer.status in {200, 303}, answer.words
            assert [(row.actor, row.act) for row in new] == [(who, event)]
            assert new[0].at is not None
            if event not in {"signed_in", "invitation_accepted"}:
                assert came_in(stage, who), "nothing says from where, and with what, that person was let in"
            if event == "message_approved_and_released":
                said = json.loads(new[0].payload)
                assert (said["manifest_sha256"], said["factor"]) == (stage.decided, "totp")


def came_in(stage, who):
    """The events of this person's signing in, with where from and how."""
    told = [json.loads(row.payload) for row in stage.world.rows(audit_event, act="signed_in", actor=who)]
    accepted = stage.world.rows(audit_event, act="invitation_accepted", actor=who)
    return [said for said in told if said["factor"] and said["place"]] or accepted


def events(stage):
    return stage.world.rows(audit_event)


def test_no_route_that_acts_is_missing_above():
    named = [path for path, *_ in ACTS]
    assert sorted([*named, *NO_ACTS]) == routes("POST")


def test_looking_that_is_an_act_leaves_one_event(stage):
    for path, event in ACTS_OF_LOOKING.items():
        before = {row.id for row in events(stage)}
        assert stage.ada.get(filled(path, ref=stage.ref["sent"])).status == 200
        (new,) = [row for row in events(stage) if row.id not in before]
        assert (new.actor, new.act) == ("ada", event)

"""Who may approve without being an approver: what a delegation covers, while it is in force, and nothing else."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db import people, proposals
from broadcaster.db.tables import audit_event, delegation
from broadcaster.domain.checks.cost import Tariff
from broadcaster.domain.delegation import Cost, Covers
from broadcaster.domain.errors import FactorWanted, Invalid, NotAllowed, Stale
from broadcaster.domain.identity import Switch
from broadcaster.service.proposals import Done, Proposal
from tests.builders import ALWAYS
from tests.fakes import FakeGateway
from tests.integration.identities import person, token_of
from tests.integration.visitor import visitor

SCHEME = "Scheme of delegation 2026, 4.2"
ZONE = ZoneInfo("Europe/London")


class Priced(FakeGateway):
    def __init__(self, name="gateway"):
        super().__init__(name)
        self.tariff = Tariff(price=Decimal("0.02"))


@pytest.fixture
def world_settings():
    return {"gateway": Priced()}


def give(world, name, *, starts_h=-1, ends_h=8, **covers):
    return world.parts.proposals.give_delegation(
        world.administrator,
        name,
        Covers(**covers),
        scheme=SCHEME,
        starts_at=world.now() + timedelta(hours=starts_h),
        ends_at=world.now() + timedelta(hours=ends_h),
    )


@pytest.fixture
def dora(world):
    """An officer without any other right; as the session of somebody who gave a second factor."""
    world.person("dora", "officer")

    def now():
        with world.database.read() as tx:
            return replace(people.by_name(tx, "dora"), factor_at=ALWAYS)

    return now


def approve(world, who, submitted):
    return world.parts.approve.approve(who, submitted.ref, submitted.manifest_sha256)


def refused(world, who, submitted, match):
    before = world.snapshot()
    with pytest.raises(NotAllowed, match=match) as caught:
        approve(world, who, submitted)
    assert world.snapshot() == before
    return " ".join(caught.value.details)


def last(world):
    found = world.rows(audit_event)[-1]
    return found.act, json.loads(found.payload)


def test_a_delegate_approves_what_is_covered_and_the_record_says_under_what(world, dora):
    submitted = world.submit()
    refused(world, dora(), submitted, "Only an approver may approve")
    done = give(world, "dora", templates=("severe-weather",), severities=("Severe",), most_cost="0")
    assert isinstance(done, Done)
    act, given = last(world)
    assert (act, given["role_added"], given["scheme"], given["most_cost"]) == (
        "delegation_given",
        "delegate",
        SCHEME,
        "0",
    )
    with pytest.raises(FactorWanted):  # a second factor as of any approver
        approve(world, replace(dora(), factor_at=None), submitted)
    approve(world, dora(), submitted)
    act, payload = last(world)
    assert (act, payload["delegation"], payload["scheme"]) == (
        "message_approved_and_released",
        given["delegation"],
        SCHEME,
    )


def test_what_it_does_not_cover_stays_for_an_approver_and_says_why(world, dora):
    world.add_audience("residents", 100)
    cheap = world.submit()
    give(world, "dora", templates=("flood",))
    assert "it is not for severe weather" in refused(world, dora(), cheap, "None of your delegations covers")
    give(world, "dora", templates=("severe-weather",), severities=("Minor", "Moderate"))
    assert "it is not for what is severe" in refused(world, dora(), cheap, "None of your delegations covers")
    texts = world.submit(channels=("sms",), audience="residents")
    give(world, "dora", severities=("Severe",), most_cost="1.99")
    told = refused(world, dora(), texts, "None of your delegations covers")
    assert re.search(r"the texts cost £\d", told)
    assert told.count("Scheme of delegation") == 3
    reason = "x"
    give(world, "dora", templates=("severe-weather",), most_cost="100")
    world.parts.approve.send_back(dora(), cheap.ref, reason)
    assert last(world)[1]["scheme"] == SCHEME
    approve(world, dora(), texts)


def test_texts_without_a_price_are_not_covered_where_the_cost_is_limited(world, dora):
    world.gateway.tariff = Tariff()
    world.add_audience("residents", 3)
    submitted = world.submit(channels=("sms",), audience="residents")
    give(world, "dora", most_cost="1000")
    assert "not known" in refused(world, dora(), submitted, "None of your delegations")
    world.gateway.tariff = Tariff(price=Decimal("0.02"), currency="EUR")
    assert "not known" in refused(world, dora(), submitted, "None of your delegations")
    give(world, "dora", most_cost="1000", currency="EUR")
    approve(world, dora(), submitted)


def test_it_holds_from_its_beginning_to_its_end_and_no_longer(world, dora):
    submitted = world.submit()
    give(world, "dora", starts_h=0.1, ends_h=0.2)
    refused(world, dora(), submitted, "none is in force for you now")
    world.clock.advance(7 * 60)
    world.parts.approve.send_back(dora(), submitted.ref, "Name the street")
    again = world.parts.compose.submit(world.officer, submitted.ref)
    world.clock.advance(6 * 60)
    refused(world, dora(), again, "none is in force for you now")
    with pytest.raises(NotAllowed, match="none is in force"):
        world.parts.approve.reject(dora(), again.ref, "x")


def test_ending_one_ends_it_at_once_and_needs_one_administrator_and_a_reason(world, dora):
    submitted = world.submit()
    give(world, "dora")
    ref = world.row(delegation).ref
    with pytest.raises(NotAllowed):
        world.parts.delegations.end(world.officer, ref, "x")
    with pytest.raises(Invalid):
        world.parts.delegations.end(world.administrator, ref, " ")
    before = world.size(audit_event)
    world.parts.delegations.end(world.administrator, ref.lower(), "Back from leave")
    assert (last(world)[0], world.size(audit_event) - before) == ("delegation_ended", 1)
    refused(world, dora(), submitted, "none is in force")
    with pytest.raises(Stale):
        world.parts.delegations.end(world.administrator, ref, "x")


def test_nobody_approves_what_he_wrote_whatever_was_delegated(world, dora):
    submitted = world.parts.compose.submit(dora(), world.draft(by=dora()))
    give(world, "dora")
    refused(world, dora(), submitted, "another person must approve it")


def test_an_approver_needs_none_and_keeps_the_role(world):
    world.person("anna", "approver")
    give(world, "anna", templates=("flood",))
    with world.database.read() as tx:
        assert people.by_name(tx, "anna").roles == {"approver"}
    approve(world, world.approver, world.submit())
    assert "delegation" not in last(world)[1]


def test_two_administrators_give_it_and_what_cannot_be_one_is_refused(world, dora):
    with world.database.write() as tx:
        proposals.set_switch(tx, Switch.SECOND_ADMINISTRATOR, "on")
    beth = replace(person(world, "beth", "administrator"), factor_at=world.now())
    proposal = give(world, "dora", templates=("flood",), severities=("Severe",), most_cost="500")
    assert isinstance(proposal, Proposal)
    assert "flood, if severe, texts for up to £500. Under: Scheme" in proposal.in_words
    assert world.size(delegation) == 0
    world.parts.proposals.confirm(beth, proposal.ref, proposal.sha256)
    assert (last(world)[0], last(world)[1]["proposed_by"]) == ("delegation_given", "adam")
    for wrong, said in (
        ({"templates": ("no-such",)}, 'no notice template "no-such"'),
        ({"severities": ("Bad",)}, '"Bad" is no severity'),
        ({"most_cost": "-1"}, "as a number"),
        ({"most_cost": "NaN"}, "as a number"),
        ({"ends_h": -2}, "end after it begins"),
        ({"ends_h": 24 * 400}, "within a year"),
    ):
        before = world.size(audit_event)
        with pytest.raises(Invalid) as caught:
            give(world, "dora", **wrong)
        assert said in " ".join(caught.value.details), wrong
        assert world.size(audit_event) == before


def test_a_page_gives_and_ends_it_and_nobody_but_administrators_sees_it(world, dora):
    ada, olive = visitor(world, "ada", "administrator"), visitor(world, "olive", "officer")
    assert olive.get("/manage/delegations").status == 403
    assert "Nobody has one" in ada.get("/manage/delegations").words
    at = [f"{(world.now() + timedelta(hours=h)).astimezone(ZONE):%Y-%m-%dT%H:%M}" for h in (-1, 5)]
    fields = {
        "name": "dora",
        "templates": "flood",
        "severities": "Severe",
        "most_cost": "£1,500",
        "currency": "GBP",
    }
    fields |= {"starts": at[0], "ends": at[1], "scheme": SCHEME}
    wrong = ada.post("/manage/delegations", {**fields, "scheme": ""})
    assert (wrong.status, "Name the scheme" in wrong.words, f'value="{at[1]}"' in wrong.text) == (
        422,
        True,
        True,
    )
    before = world.size(audit_event)
    assert ada.post("/manage/delegations", fields).status == 303
    assert (last(world)[0], world.size(audit_event) - before) == ("delegation_given", 1)
    shown = ada.get("/manage/delegations").words
    assert "Flood, if severe, texts for up to £1,500." in shown
    assert "in force" in shown
    ref = world.row(delegation).ref
    assert "Give a reason" in ada.post(f"/manage/delegations/{ref}/end", reason="").words
    assert ada.post(f"/manage/delegations/{ref}/end", reason="Back").status == 303
    assert last(world)[0] == "delegation_ended"


def test_the_command_line_lists_and_ends_them(world, dora, monkeypatch):
    give(world, "dora", templates=("flood",))
    token = token_of(world, person(world, "ada", "administrator"))
    for name, value in {
        "DATABASE_URL": world.database.url,
        "DATA_DIR": str(world.folder),
        "TOKEN": token,
    }.items():
        monkeypatch.setenv(f"BROADCASTER_{name}", value)
    run = lambda *words: CliRunner().invoke(app, ["delegation", *words])  # noqa: E731
    (found,) = json.loads(run("list", "--json").stdout)
    assert (found["person"], found["covers"]["templates"], found["scheme"]) == ("dora", ["flood"], SCHEME)
    assert run("end", found["ref"], "--reason", "Back").exit_code == 0
    assert "no" in run("list").stdout


def test_costs_are_compared_in_one_currency_only():
    covers = Covers(most_cost="10")
    about = {"template": "flood", "severity": "Severe"}
    assert list(covers.lacks(**about, cost=Cost())) == []
    assert list(covers.lacks(**about, cost=Cost(amount=Decimal(10), currencies=frozenset({"GBP"})))) == []
    for cost in (
        Cost(amount=Decimal("10.01"), currencies=frozenset({"GBP"})),
        Cost(amount=Decimal(1), currencies=frozenset({"GBP", "EUR"})),
        Cost(known=False),
    ):
        assert len(list(covers.lacks(**about, cost=cost))) == 1

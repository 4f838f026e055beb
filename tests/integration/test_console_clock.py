"""The approval clock in the console: who was paged, who is on it, what may be sent alone, and the page of break-glass."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db import people
from broadcaster.db.tables import approval, audit_event, break_glass, page, page_request
from broadcaster.domain.delegation import Covers
from broadcaster.render.notices import shipped_notice
from tests.integration.authorised import EVENT, REASON, authorise, draft, switch
from tests.integration.identities import token_of
from tests.integration.programs import program
from tests.integration.visitor import visitor

#: What is beneath is tested on both databases.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def olive(world):
    return visitor(world, "olive", "officer")


@pytest.fixture
def anna(world):
    found = visitor(world, "anna", "approver")
    world.parts.rota.set_contact(who(world, "anna"), phone="07700 900123", mail="anna@wyre.example")
    return found


def who(world, name):
    with world.database.read() as tx:
        return people.by_name(tx, name)


def terminal_of(world, name):
    env = {
        "BROADCASTER_TOKEN": token_of(world, who(world, name)),
        "BROADCASTER_DATA_DIR": str(world.parts.settings.root),
        "BROADCASTER_DATABASE_URL": world.database.url,
    }
    return lambda *words: CliRunner().invoke(app, words, env=env)


def waiting(world, olive_herself):
    return world.parts.compose.submit(olive_herself, draft(world, by=olive_herself))


def look(world):
    world.parts.paging.look()
    world.parts.paging.send()
    world.parts.paging.settle()


def test_the_officer_sees_who_was_paged_and_who_is_on_it_after_how_many_seconds(world, olive, anna):
    ref = waiting(world, who(world, "olive")).ref
    look(world)
    shown = olive.get(f"/messages/{ref}")
    assert "anna by text: paged" in shown.words
    assert "If nobody answers, nothing is sent." in shown.words
    assert "If nobody answers, nothing is sent." in olive.get("/").words
    assert not any(secret in shown.text for secret in ("900123", "anna@wyre"))
    world.clock.advance(42)
    anna.get(f"/messages/{ref}/approve")
    assert anna.post(f"/messages/{ref}/on-it").status == 303
    assert "anna is on it" in olive.get(f"/messages/{ref}").words
    row = world.row(page_request, subject=ref)
    waited = int((row.acknowledged_at - row.opened_at).total_seconds())
    assert waited >= 42
    assert f"{waited} seconds after it began" in olive.get(f"/messages/{ref}").words
    assert [taken.address for taken in world.gateway.ledger] == ["+447700900123"]
    assert world.rows(page)[0].state == "sent"


def test_whoever_may_not_decide_cannot_say_so(world, olive, anna):
    ref = waiting(world, who(world, "olive")).ref
    look(world)
    olive.get("/me")
    assert olive.post(f"/messages/{ref}/on-it").status == 403
    assert world.row(page_request, subject=ref).acknowledged_by is None


def test_a_delegate_reads_beforehand_that_the_delegation_does_not_cover_it(world, olive):
    dora = visitor(world, "dora", "officer")
    times = {"starts_at": world.now() - timedelta(hours=1), "ends_at": world.now() + timedelta(hours=9)}
    covers = Covers(templates=("power-cut",))
    world.parts.proposals.give_delegation(world.administrator, "dora", covers, scheme="Scheme 4.2", **times)
    ref = waiting(world, who(world, "olive")).ref
    found = world.parts.beforehand.of(who(world, "dora"), ref)
    assert "it is not for flood" in found.lacks[0]
    more = Covers(templates=("flood",))
    world.parts.proposals.give_delegation(world.administrator, "dora", more, scheme="Scheme 4.3", **times)
    assert world.parts.beforehand.of(who(world, "dora"), ref).under.scheme == "Scheme 4.3"
    assert dora.get(f"/messages/{ref}/approve").status in {200, 303}


def test_an_officer_sends_alone_what_is_within_bounds_and_reads_beforehand_what_is_not(world, anna):
    olive = visitor(world, "olive", "officer", "auditor")
    authorise(world, by="bob")
    inside = draft(world, by=who(world, "olive"))
    outside = draft(world, by=who(world, "olive"), area="All of Lancashire")
    assert "An officer may send this alone" in olive.get(f"/messages/{inside}").words
    assert "must be one of" in olive.get(f"/messages/{outside}").words
    assert "This needs a second person" in olive.get(f"/messages/{outside}/alone").words
    assert "within their bounds" in olive.get("/manage/pre-authorised").words
    assert EVENT in olive.get("/messages/new/flood").words
    asked = olive.get(f"/messages/{inside}/alone")
    assert "WITHOUT A SECOND PERSON" in asked.words
    assert olive.post(f"/messages/{inside}/alone", event=EVENT, version="1").status == 409
    wanted = olive.post(f"/messages/{inside}/alone", event=EVENT, version="1", real="yes")
    assert (wanted.status, "Once more" in wanted.words) == (403, True)
    assert world.rows(approval) == []
    assert anna.get(f"/messages/{inside}/alone").status == 403


def test_break_glass_has_a_page_of_its_own_and_is_never_one_tap_away(world, olive, anna):
    made = waiting(world, who(world, "olive"))
    off = olive.get(f"/messages/{made.ref}")
    assert "break-glass" not in off.text
    assert "switched off" in olive.get(f"/messages/{made.ref}/break-glass").words
    switch(world, "break-glass", "public-50000")
    shown = olive.get(f"/messages/{made.ref}")
    assert re.search(r'<details.*href="/messages/\w+/break-glass"', shown.text, re.DOTALL)
    assert f'action="/messages/{made.ref}/break-glass"' not in shown.text
    olive.get(f"/messages/{made.ref}/break-glass")
    fields = {"hash": made.manifest_sha256, "reason": REASON}
    assert olive.post(f"/messages/{made.ref}/break-glass", fields).status == 409
    assert olive.post(f"/messages/{made.ref}/break-glass", fields, real="yes").status == 403
    assert world.rows(break_glass) == []
    fresh = replace(who(world, "olive"), factor_at=world.now())
    world.parts.send_alone.break_glass(fresh, made.ref, made.manifest_sha256, REASON)
    look(world)
    assert any("BREAK-GLASS: olive sent" in taken.post.text for taken in world.gateway.ledger)
    assert "without a second person" in anna.get("/").words
    used = world.rows(break_glass)[0].uid
    assert olive.get(f"/break-glass/{used}").status == 200
    assert olive.post(f"/break-glass/{used}/review", verdict="right", finding="Fine.").status == 403
    anna.get(f"/break-glass/{used}")
    assert anna.post(f"/break-glass/{used}/review", verdict="", finding="").status == 409
    before = world.size(audit_event)
    assert (
        anna.post(f"/break-glass/{used}/review", verdict="right", finding="It could not wait.").status == 303
    )
    assert world.size(audit_event) == before + 1
    assert "It could not wait." in anna.get(f"/break-glass/{used}").words


def test_the_same_at_a_terminal(world, anna, tmp_path):
    run = terminal_of(world, "anna")
    ref = world.submit(channels=("website",)).ref
    look(world)
    assert ref in run("page", "list").output
    said = run("page", "ack", ref)
    assert "you are on" in said.output, said.output
    assert run("page", "ack", ref).exit_code == 1
    for words in (("break-glass", "list"), ("pre-authorised", "list"), ("election", "show")):
        assert run(*words).exit_code == 0
        assert run(*words, "--json").output.strip()[0] in "[{"
    bounds = tmp_path / "bounds.json"
    bounds.write_text('{"events": []}')
    asked = ("pre-authorised", "propose", "flood", "--bounds", str(bounds), "--until", "2027-03-31T12:00")
    assert "Name the events" in run(*asked, "--reason", "plan").output
    assert run("page", "test").exit_code == 0


def test_wording_authorised_beforehand_is_not_called_in_force_once_its_template_was_edited(world, anna):
    authorise(world, by="bob")

    def said():
        shown = terminal_of(world, "anna")("pre-authorised", "list").output
        (listed,) = program(world, "anna").get("/pre-authorised").json["items"]
        page = anna.get("/manage/pre-authorised").words
        return "edited or retired" in shown, listed["in_force"], listed["in_use"], " in force until " in page

    assert said() == (False, True, True, True)
    flood = shipped_notice("flood")
    edited = replace(flood, title="Flooding")
    world.parts.templates.edit(world.administrator, edited, reason="plainer")
    assert said() == (True, False, False, False)
    assert "not in use: the template was edited or retired since" in anna.get("/manage/pre-authorised").words

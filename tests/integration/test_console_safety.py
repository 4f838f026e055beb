"""What must not happen through the console's pages, whatever comes: RELIABILITY's tests of approval, recording, signing in and bad input,
over lists that are made from the routers. The services' own tests say the same below; here it is what a browser can do.
"""

import re
from dataclasses import replace

import pytest
from sqlalchemy import event

from broadcaster.db import people
from broadcaster.db.tables import broadcast, post, submission
from broadcaster.domain.message import Mode
from tests.builders import ALWAYS
from tests.integration.console_routes import ALL_ROLES, FORM, filled, routes
from tests.integration.identities import PASSWORD, enter, person
from tests.integration.visitor import Visitor, visitor

DATABASES = ("sqlite",)
ELSEWHERE = [(b"origin", b"https://evil.example"), (b"sec-fetch-site", b"cross-site")]


def decision(submitted):
    return {"real": "yes", "hash": submitted.manifest_sha256}


def nothing_was_sent(world):
    return world.rows(broadcast) == [] and not (world.site.ledger or world.page.ledger or world.feed.ledger)


# --- T27, T28, T34: what was shown, by whom, and who is still allowed ------------------------------------------


def change_by_edit(world, ref):
    world.edit(ref, area="Blackpool")


def change_and_hand_over_again(world, ref):
    world.edit(ref, area="Blackpool")
    world.parts.compose.submit(world.officer, ref)


def give_it_back(world, ref):
    world.parts.approve.send_back(world.person("carl", "approver"), ref, "no")


def reject_it(world, ref):
    world.parts.approve.reject(world.person("carl", "approver"), ref, "no")


def wait_too_long(world, _ref):
    world.change(submission, {"expires_at": world.now()})


def retype_a_text_in_the_database(world, _ref):
    row = world.rows(post)[0]
    world.change(post, {"content": row.content.replace(b"Fleetwood", b"Blackpool")}, id=row.id)


def take_the_role_away(world, _ref):
    world.parts.proposals.change_roles(world.administrator, "anna", ["officer"])


def disable_the_approver(world, _ref):
    world.parts.proposals.disable_user(world.administrator, "anna", reason="left")


def sign_out_the_approver(world, _ref):
    world.parts.sessions.end_all(world.administrator, "anna")


@pytest.mark.parametrize(
    "meanwhile",
    [
        change_by_edit,
        change_and_hand_over_again,
        give_it_back,
        reject_it,
        wait_too_long,
        retype_a_text_in_the_database,
        take_the_role_away,
        disable_the_approver,
        sign_out_the_approver,
    ],
)
def test_what_changed_between_looking_and_clicking_sends_nothing(world, meanwhile):
    anna = visitor(world, "anna", "approver")
    submitted = world.submit(channels=("website", "x"))
    page = f"/messages/{submitted.ref}/approve"
    assert "Send now" in anna.get(page).words
    meanwhile(world, submitted.ref)
    answer = anna.post(page, decision(submitted))
    assert (answer.status == 409 and "There is a problem" in answer.words) or "Sign in" in answer.words
    world.work_public()
    assert nothing_was_sent(world)


def test_nobody_approves_in_the_page_what_he_touched_or_may_not_approve(world, subtests):
    both = visitor(world, "otto", "officer", "approver")
    with world.database.read() as tx:
        otto = replace(people.by_name(tx, "otto"), factor_at=ALWAYS)
    for name, roles in (("olga", ("officer",)), ("adam", ("administrator",)), ("rita", ("auditor",))):
        with subtests.test(name):
            submitted = world.submit(channels=("website",))
            someone = visitor(world, name, *roles)
            page = f"/messages/{submitted.ref}/approve"
            assert "Send now" not in someone.get(page).text
            someone.get("/")
            assert someone.post(page, decision(submitted)).status in {403, 409}
    touched = {
        "wrote": lambda: _hand_over(world, world.draft(by=otto)),
        "changed": lambda: _changed_by(world, otto),
        "handed over": lambda: world.parts.compose.submit(otto, world.draft(channels=("website",))),
    }
    for how, made in touched.items():
        with subtests.test(how):
            submitted = made()
            page = f"/messages/{submitted.ref}/approve"
            both.get(page)
            assert both.post(page, decision(submitted)).status == 409
    world.work_public()
    assert nothing_was_sent(world)


def _hand_over(world, ref):
    return world.parts.compose.submit(world.officer, ref)


def _changed_by(world, who):
    ref = world.draft(channels=("website",))
    world.edit(ref, by=who, channels=("website",))
    return _hand_over(world, ref)


# --- T26, T30 ---------------------------------------------------------------------------------------------


def test_an_audience_that_is_missing_or_empty_cannot_be_handed_over_or_sent(world):
    olga, anna = visitor(world, "olga", "officer"), visitor(world, "anna", "approver")
    world.add_audience("nobody", 0)
    for audience in ("", "nobody"):
        ref = world.draft(channels=("website", "sms"), audience=audience)
        olga.get(f"/messages/{ref}")
        assert olga.post(f"/messages/{ref}/submit").status == 409
    olga.get("/messages/new/flood")
    unknown = olga.post("/messages/new/flood", channels="sms", audience="no-such-list")
    assert unknown.status == 422
    version = world.add_audience("residents", 3)
    submitted = world.submit(channels=("website", "sms"), audience="residents")
    world.add_recipient(version, 9)
    page = f"/messages/{submitted.ref}/approve"
    anna.get(page)
    assert anna.post(page, decision(submitted)).status == 409
    assert nothing_was_sent(world)


def test_an_exercise_looks_reads_and_is_confirmed_differently(world):
    anna = visitor(world, "anna", "approver")
    real, drill = (
        anna.get(f"/messages/{world.submit(channels=('website',), mode=mode).ref}/approve").text
        for mode in Mode
    )
    told = {"verdict--live": real, "This is real": real, "to the public now": real}
    told |= {"verdict--exercise": drill, "This is an exercise": drill, "to the exercise accounts": drill}
    told |= {'govuk-template__body exercise"': drill, "EXERCISE: nothing here reaches the public": drill}
    for words, page in told.items():
        assert words in page
        assert words not in (drill if page is real else real)


# --- T47: forms of others, and signing in -----------------------------------------------------------------------

#: Where nobody is signed in yet, there is no token: the browser says where the form stood.
BEFORE_SIGNING_IN = {
    "/sign-in",
    "/sign-in/code",
    "/sign-in/elsewhere",
    "/sign-in/passkey",
    "/sign-in/passkey/again",
    "/sign-in/passkey/options",
    "/invitation/{code}",
}


def test_no_route_that_acts_takes_a_form_that_is_not_its_own(world):
    ada, bob = visitor(world, "ada", *ALL_ROLES), visitor(world, "bob", *ALL_ROLES)
    ref = world.submit(channels=("website",)).ref
    ada.get("/"), bob.get("/")
    world.clock.slow_down(100)  # when a session was last seen is written down every half minute
    before = world.snapshot()
    for path in routes("POST"):
        address = filled(path, ref=ref, name="flood" if "messages" in path else "bob")
        own = f"csrf={ada.token}".encode()
        forged = [(own, ELSEWHERE)]
        if path not in BEFORE_SIGNING_IN:
            forged += [(body, []) for body in (b"", b"csrf=", f"csrf={bob.token}".encode())]
        for body, headers in forged:
            answer = ada.ask("POST", address, body, FORM, headers)
            assert answer.status == 403, (path, body)
            assert "did not come from here" in answer.words, path
    assert world.snapshot() == before


def test_a_session_is_of_one_sign_in_and_ends_with_it(world):
    person(world, "olive", "officer")
    planted = "a-cookie-of-somebody-elses-making"
    olive = Visitor(world.parts, planted)
    assert olive.post("/sign-in", name="olive", password=PASSWORD, token=False).status == 303
    assert olive.cookie != planted
    assert Visitor(world.parts, planted).get("/").onward == "/sign-in?next=%2F"
    old = olive.cookie
    olive.get("/")
    assert olive.post("/sign-out").onward == "/sign-in"
    assert Visitor(world.parts, old).get("/").onward == "/sign-in?next=%2F"
    anna = visitor(world, "anna", "approver")
    assert anna.get("/").status == 200
    world.parts.proposals.change_roles(world.administrator, "anna", ["officer", "approver"])
    assert anna.get("/").onward == "/sign-in?next=%2F"


def test_a_code_that_was_given_opens_no_second_session(world):
    anna = visitor(world, "anna", "approver")
    code = anna.app.next_code()
    for status in (303, 403, 403):
        half = Visitor(world.parts, enter(world, "anna").cookie)
        answer = half.post("/sign-in/code", code=code, token=False)
        assert answer.status == status
    assert half.get("/").onward == "/sign-in/code"


def test_guesses_are_slowed_down_and_who_knows_the_password_gets_in_within_a_minute(world):
    person(world, "olive", "officer")
    world.clock.slow_down(10)
    thief = Visitor(world.parts)
    answers = [
        thief.post("/sign-in", name="olive", password=f"guess number {n}", token=False) for n in range(30)
    ]
    assert [a.status for a in answers[:1]] == [403]
    assert {a.status for a in answers} == {403, 429}
    assert "Too many tries" in answers[-1].words
    owner = Visitor(world.parts)
    world.clock.advance(60)
    assert owner.post("/sign-in", name="olive", password=PASSWORD, token=False).status == 303


# --- how long a page takes --------------------------------------------------------------------------------------------


def test_home_looks_through_no_table_of_deliveries(world):
    """However many were sent: each kind of what is undecided has a small index of its own."""
    if not world.database.is_sqlite:
        pytest.skip(
            "over a few rows PostgreSQL reads the whole table; tests.bench.pages asks it over a million"
        )
    ada, asked = visitor(world, "ada", *ALL_ROLES), []

    def look(_connection, _cursor, statement, given, *_rest):
        asked.append((statement, given))

    event.listen(world.database.engine, "after_cursor_execute", look)
    ada.get("/")
    event.remove(world.database.engine, "after_cursor_execute", look)
    asked = [each for each in asked if "delivery" in each[0]]
    with world.database.engine.connect() as connection:
        plans = [connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {s}", given).all() for s, given in asked]
    steps = [row.detail for plan in plans for row in plan]
    assert "LIST SUBQUERY" in " ".join(steps)
    assert [each for each in steps if re.match(r"SCAN delivery(?! USING (COVERING )?INDEX)", each)] == []

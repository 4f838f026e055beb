"""Messages on the command line, on both databases: drafted, submitted, decided, edited, stopped, and what is refused."""

import json
from datetime import UTC, datetime

from sqlalchemy import delete, update

from broadcaster.db.tables import delivery, recipient, submission
from tests.integration.desk import FACTS, SECRET, drafting

DATABASES = ("sqlite",)

PAST = datetime(2020, 1, 1, tzinfo=UTC)


# --- from draft to release -----------------------------------------------------------------------------------


def test_a_message_goes_from_draft_to_pending(desk):
    desk.import_audience(3)
    here, desk.run = desk.run, desk.script  # what changes something, in a process of its own
    words = (
        "message",
        "draft",
        "severe-weather",
        "--facts",
        FACTS,
        "--set",
        "area=Cleveleys",
        "--audience",
        "residents",
    )
    drafted = desk.data_of(*words, "--channel", "website", "--channel", "sms", who="officer")
    ref = drafted["reference"]
    submitted = desk.do("message", "submit", ref, who="officer")
    desk.run = here
    assert drafted["state"] == "draft"
    assert drafted["facts"]["area"] == "Cleveleys"
    assert {post["channel"] for post in drafted["posts"]} == {"website", "sms"}
    assert "nothing was sent" in desk.do("status", ref, who="officer")
    shown = desk.data_of("message", "show", ref, who="approver")
    digest = shown["decision"]["manifest_sha256"]
    assert f"message approve {ref} --hash {digest}" in submitted
    assert shown["decision"]["submitted_by"] == "officer"
    assert (shown["audience"]["name"], shown["audience"]["count"]) == ("residents", 3)
    released = desk.script("message", "approve", ref.lower(), "--hash", digest, "--json", who="approver")
    assert "broadcaster up" in released.stderr  # there is no broker here, and whoever approves should know
    assert json.loads(released.stdout)["recipients"] == 3
    status = desk.data_of("status", ref, who="auditor")
    assert (status["planned"], status["totals"], status["adds_up"]) == (4, {"pending": 4}, True)
    assert {t["channel"]: t["states"] for t in status["targets"]} == {
        "website": {"pending": 1},
        "sms": {"pending": 3},
    }
    text = desk.do("status", ref, who="officer")
    assert "4 planned = 4 pending. All are accounted for." in text
    assert "approved by approver" in desk.do("message", "show", ref, who="auditor")
    assert [m["state"] for m in desk.data_of("message", "list", who="officer")] == ["released"]


def test_what_is_shown_holds_the_exact_texts(desk):
    ref, _ = desk.submit("facebook")
    post = desk.data_of("message", "show", ref, who="approver")["posts"][0]
    shown = desk.do("message", "show", ref, who="approver")
    assert shown.startswith(" LIVE ")
    assert "".join(f"    {line}\n" if line else "\n" for line in post["text"].split("\n")) in shown


def test_no_secret_is_ever_shown(desk):
    ref, digest = desk.submit("facebook")
    printed = [
        desk.run(*words, ref, who="auditor")
        for words in (("message", "show"), ("audit", "show"), ("status",))
    ]
    printed += [desk.run("account", "list", who="admin"), desk.run("account", "list", "--json", who="admin")]
    printed.append(desk.run("--debug", "message", "approve", ref, "--hash", digest, who="approver"))
    assert not any(SECRET in done.stdout + done.stderr for done in printed)


def test_a_stale_hash_changes_nothing(desk):
    ref, _ = desk.submit("facebook")
    assert "another version" in desk.refused("message", "approve", ref, "--hash", "0" * 64, who="approver")
    assert desk.state(ref) == "submitted"


def test_nobody_approves_a_message_of_his_own(desk):
    ref, digest = desk.submit("facebook", who="both")
    assert "another person" in desk.refused("message", "approve", ref, "--hash", digest, who="both")
    assert desk.state(ref) == "submitted"


def test_a_message_is_approved_once(desk):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    assert "waits for no approval" in desk.refused("message", "approve", ref, "--hash", digest, who="both")
    assert desk.data_of("status", ref, who="officer")["planned"] == 1


def test_an_expired_submission_is_refused_and_shown_as_such(desk, database):
    ref, digest = desk.submit("facebook")
    with database.write() as tx:
        tx.execute(update(submission).values(expires_at=PAST))
    assert "expired" in desk.refused("message", "approve", ref, "--hash", digest, who="approver")
    shown = desk.do("message", "show", ref, who="approver")
    assert "not approved in time" in shown
    assert "--hash" not in shown


def test_texts_without_an_audience_cannot_be_submitted(desk):
    ref = desk.draft("sms")
    assert "need an audience" in desk.do("message", "preview", ref, who="officer")
    assert "need an audience" in desk.refused("message", "submit", ref, who="officer")
    assert desk.state(ref) == "draft"


def test_an_audience_that_was_emptied_is_refused(desk, database):
    desk.import_audience(2)
    ref, digest = desk.submit("sms", audience="residents")
    with database.write() as tx:
        tx.execute(delete(recipient))
    assert "empty" in desk.refused("message", "approve", ref, "--hash", digest, who="approver")


def test_mistyped_names_are_told_the_nearest_and_nothing_is_kept(desk):
    desk.import_audience(1)
    facts = ("--facts", FACTS)
    for words, nearest in (
        (("severe-wether", *facts), "severe-weather"),
        (("severe-weather", *facts, "--set", "aera=x"), "area"),
        (("severe-weather", *facts, "--channel", "facebok"), "facebook"),
        (("severe-weather", *facts, "--channel", "sms", "--audience", "resident"), "residents"),
    ):
        assert f'Did you mean "{nearest}"?' in desk.refused("message", "draft", *words, who="officer")
    assert "no incident" in desk.refused(
        "message",
        "draft",
        "severe-weather",
        *facts,
        "--channel",
        "facebook",
        "--incident",
        "NOPE42",
        who="officer",
    )
    assert desk.data_of("message", "list", who="officer") == []


def test_all_problems_of_the_facts_are_named_at_once_as_json_too(desk):
    done = desk.script(
        "message", "draft", "severe-weather", "--set", "colour=Purple", "--json", who="officer"
    )
    assert done.returncode == 1
    assert done.stdout == ""
    details = json.loads(done.stderr)["details"]
    assert any(line.startswith("colour: must be one of") for line in details)
    assert any(line.startswith("area: is needed") for line in details)


def test_an_unknown_reference_is_told_the_nearest(desk):
    ref = desk.draft("facebook")
    near = ref[:5] + ("2" if ref[5] != "2" else "3")
    for words in (("status", near), ("message", "show", near), ("stop", near, "--reason", "x")):
        assert f'Did you mean "{ref}"?' in desk.refused(*words, who="officer")


def test_an_exercise_uses_its_own_accounts_and_says_so(desk):
    words = (*drafting("facebook"), "--mode", "exercise")
    assert "No exercise account" in desk.refused(*words, who="officer")
    desk.add_accounts("exercise")
    shown = desk.do(*words, who="officer")
    assert shown.startswith(" EXERCISE ")
    assert "    EXERCISE - this is a drill" in shown


# --- edit, return, reject, stop ------------------------------------------------------------------------------


def test_an_edit_keeps_what_is_not_given_and_voids_the_submission(desk):
    desk.import_audience(2)
    words = ("message", "draft", "severe-weather", "--facts", FACTS, "--audience", "residents")
    ref = desk.data_of(*words, "--channel", "facebook", "--channel", "sms", who="officer")["reference"]
    before = desk.data_of("message", "submit", ref, who="officer")
    done = desk.do("message", "edit", ref, "--set", "area=Knott End", who="officer")
    assert "Counted from now again: starts=+2h, expires=+14h, next_update=+4h" in done
    after = desk.data_of("message", "show", ref, who="officer")
    assert (after["version"], after["state"], after["decision"]) == (2, "draft", None)
    assert after["facts"]["area"] == "Knott End"
    assert after["facts"]["instruction"] == before["facts"]["instruction"]
    assert after["audience"] == before["audience"]
    assert [p["account"] for p in after["posts"]] == [p["account"] for p in before["posts"]]
    digest = before["decision"]["manifest_sha256"]
    assert "waits for no approval" in desk.refused(
        "message", "approve", ref, "--hash", digest, who="approver"
    )


def test_an_edit_can_take_channels_and_audience_away(desk):
    desk.import_audience(2)
    words = ("message", "draft", "severe-weather", "--facts", FACTS, "--audience", "residents")
    ref = desk.data_of(*words, "--channel", "facebook", "--channel", "sms", who="officer")["reference"]
    made = desk.data_of("message", "edit", ref, "--channel", "facebook", "--audience", "", who="officer")
    assert [p["channel"] for p in made["posts"]] == ["facebook"]
    assert made["audience"] is None


def test_an_edit_refuses_to_drop_an_account_that_is_gone(desk):
    ref = desk.draft("facebook", "sms")
    (desk.data / "credentials" / "live" / "texts.toml").unlink()
    assert "texts" in desk.refused("message", "edit", ref, "--set", "area=x", who="officer")
    made = desk.data_of("message", "edit", ref, "--channel", "facebook", who="officer")
    assert [p["channel"] for p in made["posts"]] == ["facebook"]


def test_a_returned_message_tells_its_officer_why(desk):
    ref, _ = desk.submit("facebook")
    desk.do("message", "return", ref, "--reason", "Name the streets", who="approver")
    assert "Returned by approver" in desk.do("message", "show", ref, who="officer")
    assert desk.data_of("message", "show", ref, who="officer")["turned_down"]["reason"] == "Name the streets"
    desk.do("message", "submit", ref, who="officer")
    assert desk.data_of("message", "show", ref, who="officer")["turned_down"] is None


def test_a_rejected_message_stays_rejected(desk):
    ref, digest = desk.submit("facebook")
    made = desk.data_of("message", "reject", ref, "--reason", "Withdrawn", who="approver")
    assert made == {"reference": ref, "state": "rejected"}
    assert "rejected" in desk.refused("message", "approve", ref, "--hash", digest, who="approver")
    assert "was rejected: nothing was sent" in desk.do("status", ref, who="officer")


def test_an_empty_reason_is_no_reason(desk):
    ref, _ = desk.submit("facebook")
    assert "Give a reason" in desk.refused("message", "return", ref, "--reason", " ", who="approver")
    assert desk.state(ref) == "submitted"


def test_a_stopped_broadcast_sends_nothing_more_and_watching_it_ends(desk):
    ref, digest = desk.submit("facebook", "website")
    assert "nothing to stop" in desk.refused("stop", ref, "--reason", "x", who="officer")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    desk.do("stop", ref, "--reason", "The road is open", who="officer")
    watched = desk.do("status", ref, "--watch", who="officer")
    assert "2 planned = 2 cancelled. All are accounted for." in watched
    lines = desk.do("status", ref, "--watch", "--json", who="officer").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["stopped"]
    assert "Stopped by officer" in desk.do("message", "show", ref, who="officer")
    assert "already" in desk.refused("stop", ref, "--reason", "x", who="officer")


def test_stopping_and_looking_work_with_broken_accounts(desk):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    desk.break_account("page")
    assert desk.data_of("status", ref, who="officer")["planned"] == 1
    desk.do("stop", ref, "--reason", "x", who="officer")
    assert "page.toml" in desk.refused("message", "show", ref, who="officer")


def test_a_lost_delivery_is_an_alarm_and_a_failure(desk, database):
    ref, digest = desk.submit("facebook", "website")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    with database.write() as tx:
        first = tx.execute(delivery.select().order_by(delivery.c.id)).first()
        tx.execute(delete(delivery).where(delivery.c.id == first.id))
    for words in (("status", ref), ("status", ref, "--json")):
        done = desk.run(*words, who="officer")
        assert done.returncode == 1
    assert json.loads(done.stdout)["adds_up"] is False
    assert "ALARM" in desk.run("status", ref, who="officer").stdout

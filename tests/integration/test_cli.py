"""The command line on both databases, without workers: users, roles, audiences, accounts, the audit log, unknowns."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import delete, text, update

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey
from broadcaster.db.tables import account, audit_event
from broadcaster.service.seal import Seal
from tests.integration.desk import FACTS, Desk

DATABASES = ("sqlite",)

# --- users ---------------------------------------------------------------------------------------------------


def test_the_first_user_is_an_administrator_and_gets_a_token_right_away(bare):
    assert "must be an administrator" in bare.refused("user", "add", "alice", "--role", "officer")
    first = json.loads(bare.run("user", "add", "alice", "--role", "administrator", "--json").stdout)
    assert first["roles"] == ["administrator"]
    bare.tokens["alice"] = first["token"]
    assert "not valid" in bare.refused("user", "add", "mallory", "--role", "administrator", who="bcr_other")
    bare.switch_to_one_administrator()
    bare.give_factors()
    assert "invitation" in bare.data_of(
        "user", "add", "bob", "--role", "officer", "--role", "approver", who="alice"
    )
    bare.tokens["bob"] = bare.data_of("token", "issue", "bob", "--days", "5", who="alice")["token"]
    assert bare.data_of("user", "list", who="alice") == [
        {"name": "alice", "roles": ["administrator"], "disabled_at": None},
        {"name": "bob", "roles": ["approver", "officer"], "disabled_at": None},
    ]
    assert "Only an administrator" in bare.refused("user", "list", who="bob")
    assert "Only an administrator" in bare.refused("token", "issue", "alice", who="bob")


def test_nobody_adds_a_second_user(desk):
    assert "Only an administrator may add users" in desk.refused(
        "user", "add", "mallory", "--role", "administrator"
    )
    assert "Only an administrator may issue tokens" in desk.refused("token", "issue", "admin")


def test_a_mistyped_role_is_told_the_nearest(desk):
    assert 'Did you mean "officer"?' in desk.refused("user", "add", "eve", "--role", "oficer", who="admin")


READING = [
    ("status",),
    ("message", "list"),
    ("message", "show", "7F3K2M"),
    ("audit", "show"),
    ("account", "list"),
]
READING += [("audience", "list"), ("user", "list"), ("status", "7F3K2M"), ("stop", "7F3K2M", "--reason", "x")]


def test_everything_but_help_and_templates_needs_a_token(desk):
    for words in READING:
        assert "You are not signed in" in desk.refused(*words), words
    assert desk.run("template", "list").returncode == 0


def test_a_wrong_token_is_refused_and_never_repeated(desk):
    said = desk.refused("status", who="bcr_canary")
    assert "not valid" in said
    assert "canary" not in said


def test_each_role_may_do_its_own_only(desk):
    for who, words, may in (
        ("approver", ("message", "draft", "severe-weather", "--facts", FACTS), "an officer"),
        ("approver", ("audit", "show"), "an administrator or an auditor"),
        ("keeper", ("status",), "an officer"),
        ("auditor", ("audience", "list"), "an administrator or an officer"),
        ("officer", ("message", "approve", "7F3K2M", "--hash", "0"), "an approver"),
        ("officer", ("account", "resume", "page"), "an administrator"),
        ("auditor", ("stop", "7F3K2M", "--reason", "x"), "an officer"),
    ):
        assert may in desk.refused(*words, who=who), words


# --- schema and empty states ---------------------------------------------------------------------------------


def test_an_unmigrated_database_says_what_to_do_and_migrate_does_it(tmp_path, empty_database_url):
    desk = Desk(tmp_path, empty_database_url)
    desk.run = desk.script
    assert "broadcaster migrate" in desk.refused("user", "add", "alice", "--role", "administrator")
    assert "0001" in desk.do("migrate", who="")
    assert "Nothing to do" in desk.do("migrate", who="")
    assert desk.data_of("migrate", who="") == {"applied": []}
    assert "export BROADCASTER_TOKEN=bcr_" in desk.do(
        "user", "add", "alice", "--role", "administrator", who=""
    )


def test_empty_states_say_what_to_do_next(bare):
    bare.add_users()
    assert "broadcaster message draft" in bare.do("message", "list", who="officer")
    assert "broadcaster message draft" in bare.do("status", who="officer")
    assert "broadcaster audience import" in bare.do("audience", "list", who="officer")
    assert "broadcaster up --sandbox" in bare.do("account", "list", who="officer")


# --- audiences -----------------------------------------------------------------------------------------------


def test_an_import_counts_good_duplicate_and_bad_rows_and_names_the_bad(desk):
    path, problems = desk.folder / "a.csv", desk.folder / "problems.csv"
    bad = "".join(f"mistyped{i}\n" for i in range(14))
    path.write_text("mobile\n07700 900001\n07700 900001\n+44 7700 900002\n" + bad)
    shown = desk.run("audience", "import", path, "--name", "a", "--problems", problems, who="keeper")
    assert shown.returncode == 0
    for line in ("2 good", "1 duplicate", "14 bad", "row 3: the number ending in 001", "and 5 more"):
        assert line in shown.stdout
    assert shown.stdout.count("  row ") == 10
    assert "100 %: 17 rows read" in shown.stderr
    assert "900001" not in shown.stdout + shown.stderr
    assert len(problems.read_text().splitlines()) == 1 + 15
    listed = desk.data_of("audience", "list", who="keeper")
    assert [(each["name"], each["version"], each["count"]) for each in listed] == [("a", 1, 2)]


def test_an_import_with_json_prints_json_only(desk):
    path = desk.folder / "a.csv"
    path.write_text("mobile\n07700 900001\nx\n")
    done = desk.script("audience", "import", path, "--name", "a", "--json", who="officer")
    found = json.loads(done.stdout)
    assert (found["count"], found["problems"], found["examples"][0]["row"]) == (1, 1, 3)
    assert done.stderr == ""


def test_a_file_without_numbers_is_refused(desk):
    path = desk.folder / "a.csv"
    path.write_text("mobile\nx\n")
    assert "Nothing was imported" in desk.refused("audience", "import", path, "--name", "a", who="officer")
    assert desk.data_of("audience", "list", who="officer") == []


# --- accounts and audit --------------------------------------------------------------------------------------


def test_a_paused_account_is_listed_with_its_reason_and_resumed(desk, database):
    desk.submit("facebook")
    with database.write() as tx:
        tx.execute(update(account).values(paused_at=tx.now(), pause_reason="The token was revoked."))
    assert "The token was revoked." in desk.do("account", "list", who="officer")
    assert 'Did you mean "page"?' in desk.refused("account", "resume", "pag", who="admin")
    desk.do("account", "resume", "page", who="admin")
    assert [a["paused_at"] for a in desk.data_of("account", "list", who="officer")] == [None, None, None]
    assert "not paused" in desk.refused("account", "resume", "page", who="admin")


def test_broken_accounts_are_all_listed(desk):
    folder = desk.data / "credentials" / "live"
    desk.break_account("page")
    (folder / "other.toml").write_text('channel = "facebok"\n')
    said = desk.refused("account", "list", who="admin")
    assert all(
        word in said for word in ("page_id is missing", "access_token is missing", 'Did you mean "facebook"?')
    )


def test_the_audit_log_shows_who_did_what_and_that_it_is_whole(desk):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    found = desk.data_of("audit", "show", ref, who="auditor")
    assert [(e["actor"], e["act"]) for e in found["events"]] == [
        ("officer", "message_drafted"),
        ("officer", "message_submitted"),
        ("approver", "message_approved_and_released"),
    ]
    assert found["events"][1]["payload"]["manifest_sha256"] == digest
    assert (found["whole"], found["first_bad"]) == (True, None)
    shown = desk.do("audit", "show", who="auditor", BROADCASTER_TIMEZONE="Asia/Kathmandu")
    assert "+0545" in shown
    assert "message_approved_and_released" in shown
    assert "is whole" in shown


@pytest.mark.parametrize("damage", ["altered", "taken out", "cut off"])
def test_a_damaged_audit_log_is_an_alarm_with_the_number(desk, database, damage):
    ref = desk.draft("facebook")
    folder = AnchorFolder(desk.data / "anchors")
    Seal(database, SealKey(desk.data / "keys" / "seal.key"), folder).seal()
    numbers = [e["no"] for e in desk.data_of("audit", "show", who="auditor")["events"]]
    bad = numbers[-1] if damage == "cut off" else numbers[2]
    row = audit_event.c.no == bad
    with database.write() as tx:
        change = (
            update(audit_event).where(row).values(payload="{")
            if damage == "altered"
            else delete(audit_event).where(row)
        )
        tx.execute(change)
    done = desk.run("audit", "show", who="auditor")
    assert done.returncode == 1
    assert f"ALARM: event {bad} " in done.stdout
    about_one = desk.run("audit", "show", ref, "--json", who="auditor")
    assert about_one.returncode == 1
    assert json.loads(about_one.stdout)["first_bad"] == bad


def test_nothing_unknown_is_said_so(desk):
    assert "Nothing is unknown" in desk.do("unknown", "list", who="officer")
    assert desk.data_of("unknown", "list", who="officer") == []


def test_an_unknown_delivery_is_listed_and_decided(desk, database):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    with database.write() as tx:
        tx.execute(text("UPDATE delivery SET state = 'unknown_final', operator_text = 'No answer.'"))
    listed = desk.data_of("unknown", "list", who="officer")
    page = next(each for each in listed if each["channel"] == "facebook")
    assert (page["ref"], page["operator_text"]) == (ref, "No answer.")
    shown = desk.do("unknown", "list", who="officer")
    assert page["uid"] in shown
    assert "look at the platform" in shown
    why = ("--reason", "seen there")
    assert "either" in desk.refused("unknown", "resolve", page["uid"], *why, who="officer", code=2)
    assert "Only" in desk.refused("unknown", "resolve", page["uid"], "--send-again", *why, who="auditor")
    desk.do("unknown", "resolve", page["uid"], "--sent", "https://facebook.com/1", *why, who="officer")
    assert page["uid"] not in desk.do("unknown", "list", who="officer")
    assert "seen there" in desk.do("audit", "show", ref, who="auditor")


def test_what_was_refused_is_tried_again_and_what_people_did_is_noted(desk, database):
    ref, digest = desk.submit("facebook")
    assert "Nothing of" in desk.do("again", ref, who="officer")
    assert "nobody has approved it" in desk.refused(
        "by-hand", "told", ref, "radio", "--at", "0:00", who="officer"
    )
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    with database.write() as tx:
        tx.execute(
            text("UPDATE delivery SET state = 'failed', code = 'too_rude', operator_text = 'Too rude.'")
        )
    (refused,) = [r for r in desk.data_of("again", ref, who="officer") if r["channel"] == "facebook"]
    assert (refused["code"], refused["count"], refused["text"]) == ("too_rude", 1, "Too rude.")
    page = refused["account"]
    assert "Fleetwood" in desk.do("by-hand", "text", ref, page, "--json", who="auditor")
    assert "Give a reason" in desk.refused("again", ref, page, who="officer")
    assert "Only" in desk.refused("again", ref, page, "--reason", "x", who="auditor")
    assert "no account" in desk.refused("again", ref, "nowhere", "--reason", "x", who="officer")
    now = datetime.now(ZoneInfo("Europe/London"))
    at = f"{now:%H:%M}"
    assert "https://" in desk.refused(
        "by-hand", "posted", ref, page, "--at", at, "--link", "x", who="officer"
    )
    told = desk.data_of("by-hand", "told", ref, "radio", "--at", at, "--words", "Read out", who="officer")
    assert told["way"] == "radio"
    done = desk.data_of("again", ref, page, "--reason", "Mended", who="officer")
    assert (done["code"], done["tried_again"]) == ("too_rude", 1)
    with database.write() as tx:
        tx.execute(text("UPDATE delivery SET state = 'failed', code = 'too_rude'"))
    link = "https://facebook.example/1"
    desk.do("by-hand", "posted", ref, page, "--at", at, "--link", link, who="officer")
    acts = [e["act"] for e in desk.data_of("audit", "show", ref, who="auditor")["events"]]
    assert acts[-3:] == ["told_by_hand", "failed_tried_again", "posted_by_hand"]

"""Alarms on the command line: shown until they are over, with an exit code for programs, to those who may see them."""

import json

import pytest
from sqlalchemy import text

from broadcaster.bootstrap import build
from broadcaster.db.engine import Database
from broadcaster.settings import Settings

DATABASES = ("sqlite",)


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


def sweep(desk):
    settings = Settings.load({"BROADCASTER_DATA_DIR": str(desk.data)})
    database = Database(desk.url)
    parts = build(settings, channels={}, database=database)
    assert parts.sweep.lead()
    parts.alarms.look()
    database.close()


def alter(desk, statement, **values):
    database = Database(desk.url)
    with database.write() as tx:
        tx.execute(text(statement), values)
    database.close()


def test_the_command_exits_with_0_and_a_sentence_where_nothing_is_wrong(desk):
    sweep(desk)
    assert desk.do("alarms", who="auditor") == (
        "No alarm is open: the sweeper looks every second and finds nothing wrong.\n"
    )
    shown = desk.data_of("alarms", who="auditor")
    assert (shown["open"], shown["watching"], shown["alarms"]) == (0, True, [])


def test_the_command_exits_with_1_where_nobody_looks(desk):
    done = desk.run("alarms", who="officer")
    assert (done.returncode, done.stderr) == (1, "")
    assert "Nobody has looked for alarms yet" in done.stdout
    assert "broadcaster up" in done.stdout
    assert json.loads(desk.run("alarms", "--json", who="officer").stdout)["watching"] is False


def test_the_command_shows_what_is_wrong_and_exits_with_1_until_it_is_over(desk):
    ref = a_lost_delivery(desk)
    sweep(desk)
    done = desk.run("alarms", who="officer")
    assert done.returncode == 1
    heading, words = done.stdout.splitlines()
    assert heading.startswith(f"counts_differ {ref}, since 20")
    assert heading.endswith(("GMT", "BST"))
    assert words == "  Two are gone. Tell an administrator."
    shown = desk.run("alarms", "--json", who="officer")
    assert shown.returncode == 1
    (one,) = json.loads(shown.stdout)["alarms"]
    assert (one["code"], one["subject"], one["cleared_at"]) == ("counts_differ", ref, None)
    said = desk.do("alarms", "acknowledge", "counts_differ", ref, "--reason", "restored", who="officer")
    assert "is acknowledged" in said
    assert desk.do("alarms", who="officer").startswith("No alarm is open")
    assert "acknowledged 20" in desk.do("alarms", "--all", who="officer")
    (event,) = [e for e in desk.data_of("audit", "show", who="auditor")["events"] if "alarm" in e["act"]]
    assert (event["actor"], event["act"]) == ("officer", "alarm_acknowledged")


def test_who_may_not_see_or_decide_is_refused(desk):
    assert "Only" in desk.refused("alarms", who="keeper")
    assert "not signed in" in desk.refused("alarms")
    words = ("alarms", "acknowledge", "counts_differ", "7F3K2M", "--reason", "x")
    assert "Only an approver or an officer may decide" in desk.refused(*words, who="auditor")
    assert "No alarm counts_differ of 7F3K2M is open" in desk.refused(*words, who="officer")
    assert desk.run(*words[:-2], who="officer").returncode == 2


def test_status_shows_the_alarms_of_that_message_on_top(desk):
    ref = a_lost_delivery(desk)
    shown = desk.do("status", ref, who="officer")
    assert shown.startswith(f"counts_differ {ref}, since")
    assert shown.splitlines()[1] == "  Two are gone. Tell an administrator."
    assert [a["code"] for a in desk.data_of("status", ref, who="officer")["alarms"]] == ["counts_differ"]
    other = desk.draft("website")
    assert "counts_differ" not in desk.do("status", other, who="officer")


def a_lost_delivery(desk):
    """A message with an alarm of its own."""
    ref = desk.draft("website")
    alter(
        desk,
        "INSERT INTO alarm (code, subject, text, size, raised_at) VALUES "
        "('counts_differ', :ref, 'Two are gone. Tell an administrator.', 1, :at)",
        ref=ref,
        at="2026-11-21T18:00:05.000000Z",
    )
    return ref

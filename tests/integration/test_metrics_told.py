"""The figures of the machinery, who is told them, and what it costs."""

import asyncio
import json
import os
import re
import time

import pytest
from prometheus_client.parser import text_string_to_metric_families

from broadcaster.alive import Pulse
from broadcaster.audit.anchors import AnchorFolder
from broadcaster.cli.figures import shown
from broadcaster.cli.terminal import say
from broadcaster.db.engine import Database
from broadcaster.domain.figures import CATALOGUE
from broadcaster.service.figures import BOUNDS, Figures
from broadcaster.web.metrics import Fresh
from tests.builders import number
from tests.integration.alarms import a_silent_page, pause, undecided_texts
from tests.integration.test_alarms_watched import plans, statements
from tests.integration.test_web import ask, running
from tests.integration.told_figures import TOKEN, told


@pytest.fixture
def world_settings():
    return {"metrics_token": TOKEN, "max_in_flight": 4}


# --- the machinery -------------------------------------------------------------------------------------------


@pytest.fixture
def figures(world):
    """Those of a machine whose clock, and whose broker, are as a test wants them."""

    def made(**given):
        parts = world.parts
        wanted = {
            "root": parts.settings.root,
            "broker_answers": lambda: True,
            "clock": world.now,
        } | given
        return Figures(
            wanted.pop("database", world.database),
            world.channels,
            AnchorFolder(parts.settings.anchors),
            **wanted,
        )

    return made


def values(made):
    return {(f.name.removeprefix("broadcaster_"), *f.labels.values()): f.value for f in made.look()}


def test_a_clock_that_differs_from_the_databases_is_told_either_way(world, figures):
    assert abs(values(figures())["clock_skew_seconds",]) < 1
    assert 2 < values(figures(clock=lambda: world.later(3)))["clock_skew_seconds",] < 4
    assert -4 < values(figures(clock=lambda: world.later(-3)))["clock_skew_seconds",] < -2
    assert BOUNDS["broadcaster_clock_skew_seconds"] == 2


def test_processes_are_alive_as_long_as_they_say_so_and_those_that_are_missing_are_told(world, figures):
    root = world.parts.settings.root
    with Pulse(root, "live-bulk-1"), Pulse(root, "live-bulk-2"), Pulse(root, "sweeper", every_s=60):
        long_ago = time.time() - 60
        os.utime(next((root / "alive").glob("sweeper@*")), (long_ago, long_ago))
        found = values(figures())
    assert found["processes_alive", "live-bulk"] == 2
    assert found["processes_alive", "sweeper"] == 0
    kinds = {key[1] for key in found if key[0] == "processes_alive"}
    assert kinds == {"live-public", "live-bulk", "live-pump", "sweeper", "sealer"} | {
        f"exercise-{kind}" for kind in ("public", "bulk", "pump")
    }


def test_the_broker_and_what_lies_beside_the_database_are_told(world, figures):
    spill = world.parts.settings.root / "spill" / "outcomes.jsonl"
    spill.parent.mkdir(parents=True, exist_ok=True)
    spill.write_text("{}\n")
    found = values(figures(broker_answers=lambda: False))
    assert (found["broker_up",], found["spill_bytes",]) == (0, 3)
    assert values(figures())["broker_up",] == 1
    assert 0 < found["disk_free_ratio", "data"] < 1
    assert found["disk_free_bytes", "data"] > 0


def test_where_the_database_is_away_that_is_told_with_what_is_known_without_it(figures, tmp_path):
    away = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    found = values(figures(database=away))
    away.close()
    assert found["database_up",] == 0
    assert found["broker_up",] == 1
    assert ("processes_alive", "sweeper") in found
    assert "seal_lag_seconds" not in {key[0] for key in found}


def test_who_leads_and_what_alarms_are_open_is_told(world):
    assert told(world, "sweeper_leading") == 0
    world.parts.sweep.lead()
    assert told(world, "sweeper_leading") == 1
    pause(world)
    world.parts.alarms.look()
    assert told(world, "alarms_open", code="account_paused") == 1
    world.clock.advance(120)
    assert told(world, "sweeper_leading") == 0


# --- who is told ---------------------------------------------------------------------------------------------


def asked(parts, authorization=f"Bearer {TOKEN}"):
    async def once():
        async with running(parts) as app:

            async def as_somebody(scope, receive, send):
                given = [(b"authorization", authorization.encode())] if authorization else []
                await app({**scope, "headers": [*scope["headers"], *given]}, receive, send)

            return await ask(as_somebody, "/metrics")

    return asyncio.run(once())


def test_only_who_shows_the_token_is_told(world):
    assert asked(world.parts).status == 200
    for wrong in ("", "Bearer", "Bearer x", f"Basic {TOKEN}", f"Bearer {TOKEN}x", "Bearer \u00e9"):
        answer = asked(world.parts, authorization=wrong)
        assert (answer.status, answer.headers["www-authenticate"]) == (401, "Bearer")
        assert b"broadcaster_" not in answer.body
    none = world.beside(metrics_token="")
    assert asked(none, authorization="Bearer ").status == 404
    assert asked(none).status == 404


def test_a_program_reads_what_is_told_and_finds_every_label_and_nobody_in_it(world):
    undecided = undecided_texts(world, 2)
    released = world.release()
    world.work_public()
    pause(world)
    world.parts.alarms.look()
    answer = asked(world.parts)
    assert answer.headers["content-type"].startswith("text/plain")
    families = {f.name: f for f in text_string_to_metric_families(answer.body.decode())}
    assert {name.removesuffix("_total") for name in CATALOGUE} == set(families)
    for name, about in CATALOGUE.items():
        family = families[name.removesuffix("_total")]
        assert family.documentation == about.text
        assert family.type == ("counter" if name.endswith("_total") else "gauge")
        assert {frozenset(sample.labels) for sample in family.samples} <= {frozenset(about.labels)}
    secret = [
        undecided.ref,
        released.ref,
        released.broadcast,
        number(1),
        "Amber wind",
        "olive",
        "anna",
        TOKEN,
    ]
    assert [word for word in secret if word.encode() in answer.body] == []


def test_no_look_reads_all_deliveries_or_attempts(world):
    """At a million of them it would be done every few seconds. Without statistics, which a database lacks while it counts."""
    undecided_texts(world, 2)
    a_silent_page(world)
    world.release_texts(500)
    with statements(world.database) as found:
        world.parts.figures.look()
    read = [
        (s, p)
        for s, p in found
        if re.search(r" (delivery|attempt)\b", s) and s.startswith(("SELECT", "WITH"))
    ]
    assert len(read) >= 7
    lines = [line for plan in plans(world.database, read) for line in plan]
    reading = [line for line in lines if re.search(r"(SEARCH|SCAN|Scan.* on) (delivery|attempt)\b", line)]
    assert reading
    whole = [line for line in reading if re.search(r"SCAN (delivery|attempt)(?! USING)|Seq Scan", line)]
    assert whole == []
    if (
        world.database.is_sqlite
    ):  # PostgreSQL goes about five hundred rows in another way than about a million
        # One place each, by both columns of the key: by the target alone it would be a million rows for a thousand places.
        assert [line for line in lines if "target_id=? AND ordinal=?" in line]
        assert not [line for line in lines if "delivery" in line and "(target_id=?)" in line]


def test_those_who_ask_at_once_cost_one_look():
    now, looks = [0.0], []
    fresh = Fresh(lambda: looks.append(1) or [], fresh_s=3, clock=lambda: now[0])
    for seconds, expected in ((0, 1), (2.9, 1), (3.0, 2), (3.1, 2)):
        now[0] = seconds
        fresh()
        assert len(looks) == expected


# --- on the command line -------------------------------------------------------------------------------------


def test_the_command_line_tells_the_same_and_marks_what_is_beyond_its_bound(desk):
    assert "Nothing was sent in the last hour" in desk.do("figures", who="auditor")
    found = json.loads(desk.do("figures", "--json", "--hours", "24", who="auditor"))
    assert found["hours"] == 24
    by_name = {each["name"]: each for each in found["figures"]}
    assert by_name["broadcaster_database_up"]["value"] == 1
    assert not by_name["broadcaster_clock_skew_seconds"]["beyond"]
    assert "an auditor" in desk.refused("figures", who="keeper")


def test_people_read_how_fast_it_was_what_waits_and_what_is_beyond_its_bound(world, capsys):
    world.clock.slow_down(10)
    world.release(channels=("website",))
    world.work_public()
    world.release(channels=("facebook",))
    world.clock.advance(75)
    say(*shown(world.parts.figures.look(), 1))
    said = capsys.readouterr().out
    assert re.search(r"LIVE +website +\d\.\d s +\d\.\d s", said)
    assert re.search(r"LIVE +facebook +7\d\.\d s +7\d\.\d s \(!\)", said)
    assert re.search(r"oldest work ready \(live/public\): 7\d\.\d s \(!\)", said)
    assert re.search(r"audit log not sealed for: 7\d\.\d s \(!\)", said)
    assert "live-public 0" in said
    assert "The broker does not answer" in said

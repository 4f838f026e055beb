"""Figures are facts of the database at the moment they are asked for, and only who has the token is told them."""

import asyncio
import json
import os
import re
import shutil
import time
from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import update

from broadcaster.alive import Pulse
from broadcaster.audit.anchors import AnchorFolder
from broadcaster.cli.figures import shown
from broadcaster.cli.terminal import say
from broadcaster.db.engine import Database
from broadcaster.db.tables import account, batch, delivery, probe
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, Refused
from broadcaster.domain.figures import CATALOGUE
from broadcaster.domain.readiness import Readiness, ReadinessState
from broadcaster.service.figures import BOUNDS, Figures
from broadcaster.web.metrics import Fresh
from tests.builders import number
from tests.integration.alarms import a_silent_page, pause, undecided_texts
from tests.integration.test_alarms_watched import plans, statements
from tests.integration.test_web import ask, running

TOKEN = "a-token-that-is-long-enough"
HALF_AN_HOUR = 1_800


@pytest.fixture
def world_settings():
    return {"metrics_token": TOKEN, "max_in_flight": 4}


def told(world, name, **labels):
    """The one figure of this name with these labels."""
    found = [f.value for f in told_all(world, name) if labels.items() <= f.labels.items()]
    assert len(found) == 1, (name, labels, found)
    return found[0]


def told_all(world, name):
    return [f for f in world.parts.figures.look() if f.name == f"broadcaster_{name}"]


def p95(world, channel):
    return told(world, "release_to_acceptance_seconds", channel=channel, quantile="0.95")


# --- speed ---------------------------------------------------------------------------------------------------


def test_acceptance_is_counted_from_the_release_by_channel(world):
    world.release(channels=("website", "facebook"))
    world.clock.advance(2)
    world.work_public()
    assert 2 <= p95(world, "website") < 10
    assert 2 <= p95(world, "facebook") < 10
    assert told(world, "release_to_acceptance_looked_at", channel="facebook") == 1
    assert told(world, "platform_answer_seconds", channel="facebook", quantile="0.5") < 5
    assert told(world, "deliveries_recent_ratio", channel="facebook", state="accepted") == 1
    assert told(world, "attempts_total") == 2
    world.clock.advance(600)  # what is accepted does not get older
    assert p95(world, "facebook") < 10
    world.clock.advance(3_000)  # but it is of the last hour no more
    assert not told_all(world, "release_to_acceptance_seconds")
    assert [
        f.value for f in world.parts.figures.look(within=timedelta(hours=2)) if f.name.endswith("looked_at")
    ]


def test_what_still_waits_counts_with_its_age_so_a_dead_platform_does_not_look_fast(world):
    world.page.always = NotSent("away", "Away.", retry_after_s=30)
    world.release(channels=("facebook",))
    world.work_public()
    world.clock.advance(20)
    assert 20 <= p95(world, "facebook") < 30
    world.clock.advance(100)
    assert p95(world, "facebook") >= 120


def test_what_is_over_without_being_accepted_is_in_no_time_and_in_the_states(world):
    world.page.always = Refused("bad_image", "Refused.")
    world.release(channels=("facebook",))
    world.work_public()
    world.clock.advance(60)
    assert told(world, "release_to_acceptance_looked_at", channel="facebook") == 0
    assert told(world, "deliveries_recent_ratio", channel="facebook", state="failed") == 1
    assert told(world, "outcomes_recent", channel="facebook", outcome="refused", code="bad_image") == 1
    world.clock.advance(300)
    assert not told_all(world, "outcomes_recent")


def test_texts_are_told_by_those_that_are_made_and_those_that_are_not_yet(world):
    world.add_audience("residents", 8)
    released = world.release(channels=("sms",), audience="residents")
    world.clock.advance(40)
    assert told(world, "unplanned_deliveries", mode="live") == 8
    assert 40 <= told(world, "oldest_ready_seconds", mode="live", lane="bulk") < 60  # nobody begins to plan
    assert 40 <= p95(world, "sms") < 60
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert told(world, "unplanned_deliveries", mode="live") == 0
    assert told(world, "sending_deliveries", mode="live", channel="sms") == 8
    world.once(Lane.BULK)
    done = told(world, "deliveries_recent_ratio", channel="sms", state="accepted")
    assert 0 < done <= 1
    assert done + told(world, "deliveries_recent_ratio", channel="sms", state="pending") == 1
    assert told(world, "outcomes_recent", channel="sms", outcome="accepted") == round(done * 8)


def test_of_many_texts_a_thousand_are_looked_at_spread_over_all(world):
    world.release_texts(1_500)
    assert told(world, "release_to_acceptance_looked_at", channel="sms") == 1_000
    with world.database.write() as tx:  # the last tenth
        tx.execute(update(delivery).where(delivery.c.ordinal > 1_350).values(state="failed"))
    assert told(world, "deliveries_recent_ratio", channel="sms", state="failed") == pytest.approx(
        0.1, abs=0.002
    )


# --- what waits ----------------------------------------------------------------------------------------------


def test_ready_work_and_who_is_at_it_are_told_by_lane(world):
    world.release(channels=("website",))
    world.clock.advance(31)
    assert 31 <= told(world, "oldest_ready_seconds", mode="live", lane="public") < 60
    assert told(world, "oldest_ready_seconds", mode="live", lane="bulk") == 0
    assert told(world, "batches", mode="live", lane="public", state="ready") == 1
    assert told(world, "lane_working", mode="live", lane="public") == 0
    world.work_public()
    assert told(world, "oldest_ready_seconds", mode="live", lane="public") == 0
    assert told(world, "lane_working", mode="live", lane="public") == 1
    assert told(world, "lane_working", mode="live", lane="bulk") == 0
    world.clock.advance(31)
    assert told(world, "lane_working", mode="live", lane="public") == 0


def test_a_lease_that_ran_out_is_told_apart_from_one_that_holds(world):
    world.release(channels=("website",))
    (row,) = world.batches()
    world.change(batch, {"state": "leased", "lease_until": world.later(20)}, id=row.id)
    assert told(world, "batches", mode="live", lane="public", state="leased") == 1
    assert told(world, "lane_working", mode="live", lane="public") == 1
    world.clock.advance(30)
    assert told(world, "batches", mode="live", lane="public", state="lapsed") == 1
    assert told(world, "lane_working", mode="live", lane="public") == 0


def test_work_that_nobody_may_take_is_not_ready(world):
    world.release(channels=("facebook",))
    pause(world)
    world.clock.advance(60)
    assert told(world, "oldest_ready_seconds", mode="live", lane="public") == 0
    assert told(world, "batches", mode="live", lane="public", state="waiting") == 1
    assert told(world, "account_paused", account="page") == 1


# --- doubt ---------------------------------------------------------------------------------------------------


def test_what_is_in_doubt_is_counted_with_its_age(world):
    a_silent_page(world)
    world.clock.advance(50)
    assert told(world, "unknown", channel="facebook", state="unknown") == 1
    assert 50 <= told(world, "oldest_unknown_seconds", channel="facebook") < 120


def test_what_only_a_person_can_decide_is_counted_apart(world):
    undecided_texts(world, 3)
    assert told(world, "unknown", channel="sms", state="unknown_final") == 3
    assert not told_all(world, "oldest_unknown_seconds")


def test_texts_without_a_receipt_are_a_share_of_those_old_enough(world):
    world.release_texts(4)
    world.work_bulk()
    assert not told_all(world, "no_receipt_ratio")
    world.receive(world.deliveries("sms")[0].uid, "delivered")
    assert told(world, "receipts_waiting") == 1
    world.parts.receipts.apply_all()
    assert told(world, "receipts_waiting") == 0
    world.clock.advance(HALF_AN_HOUR)
    assert told(world, "no_receipt_ratio", mode="live", channel="sms") == 0.75


def test_opt_outs_are_counted(world):
    assert told(world, "opt_outs") == 0
    world.opt_out(1)
    assert told(world, "opt_outs") == 1


# --- the record ----------------------------------------------------------------------------------------------


def test_what_is_not_sealed_or_not_laid_down_is_told_by_its_age(world):
    world.release(channels=("website",))
    waiting = told(world, "unsealed_events")
    world.clock.advance(9)
    assert waiting > 0
    assert 9 <= told(world, "seal_lag_seconds") < 30
    assert told(world, "anchor_age_seconds") == 0  # nothing is signed yet
    world.parts.seal.seal()
    assert (told(world, "unsealed_events"), told(world, "seal_lag_seconds")) == (0, 0)
    assert told(world, "audit_events_total") == waiting
    world.clock.advance(90)
    assert 90 <= told(world, "anchor_age_seconds") < 120
    world.parts.anchor.lay_down()
    assert told(world, "anchor_age_seconds") == 0
    world.clock.advance(3_600)
    assert told(world, "anchor_age_seconds") == 0  # a quiet hour is no lag


def test_of_several_checkpoints_the_oldest_that_waits_counts_and_a_damaged_file_is_none(world):
    world.release(channels=("website",))
    world.parts.seal.seal()
    world.parts.anchor.lay_down()
    for _ in range(2):
        world.clock.advance(100)
        world.draft()
        world.parts.seal.seal()
    assert 100 <= told(world, "anchor_age_seconds") < 150
    folder = AnchorFolder(world.parts.settings.anchors)
    shutil.move(folder.file, folder.file.with_suffix(".away"))
    assert 200 <= told(world, "anchor_age_seconds") < 250


# --- accounts ------------------------------------------------------------------------------------------------


def checked(world, state, *, valid_until=None):
    """The page was checked just now, and this was found."""
    found = Readiness(state=state, code="c", operator_text="t", valid_until=valid_until)
    world.change(
        probe,
        {"probed_at": world.now(), "since": world.now(), "state": found.state, "code": found.code}
        | {"valid_until": valid_until},
        account_id=world.row(account, name="page").id,
    )


def test_what_a_check_found_is_told_with_its_age_and_the_end_of_the_credentials(world):
    world.release(channels=("facebook",))
    assert told(world, "account_state", account="page", state="unchecked") == 1
    world.add(
        probe,
        account_id=world.row(account, name="page").id,
        claimed_at=world.now(),
        state="",
        code="",
        text="",
    )
    checked(world, ReadinessState.NOT_READY, valid_until=world.later(86_400))
    world.clock.advance(30)
    assert told(world, "account_state", account="page", state="not_ready") == 1
    assert told(world, "account_state", account="page", state="ready") == 0
    assert 30 <= told(world, "account_checked_age_seconds", account="page") < 60
    assert 86_000 < told(world, "account_credentials_left_seconds", account="page") < 86_400


def test_an_account_whose_file_was_taken_away_is_told_no_more(world):
    with world.database.write() as tx:
        tx.insert(
            account,
            {"mode": "live", "channel": "x", "name": "old", "created_at": tx.now(), "pause_reason": ""},
        )
    world.release(channels=("facebook",))
    assert {f.labels["account"] for f in told_all(world, "account_paused")} == {
        "feed",
        "gateway",
        "page",
        "site",
    } - ({"feed", "gateway", "site"} - {r.name for r in world.rows(account)})


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

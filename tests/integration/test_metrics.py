"""Figures are facts of the database at the moment they are asked for, and only who has the token is told them."""

import shutil
from datetime import timedelta

import pytest
from sqlalchemy import update

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.db.tables import account, batch, delivery, probe
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotSent, Refused
from broadcaster.domain.readiness import Readiness, ReadinessState
from tests.integration.alarms import a_silent_page, pause, undecided_texts
from tests.integration.told_figures import TOKEN, told, told_all

HALF_AN_HOUR = 1_800


@pytest.fixture
def world_settings():
    return {"metrics_token": TOKEN, "max_in_flight": 4}


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
    world.clock.slow_down(10)
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

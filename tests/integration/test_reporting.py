"""The report: every delivery in one state, adding up to what was planned, whenever one looks."""

import threading
from io import StringIO
from zoneinfo import ZoneInfo

import pytest
from rich.console import Console

from broadcaster.cli import show
from broadcaster.cli.status import as_json_data
from broadcaster.db.tables import audit_event, delivery
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.delivery import DeliveryState
from broadcaster.domain.errors import NotAllowed, NotFound, NotSent, Refused
from broadcaster.service.report import NO_RECEIPT_AFTER
from tests.fakes import WorkerDied


@pytest.fixture
def world_settings():
    return {"max_in_flight": 20}


def test_it_adds_up_at_every_moment_of_planning_and_sending(world):
    """Asked all the time by somebody else, while one process plans and another sends."""
    world.add_audience("residents", 5_100)
    released = world.release(channels=("website", "sms"), audience="residents")
    other, done, seen = world.beside(), threading.Event(), []

    def watch():
        while not done.wait(0.02):
            status = other.report.status(released.ref)
            seen.append((status.adds_up, status.planned))

    watcher = threading.Thread(target=watch)
    watcher.start()
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_public()
    world.beside(max_in_flight=500).deliver.work("live", Lane.BULK, for_s=0.5)
    done.set()
    watcher.join()
    assert len(seen) > 5
    assert set(seen) == {(True, 5_101)}


def test_what_is_planned_while_one_looks_is_not_counted_twice(world):
    """All of a report is of one moment, also where a chunk is planned between two of its questions."""
    world.add_audience("residents", 30)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    other = world.beside()
    broadcast_id = world.broadcast_id(released.ref)
    with world.meanwhile(world.database, "FROM target", lambda: other.plan.plan(broadcast_id)):
        status = world.parts.report.status(released.ref)
    assert status.adds_up
    assert status.totals == {DeliveryState.PENDING: 31}
    assert len(world.deliveries("sms")) == 30


def test_what_is_under_way_is_shown_as_sending(world):
    seen = []
    world.gateway.on_call = lambda _keys: seen.append(world.totals(released.ref))
    released = world.release_texts(25)
    world.work_bulk()
    assert seen == [
        {"sending": 10, "pending": 15},
        {"sending": 10, "pending": 5, "accepted": 10},
        {"sending": 5, "accepted": 20},
    ]


def test_an_abandoned_group_is_shown_as_sending_until_it_is_taken_over(world):
    def die(_keys):
        raise WorkerDied

    world.gateway.on_call = die
    released = world.release_texts(15)
    with pytest.raises(WorkerDied):
        world.work_bulk()
    assert world.totals(released.ref) == {"sending": 10, "pending": 5}
    world.stop(released.ref)
    world.clock.advance(21)
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"unknown": 10, "cancelled": 5}


def test_a_delivery_that_is_lost_or_doubled_is_an_alarm(world):
    released = world.release_texts(4)
    assert world.status(released.ref).adds_up
    with world.database.write() as tx:
        tx.execute(delivery.delete().where(delivery.c.ordinal == 4))
    assert not world.status(released.ref).adds_up


def test_a_draft_has_a_status_too(world):
    status = world.status(world.draft())
    assert (status.message_state, status.state, status.broadcast, status.planned) == ("draft", "", "", 0)
    assert status.adds_up
    assert not status.over


def test_a_finished_broadcast_says_where_its_posts_are(world):
    world.feed.always = Refused("duplicate", "X has it already.")
    released = world.release()
    world.work_public()
    world.parts.sweep.sweep()
    status = world.status(released.ref)
    assert (status.state, status.over, status.ended_at is not None) == ("done", True, True)
    by_channel = {t.channel: t for t in status.targets}
    assert by_channel["facebook"].link == "https://facebook.test/1"
    assert by_channel["facebook"].seconds >= 0
    assert (by_channel["x"].link, by_channel["x"].seconds) == ("", None)
    assert by_channel["x"].reasons == ("1 x X has it already.",)
    assert status.totals == {DeliveryState.ACCEPTED: 2, DeliveryState.FAILED: 1}


def test_the_last_word_of_the_audit_log_adds_up_too(world):
    world.add_audience("residents", 7)
    released = world.release(channels=("facebook", "sms"), audience="residents")
    world.work_public()
    world.clock.advance(13 * 3600)
    world.parts.sweep.sweep()
    assert world.totals(released.ref) == {"accepted": 1, "expired": 7}
    event = world.row(audit_event, act="broadcast_done")
    assert '"totals":{"accepted":1,"expired":7}' in event.payload


def test_an_unknown_reference_is_told_with_the_nearest_one(world):
    ref = world.draft()
    wrong = ref[:5] + ("2" if ref[5] != "2" else "3")
    with pytest.raises(NotFound, match=ref):
        world.status(wrong)


def test_the_audit_log_is_for_auditors_and_administrators(world):
    ref = world.draft()
    auditor = world.person("ada", "auditor")
    assert [e.act for e in world.parts.audit.events(auditor, ref)] == ["message_drafted"]
    assert world.parts.audit.events(world.administrator)
    for other in (world.officer, world.approver, world.person("kim", "data-keeper")):
        with pytest.raises(NotAllowed, match="read the audit log"):
            world.parts.audit.events(other)


def test_a_decision_says_who_submitted_and_who_approved(world):
    ref = world.draft()
    assert world.parts.report.decision(ref) == {}
    submitted = world.parts.compose.submit(world.officer, ref)
    waiting = world.parts.report.decision(ref)
    assert (waiting["submitted_by"], waiting["approved_by"]) == ("olive", "")
    world.approve(submitted)
    decided = world.parts.report.decision(ref)
    assert decided["approved_by"] == "anna"
    assert decided["manifest_sha256"] == submitted.manifest_sha256


def test_the_newest_messages_come_first(world):
    refs = [world.draft(headline=f"Warning {n}") for n in range(3)]
    assert [m["reference"] for m in world.parts.report.messages()] == refs[::-1]
    assert [m["reference"] for m in world.parts.report.messages(limit=1)] == refs[-1:]


def test_texts_without_a_delivery_receipt_are_shown_as_such_after_a_quarter_of_an_hour(world):
    """Accepted is not arrived: a gateway may take a text and drop it."""
    released = world.release_texts(10)
    world.work_bulk()
    heard = world.deliveries("sms")
    world.receive(heard[0].uid, "delivered")
    world.receive(heard[1].uid, "undelivered")
    world.receive(heard[2].uid, "accepted")  # the network has it: nothing is known of the phone
    world.parts.receipts.apply_all()
    assert no_receipt(world, released) == {"sms": 0}
    world.clock.advance(NO_RECEIPT_AFTER.total_seconds() - 60)
    assert no_receipt(world, released) == {"sms": 0}
    world.clock.advance(61)
    assert no_receipt(world, released) == {"sms": 8}
    assert world.totals(released.ref) == {"accepted": 8, "delivered": 1, "undelivered": 1}
    world.receive(heard[3].uid, "delivered")
    world.parts.receipts.apply_all()
    assert no_receipt(world, released) == {"sms": 7}


def test_the_quarter_of_an_hour_is_each_texts_own(world):
    released = world.release_texts(5)
    world.once(Lane.BULK)  # the first group is sent now, and with it all five
    world.clock.advance(16 * 60)
    later = world.release_texts(3)
    world.work_bulk()
    assert no_receipt(world, released) == {"sms": 5}
    assert no_receipt(world, later) == {"sms": 0}


def test_a_text_that_was_accepted_late_has_its_own_quarter_of_an_hour(world):
    world.gateway.answers.append(NotSent("busy", "Busy.", retry_after_s=300))
    released = world.release_texts(1)
    world.work_bulk()
    world.clock.advance(14 * 60)
    world.work_bulk()
    world.clock.advance(2 * 60)
    assert world.totals(released.ref) == {"accepted": 1}
    assert no_receipt(world, released) == {"sms": 0}
    world.clock.advance(13 * 60 + 1)
    assert no_receipt(world, released) == {"sms": 1}


def test_a_public_place_gives_no_receipts_and_none_is_missed(world):
    released = world.release()
    world.work_public()
    world.clock.advance(3600)
    assert world.totals(released.ref) == {"accepted": 3}
    assert no_receipt(world, released) == {"website": 0, "facebook": 0, "x": 0}


def test_what_is_shown_of_missing_receipts_says_what_is_not_known(world):
    released = world.release_texts(5)
    world.work_bulk()
    assert "receipt" not in shown_to_people(world.status(released.ref))
    world.clock.advance(16 * 60)
    status = world.status(released.ref)
    words = "5 accepted, no delivery receipt after 15 minutes: the gateway took them; whether they arrived is not known."
    assert words in shown_to_people(status)
    (target,) = as_json_data(status)["targets"]
    assert (target["no_receipt"], target["states"]) == (5, {"accepted": 5})


def no_receipt(world, released):
    return {t.channel: t.no_receipt for t in world.status(released.ref).targets}


def shown_to_people(status):
    printer = Console(width=300, file=StringIO(), color_system=None)
    printer.print(show.status(status, ZoneInfo("Europe/London")))
    return printer.file.getvalue()

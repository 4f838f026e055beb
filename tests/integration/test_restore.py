"""The drill: a backup is taken in mid-broadcast, the broadcast goes on, the backup is restored elsewhere. Nothing is sent
twice that is not recorded, and nothing is lost without being told."""

import fcntl

import pytest
from alembic import command
from sqlalchemy import text

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.db.engine import Database
from broadcaster.db.migrate import alembic_config
from broadcaster.db.schema import check_schema
from broadcaster.db.tables import alarm, audit_event, batch, leader
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotSent, OutcomeUnknown, Problem, Stale, Unavailable
from broadcaster.service.anchor import Anchor
from broadcaster.service.backup import Backup
from broadcaster.service.restore import Restore
from tests.builders import LIFE_SAFETY, NO_HURRY, a_world
from tests.conftest import postgres_database
from tests.fakes import FakeThreading, Took
from tests.integration.identities import all_the_way, with_app
from tests.integration.restored import Drill, judged, tools, until_quiet

PEOPLE = 25


@pytest.fixture
def world_settings():
    return {"max_in_flight": 20, "lease_s": 20}


@pytest.fixture
def fresh_url(request, database_url, tmp_path):
    if database_url.startswith("sqlite"):
        yield f"sqlite:///{tmp_path / 'fresh' / 'broadcaster.db'}"
    else:
        yield from postgres_database(request.getfixturevalue("postgres_server"), "template0")


@pytest.fixture
def drill(world, fresh_url, tmp_path):
    return Drill(world=world, url=fresh_url, folder=tmp_path)


def release_to_all(world):
    """Life-safety, so the approved policy is to send once more what is unknown."""
    world.add_audience("residents", PEOPLE)
    channels = ("website", "facebook", "x", "sms")
    return world.release(channels=channels, audience="residents", **LIFE_SAFETY)


def taken_in_the_middle(drill):
    """A backup while the page and ten texts are on their way; ten texts were taken, five and a post wait. Then the
    broadcast goes on to its end."""
    world, taken = drill.world, []
    world.parts.sweep.lead()
    released = release_to_all(world)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.once(Lane.PUBLIC)  # the website, which goes first

    def second_group(_keys):
        if len(world.gateway.calls) == 2:
            taken.append(drill.take())

    world.gateway.on_call = second_group
    other = world.beside()
    world.feed.on_call = lambda _keys: other.deliver.work("live", Lane.BULK, for_s=30)
    world.clock.advance(1)
    world.work_public()
    world.feed.on_call = world.gateway.on_call = lambda _keys: None
    assert set(world.totals(released.ref)) == {"accepted"}
    (backup,) = taken
    return released, backup


def test_a_backup_of_mid_broadcast_ends_with_nothing_sent_twice(drill):
    app = with_app(drill.world, "anita", "approver")
    opened = all_the_way(drill.world, app, "anita")
    released, backup = taken_in_the_middle(drill)
    done = drill.bring_back(backup.path)
    assert done.settled.unknown == {"facebook": 1, "x": 1, "sms": 15}
    assert done.settled.messages == {released.ref: 17}
    with drill.after() as again:
        assert again.totals(released.ref) == {"accepted": 11, "unknown": 17}
        assert again.rows(leader) == []  # nothing stays claimed
        assert again.parts.sessions.find(opened.cookie) is None  # it may have been ended since
        assert all_the_way(again, app._replace(world=again), "anita").session.factor == "totp"
        assert {b.state for b in again.rows(batch)} == {"done"}
        first = again.gateway.keys[-1]
        again.receive(first, "delivered")
        until_quiet(again)
        found = judged(again, released.ref)
        assert found.broken == ()
        assert found.counts["unknown"] == 14
        assert found.counts["lost"] == found.counts["duplicated"] == found.counts["unexpected"] == 0
        assert again.states("facebook") == again.states("x") == ["accepted"]
        totals = again.totals(released.ref)
        assert totals == {"accepted": 13, "delivered": 1, "unknown_final": 14}
        assert_told_until_a_person_says_so(again, released, backup)
    assert len(drill.world.gateway.keys) == len(set(drill.world.gateway.keys)) == PEOPLE
    assert [len(p.ledger) for p in (drill.world.site, drill.world.page, drill.world.feed)] == [1, 1, 1]


def assert_told_until_a_person_says_so(again, released, backup):
    (told,) = [a for a in again.parts.alarms.watch().alarms if a.code == "restored"]
    assert f"17 of {released.ref}" in told.text
    event = again.row(audit_event, act="restored")
    assert event.actor == "os:olga"
    for said in (f'"last_event":{backup.manifest.last_event}', '"sms":15', backup.path.name):
        assert said in event.payload
    again.parts.alarms.acknowledge(again.officer, "restored", told.subject, reason="all compared")
    assert again.rows(alarm, code="restored", cleared_at=None) == []


def test_what_was_not_planned_yet_is_not_sent_a_second_time(drill):
    world = drill.world
    released = release_to_all(world)
    backup = drill.take()
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    world.clock.advance(1)
    world.work_public()
    drill.bring_back(backup.path)
    with drill.after() as again:
        again.receive(world.gateway.keys[-1], "delivered")
        until_quiet(again)
        assert sorted(again.states("sms")) == ["delivered", *["unknown_final"] * (PEOPLE - 1)]
        assert judged(again, released.ref).broken == ()  # they have the keys under which they were sent
    assert len(world.gateway.ledger) == PEOPLE
    assert {len(world.page.ledger), len(world.feed.ledger)} == {1}
    assert set(world.site.keys) == {world.site.keys[0]}


def test_what_a_person_stopped_in_the_lost_time_does_not_go_out(drill):
    world = drill.world
    released = world.release(channels=("facebook", "sms"), audience=residents(world), **LIFE_SAFETY)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    backup = drill.take()
    world.stop(released.ref)
    drill.bring_back(backup.path)
    with drill.after() as again:
        until_quiet(again)
        assert again.totals(released.ref) == {"unknown_final": PEOPLE + 1}
        assert judged(again, released.ref).broken == ()
    assert world.page.ledger == world.gateway.ledger == []


def residents(world):
    world.add_audience("residents", PEOPLE)
    return "residents"


def test_what_a_person_sends_again_afterwards_is_a_recorded_duplicate(drill):
    world = drill.world
    world.add_audience("residents", 1)
    released = world.release(channels=("sms",), audience="residents", **LIFE_SAFETY)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    backup = drill.take()
    world.work_bulk()
    drill.bring_back(backup.path)
    with drill.after() as again:
        until_quiet(again)
        uid = again.delivery("sms").uid
        again.parts.unknowns.send_again(again.officer, uid, reason="the gateway has no record of it")
        again.work_bulk()
        again.parts.sweep.sweep()
        found = judged(again, released.ref)
        assert found.broken == ()
        assert found.counts["duplicated_after_unknown"] == 1
        again.gateway.ledger.append(again.gateway.ledger[-1])
        assert {b.invariant for b in judged(again, released.ref).broken} == {"I3"}


def test_what_waited_for_approval_is_a_draft_again(drill):
    world = drill.world
    submitted = world.submit()
    backup = drill.take()
    world.approve(submitted)
    done = drill.bring_back(backup.path)
    assert done.settled.returned == (submitted.ref,)
    with drill.after() as again:
        with pytest.raises(Stale):
            again.approve(submitted)
        assert "restored" in again.parts.report.turned_down(submitted.ref).reason
    assert len(world.bells.rung) == 1


def test_a_part_of_a_thread_that_a_person_set_going_in_the_lost_time_is_not_sent_again(
    database_url, fresh_url, tmp_path
):
    feed = FakeThreading("x", "feed")
    with a_world(database_url, tmp_path, feed=feed) as world:
        drill = Drill(world=world, url=fresh_url, folder=tmp_path)
        feed.answers.append(Took(OutcomeUnknown("timeout")))
        released = world.release_thread("Second part.", **NO_HURRY)
        world.work_public()
        feed.readings.extend([None] * 20)
        until_quiet(world)
        assert world.states("x") == ["unknown_final", "failed"]
        backup = drill.take()
        first = world.deliveries("x")[0].uid
        link = "https://x.test/feed/1001"
        world.parts.unknowns.mark_sent(world.officer, first, link=link, reason="seen")
        world.work_public()
        assert world.states("x") == ["accepted", "accepted"]
        drill.bring_back(backup.path)
        with drill.after() as again:
            assert again.states("x") == ["unknown_final", "unknown_final"]
            again.parts.unknowns.mark_sent(again.officer, first, link=link, reason="seen")
            until_quiet(again)
            assert again.states("x") == ["accepted", "unknown_final"]
            assert "I8" not in {b.invariant for b in judged(again, released.ref).broken}
        assert len(feed.ledger) == 2


def test_an_outcome_that_was_not_written_down_yet_sends_nothing_a_second_time(drill):
    """The database was away between the platform's answer and our commit: the answer waits in the spill file. It says
    that nothing was sent, so it was sent after the backup."""
    world = drill.world
    world.page.answers.append(NotSent("busy", "Later."))
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    spilled = []
    recording = world.parts.recording

    def keep(finished, *, leads):
        spilled.extend(each.group.id for each in finished)
        recording.spill(finished, leads=leads)
        raise Unavailable("away")

    worker = world.parts.deliver
    worker._recording = Forgetful(recording, keep)
    with pytest.raises(Unavailable):
        worker.work("live", Lane.PUBLIC, for_s=30)
    worker._recording = recording
    backup = drill.take()
    until_quiet(world)
    drill.bring_back(backup.path)
    with drill.after() as again:
        until_quiet(again)
        found = judged(again, released.ref)
        assert found.broken == ()
        assert again.state("facebook") == "accepted"
    assert len(world.page.ledger) == 1


class Forgetful:
    """Writes down nothing in the database."""

    def __init__(self, recording, keep):
        self.replay, self.record = recording.replay, keep


def test_an_older_schema_is_brought_up_and_a_newer_one_refused(empty_database_url, tmp_path):
    """Over the same database, whose tables are moved aside."""
    source = Database(empty_database_url)
    with source.write() as tx:
        command.upgrade(alembic_config(tx.connection), "0003")
    root = tmp_path / "data"
    backup = Backup(source, root=root, credentials=root, tools=tools())
    older = backup.take(tmp_path, operator="os:olga")
    with source.write() as tx:
        tx.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    newer = backup.take(tmp_path, operator="os:olga")
    source.close()
    assert (older.manifest.schema, newer.manifest.schema, older.recorded) == ("0003", "9999", False)
    restore = Restore(root=root, url=empty_database_url, credentials=root, tools=tools())
    with pytest.raises(Invalid, match="newer"):
        restore.restore(newer.path, operator="os:olga", replace=True)
    done = restore.restore(older.path, operator="os:olga", replace=True)
    assert done.applied[0] == "0004"
    again = Database(empty_database_url)
    check_schema(again)
    again.close()


# --- what is refused --------------------------------------------------------------------------------------------


@pytest.fixture
def backup(drill):
    drill.world.submit()
    return drill.take()


def test_a_running_supervisor_is_not_restored_over(drill, backup):
    (drill.folder / "fresh").mkdir()
    with (drill.folder / "fresh" / "supervisor.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(Unavailable, match="is running"):
            drill.bring_back(backup.path)


def test_what_is_there_is_moved_aside_and_only_when_asked(drill, backup):
    drill.bring_back(backup.path)
    with drill.after() as again:
        again.person("later", "officer")
    with pytest.raises(Invalid, match="there already"):
        drill.bring_back(backup.path)
    done = drill.bring_back(backup.path, replace=True)
    assert (done.aside / "keys" / "data.key").exists()
    assert (done.aside / "broadcaster.db").exists() or done.aside_schema
    with drill.after() as again:
        assert "later" not in [p.name for p in again.parts.report.users(again.administrator)]
        check_schema(again.database)


@pytest.mark.parametrize(
    "database_url", ["postgres"], indirect=True
)  # on SQLite a lock of the folder sees to it
def test_a_database_that_others_use_is_not_restored_into(drill, backup):
    refused = pytest.raises(Unavailable, match="connection")
    with drill.after() as other, other.database.engine.connect(), refused:
        drill.bring_back(backup.path)


def test_a_restore_that_breaks_off_leaves_nothing_that_can_be_started(drill, backup):
    """The last step fails: a database that says which schema it has could be worked on before anything is set apart."""

    class BreaksOff(Problem):
        pass

    def on_progress(text):
        if text.startswith("setting apart"):
            raise BreaksOff("the disk is full")

    with pytest.raises(Unavailable, match="not complete"):
        drill.bring_back(backup.path, on_progress=on_progress)
    with drill.after() as again, pytest.raises(Unavailable, match="lacks"):
        check_schema(again.database)


def test_the_gap_in_the_audit_log_is_named_by_the_anchors_outside(drill):
    world = drill.world

    def sealed_and_laid_down(parts):
        parts.seal.seal()
        folder = AnchorFolder(parts.settings.anchors)
        Anchor(
            parts.database, folder
        ).lay_down()  # a new one: the one before has just done so, and waits a minute
        return folder.notes()

    world.draft()
    assert sealed_and_laid_down(world.parts)
    backup = drill.take()
    world.draft()
    outside = sealed_and_laid_down(world.parts)
    drill.bring_back(backup.path)
    with drill.after() as again:
        sealed_and_laid_down(again.parts)
        assert again.parts.audit.verify().problems == []
        assert again.parts.audit.verify(anchors=outside).first_bad == backup.manifest.last_event + 1

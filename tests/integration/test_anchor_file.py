"""Checkpoints laid down in a file: when, what happens where it cannot be written, and that people are told."""

import errno
import os
from datetime import UTC, datetime

import pytest

from broadcaster.audit.anchors import MOST_BYTES, AnchorFolder
from broadcaster.audit.notes import Signer, checkpoint
from broadcaster.service.alarms import Alarms
from broadcaster.service.anchor import ALARM_AFTER_S, FILE_EVERY_S, RETRY_S, Anchor
from tests.integration.anchoring import sealed

DATABASES = ("sqlite",)

ALARM = [("nobody_anchors", "file")]


@pytest.fixture
def log(database_url, tmp_path):
    yield from sealed(database_url, tmp_path)


@pytest.fixture
def anchor(log):
    return Anchor(log.database, log.folder, clock=log.clock)


def later(log, anchor, seconds):
    log.clock.passed += seconds
    anchor.lay_down()


def blocked(log):
    """Where the file should be, something else is. (A mode would not stop the superuser, as whom tests may run.)"""
    log.folder.file.unlink(missing_ok=True)
    log.folder.file.mkdir(parents=True)


def freed(log):
    log.folder.file.rmdir()


def test_a_decision_is_laid_down_at_once_and_the_rest_each_minute(log, anchor):
    anchor.lay_down()
    assert log.folder.notes() == []
    notes = [log.act("user_added")]
    anchor.lay_down()
    log.act("message_drafted")
    later(log, anchor, FILE_EVERY_S - 1)
    assert log.folder.notes() == notes
    notes.append(log.act("message_approved_and_released"))
    anchor.lay_down()
    assert log.folder.notes() == notes
    notes.append(log.act("message_drafted"))
    later(log, anchor, 0)
    assert log.folder.notes() == notes[:-1]
    later(log, anchor, FILE_EVERY_S)
    anchor.lay_down()
    assert log.folder.notes() == notes


def test_a_sealer_that_starts_anew_lays_nothing_down_twice(log, anchor):
    log.act("message_approved_and_released")
    anchor.lay_down()
    Anchor(log.database, log.folder, clock=log.clock).lay_down()
    assert len(log.folder.notes()) == 1


def test_a_log_that_goes_on_from_a_smaller_size_is_laid_down_too(log, anchor):
    """After a backup was restored: what was laid down before is still there, and tells of the gap."""
    other = Signer.new("wyre.example/log")
    lost = checkpoint(other, size=900, root=bytes(32), at=log.clock.now(), previous="")
    log.folder.add(lost)
    note = log.act("restored")
    anchor.lay_down()
    assert log.folder.notes() == [lost, note]


def test_where_the_file_cannot_be_written_people_are_told_after_a_quarter_of_an_hour(log, anchor):
    log.act("message_approved_and_released")
    blocked(log)
    anchor.lay_down()
    later(log, anchor, RETRY_S - 1)
    assert len(log.said("checkpoint_not_laid_down")) == 1
    later(log, anchor, 1)
    assert len(log.said("checkpoint_not_laid_down")) == 2
    later(log, anchor, ALARM_AFTER_S - RETRY_S - 1)
    assert log.alarms() == []
    later(log, anchor, RETRY_S)
    later(log, anchor, RETRY_S)
    Alarms(log.database).look()  # the sweeper, who knows nothing of it, lets it stand
    assert log.alarms() == ALARM
    freed(log)
    note = log.act("message_drafted")
    later(log, anchor, RETRY_S)
    assert log.folder.notes() == [note]
    assert log.alarms() == []


def test_the_sealer_that_takes_the_place_of_another_takes_back_its_alarm(log, anchor):
    log.act("message_drafted")
    blocked(log)
    anchor.lay_down()
    later(log, anchor, ALARM_AFTER_S)
    assert log.alarms() == ALARM
    freed(log)
    Anchor(log.database, log.folder, clock=log.clock).lay_down()
    assert log.alarms() == []


# --- the folder itself --------------------------------------------------------------------------------------


def test_the_last_notes_are_read_from_the_end_of_a_file_that_is_long(tmp_path):
    folder, signer = AnchorFolder(tmp_path), Signer.new("wyre.example/log")
    at = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    notes = [checkpoint(signer, size=n, root=bytes(32), at=at, previous="x") for n in range(1, 40)]
    for note in notes:
        folder.add(note)
    assert folder.file.stat().st_size > MOST_BYTES
    for number in (1, 2, 39, 50):
        assert folder.latest(number) == notes[-number:]


def test_a_note_in_which_the_reading_begins_does_not_pass_for_one(tmp_path):
    """Notes longer than any of ours, so that the cut falls into every part of one."""
    folder, signer = AnchorFolder(tmp_path), Signer.new("wyre.example/log")
    at = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)
    folder.add("before\n1\nroot\n\n\u2014 before sig\n")
    before, cut = folder.file.read_text(), 0
    for more in range(0, 400, 3):
        long = "k" * (MOST_BYTES - 350 + more)
        note = checkpoint(signer, size=2, root=bytes(32), at=at, previous="x", next_key=long)
        folder.file.write_text(f"{before}{note}\n")
        found = folder.latest(1)
        assert found in ([], [note])
        cut += not found
    assert 50 < cut < 130


def test_of_a_full_disk_nothing_half_stays_behind(tmp_path):
    """A file of limited size stands in for it: the kernel writes what still fits, and tells of no error."""
    resource, signal = pytest.importorskip("resource"), pytest.importorskip("signal")
    folder = AnchorFolder(tmp_path)
    folder.add("one\n1\nroot\n\n\u2014 one sig\n")
    whole = folder.file.read_bytes()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (len(whole) + 10, before[1]))
        with pytest.raises(OSError, match=os.strerror(errno.ENOSPC)):
            folder.add("two\n2\nroot\n\n\u2014 two sig\n")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, ignored)
    assert folder.file.read_bytes() == whole


def test_a_time_stamp_that_lies_there_is_never_replaced(tmp_path):
    folder = AnchorFolder(tmp_path)
    assert folder.add_timestamp(7, b"first")
    assert not folder.add_timestamp(7, b"second")
    assert list(folder.stamped()) == [(7, b"first")]
    assert [p.name for p in folder.timestamps.iterdir()] == ["7.tsr"]

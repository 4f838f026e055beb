"""The table of docs/audit.md: what each attacker can do, and what finds it. Each of them has the whole database in hand."""

import pytest
from sqlalchemy import text

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey
from broadcaster.db import audit_log
from broadcaster.domain.audit import event_leaf
from broadcaster.service.anchor import Anchor
from broadcaster.service.seal import Seal
from tests.integration.anchoring import sealed

ACTS = ("message_drafted", "message_submitted", "message_approved_and_released", "broadcast_done")


@pytest.fixture
def log(database_url, tmp_path):
    yield from sealed(database_url, tmp_path)


@pytest.fixture
def kept(log):
    """What somebody else has of it: the key, and the checkpoint after three events, which lies in the folder too."""
    for act in ACTS[:3]:
        log.act(act)
    Anchor(log.database, log.folder, clock=log.clock).lay_down()
    log.act(ACTS[3])
    return {"keys": log.folder.keys(), "anchors": log.folder.notes()}


def run(log, *statements, **values):
    with log.database.write() as tx:
        for statement in statements:
            tx.execute(text(statement), values)


def rehashed(log):
    """Every leaf anew, from what stands there now."""
    with log.database.write() as tx:
        for event in list(audit_log.events(tx)):
            tx.execute(
                text("UPDATE audit_event SET leaf = :leaf WHERE id = :id"),
                {"leaf": event_leaf(event).hex(), "id": event.id},
            )


def sealed_anew(log, tmp_path, key):
    """As if it had always been so: no place, no checkpoint, no anchor is left of what was."""
    run(log, "UPDATE audit_event SET no = NULL, leaf = NULL", "DELETE FROM audit_checkpoint")
    for file in (log.folder.file, log.folder.key_file):
        file.unlink()
    Seal(log.database, SealKey(key, name="wyre.example/log"), AnchorFolder(tmp_path / "anchors")).seal()


ALTER = "UPDATE audit_event SET actor = 'eve' WHERE no = 2"


def test_who_alters_an_event_is_found_by_its_hash(log, kept):
    run(log, ALTER)
    assert log.verdict().first_bad == 2


def test_who_alters_it_with_its_hash_is_found_by_the_signed_root(log, kept):
    run(log, ALTER)
    rehashed(log)
    assert log.verdict().first_bad == 2


def test_who_restores_an_old_snapshot_is_found_by_what_was_laid_down_since(log, kept):
    run(log, "DELETE FROM audit_event WHERE no > 2", "DELETE FROM audit_checkpoint WHERE size > 2")
    assert log.verdict().first_bad == 3  # by the file in the folder
    log.folder.file.unlink()
    assert log.verdict().code == 0  # nobody can tell, from here
    assert log.verdict(**kept).first_bad == 3


def test_who_cuts_off_what_was_not_laid_down_yet_is_found_by_nobody(log, kept):
    run(log, "DELETE FROM audit_event WHERE no > 3", "DELETE FROM audit_checkpoint WHERE size > 3")
    assert log.verdict(**kept).code == 0


def test_who_makes_everything_anew_under_a_key_of_his_own_is_found_by_the_key(log, kept, tmp_path):
    run(log, ALTER)
    sealed_anew(log, tmp_path, tmp_path / "his.key")
    assert log.verdict().code == 0  # which is why the key has to come by another way
    assert log.verdict(keys=kept["keys"]).code == 1


def test_who_has_the_signing_key_is_found_by_what_others_kept_and_by_nothing_else(log, kept, tmp_path):
    run(log, ALTER)
    sealed_anew(log, tmp_path, tmp_path / "keys" / "seal.key")
    assert log.verdict(keys=kept["keys"]).code == 0
    found = log.verdict(**kept)
    assert (found.code, found.first_bad) == (1, 1)  # nothing smaller was kept, so nothing is known to be good

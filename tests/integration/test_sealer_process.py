"""The sealer's own process: a mail server and an authority that hold on to it keep nothing from being sealed and laid down."""

import os
import signal
import subprocess
import sys
import time

import pytest

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import SealKey
from broadcaster.db import audit_log
from broadcaster.service.seal import Seal
from tests.integration.mail_room import a_server_that_never_ends

PATIENCE_S = 60


@pytest.fixture
def talker():
    with a_server_that_never_ends() as talker:
        yield talker


@pytest.fixture
def sealer(database, talker, tmp_path):
    """Which finds a checkpoint to mail and to have stamped."""
    append(database, "user_added")
    Seal(database, SealKey(tmp_path / "keys" / "seal.key"), AnchorFolder(tmp_path / "anchors")).seal()
    given = {
        "DATA_DIR": str(tmp_path),
        "DATABASE_URL": database.url,
        "SMTP_URL": f"smtp://127.0.0.1:{talker.port}",
        "MAIL_FROM": "log@wyre.example",
        "ANCHOR_MAIL_TO": "ada@audit.example",
        "TSA_URL": f"http://127.0.0.1:{talker.port}/tsr",
    }
    clean = {k: v for k, v in os.environ.items() if not k.startswith("BROADCASTER_")}
    process = subprocess.Popen(
        [sys.executable, "-m", "worker.sealer"],
        env=clean | {f"BROADCASTER_{k}": v for k, v in given.items()},
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stderr.close()


def append(database, act):
    with database.write() as tx:
        audit_log.append(tx, actor="ann", act=act)


def until(found):
    ends = time.monotonic() + PATIENCE_S
    while not found():
        assert time.monotonic() < ends
        time.sleep(0.05)


def test_a_mail_server_and_an_authority_that_hold_on_keep_nothing_from_being_sealed(
    database, sealer, talker, tmp_path
):
    until(lambda: talker.taken == 2)
    append(database, "message_approved_and_released")
    until(lambda: len(AnchorFolder(tmp_path / "anchors").notes()) == 2)
    sealer.send_signal(signal.SIGTERM)
    assert sealer.wait(PATIENCE_S) == 0
    said = sealer.stderr.read()
    assert "checkpoint_laid_down" in said
    assert "checkpoint_not_mailed" not in said  # it still holds on
    assert "Traceback" not in said

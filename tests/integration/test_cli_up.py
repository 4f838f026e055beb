"""`broadcaster up` and its end, through the real console script."""

import json
import os
import signal
import socket
import subprocess

import pytest

from tests.integration.desk import SCRIPT, Desk


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def fresh(tmp_path) -> Desk:
    """Nothing but a folder, and SQLite in it."""
    return Desk(tmp_path, "")


def test_a_taken_web_port_is_said_before_anything_starts(fresh):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = fresh.script("up", "--sandbox", BROADCASTER_WEB_PORT=port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "BROADCASTER_WEB_PORT" in done.stderr
    assert not fresh.data.exists()


def test_up_passes_on_why_the_supervisor_did_not_start(fresh):
    fresh.break_account("page")
    done = fresh.script("up", BROADCASTER_WEB_PORT=str(free_port()))
    assert done.returncode == 1
    assert "page_id is missing" in done.stderr
    assert "is running" not in done.stdout


def test_up_says_where_it_is_and_stops_everything_when_asked(fresh):
    environment = {
        **os.environ,
        "BROADCASTER_DATA_DIR": str(fresh.data),
        "BROADCASTER_WEB_PORT": str(free_port()),
    }
    process = subprocess.Popen(
        [SCRIPT, "up", "--sandbox", "--sandbox-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=fresh.folder,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            break
    running = json.loads((fresh.data / "processes.json").read_text())
    process.send_signal(
        signal.SIGINT
    )  # it is the supervisor by now; SIGTERM ends every installation of the tests
    _, errors = process.communicate(timeout=60)
    text = "".join(lines)
    assert process.returncode == 0, text + errors
    assert "Traceback" not in errors
    assert f"http://127.0.0.1:{environment['BROADCASTER_WEB_PORT']}/" in text
    assert "The broadcaster is running." in text
    assert all(
        f"To act as {who}: export BROADCASTER_TOKEN=bcr_" in text
        for who in ("officer", "approver", "auditor")
    )
    assert {"web", "sweeper", "sandbox", "broker"} <= running.keys()
    assert not any(is_alive(pid) for pid in running.values())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

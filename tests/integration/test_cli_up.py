"""`broadcaster up` and its end, through the real console script."""

import json
import os
import signal
import socket
import subprocess

import pytest

from broadcaster.bootstrap import build
from broadcaster.cli.sandbox_setup import prepare_sandbox
from broadcaster.domain.errors import Invalid
from broadcaster.domain.message import Mode
from broadcaster.settings import Settings
from channels.accounts import THIS_PROCESS, load_accounts
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


def read_alone(settings, mode):
    """As a process of this mode reads them."""
    THIS_PROCESS.mode = ""
    return load_accounts(settings.credentials, mode, settings.hosts)


def test_a_sandboxes_accounts_for_exercises_share_nothing_with_the_live_ones(tmp_path):
    settings = prepare_sandbox(Settings(data_dir=tmp_path), port=8001, exercise_port=8002)
    live, exercise = (read_alone(settings, mode) for mode in (Mode.LIVE, Mode.EXERCISE))
    assert live.keys() == exercise.keys() >= {"website", "facebook", "x", "sms"}
    assert all(each.mode == Mode.EXERCISE for each in exercise.values())
    for name, account in live.items():
        other = exercise[name]
        secrets = {each.reveal() for each in account.secrets.values()}
        assert not secrets & {each.reveal() for each in other.secrets.values()}
        assert account.options["base_url"] != other.options["base_url"]
    assert live["website"].options["site_dir"] != exercise["website"].options["site_dir"]
    THIS_PROCESS.mode = ""
    live_alone = build(settings, mode=Mode.LIVE)
    assert live_alone.channels.keys() == {Mode.LIVE}
    live_alone.database.close()


def test_a_sandbox_is_never_mixed_with_exercise_accounts_of_ones_own(tmp_path):
    folder = tmp_path / "credentials" / "exercise"
    folder.mkdir(parents=True)
    (folder / "page.toml").write_text('channel = "facebook"\n')
    with pytest.raises(Invalid, match="accounts of your own"):
        prepare_sandbox(Settings(data_dir=tmp_path), port=8001, exercise_port=8002)


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
    assert "For drills" in text
    assert {"web", "sweeper", "sandbox", "broker", "live-public-1"} <= running.keys()
    assert {"exercise-sandbox", "exercise-public-1", "exercise-bulk-1", "exercise-pump"} <= running.keys()
    assert not any(is_alive(pid) for pid in running.values())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True

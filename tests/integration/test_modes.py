"""Live and exercise in processes of their own: none ever holds the credentials of both, and each works without the other's."""

import json
import os
import shutil
import subprocess
import sys
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from broadcaster.bootstrap import build
from broadcaster.cli.sandbox_setup import ensure_people, prepare_sandbox
from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from broadcaster.domain.message import Mode
from broadcaster.queue import NoBells
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.settings import Settings
from broadcaster.stand_ins import MARK
from channels.accounts import THIS_PROCESS, load_accounts
from channels.base import Holds
from tests.contract.sandbox_process import SandboxProcess
from tests.installation import answers, free_port, wait_for

DATABASES = ("sqlite",)
WITHIN_S = 90
#: What each process is started as, and whose secrets it may hold.
PROCESSES = {
    "live-pump": (["worker.pump", "live"], {Mode.LIVE}),
    "exercise-pump": (["worker.pump", "exercise"], {Mode.EXERCISE}),
    "sweeper": (["worker.sweeper"], set()),
    "web": (["broadcaster.web"], set()),
}


@contextmanager
def running(settings, name, log):
    command = [sys.executable, "-m", *PROCESSES[name][0]]
    with log.open("wb") as file:
        process = subprocess.Popen(
            command, env={**os.environ, **settings.environment()}, stdout=file, stderr=file
        )
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def own_files(settings):
    """Each secret into a file of its own, as an account's file may name it. Mode -> the secrets."""
    found = {}
    for mode in Mode:
        folder = settings.credentials / mode
        accounts = load_accounts(settings.credentials, mode, None, holds=Holds.NOTHING)
        whole = _read_whole(settings, mode)
        for name in accounts:
            options = {"channel": whole[name].channel, **whole[name].options}
            for option, secret in whole[name].secrets.items():
                (folder / f"{name}-{option}").write_text(secret.reveal())
                options[f"{option}_file"] = f"{name}-{option}"
            lines = [f"{key} = {json.dumps(value)}\n" for key, value in options.items()]
            (folder / f"{name}.toml").write_text(MARK + "".join(lines))
        found[mode] = {s.reveal().encode() for each in whole.values() for s in each.secrets.values()}
        found[mode] = {each for each in found[mode] if len(each) >= 16}
    assert not found[Mode.LIVE] & found[Mode.EXERCISE]
    return found


def _read_whole(settings, mode):
    """As a process of this mode does."""
    THIS_PROCESS.mode = ""
    return load_accounts(settings.credentials, mode, None)


def held_by(pid, secrets):
    """The secrets that stand anywhere in what this process may write to. None where the system does not let us look."""
    found = set()
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, rights, *_ = line.split()
            if not rights.startswith("rw"):
                continue
            start, end = (int(each, 16) for each in place.split("-"))
            try:
                memory.seek(start)
                content = memory.read(end - start)
            except (OSError, OverflowError, ValueError):
                continue
            found |= {each for each in secrets - found if each in content}
    return found


@pytest.fixture
def town(tmp_path):
    """Stand-ins of both modes, an installation at them, and somebody at its desk who holds nothing."""
    places = {
        Mode.LIVE: SandboxProcess(tmp_path / "sandbox"),
        Mode.EXERCISE: SandboxProcess(tmp_path / "sandbox-exercise"),
    }
    ports = [int(places[mode].url.rpartition(":")[2]) for mode in Mode]
    settings = Settings(data_dir=tmp_path, web_port=free_port())
    settings = prepare_sandbox(settings, port=ports[0], exercise_port=ports[1])
    database = Database(settings.database)
    migrate(database)
    try:
        yield settings, places, database
    finally:
        database.close()
        for place in places.values():
            place.stop()


def release(parts, mode):
    tokens = ensure_people(parts)
    officer, approver = (parts.people.who(tokens[name]) for name in ("officer", "approver"))
    notice, values = shipped_notice("severe-weather"), shipped_example("severe-weather")
    draft = parts.compose.draft(
        officer, template=notice, values=values, channels=["facebook", "website"], mode=mode
    )
    submitted = parts.compose.submit(officer, draft.ref)
    return parts.approve.approve(approver, submitted.ref, submitted.manifest_sha256).ref


def is_out(parts, ref):
    return parts.report.status(ref).totals.get("accepted") == 2


def test_no_process_holds_secrets_of_both_modes_and_each_mode_sends(town, tmp_path):
    settings, places, database = town
    secrets = own_files(settings)
    parts = build(settings, database=database, bells=NoBells())
    with ExitStack() as stack:
        pids = {
            name: stack.enter_context(running(settings, name, tmp_path / f"{name}.log")).pid
            for name in PROCESSES
        }
        wait_for(lambda: answers(f"http://127.0.0.1:{settings.web_port}/health"), within_s=WITHIN_S)
        refs = {mode: release(parts, mode) for mode in Mode}
        wait_for(lambda: all(is_out(parts, ref) for ref in refs.values()), within_s=WITHIN_S)
        wait_for(
            lambda: {s.probed is not None for s in parts.checks.accounts_now()} == {True}, within_s=WITHIN_S
        )
        for name, (_, modes) in PROCESSES.items():
            for mode in Mode:
                held = held_by(pids[name], secrets[mode])
                assert bool(held) == (mode in modes), (name, mode)
    for mode in Mode:
        texts = [row["text"] for row in places[mode].ledger(platform="facebook", accepted=1)]
        assert len(texts) == 1
        assert ("EXERCISE" in texts[0]) == (mode is Mode.EXERCISE)


def test_a_pump_of_exercises_works_where_nothing_of_the_live_accounts_can_be_read(town, tmp_path):
    settings, places, database = town
    parts = build(settings, database=database, bells=NoBells())
    ref = release(parts, Mode.EXERCISE)
    (settings.credentials / "live").chmod(0)
    shutil.move(settings.credentials / "live", tmp_path / "away")  # root may read what nobody may
    with running(settings, "exercise-pump", tmp_path / "pump.log"):
        wait_for(lambda: is_out(parts, ref), within_s=WITHIN_S)
    (tmp_path / "away").chmod(0o700)
    assert len(places[Mode.EXERCISE].ledger(platform="facebook", accepted=1)) == 1
    assert places[Mode.LIVE].ledger(platform="facebook", accepted=1) == []

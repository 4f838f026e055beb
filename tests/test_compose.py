"""docker-compose.yml and the image, as far as can be told without Docker: nothing is left open, and nothing drifts away
from what the supervisor starts. tests/integration/test_containers.py runs the processes."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from jsonschema import Draft7Validator

from broadcaster.setting_sources import FROM_FILE, variable
from broadcaster.settings import Settings
from tests.compose import COMPOSE, OURS, ROLES, ROOT, SERVICES, targets
from worker import roles
from worker.supervisor import HEAPS

DOCKERFILE = (ROOT / "Dockerfile").read_text()
SETTINGS = {variable(name) for name in Settings.model_fields}
FILES = {variable(name) + FROM_FILE for name in Settings.secrets()}


def test_it_follows_the_compose_specification():
    schema = json.loads((ROOT / "tests/data/compose-spec/compose-spec.json").read_text())
    assert [error.message for error in Draft7Validator(schema).iter_errors(COMPOSE)] == []


def test_docker_compose_itself_accepts_it(tmp_path):
    tool = shutil.which("docker-compose", path=f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin")
    if tool is None:
        pytest.skip("docker-compose is not installed")
    command = [tool, "-f", ROOT / "docker-compose.yml", "--profile", "exercise", "config", "--quiet"]
    done = subprocess.run(command, env={"HOME": str(tmp_path)}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_containers_run_what_the_supervisor_runs():
    ran = {name: service["command"] for name, service in ROLES.items()}
    assert ran == {name: ["python", "-m", *module] for name, module in roles.in_containers().items()}


def test_every_process_is_asked_whether_it_lives():
    for name, service in ROLES.items():
        assert service["healthcheck"]["test"] == ["CMD", "python", "-m", "worker.health", name]
    for name in set(SERVICES) - set(ROLES) - {"migrate"}:
        assert SERVICES[name]["healthcheck"]["test"]


@pytest.mark.parametrize("name", sorted(OURS))
def test_every_variable_is_a_setting_and_every_secret_a_file(name):
    service = OURS[name]
    given = service["environment"]
    assert set(given) <= SETTINGS | FILES
    assert not set(given) & {file.removesuffix(FROM_FILE) for file in FILES}  # a secret itself
    named = {f"/run/secrets/{secret}" for secret in service["secrets"]}
    assert {value for key, value in given.items() if key in FILES} == named
    assert given["BROADCASTER_DATA_DIR"] in targets(service)


def test_every_secret_volume_and_network_is_declared_and_used():
    for kind in ("secrets", "networks"):
        assert set(COMPOSE[kind]) == {one for service in SERVICES.values() for one in service.get(kind, ())}
    mounts = [volume for service in SERVICES.values() for volume in service["volumes"]]
    assert set(COMPOSE["volumes"]) == {mount["source"] for mount in mounts if mount["type"] == "volume"}
    assert all(
        mount["read_only"] and not mount["bind"]["create_host_path"]
        for mount in mounts
        if mount["type"] == "bind"
    )


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_every_container_is_shut_tight(name):
    service = SERVICES[name]
    user = int(service["user"].partition(":")[0])
    assert user > 0
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"cap_add", "privileged", "pid", "ipc", "network_mode", "devices"} & set(service)
    assert service["logging"]["options"].keys() == {"max-size", "max-file"}
    assert service["stop_grace_period"]
    assert service["restart"] == ("no" if name == "migrate" else "unless-stopped")


def test_only_the_web_process_has_a_port_and_only_on_this_machine():
    ports = {name: service["ports"] for name, service in SERVICES.items() if "ports" in service}
    assert set(ports) == {"web"}
    web = SERVICES["web"]["environment"]
    assert ports["web"] == [f"127.0.0.1:8000:{web['BROADCASTER_WEB_PORT']}"]


def test_databases_are_reached_by_our_processes_only():
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "broker"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "build" not in SERVICES[name]


def test_live_senders_cannot_read_what_exercises_are_sent_with_nor_the_reverse():
    folders = {"live": "/credentials/live", "exercise": "/credentials/exercise"}
    for name, service in ROLES.items():
        mode, other = name.partition("-")[0], {"live": "exercise", "exercise": "live"}
        if mode in folders:
            assert folders[mode] in targets(service)
            assert folders[other[mode]] not in targets(service)
            assert "/credentials" not in targets(service)
        assert service.get("profiles", []) == (["exercise"] if mode == "exercise" else [])


def test_only_the_sealer_holds_the_key_that_signs_and_only_it_lays_checkpoints_down():
    folder = str(Path(SERVICES["sealer"]["environment"]["BROADCASTER_SEAL_KEY_FILE"]).parent)
    assert [name for name, service in OURS.items() if folder in targets(service)] == ["sealer"]
    assert not any(target.startswith("/credentials") for target in targets(SERVICES["sealer"]))
    anchors = {
        name: volume.get("read_only", False)
        for name, service in OURS.items()
        for volume in service["volumes"]
        if volume["target"] == service["environment"]["BROADCASTER_ANCHORS_DIR"]
    }
    assert anchors == {"sealer": False, "web": True}


def test_the_broker_throws_nothing_away():
    command = SERVICES["broker"]["command"]
    assert command[command.index("--maxmemory-policy") + 1] == "noeviction"
    assert command[command.index("--appendonly") + 1] == "yes"


def test_nobody_starts_on_an_older_schema_and_nobody_waits_for_the_doorbell():
    for service in ROLES.values():
        assert service["depends_on"]["migrate"] == {"condition": "service_completed_successfully"}
        assert service["depends_on"]["broker"] == {"condition": "service_started"}
    assert OURS["migrate"]["depends_on"]["postgres"] == {"condition": "service_healthy"}


def test_two_sweepers_run_and_texts_have_two_processes():
    assert {n: s["deploy"]["replicas"] for n, s in ROLES.items() if "deploy" in s} == {
        "live-bulk": 2,
        "sweeper": 2,
    }


# --- the image ----------------------------------------------------------------------------------------------


def test_the_image_is_not_run_by_root_and_by_the_user_that_compose_names():
    last_stage = DOCKERFILE.rpartition("\nFROM ")[2]
    users = re.findall(r"^USER (\S+)$", last_stage, re.MULTILINE)
    assert users == ["10001:10001"]
    assert {service["user"] for service in OURS.values()} == set(users)
    assert "STOPSIGNAL SIGTERM" in last_stage


def test_the_image_says_the_same_of_heaps_as_the_supervisor():
    assert all(f" {name}={value}\n" in DOCKERFILE for name, value in HEAPS.items())


def test_everything_in_the_image_was_checked_against_a_hash():
    fetching = re.findall(r"pip (?:install|download)(?:[^&\n]|\\\n)*", DOCKERFILE)
    assert len(fetching) == 2
    assert all("--require-hashes" in command for command in fetching)
    assert any("requirements.lock" in command for command in fetching)
    assert all(
        "--no-index" in line for line in re.findall(r"pip (?:--python \S+ install|wheel)[^&\n]*", DOCKERFILE)
    )


def test_what_is_copied_exists_and_nothing_else_reaches_the_builder():
    copied = {
        name
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
        for name in line.split()
    }
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert "*" in ignored
    assert {line[1:] for line in ignored if line.startswith("!")} == copied
    assert all((ROOT / name).exists() for name in copied)

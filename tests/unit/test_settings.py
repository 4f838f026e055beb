"""Settings: read from the environment that is passed, with every problem named at once."""

import os

import pytest

from broadcaster.domain.errors import Invalid
from broadcaster.settings import MAX_SOCKET_PATH, Settings


def test_every_problem_is_named_at_once():
    given = {
        "BROADCASTER_WEB_PORT": "ninety",
        "BROADCASTER_TIMEZONE": "Mars/Olympus",
        "BROADCASTER_LEASE_S": "0",
        "BROADCASTER_WEBPORT": "1",
    }
    with pytest.raises(Invalid) as caught:
        Settings.load(given)
    told = "\n".join(caught.value.details)
    assert len(caught.value.details) == 4
    assert "BROADCASTER_WEB_PORT: " in told
    assert '"Mars/Olympus" is not a time zone; give one like Europe/London' in told
    assert "BROADCASTER_LEASE_S: Input should be greater than 0 (given: '0')" in told
    assert 'BROADCASTER_WEBPORT is not a setting. Did you mean "BROADCASTER_WEB_PORT"?' in told


@pytest.mark.parametrize("name", ["BROADCASTER_DATABASEURL", "broadcaster_database_url", "BROADCASTER_"])
def test_an_unknown_name_is_refused(name):
    with pytest.raises(Invalid) as caught:
        Settings.load({name: "x"})
    assert caught.value.details[0].startswith(f"{name} is not a setting.")


def test_the_token_and_other_programs_variables_are_let_be():
    assert Settings.load({"BROADCASTER_TOKEN": "secret", "WEB_PORT": "x"}) == Settings.load({})


def test_only_the_environment_that_is_passed_counts(monkeypatch):
    monkeypatch.setenv("BROADCASTER_WEB_PORT", "9")
    assert Settings.load({}).web_port == 8000
    assert Settings.load().web_port == 9


def test_a_child_process_reads_the_same_settings(tmp_path):
    given = {
        "BROADCASTER_DATA_DIR": str(tmp_path),
        "BROADCASTER_CREDENTIALS_DIR": str(tmp_path / "keys"),
        "BROADCASTER_LEASE_S": "2.5",
        "BROADCASTER_BULK_WORKERS": "0",
        "BROADCASTER_ALLOWED_HOSTS": "a.example b.example",
    }
    settings = Settings.load(given)
    assert Settings.load(settings.environment()) == settings
    assert settings.hosts == {"a.example", "b.example"}
    assert settings.lease_s == 2.5


def test_where_nothing_is_set_all_is_in_the_data_directory(tmp_path):
    settings = Settings.load({"BROADCASTER_DATA_DIR": str(tmp_path)})
    assert settings.database == f"sqlite:///{tmp_path}/broadcaster.db"
    assert settings.broker == f"redis+socket://{tmp_path}/broker/valkey.sock"
    assert settings.credentials == tmp_path / "credentials"
    assert settings.hosts is None


def test_a_long_data_directory_still_gets_a_socket_that_fits(tmp_path):
    deep = tmp_path / ("d" * 90)
    one, other = (Settings.load({"BROADCASTER_DATA_DIR": str(deep / name)}) for name in "ab")
    assert len(os.fsencode(one.broker_socket)) <= MAX_SOCKET_PATH
    assert one.broker_socket != other.broker_socket


def test_settings_do_not_change():
    with pytest.raises(ValueError, match="frozen"):
        Settings.load({}).web_port = 1

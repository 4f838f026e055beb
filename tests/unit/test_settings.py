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


# --- secrets -------------------------------------------------------------------------------------------------

URL = "postgresql+psycopg://broadcaster:canary-password@db/broadcaster"
SECRETS = sorted(Settings.secrets())


def secret_file(tmp_path, content=f"{URL}\n"):
    path = tmp_path / "secret"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(path)


def problems_of(given):
    with pytest.raises(Invalid) as caught:
        Settings.load(given)
    return "\n".join(caught.value.details)


def test_a_secret_stands_in_a_file_and_its_line_end_is_not_part_of_it(tmp_path):
    file = secret_file(tmp_path, f"{URL}\r\n")
    settings = Settings.load({"BROADCASTER_DATABASE_URL_FILE": file, "BROADCASTER_BROKER_URL_FILE": file})
    assert (settings.database, settings.broker) == (URL, URL)


def test_a_child_process_is_told_the_file_and_not_the_secret(tmp_path):
    settings = Settings.load({"BROADCASTER_DATABASE_URL_FILE": secret_file(tmp_path)})
    told = settings.model_copy(update={"web_port": 9}).environment()
    assert told["BROADCASTER_DATABASE_URL_FILE"] == str(tmp_path / "secret")
    assert "BROADCASTER_DATABASE_URL" not in told
    assert "canary" not in str(told)
    assert Settings.load(settings.environment()) == settings


@pytest.mark.parametrize("name", SECRETS)
def test_a_secret_given_twice_is_refused(name, tmp_path):
    variable = f"BROADCASTER_{name.upper()}"
    told = problems_of({variable: URL, f"{variable}_FILE": secret_file(tmp_path)})
    assert (
        f"{variable} and {variable}_FILE are both given, and only one can hold. Take one of them away."
        in told
    )


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "is empty. Write the value into it."),
        (" \n", "is empty. Write the value into it."),
        (f"{URL}\n{URL}\n", "has several lines. Leave the value alone in it."),
        (b"\xff\xfe", "is not text in UTF-8. Write the value into it again."),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(tmp_path, content, said):
    file = secret_file(tmp_path, content)
    assert problems_of({"BROADCASTER_BROKER_URL_FILE": file}) == f"BROADCASTER_BROKER_URL_FILE: {file} {said}"


def test_a_file_that_cannot_be_read_is_named_with_what_to_do(tmp_path):
    told = problems_of({"BROADCASTER_DATABASE_URL_FILE": str(tmp_path / "none")})
    assert f"{tmp_path}/none cannot be read (No such file or directory)" in told
    assert f"Make it readable for user id {os.geteuid()}" in told
    assert "it is empty" in problems_of({"BROADCASTER_DATABASE_URL_FILE": ""})


def test_only_secrets_are_read_from_files():
    assert "BROADCASTER_TIMEZONE_FILE is not a setting." in problems_of({"BROADCASTER_TIMEZONE_FILE": "x"})


def test_no_error_and_no_repr_shows_a_secret(tmp_path):
    wrong = "mysql://root:canary-password@db"
    for given in (
        {"BROADCASTER_DATABASE_URL": wrong},
        {"BROADCASTER_DATABASE_URL_FILE": secret_file(tmp_path, wrong)},
    ):
        told = problems_of(given)
        assert "it must begin with postgresql+psycopg:// or with sqlite:///" in told
        assert "canary" not in told
    assert "canary" not in repr(Settings(database_url=URL, broker_url=URL))


def test_a_log_format_that_does_not_exist_is_refused():
    assert "BROADCASTER_LOG_FORMAT" in problems_of({"BROADCASTER_LOG_FORMAT": "xml"})


# --- where checkpoints go -----------------------------------------------------------------------------------

MAIL = {
    "BROADCASTER_SMTP_URL": "smtp://user:s3cret@mail.example:587",
    "BROADCASTER_MAIL_FROM": "log@wyre.example",
}


def test_those_who_get_checkpoints_by_mail_need_a_server_and_a_sender():
    assert Settings.load(
        MAIL | {"BROADCASTER_ANCHOR_MAIL_TO": "a@b.example c@d.example"}
    ).anchor_receivers == (
        "a@b.example",
        "c@d.example",
    )
    with pytest.raises(Invalid) as caught:
        Settings.load({"BROADCASTER_ANCHOR_MAIL_TO": "a@b.example"})
    assert "it needs BROADCASTER_SMTP_URL and BROADCASTER_MAIL_FROM too" in caught.value.details[0]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SMTP_URL", "mail.example"),
        ("SMTP_URL", "https://user:s3cret@mail.example"),
        ("SMTP_URL", "smtp://user:s3cret@mail.example:port"),
        ("SMTP_URL", "smtp://user:s3cret@"),
        ("MAIL_FROM", "somebody"),
        ("MAIL_FROM", "a@b.example c@d.example"),
        ("ANCHOR_MAIL_TO", "a@b.example, c@d.example"),
        ("TSA_URL", "tsa.example"),
        ("TSA_URL", "ftp://tsa.example"),
    ],
)
def test_an_address_that_nothing_could_be_sent_to_is_refused(name, value):
    with pytest.raises(Invalid) as caught:
        Settings.load(MAIL | {f"BROADCASTER_{name}": value})
    assert [text.startswith(f"BROADCASTER_{name}: ") for text in caught.value.details] == [True]
    assert "s3cret" not in str(caught.value) + "".join(caught.value.details)
    assert "s3cret" not in repr(Settings.load(MAIL))

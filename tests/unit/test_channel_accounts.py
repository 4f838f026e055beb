"""Reading accounts' files, and telling every problem at once."""

import re
from pathlib import Path

import pytest

from broadcaster.domain.errors import Invalid, NotFound
from channels import CHANNELS, channel_class
from channels.accounts import load_accounts, open_channels
from channels.base import Account, AfterUnknown, Channel, Secret
from channels.gateways import GATEWAYS, gateway_class

SETTINGS = (Path(__file__).parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
KANNEL = 'base_url = "http://127.0.0.1:13013"\nusername = "u"\npassword = "p"\nsender = "Wyre"\n'
NOTIFY = (
    'gateway = "notify"\ntemplate_id = "f33517ff-2a88-4f6e-b855-c550268ce08a"\nservice_id = "26785a09-ab16-4eb0-8407-a37497a57506"\n'
    'api_key = "n-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0"\n'
)
TWILIO = (
    f'gateway = "twilio"\naccount_sid = "AC{"a" * 32}"\napi_key = "SK{"b" * 32}"\n'
    'api_key_secret = "s"\nsender = "Wyre"\n'
)
FACEBOOK = 'channel = "facebook"\npage_id = "123"\n'


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "live").mkdir()
    return tmp_path


def write(folder, name, text, mode=0o600):
    path = folder / "live" / name
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def problems(folder):
    with pytest.raises(Invalid) as caught:
        load_accounts(folder, "live", None)
    return caught.value.details


def test_an_account_has_options_defaults_and_secrets_apart(folder):
    write(folder, "page.toml", FACEBOOK + 'access_token = "canary"\n')
    account = load_accounts(folder, "live", frozenset({"graph.facebook.com"}))["page"]
    assert account == Account(
        name="page",
        channel="facebook",
        mode="live",
        options={"page_id": "123", "base_url": "https://graph.facebook.com"},
        secrets={"access_token": Secret("canary")},
        allowed_hosts=frozenset({"graph.facebook.com"}),
    )
    assert "canary" not in repr(account)


def test_a_secret_may_stand_in_a_file_or_in_the_environment(folder, monkeypatch):
    (folder / "live" / "page.token").write_text("from-file\n")
    monkeypatch.setenv("APP_SECRET_OF_PAGE", "from-env")
    write(
        folder,
        "page.toml",
        FACEBOOK + 'access_token_file = "page.token"\napp_secret_env = "APP_SECRET_OF_PAGE"\n',
        mode=0o644,  # nothing secret stands in the file itself
    )
    secrets = load_accounts(folder, "live", None)["page"].secrets
    assert {name: secret.reveal() for name, secret in secrets.items()} == {
        "access_token": "from-file",
        "app_secret": "from-env",
    }


def test_an_absolute_path_to_a_secret_is_taken_as_it_is(folder, tmp_path):
    (tmp_path / "elsewhere").write_text("canary")
    write(folder, "page.toml", FACEBOOK + f'access_token_file = "{tmp_path / "elsewhere"}"\n')
    assert load_accounts(folder, "live", None)["page"].secrets["access_token"].reveal() == "canary"


def test_modes_do_not_see_each_others_accounts(folder):
    write(folder, "page.toml", FACEBOOK + 'access_token = "canary"\n')
    assert load_accounts(folder, "exercise", None) == {}


def test_all_problems_of_all_files_are_told_at_once(folder):
    write(folder, "a.toml", 'channel = "facebok"\n')
    write(folder, "b.toml", FACEBOOK + 'acess_token = "canary"\n')
    write(folder, "c.toml", "channel = \n")
    write(folder, "d.toml", 'page_id = "1"\n')
    write(folder, "e.toml", FACEBOOK + 'access_token_file = "none"\napp_secret_env = "NOT_SET_ANYWHERE"\n')
    write(folder, "f.toml", FACEBOOK + 'access_token = "canary"\n', mode=0o644)
    write(folder, "g.toml", FACEBOOK + 'access_token = ["canary"]\n')
    told = problems(folder)
    expected = {
        "a.toml": ['Did you mean "facebook"'],
        "b.toml": ['no option "acess_token". Did you mean "access_token"', "access_token is missing"],
        "c.toml": ["not valid TOML"],
        "d.toml": ["which channel"],
        "e.toml": ["cannot be read", "NOT_SET_ANYWHERE, which is not set"],
        "f.toml": ["chmod 600"],
        "g.toml": ['must be text: access_token = "..."'],
    }
    assert {name: len([line for line in told if line.startswith(name)]) for name in expected} == {
        name: len(parts) for name, parts in expected.items()
    }
    for name, parts in expected.items():
        for part in parts:
            assert any(line.startswith(name) and part in line for line in told), (name, part)
    assert "canary" not in "".join(told)


def test_a_broken_file_does_not_quote_its_secrets(folder):
    write(folder, "a.toml", 'access_token = "canary\nchannel = "facebook"\n')
    assert "canary" not in "".join(problems(folder))


def test_an_empty_required_option_is_told(folder):
    write(folder, "a.toml", 'channel = "facebook"\npage_id = ""\naccess_token = "t"\n')
    assert any("page_id is empty" in line for line in problems(folder))


def test_a_secret_given_twice_is_told(folder):
    (folder / "live" / "t").write_text("canary")
    write(folder, "a.toml", FACEBOOK + 'access_token = "t"\naccess_token_file = "t"\n')
    assert any("given twice" in line for line in problems(folder))


def test_a_folder_that_is_not_there_is_told(tmp_path):
    with pytest.raises(Invalid, match="no folder"):
        load_accounts(tmp_path / "none", "live", None)


def test_a_whole_number_may_stand_without_quotes(folder):
    write(folder, "page.toml", 'channel = "facebook"\npage_id = 123\naccess_token = "t"\n')
    assert load_accounts(folder, "live", None)["page"].options["page_id"] == "123"


def test_channels_are_opened_by_the_name_of_their_account(folder):
    write(folder, "page.toml", FACEBOOK + 'access_token = "canary"\n')
    write(
        folder,
        "web.toml",
        'channel = "website"\nsite_dir = "/x"\nbase_url = "https://a.example"\nsite_name = "A"\n',
    )
    channels = open_channels(load_accounts(folder, "live", None))
    assert {name: channel.name for name, channel in channels.items()} == {
        "page": "facebook",
        "web": "website",
    }
    assert all(isinstance(channel, Channel) for channel in channels.values())


def test_opening_tells_all_that_cannot_be_used():
    accounts = {
        name: Account(
            name=name,
            channel="website",
            mode="live",
            options={"site_dir": "/x", "base_url": url, "site_name": "A"},
        )
        for name, url in {"one": "ftp://a", "two": "https://a.example", "three": "nonsense"}.items()
    }
    with pytest.raises(Invalid) as caught:
        open_channels(accounts)
    assert len(caught.value.details) == 2


@pytest.mark.parametrize("name", CHANNELS)
def test_every_channel_of_the_registry_explains_its_options(name):
    cls = channel_class(name)
    assert cls.name == name
    assert len({option.name for option in cls.options}) == len(cls.options)
    for option in cls.options:
        assert option.help
        assert not (option.secret and option.default)
        assert not option.name.endswith(("_file", "_env")), "these endings are taken by secrets"


def test_an_unknown_channel_is_not_found():
    with pytest.raises(NotFound, match='Did you mean "website"'):
        channel_class("webside")


def test_an_sms_account_is_asked_for_what_its_gateway_needs_and_no_more(folder):
    for name, text in {"kannel": KANNEL, "notify": NOTIFY, "twilio": TWILIO}.items():
        write(folder, f"{name}.toml", 'channel = "sms"\n' + text)
    accounts = load_accounts(folder, "live", None)
    channels = open_channels(accounts)
    assert accounts["kannel"].options["gateway"] == "kannel"
    assert accounts["notify"].options["base_url"] == "https://api.notifications.service.gov.uk"
    assert {name: channel.after_unknown for name, channel in channels.items()} == {
        "kannel": AfterUnknown.BLIND,
        "notify": AfterUnknown.QUERYABLE,
        "twilio": AfterUnknown.BLIND,
    }


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", ["base_url is missing", "username is missing", "password is missing", "sender is missing"]),
        ('gateway = "notify"\n', ["api_key is missing", "service_id is missing", "template_id is missing"]),
        (
            'gateway = "twilio"\n',
            ["account_sid is missing", "api_key is missing", "api_key_secret is missing"],
        ),
        (NOTIFY + 'username = "u"\n', ['no option "username"']),
        (KANNEL + 'template_id = "x"\n', ['no option "template_id"']),
        (TWILIO + 'senders = "u"\n', ['no option "senders". Did you mean "sender"']),
        (NOTIFY.replace("notify", "notfy"), ['no SMS gateway "notfy". Did you mean "notify"']),
        ('gateway = ["notify"]\n', ["There is no SMS gateway"]),
    ],
    ids=range(8),
)
def test_what_a_gateway_lacks_or_does_not_know_is_told(folder, text, told):
    write(folder, "a.toml", 'channel = "sms"\n' + text)
    found = problems(folder)
    assert len(found) == len(told)
    for line, part in zip(found, told, strict=True):
        assert part in line


@pytest.mark.parametrize("name", GATEWAYS)
def test_every_option_of_every_gateway_is_documented_and_explains_itself(name):
    row = next(line for line in SETTINGS.splitlines() if line.startswith(f"| `{name}` |"))
    options = gateway_class(name).options
    assert set(re.findall(r"`([a-z_]+)`", row)) - {name} == {option.name for option in options}
    required = set(re.findall(r"`([a-z_]+)`", row.split("|")[2]))
    assert {option.name for option in options if option.required} <= required
    for option in options:
        assert option.help
        assert not (option.secret and option.default)
        assert not option.name.endswith(("_file", "_env")), "these endings are taken by secrets"

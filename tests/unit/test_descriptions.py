"""Descriptions of accounts, without what sends: they render and check as the accounts do, and nothing leaves through them."""

import json
from dataclasses import replace

import pytest

from broadcaster.bootstrap import build
from broadcaster.domain.errors import Invalid, NotSent
from broadcaster.domain.message import Mode
from broadcaster.domain.post import Post
from broadcaster.settings import Settings
from channels.accounts import THIS_PROCESS, load_accounts, open_channels, sources
from channels.base import Holds, Parcel, Secret
from channels.gateways import GATEWAYS
from channels.sandbox import STAND_INS
from channels.sandbox.accounts import sandbox_accounts
from worker import supervisor, tasks

SENDERS = ("kannel", "sinch", "smpp")
VERIFYING = {
    "kannel": {"callback_token"},
    "notify": {"callback_token"},
    "sinch": {"callback_secret", "receipt_key"},
    "twilio": {"auth_token"},
    "smpp": set(),
}


def options_of(tmp_path):
    """An account of every kind, as its file says it."""
    known = sandbox_accounts(tmp_path / "sandbox")
    base = {"base_url": "http://127.0.0.1:9"}
    made = {
        "website": {
            "channel": "website",
            "site_dir": str(tmp_path / "site"),
            "base_url": "http://127.0.0.1:9/site",
            "site_name": "Wyre",
        },
        "facebook": {"channel": "facebook", **base, **known["facebook"]},
        "x": {"channel": "x", **base, **known["x"]},
        **{name: {"channel": name, **base, **known[name]} for name in STAND_INS},
    }
    hook = {"receipt_url": "http://127.0.0.1:9/hooks/live/sms/receipt"}
    for name in GATEWAYS:
        given = known["sms" if name == "kannel" else name]
        place = {"host": "127.0.0.1"} if name == "smpp" else base
        more = {"sender": "Wyre"} if name in SENDERS else {}
        more |= hook if name in {"kannel", "sinch", "twilio"} else {}
        more |= {"callback_token": "t" * 20} if name == "kannel" else {}
        made[name] = {"channel": "sms", "gateway": name, **place, **more, **given}
    return made


def write(folder, options):
    folder.mkdir(parents=True)
    for name, given in options.items():
        path = folder / f"{name}.toml"
        path.write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in given.items()))
        path.chmod(0o600)


@pytest.fixture
def folder(tmp_path):
    write(tmp_path / "credentials" / "live", options_of(tmp_path))
    return tmp_path / "credentials"


def opened(folder, holds):
    accounts = load_accounts(folder, "live", None, holds=holds)
    return accounts, open_channels(accounts)


@pytest.mark.parametrize("holds", [Holds.CALLBACKS, Holds.NOTHING])
def test_a_description_is_the_account_but_for_its_secrets(folder, holds):
    accounts, whole = opened(folder, Holds.ALL)
    described, without = opened(folder, holds)
    assert described.keys() == accounts.keys()
    for name, account in accounts.items():
        assert (described[name].options, described[name].holds) == (account.options, holds), name
        held = VERIFYING.get(name, set()) & account.secrets.keys() if holds is Holds.CALLBACKS else set()
        assert described[name].secrets.keys() == held, name
        assert type(without[name]) is type(whole[name]), name
        assert without[name].target == whole[name].target, name


def a_post(channel, account):
    facts = {"reference": "7F3K2M"}
    return Post(
        channel=channel.name, account=account, title="Flood", text="Keep off the seafront.", facts=facts
    )


@pytest.mark.parametrize("holds", [Holds.CALLBACKS, Holds.NOTHING])
def test_nothing_leaves_through_a_description(folder, tmp_path, holds):
    accounts, channels = opened(folder, holds)
    for name, channel in channels.items():
        post = a_post(channel, name)
        assert channel.check(post) == opened(folder, Holds.ALL)[1][name].check(post), name
        if accounts[name].channel == "sms":
            with channel.sending(post) as sending:
                sending.put([Parcel(key="0" * 36, address="+447700900123")])
                ((_, outcome),) = sending.take(5)
        else:
            with pytest.raises(NotSent) as caught:
                channel.send(post, "key")
            outcome = caught.value
        assert (type(outcome), outcome.code) == (NotSent, "no_credentials"), name
    assert not (tmp_path / "site").exists()


def test_a_process_of_one_mode_is_refused_the_credentials_of_the_other_and_loads_none(folder, tmp_path):
    settings = Settings(data_dir=tmp_path, credentials_dir=folder)
    write(folder / "exercise", {"page": options_of(tmp_path)["facebook"]})
    parts = build(settings, mode=Mode.LIVE)
    assert parts.channels.keys() == {Mode.LIVE}
    with pytest.raises(
        Invalid, match="holds the credentials of live accounts, so it is refused those of exercise"
    ):
        build(settings, mode=Mode.EXERCISE)
    with pytest.raises(Invalid, match="Let a process of its own do this"):
        load_accounts(folder, "exercise", None)
    build(settings, mode=Mode.LIVE).database.close()
    parts.database.close()


def test_a_bell_of_the_other_mode_is_refused_by_a_worker(folder, tmp_path, monkeypatch):
    monkeypatch.setenv("BROADCASTER_DATA_DIR", str(tmp_path))
    THIS_PROCESS.hold(Mode.EXERCISE)
    with pytest.raises(Invalid, match="so it is refused those of live"):
        tasks.deliver("live", "public")
    assert Mode.LIVE not in tasks._built


def test_a_description_opens_no_file_of_a_secret_and_a_supervisor_says_which_is_missing(tmp_path):
    folder = tmp_path / "live"
    write(folder, {"page": {"channel": "facebook", "page_id": "1", "access_token_file": "page.token"}})
    described = load_accounts(tmp_path, "live", None, holds=Holds.NOTHING)
    assert described["page"].secrets == {}
    (missing,) = sources(tmp_path, "live").missing
    assert missing.startswith("page.toml: access_token_file names ")
    (folder / "page.token").write_text("canary")
    assert sources(tmp_path, "live").missing == ()
    assert load_accounts(tmp_path, "live", None)["page"].secrets == {"access_token": Secret("canary")}


def test_no_process_inherits_a_secret_of_an_account_that_it_may_not_hold(tmp_path, monkeypatch):
    page = {"channel": "facebook", "page_id": "1"}
    texts = options_of(tmp_path)["kannel"] | {"callback_token_env": "LIVE_CALLBACKS"}
    texts.pop("callback_token")
    write(tmp_path / "live", {"page": {**page, "access_token_env": "LIVE_TOKEN"}, "sms": texts})
    write(tmp_path / "exercise", {"page": {**page, "access_token_env": "DRILL_TOKEN"}})
    named = {"LIVE_TOKEN", "LIVE_CALLBACKS", "DRILL_TOKEN"}
    for name in named:
        monkeypatch.setenv(name, "canary-of-sixteen-characters")
    settings = Settings(data_dir=tmp_path / "data")
    found = supervisor.children(settings, modes=list(Mode), sandbox_ports={})
    inherits = {child.name: named - child.without for child in supervisor.apart(found, tmp_path)}
    assert inherits.pop("web") == {"LIVE_CALLBACKS"}
    live = {name for name in inherits if name.startswith("live-")}
    assert {frozenset(inherits[name]) for name in live} == {frozenset({"LIVE_TOKEN", "LIVE_CALLBACKS"})}
    drills = {name for name in inherits if name.startswith("exercise-")}
    assert {frozenset(inherits[name]) for name in drills} == {frozenset({"DRILL_TOKEN"})}
    assert live
    assert drills
    assert not any(inherits[name] for name in inherits.keys() - live - drills)


def test_who_holds_nothing_takes_no_callback_for_genuine(folder):
    _, channels = opened(folder, Holds.NOTHING)
    for name in GATEWAYS:
        with pytest.raises(ValueError):
            channels[name].read_receipt({"key": "0" * 36, "status": "1"}, b"", {})


def test_holding_what_verifies_is_not_holding_what_sends(folder):
    accounts, _ = opened(folder, Holds.CALLBACKS)
    with pytest.raises(Invalid):
        open_channels({"notify": replace(accounts["notify"], holds=Holds.ALL)})

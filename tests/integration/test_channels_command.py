"""`broadcaster channels check` and what `account list` says of it, over a real website channel."""

import json

import pytest

DATABASES = ("sqlite",)


@pytest.fixture
def site(desk):
    """A file stands where the website's folder should be."""
    (desk.folder / "site").write_text("in the way")
    return desk.folder / "site"


def test_an_account_that_is_not_ready_is_told_with_what_to_do_and_exits_1_until_mended(desk, site):
    done = desk.run("channels", "check", "site", who="auditor")
    assert done.returncode == 1
    shown = " ".join(done.stdout.split())
    assert "NOT READY" in shown
    assert "never" in shown
    assert "Traceback" not in done.stderr
    (checked,) = [a["check"] for a in desk.data_of("account", "list", who="officer") if a["name"] == "site"]
    assert (checked["state"], checked["code"], checked["last_ready_at"]) == ("not_ready", "disk_error", None)
    assert "NOT READY" in desk.do("account", "list", who="officer")

    site.unlink()
    mended = json.loads(desk.do("channels", "check", "site", "--json", who="auditor"))
    # Nobody serves the folder here, which is worth a look and stops nothing.
    assert [(a["name"], a["mode"], a["state"]) for a in mended] == [("site", "live", "doubtful")]
    assert mended[0]["facts"]["free space"].endswith(" GB")


def test_accounts_that_were_never_checked_say_so(desk):
    assert desk.do("account", "list", who="officer").count("not checked yet") == 3


def test_a_name_or_a_mode_without_an_account_is_told(desk, bare):
    assert 'Did you mean "site"?' in desk.refused("channels", "check", "sit", who="auditor")
    assert "No account is set up yet" in desk.do("channels", "check", "--mode", "exercise", who="auditor")


def test_whoever_may_not_see_messages_may_not_check(desk):
    assert "data-keeper" in desk.refused("channels", "check", "site", who="keeper")

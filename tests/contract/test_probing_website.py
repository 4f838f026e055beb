"""The website's check: its folder, its disk, and the address that people open."""

import errno

import pytest

from broadcaster.domain.readiness import ReadinessState
from channels.base import Account
from channels.website import Website
from channels.website_store import SiteStore
from tests.contract.platform_server import Answer, Fault, Platform

READY, DOUBTFUL, NOT_READY = ReadinessState


@pytest.fixture
def platform():
    with Platform() as platform:
        yield platform


def site_account(folder, url, hosts=None):
    options = {"site_dir": str(folder), "base_url": url, "site_name": "Wyre Council"}
    return Account(name="site", channel="website", mode="live", options=options, allowed_hosts=hosts)


def site(folder, url, hosts=None):
    return Website(site_account(folder, url, hosts))


def test_a_website_that_can_be_written_and_answers_is_ready_and_stays_as_it_was(platform, tmp_path):
    channel = site(tmp_path / "site", platform.url)
    channel.probe()
    before = sorted(path.name for path in tmp_path.rglob("*"))
    found = channel.probe()
    assert found.state is READY
    assert dict(found.facts)["public address"] == "answers"
    assert dict(found.facts)["free space"].endswith(" GB")
    assert sorted(path.name for path in tmp_path.rglob("*")) == before == [".alerts", "site"]


class LockedStore(SiteStore):
    """Root may write everywhere, so the system's answer is played."""

    def try_writing(self):
        raise PermissionError(errno.EACCES, "Permission denied")


def test_a_folder_that_may_not_be_written_is_not_ready(platform, tmp_path):
    channel = Website(site_account(tmp_path, platform.url), store=LockedStore(tmp_path))
    found = channel.probe()
    assert (found.state, found.code, platform.calls) == (NOT_READY, "not_writable", [])


def test_a_folder_that_is_none_is_not_ready(platform, tmp_path):
    (tmp_path / "site").write_text("a file in its place")
    found = site(tmp_path / "site", platform.url).probe()
    assert (found.state, found.code) == (NOT_READY, "disk_error")


def test_a_damaged_memory_of_the_site_is_not_ready(platform, tmp_path):
    channel = site(tmp_path, platform.url)
    channel.probe()
    (tmp_path / ".alerts" / "7F3K2M.json").write_text("{")
    found = channel.probe()
    assert (found.state, found.code) == (NOT_READY, "memory_damaged")


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (Answer(status=404), "site_broken"),
        (Answer(status=502), "site_broken"),
        (Answer(fault=Fault.CLOSE), "site_unreachable"),
    ],
)
def test_a_web_server_that_does_not_show_the_folder_is_doubtful(platform, tmp_path, answer, code):
    platform.answer = answer
    found = site(tmp_path, platform.url).probe()
    assert (found.state, found.code) == (DOUBTFUL, code)


def test_a_web_server_outside_of_the_fence_is_not_asked(platform, tmp_path):
    found = site(tmp_path, platform.url, frozenset({"platform.example"})).probe()
    assert (found.state, platform.calls) == (READY, [])

"""Checks of accounts that say nothing about the next post: they are doubtful, stop no alert, tell no secret and end in time."""

import logging
import time

import pytest

from channels.probing import PROBE_WITHIN_S
from tests.contract.platform_server import Answer, Fault
from tests.contract.probed import (
    DOUBTFUL,
    KNOWN,
    SECRET_OPTIONS,
    PathPlatform,
    opened,
)

PROXY = b"<html>403 Forbidden by the proxy</html>"
SAYS_NOTHING = {
    "unavailable": Answer(status=503),
    "broken": Answer(status=500, body={"error": {"code": 1, "message": "said"}}),
    "busy": Answer(status=429, body={"errors": [{"code": 88, "message": "Rate limit exceeded"}]}),
    "a proxy's page": Answer(status=403, body=PROXY),
    "another page": Answer(body=b"<html>ok</html>"),
    "nothing": Answer(body={}),
    "a list": Answer(body=[]),
    "reset": Answer(fault=Fault.RESET),
    "closed": Answer(fault=Fault.CLOSE),
    "elsewhere": Answer(status=302, headers={"Location": "https://elsewhere.example/"}),
}


@pytest.fixture
def platform():
    with PathPlatform() as platform:
        yield platform


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_what_says_nothing_about_a_post_is_doubtful_and_stops_no_alert(platform, kind, caplog):
    channel = opened(kind, KNOWN[kind], platform.url)
    with caplog.at_level(logging.DEBUG):
        found = {}
        for name, answer in SAYS_NOTHING.items():
            platform.answer = answer
            found[name] = channel.probe()
    assert {name: each.state for name, each in found.items()} == dict.fromkeys(SAYS_NOTHING, DOUBTFUL)
    secrets = [KNOWN[kind][name] for name in SECRET_OPTIONS[kind] if name in KNOWN[kind]]
    told = repr(found) + "".join(
        record.getMessage() for record in caplog.records if record.name != "urllib3.connectionpool"
    )
    assert [secret for secret in secrets if secret in told] == []


@pytest.mark.parametrize("kind", sorted(KNOWN))
def test_a_platform_that_quotes_our_secrets_has_none_of_them_told(platform, kind):
    channel = opened(kind, KNOWN[kind], platform.url)
    secrets = [KNOWN[kind][name] for name in SECRET_OPTIONS[kind] if name in KNOWN[kind]]
    echo = " ".join(secrets)
    for status in (200, 400, 401, 402, 403, 404, 500):
        error = {"message": echo, "code": 190, "error": echo, "fbtrace_id": echo}
        body = {"error": error, "errors": [error], "title": echo, "detail": echo, "code": 20003, "body": echo}
        platform.answer = Answer(status=status, body=body)
        told = repr(channel.probe())
        assert [secret for secret in secrets if secret in told] == []


def test_a_platform_that_is_not_there_is_doubtful():
    for kind, known in KNOWN.items():
        found = opened(kind, known, "http://127.0.0.1:9").probe()
        assert (found.state, found.code) == (DOUBTFUL, "not_connected")


def test_a_check_ends_in_time(platform):
    """Of the channels with sessions of their own; a gateway's check has its own limits, which are shorter."""
    assert PROBE_WITHIN_S < 15
    platform.answer = Answer(fault=Fault.TRICKLE)
    page = opened("facebook", KNOWN["facebook"], platform.url)
    before = time.monotonic()
    with page._session.within(0.3):
        assert page.probe().state is DOUBTFUL
    assert time.monotonic() - before < PROBE_WITHIN_S

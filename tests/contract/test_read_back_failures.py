"""Reading back where it goes wrong: a failed reading is never a None, and tells no secret."""

import logging
import socket
from dataclasses import replace

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent, SendError
from channels.twitter import XAccount
from tests.contract import on_facebook as facebook
from tests.contract import on_x as x
from tests.contract.channel_suite import GARBAGE, IMPATIENT, KEY, PATIENT, all_that_is_said
from tests.contract.platform_server import Answer, Fault
from tests.contract.read_back_places import SINCE, OnFacebook, OnX, failure


@pytest.mark.parametrize("status", [301, 400, 404, 408, 418, 429, 500, 502, 503, 504])
def test_a_refused_reading_is_to_be_made_again(on, platform, status):
    platform.answer = Answer(status=status, headers={"Location": f"{platform.url}/elsewhere"})
    error = failure(on, platform)
    assert (type(error), error.code) == (NotSent, "read_back_failed")
    assert isinstance(error.__cause__, SendError)
    assert len(platform.calls) == 1


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT])
def test_a_reading_that_breaks_off_says_nothing(on, platform, fault):
    platform.answer = replace(on.page(on.item()), fault=fault)
    assert type(failure(on, platform)) is NotSent


def test_a_time_out_says_nothing(on, platform):
    platform.answer = Answer(fault=Fault.HANG)
    error = failure(on, platform, timeouts=IMPATIENT)
    assert (type(error), error.code, error.__cause__.code) == (NotSent, "read_back_failed", "read_timeout")


@pytest.mark.parametrize(
    "garbage", [g for g in GARBAGE if b"data" not in g] + [b'{"data": {}}', b'{"data": 5}']
)
def test_a_body_that_is_no_list_says_nothing(on, platform, garbage):
    platform.answer = Answer(body=garbage)
    assert type(failure(on, platform)) is NotSent


@pytest.mark.parametrize(
    "body",
    [
        {"meta": {}},
        {"meta": {"result_count": 3}},
        {"errors": 5},
        {"errors": [5]},
        {"meta": {"result_count": 0}, "errors": [{"type": "about:blank"}]},
    ],
)
def test_a_timeline_without_posts_must_say_so_itself(platform, body):
    platform.answer = Answer(body=body)
    assert failure(OnX, platform).code == "read_back_failed"


@pytest.mark.parametrize("body", [{}, {"data": []}, {"data": {"id": ""}}, {"data": {"id": "../me"}}])
def test_an_account_that_x_does_not_name_says_nothing(platform, body):
    account = x.account(platform.url)
    nameless = replace(account, options={**account.options, "user_id": ""})
    platform.answer = Answer(body=body)
    with pytest.raises(NotSent):
        XAccount(nameless, timeouts=PATIENT).find(OnX.post, KEY, SINCE)
    assert [call.path for call in platform.calls] == ["/2/users/me"]


@pytest.mark.parametrize("status", [401, 403])
def test_credentials_that_are_not_accepted_are_a_matter_of_set_up(platform, status):
    platform.answer = Answer(status=status)
    assert type(failure(OnFacebook, platform)) is NotConfigured
    platform.answer = Answer(status=401)
    assert type(failure(OnX, platform)) is NotConfigured


def test_the_permission_to_read_is_named(platform):
    platform.answer = facebook.graph_error(10)
    error = failure(OnFacebook, platform)
    assert error.code == "no_permission_to_read"
    assert "pages_read_engagement" in error.operator_text


def test_an_error_with_200_is_no_empty_list(platform):
    platform.answer = Answer(body={"data": [], "error": {"code": 190, "message": "said"}})
    assert failure(OnFacebook, platform).code == "token_refused"


def test_the_wait_that_the_platform_asks_for_is_kept(platform):
    platform.answer = facebook.graph_error(32, status=403, headers=facebook.USAGE)
    assert failure(OnFacebook, platform).retry_after_s == 120
    platform.answer = x.saved("rate limit (docs)")
    assert failure(OnX, platform).retry_after_s == 100


def test_a_host_outside_the_fence_is_not_asked(on, platform):
    assert failure(on, platform, hosts=frozenset({"alerts.example"})).code == "host_not_allowed"
    assert platform.calls == []


def test_no_secret_and_no_text_is_told(on, platform, caplog):
    caplog.set_level(logging.DEBUG)
    with socket.create_server(("127.0.0.1", 0)) as unused:
        port = unused.getsockname()[1]
    with pytest.raises(NotSent) as refused:
        on.channel(f"http://127.0.0.1:{port}").find(on.post, KEY, SINCE)
    errors = [refused.value]
    echo = " ".join([*on.secrets, on.post.text])
    for status in (400, 401, 403, 429, 500):
        for body in ({"error": {"message": echo, "code": 100}}, {"title": echo, "detail": echo}):
            platform.answer = Answer(status=status, body=body)
            errors.append(failure(on, platform))
    platform.answer = Answer(fault=Fault.HANG)
    errors.append(failure(on, platform, timeouts=IMPATIENT))
    told = "\n".join(map(all_that_is_said, errors))
    for canary in [*on.secrets, on.post.text]:
        assert canary not in told
    logged = "\n".join(record.getMessage() for record in caplog.records)
    for canary in [*on.hidden, on.post.text]:
        assert canary not in logged
        assert all(canary not in call.path for call in platform.calls)

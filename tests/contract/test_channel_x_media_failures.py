"""Pictures on X that fail: each step's failure before the post is known to have published nothing."""

from contextlib import nullcontext

import pytest
import requests
import tweepy

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import Receipt
from channels.twitter_media import Uploads
from tests.contract.channel_suite import (
    HASTY,
    IMPATIENT,
    PATIENT,
    STATUSES,
    all_that_is_said,
    attempt,
    subclasses,
)
from tests.contract.on_x import SECRETS
from tests.contract.platform_server import TRICKLES, Answer, Fault
from tests.contract.x_pictures import ALT, POST, STATUS, UPLOAD, Time, channel, image, pending, post


def judged(status):
    """What a status before the post means: never an unknown outcome."""
    outcome = {402: NotConfigured, 403: Refused}.get(status, STATUSES[status])
    return NotSent if outcome is OutcomeUnknown else outcome


@pytest.mark.parametrize("step", [UPLOAD, ALT, STATUS])
@pytest.mark.parametrize("status", STATUSES)
def test_each_status_before_the_post_is_known_to_have_published_nothing(script, step, status):
    pending(script)
    script.steps[step] = [Answer(status=status, headers={"Location": "http://127.0.0.1:9/"})]
    error = attempt(channel(script), post(image()))
    assert type(error) is judged(status)
    assert POST not in script.asked()
    assert script.asked().count(step) == 1


@pytest.mark.parametrize("step", [UPLOAD, ALT, STATUS])
@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT, Fault.HANG])
def test_a_failing_connection_before_the_post_is_known_to_have_published_nothing(script, step, fault):
    pending(script)
    script.steps[step] = [Answer(body={"data": {"id": "11"}}, fault=fault)]
    error = attempt(channel(script, IMPATIENT if fault is Fault.HANG else PATIENT), post(image()))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert POST not in script.asked()


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT, Fault.HANG])
def test_a_failing_connection_at_the_post_itself_is_unknown(script, fault):
    script.steps[POST] = [Answer(status=201, body={"data": {"id": "1"}}, fault=fault)]
    error = attempt(channel(script, IMPATIENT if fault is Fault.HANG else PATIENT), post(image()))
    assert type(error) is OutcomeUnknown
    assert script.asked() == [UPLOAD, ALT, POST]


@pytest.mark.parametrize("status", STATUSES)
def test_each_status_at_the_post_itself_means_what_it_means_without_pictures(script, status):
    script.steps[POST] = [Answer(status=status, headers={"Location": "http://127.0.0.1:9/"})]
    assert type(attempt(channel(script), post(image()))) is {402: NotConfigured, 403: Refused}.get(
        status, STATUSES[status]
    )
    assert script.asked().count(POST) == 1


@pytest.mark.parametrize(
    "cls", subclasses(requests.RequestException, tweepy.TweepyException), ids=lambda cls: cls.__name__
)
@pytest.mark.parametrize("step", [0, 1])
def test_every_client_exception_before_the_post_is_known_to_have_published_nothing(cls, step):
    broken = cls.__new__(cls)
    uploads = Uploads(Raising(broken, after=step), monotonic=Time().monotonic)
    with pytest.raises((NotSent, Refused)) as caught:
        uploads.upload([image()])
    assert not isinstance(caught.value, OutcomeUnknown)
    assert all(secret not in all_that_is_said(caught.value) for secret in SECRETS.values())


class Raising:
    """In the place of tweepy's client: the call after so many raises."""

    consumer_key = consumer_secret = access_token = access_token_secret = "canary"

    def __init__(self, error, after):
        self._error, self._left = error, after
        self.session = self

    def within(self, _):
        return nullcontext()

    def request(self, *_, **__):
        self._left -= 1
        if self._left < 0:
            raise self._error
        answer = requests.Response()
        answer._content = b'{"data": {"id": "11"}}'
        return answer


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{", {"data": []}, {"data": {"id": ""}}, {"data": {"id": "x"}}]
)
def test_an_upload_that_names_no_picture_is_tried_again(script, body):
    script.steps[UPLOAD] = [Answer(body=body)]
    assert type(attempt(channel(script), post(image()))) is NotSent
    assert script.asked() == [UPLOAD]


def test_an_alt_text_that_x_did_not_take_stops_the_post(script):
    script.steps[ALT] = [Answer(body={"errors": [{"title": "Invalid Request", "detail": "no"}]})]
    error = attempt(channel(script), post(image()))
    assert (type(error), error.code) == (Refused, "picture_refused")
    assert POST not in script.asked()


def test_an_alt_text_that_is_answered_without_a_body_is_taken(script):
    script.steps[ALT] = [Answer(body=b"")]
    assert isinstance(attempt(channel(script), post(image())), Receipt)


@pytest.mark.parametrize("step", [UPLOAD, ALT, STATUS])
@pytest.mark.parametrize("fault", TRICKLES)
def test_an_answer_that_trickles_before_the_post_is_known_to_have_published_nothing(script, step, fault):
    pending(script)
    script.steps[step] = [Answer(fault=fault)]
    error = attempt(channel(script, HASTY), post(image()))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "read_timeout" in error.detail
    assert POST not in script.asked()
    assert script.asked().count(step) == 1


@pytest.mark.parametrize("fault", TRICKLES)
def test_an_answer_that_trickles_at_the_post_itself_is_unknown(script, fault):
    script.steps[POST] = [Answer(fault=fault)]
    error = attempt(channel(script, HASTY), post(image()))
    assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")
    assert script.asked() == [UPLOAD, ALT, POST]

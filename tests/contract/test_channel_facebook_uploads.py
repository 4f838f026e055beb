"""Pictures that Facebook does not take: whatever an upload's failure, nothing is public and the outcome is known."""

import inspect
import logging

import pytest
import requests

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.facebook_photos import UPLOADS_WITHIN_S, nothing_published
from channels.http import Timeouts, from_exception
from tests.contract.channel_suite import (
    GARBAGE,
    IMPATIENT,
    KEY,
    PATIENT,
    STATUSES,
    all_that_is_said,
    attempt,
    close,
)
from tests.contract.facebook_pictures import ALTS, BIG, PRIVATE, TEXT, image, page_on, with_pictures
from tests.contract.on_facebook import CODES, USAGE, graph_error
from tests.contract.platform_server import TRICKLES, Answer, Fault


def outcome_at_upload(graph, answer, timeouts=PATIENT):
    graph.on_upload = [answer]
    channel = page_on(graph, timeouts)
    error = attempt(channel, with_pictures())
    close(channel)
    assert graph.calls == [], "something was published after a picture failed"
    assert len(graph.uploads) == 1, "a picture was sent twice in one try"
    return error


def of_upload(outcome):
    return NotSent if outcome is OutcomeUnknown else outcome


@pytest.mark.parametrize("status", STATUSES)
def test_no_status_at_an_upload_leaves_the_post_unknown(graph, status):
    headers = {"Location": f"{graph.url}/elsewhere"}
    assert type(outcome_at_upload(graph, Answer(status=status, headers=headers))) is of_upload(
        STATUSES[status]
    )


@pytest.mark.parametrize("case", [c for c in CODES if c.code != "duplicate"], ids=lambda case: case.name)
def test_no_error_of_graph_at_an_upload_leaves_the_post_unknown(graph, case):
    error = outcome_at_upload(graph, case.answer)
    assert type(error) is of_upload(case.outcome)
    if case.code in {"content", "bad_link", "picture_refused"}:
        assert error.code == "picture_refused"
        assert "picture 1 of 2" in error.operator_text


@pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE, Fault.CUT])
def test_a_connection_that_breaks_at_an_upload_is_surely_not_sent(graph, fault):
    error = outcome_at_upload(graph, Answer(body={"id": "1"}, fault=fault))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")


def test_a_time_out_at_an_upload_is_surely_not_sent(graph):
    error = outcome_at_upload(graph, Answer(fault=Fault.HANG), IMPATIENT)
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "read_timeout" in error.detail


@pytest.mark.parametrize("garbage", [*GARBAGE, b'{"id": 5}', b'{"id": ["a"]}', b'{"id": null}'])
def test_an_upload_whose_answer_has_no_id_is_surely_not_sent(graph, garbage):
    error = outcome_at_upload(graph, Answer(body=garbage))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")


@pytest.mark.parametrize(
    "exception",
    [
        cls
        for _, cls in inspect.getmembers(requests.exceptions, inspect.isclass)
        if issubclass(cls, Exception)
    ],
)
def test_no_exception_of_the_client_at_an_upload_leaves_the_post_unknown(exception):
    failure = from_exception(exception.__new__(exception))
    assert not isinstance(nothing_published(failure, number=1, of=1), OutcomeUnknown)


def test_photos_that_were_posted_before_lead_to_another_reading(graph):
    """The word may come from an earlier try with an unknown outcome: sending again at once would double it."""
    error = outcome_at_upload(graph, graph_error(100, subcode=1366051))
    assert (type(error), error.code) == (OutcomeUnknown, "duplicate")


def test_the_wait_that_facebook_asks_for_at_an_upload_is_kept(graph):
    error = outcome_at_upload(graph, graph_error(32, status=403, headers=USAGE))
    assert (error.code, error.retry_after_s) == ("rate_limited", 120)


def test_a_picture_that_facebook_cannot_read_names_what_to_do(graph):
    error = outcome_at_upload(graph, graph_error(100, subcode=1366046))
    assert (type(error), error.code) == (Refused, "picture_refused")
    assert "new version" in error.operator_text


def test_a_refused_token_at_an_upload_still_pauses_the_account(graph):
    error = outcome_at_upload(graph, graph_error(190, subcode=463))
    assert (type(error), error.code) == (NotConfigured, "token_refused")
    assert "system user" in error.operator_text


def test_the_second_picture_failing_publishes_nothing(graph):
    graph.on_upload = [None, Answer(status=500)]
    error = attempt(page_on(graph), with_pictures())
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "2 of 2" in error.operator_text
    assert (len(graph.uploads), graph.calls) == (2, [])


@pytest.mark.parametrize(
    ("moments", "uploaded"), [([0, 0, 44, 45.1], 2), ([0, 0, 45], 1), ([0, 3600], 0)], ids=str
)
def test_pictures_that_take_too_long_are_given_up_before_anything_is_public(graph, moments, uploaded):
    """Also where the process stood still, after the last picture too: the last moment is asked for before publishing."""
    times = iter(moments)
    error = attempt(page_on(graph, monotonic=lambda: next(times)), with_pictures())
    assert (type(error), error.code) == (NotSent, "pictures_too_slow")
    assert (len(graph.uploads), graph.calls) == (uploaded, [])
    assert list(times) == []


def almost_over():
    """A clock that leaves the first picture one second."""
    times = iter([0.0])
    return lambda: next(times, UPLOADS_WITHIN_S - 1)


@pytest.mark.parametrize("fault", TRICKLES)
def test_an_upload_whose_answer_trickles_is_given_up_and_surely_not_sent(graph, fault):
    graph.on_upload = [Answer(fault=fault)]
    error = attempt(page_on(graph, monotonic=almost_over()), with_pictures())
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert "read_timeout" in error.detail
    assert (len(graph.uploads), graph.calls) == (1, [])


def test_an_upload_that_facebook_does_not_take_is_given_up_and_surely_not_sent(graph):
    graph.deaf = True
    error = attempt(page_on(graph, monotonic=almost_over()), with_pictures(image(content=BIG)))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert (graph.uploads, graph.calls) == ([], [])  # given up while sending, not when the answer was late


def test_an_upload_may_take_longer_than_a_question(graph):
    """On a slow line a picture takes longer than any answer should."""
    slow = Timeouts(connect_s=5, read_s=30, total_s=0)
    channel = page_on(graph, slow)
    with pytest.raises(NotSent) as caught:
        channel.send(with_pictures(), KEY)
    assert caught.value.code == "not_connected"  # the publishing call, too late for its own limit
    assert (len(graph.uploads), graph.calls) == (2, [])


def test_no_secret_or_word_of_the_post_is_told_when_an_upload_fails(graph, caplog):
    caplog.set_level(logging.DEBUG)
    echo = " ".join([*PRIVATE, TEXT])
    channel, told = page_on(graph), []
    for status in (400, 401, 403, 413, 429, 500, 503):
        for body in (echo.encode(), {"error": {"message": echo, "code": 100, "fbtrace_id": echo}}):
            graph.on_upload = [Answer(status=status, body=body)]
            told.append(all_that_is_said(attempt(channel, with_pictures())))
    for alt in ALTS:  # the alt text alone: Graph quotes what it was given
        graph.on_upload = [Answer(status=400, body={"error": {"message": f"Bad: {alt}", "code": 100}})]
        told.append(all_that_is_said(attempt(channel, with_pictures())))
    told += [record.getMessage() for record in caplog.records]
    for canary in [*PRIVATE, TEXT]:
        assert canary not in "\n".join(told)

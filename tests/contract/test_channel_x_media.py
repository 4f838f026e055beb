"""Pictures on X: what each step's failure means for the post, what is sent, and how the stand-in shows it."""

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import NotSent, Refused
from broadcaster.domain.media import Image
from channels.base import Receipt, ShowsImages
from channels.http_connections import OncePerRequestAdapter
from channels.twitter import TRY_WITHIN_S, XAccount
from channels.twitter_media import IMAGE_RULES, WITHIN_S
from tests.contract.channel_suite import HASTY, all_that_is_said, attempt
from tests.contract.on_x import SECRETS, account, saved, valid
from tests.contract.platform_server import Answer
from tests.contract.x_pictures import (
    ALT,
    ALT_TEXT,
    POST,
    STATUS,
    TEXT,
    UPLOAD,
    Time,
    channel,
    form,
    image,
    on_the_sandbox,
    pending,
    picture,
    post,
)


def test_the_channel_shows_pictures_as_x_takes_them():
    assert isinstance(XAccount(account("https://api.x.com")), ShowsImages)
    assert (IMAGE_RULES.most, IMAGE_RULES.max_alt_chars) == (4, 1000)
    assert IMAGE_RULES.max_bytes <= 5 * 1024 * 1024
    assert set(IMAGE_RULES.media_types) == {"image/jpeg", "image/png", "image/webp"}


def test_each_picture_is_uploaded_and_described_before_the_post_shows_it(script):
    script.steps[UPLOAD] = [Answer(body={"data": {"id": "11"}}), Answer(body={"data": {"id": "12"}})]
    two = post(image(), image(picture("blue", "JPEG"), alt="The closed bridge.", media_type="image/jpeg"))
    assert isinstance(attempt(channel(script), two), Receipt)
    assert script.asked() == [UPLOAD, ALT, UPLOAD, ALT, POST]
    first, described = form(script.calls[0]), json.loads(script.calls[1].body)
    assert first["media"].content == two.images[0].content
    assert (first["media"].media_type, first["media_category"].text) == ("image/png", "tweet_image")
    assert form(script.calls[2])["media"].content == two.images[1].content
    assert described == {"id": "11", "metadata": {"alt_text": {"text": ALT_TEXT}}}
    assert json.loads(script.calls[4].body) == {"text": TEXT, "media": {"media_ids": ["11", "12"]}}


def test_the_requests_are_those_of_x_specification(script):
    script.steps[UPLOAD] = [Answer(body={"data": {"id": "11", "processing_info": {"state": "pending"}}})]
    script.steps[STATUS] = [Answer(body={"data": {"id": "11"}})]
    assert isinstance(attempt(channel(script), post(image(), in_reply_to="7")), Receipt)
    upload, alt, status, tweet = script.calls
    fields = {name: part.content.decode("latin-1") for name, part in form(upload).items()}
    assert valid("MediaUploadRequest", fields)
    assert not valid("MediaUploadRequest", {**fields, "media_type": "image/png"})
    assert valid("CreateMediaMetadataRequest", json.loads(alt.body))
    assert status.path == "/2/media/upload?command=STATUS&media_id=11"
    assert valid("CreatePostsRequest", json.loads(tweet.body))


def test_x_is_asked_as_seldom_as_it_wishes_while_it_works_on_a_picture(script):
    pending(script, check_after_secs=2)
    script.steps[STATUS].insert(
        0,
        Answer(
            body={"data": {"id": "11", "processing_info": {"state": "in_progress", "check_after_secs": 3}}}
        ),
    )
    time = Time()
    assert isinstance(attempt(channel(script, time=time), post(image())), Receipt)
    assert time.slept == [2, 3]
    assert script.asked() == [UPLOAD, ALT, STATUS, STATUS, POST]


def test_a_picture_that_takes_x_too_long_is_tried_again_later(script):
    pending(script, check_after_secs=60)
    time = Time()
    error = attempt(channel(script, time=time), post(image()))
    assert (type(error), error.code, error.retry_after_s) == (NotSent, "picture_not_ready", 60)
    assert (time.slept, script.asked()) == ([], [UPLOAD, ALT])


def test_a_picture_on_which_x_works_for_ever_is_not_waited_for(script):
    pending(script)
    script.steps[STATUS] = script.steps[UPLOAD]
    time = Time()
    assert attempt(channel(script, time=time), post(image())).code == "picture_not_ready"
    assert sum(time.slept) <= WITHIN_S


@pytest.mark.parametrize("odd", [0, -5, "soon", None, True, float("1e-9")])
def test_an_odd_wish_to_wait_never_becomes_a_busy_loop(script, odd):
    pending(script, check_after_secs=odd)
    time = Time()
    assert isinstance(attempt(channel(script, time=time), post(image())), Receipt)
    assert len(time.slept) == 1
    assert 0.2 <= time.slept[0] <= 1


def test_a_picture_that_x_cannot_process_is_refused(script):
    pending(script)
    script.steps[STATUS] = [Answer(body={"data": {"id": "11", "processing_info": {"state": "failed"}}})]
    error = attempt(channel(script), post(image()))
    assert (type(error), error.code) == (Refused, "picture_refused")


def test_a_line_that_is_too_slow_gives_up_before_the_post(script):
    error = attempt(channel(script, time=Time(step_s=3)), post(image(), image(picture("blue"))))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert POST not in script.asked()


def test_a_picture_that_x_does_not_take_is_given_up_in_time(script):
    big = bytes(range(256)) * 40_000  # more than the sockets between here and there hold
    script.deaf = True
    error = attempt(channel(script, HASTY), post(image(big)))
    assert (type(error), error.code) == (NotSent, "picture_not_uploaded")
    assert script.asked() == []  # given up while sending, not when the answer was late
    assert "read_timeout" in error.detail


def test_what_is_asked_for_a_picture_has_the_pictures_time_and_what_posts_it_the_try_s(script):
    x = channel(script)
    given = noted(x._session)
    assert isinstance(attempt(x, post(image())), Receipt)
    assert [path for path, _, _ in given] == ["/2/media/upload", "/2/media/metadata", "/2/tweets"]
    upload, alt, tweet = (end for _, end, _ in given)
    assert {limit < math.inf for _, _, limit in given} == {True}
    assert upload == alt < tweet  # one moment for all of a picture, and a later one for the post


def noted(session):
    """The moment by which each request must be over, as it goes out."""
    given = []

    class Noting(OncePerRequestAdapter):
        def send(self, request, **kwargs):
            given.append((request.path_url, session._end(), session._of_thread.limit))
            return super().send(request, **kwargs)

    session.mount("http://", Noting(session._end))
    return given


def test_a_try_ends_within_a_worker_s_lease():
    assert TRY_WITHIN_S < 20
    assert WITHIN_S < TRY_WITHIN_S


@pytest.mark.parametrize("content", [b"", picture("black")])
def test_another_picture_than_the_approved_one_is_not_sent(script, content):
    approved = image()
    forged = Image(**{**approved.to_json(), "content": content})
    error = attempt(channel(script), post(forged))
    assert (type(error), error.code) == (Refused, "image_not_approved")
    assert script.asked() == []


def test_a_retry_uploads_anew_and_sends_the_same_bytes(script):
    script.steps[POST] = [Answer(status=429), saved("create 201")]
    x = channel(script)
    assert type(attempt(x, post(image()))) is NotSent
    script.steps[UPLOAD] = [Answer(body={"data": {"id": "12"}})]
    assert isinstance(attempt(x, post(image())), Receipt)
    assert script.asked() == [UPLOAD, ALT, POST] * 2
    assert script.calls[0].body == script.calls[3].body
    assert json.loads(script.calls[5].body)["media"] == {"media_ids": ["12"]}


def test_pictures_that_x_does_not_know_at_the_post_are_refused_and_never_left_out(script):
    live = {"title": "Invalid Request", "errors": [{"message": "Your media IDs are invalid."}]}
    script.steps[POST] = [Answer(status=400, body=live)]
    error = attempt(channel(script), post(image()))
    assert (type(error), error.code) == (Refused, "picture_refused")
    assert script.asked() == [UPLOAD, ALT, POST]


@pytest.mark.parametrize("step", [UPLOAD, ALT, STATUS, POST])
def test_no_secret_and_no_alt_text_is_told_at_any_step(script, step, caplog):
    caplog.set_level("DEBUG")
    pending(script)
    told = []
    for status in (200, 400, 401, 403, 429, 500):
        echo = " ".join([*SECRETS.values(), ALT_TEXT, TEXT])
        body = {"title": echo, "detail": echo, "errors": [{"message": echo}]}
        script.steps[step] = [Answer(status=status, body=body)]
        result = attempt(channel(script), post(image()))
        told += [] if isinstance(result, Receipt) else [all_that_is_said(result)]
    told += [record.getMessage() for record in caplog.records]
    assert len(told) > 4
    for canary in (*SECRETS.values(), TEXT if step == POST else ALT_TEXT, picture()[:24].decode("latin-1")):
        assert canary not in "\n".join(told)


def test_the_uploads_are_signed_like_every_other_call(script):
    attempt(channel(script), post(image()))
    for call in script.calls:
        assert f'oauth_token="{SECRETS["access_token"]}"' in call.headers["Authorization"]
        assert "oauth_signature=" in call.headers["Authorization"]


@pytest.mark.parametrize(
    ("images", "codes"),
    [
        ([image()], []),
        ([image()] * 4, []),
        ([image()] * 5, ["too_many_images"]),
        ([image(alt=" ")], []),  # a fault of the message, and told there
        ([image(alt="a" * 1000)], []),
        ([image(alt="a" * 1001)], []),
        ([image(alt="\N{FIRE}" * 500)], []),
        ([image(alt="\N{FIRE}" * 501)], ["alt_too_long"]),
        ([image(size=5_000_001)], ["image_size"]),
        ([image(media_type="image/gif")], ["image_type"]),
    ],
)
def test_what_x_would_not_show_is_found_before_approval_with_a_cure(images, codes):
    found = XAccount(account("https://api.x.com")).check(post(*images))
    assert [problem.code for problem in found] == codes
    assert all(problem.text.endswith(".") and "icture" in problem.text for problem in found)


@pytest.mark.parametrize("text", [TEXT, "Stay indoors. https://alerts.example.org/a/", "Fish & <chips>"])
def test_a_post_with_pictures_is_found_again_though_x_adds_a_link_to_them(sandbox, text):
    x, since = on_the_sandbox(sandbox), datetime.now(UTC) - timedelta(seconds=1)
    shown = post(image(), image(picture("blue")), text=text)
    receipt = attempt(x, shown)
    assert x.find(shown, "key", since) == receipt
    answer = sandbox.get(f"/2/tweets/{receipt.platform_id}", auth=sandbox.signature()).json()
    assert answer["data"]["text"].count("https://t.co/") == 1 + text.count("https://")


def test_another_post_s_picture_is_not_taken_for_a_link_of_ours(sandbox):
    """A text that names somebody's picture keeps that link: only the post's own pictures are left out."""
    x, since = on_the_sandbox(sandbox), datetime.now(UTC) - timedelta(seconds=1)
    linking = post(text="See https://x.com/other/status/1/photo/1 for the map")
    receipt = attempt(x, linking)
    assert x.find(linking, "key", since) == receipt
    assert x.find(post(text="See for the map"), "key", since) is None

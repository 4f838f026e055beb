"""Pictures on X: what each step's failure means for the post, what is sent, and how the stand-in shows it."""

import io
import json
import math
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from hashlib import sha256

import pytest
import requests
import tweepy
from PIL import Image as Picture

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.media import Image
from broadcaster.domain.post import Post
from channels.base import Account, Receipt, Secret, ShowsImages
from channels.http_connections import OncePerRequestAdapter
from channels.sandbox.exchange import Call as SandboxCall
from channels.sandbox.multipart import parts
from channels.twitter import TRY_WITHIN_S, XAccount
from channels.twitter_media import IMAGE_RULES, WITHIN_S, Uploads
from tests.contract.channel_suite import (
    HASTY,
    IMPATIENT,
    PATIENT,
    STATUSES,
    TRICKLES,
    Answer,
    Fault,
    Platform,
    all_that_is_said,
    attempt,
    subclasses,
)
from tests.contract.test_channel_x import SECRETS, account, saved, valid

UPLOAD, STATUS, ALT, POST = (
    "POST /2/media/upload",
    "GET /2/media/upload",
    "POST /2/media/metadata",
    "POST /2/tweets",
)
ALT_TEXT = "Map of the River Wyre: the streets below the old bridge are flooded."
TEXT = "Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M"


def picture(colour="red", form="PNG"):
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), colour).save(file, form)
    return file.getvalue()


def image(content=None, alt=ALT_TEXT, **fields):
    content = picture() if content is None else content
    given = {"media_type": "image/png", "width": 40, "height": 30, "size": len(content), **fields}
    return Image(**{"sha256": sha256(content).hexdigest(), **given}, alt=alt, content=content)


def post(*images, text=TEXT, **fields):
    return Post(channel="x", account="wyre-x", title="Flood warning", text=text, images=images, **fields)


class Script(Platform):
    """Answers each step from a list; the last answer of a step stands."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = {
            UPLOAD: [Answer(body={"data": {"id": "1880028106020515840"}})],
            ALT: [Answer(body={"data": {"id": "1880028106020515840"}})],
            POST: [saved("create 201")],
        }

    @property
    def answer(self):
        answers = self.steps[self.asked()[-1]]
        return answers.pop(0) if len(answers) > 1 else answers[0]

    @answer.setter
    def answer(self, _):
        """The shared server sets one answer for all; here each step has its own."""

    def asked(self):
        return [f"{call.method} {call.path.partition('?')[0]}" for call in self.calls]


@pytest.fixture
def script():
    with Script() as script:
        yield script


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, *, step_s=0.0):
        self.now_s, self.slept, self._step_s = 100.0, [], step_s

    def clock(self):
        self.now_s += self._step_s
        return self.now_s

    def sleep(self, wait_s):
        self.slept.append(wait_s)
        self.now_s += wait_s


def channel(script, timeouts=PATIENT, time=None):
    time = time or Time()
    return XAccount(account(script.url), timeouts=timeouts, clock=time.clock, sleep=time.sleep)


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


def form(call):
    headers = [(name.lower().encode(), value.encode()) for name, value in call.headers.items()]
    read = SandboxCall(
        method="POST", path=call.path, target=call.path, query=b"", headers=headers, body=call.body
    )
    return {part.name: part for part in parts(read)}


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


def pending(script, **info):
    told = {"id": "11", "processing_info": {"state": "pending", "check_after_secs": 1, **info}}
    script.steps[UPLOAD] = [Answer(body={"data": told})]
    script.steps[STATUS] = [Answer(body={"data": {"id": "11", "processing_info": {"state": "succeeded"}}})]


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
    uploads = Uploads(_Raising(broken, after=step), clock=Time().clock)
    with pytest.raises((NotSent, Refused)) as caught:
        uploads.upload([image()])
    assert not isinstance(caught.value, OutcomeUnknown)
    assert all(secret not in all_that_is_said(caught.value) for secret in SECRETS.values())


class _Raising:
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


# through the stand-in


def on_the_sandbox(sandbox):
    x = sandbox.accounts["x"]
    secrets = ("consumer_key", "consumer_secret", "access_token", "access_token_secret")
    options = {"base_url": sandbox.url, "username": x["username"], "user_id": x["user_id"]}
    return XAccount(
        Account(
            name="x",
            channel="x",
            mode="exercise",
            options=options,
            secrets={name: Secret(x[name]) for name in secrets},
            allowed_hosts=frozenset({"127.0.0.1"}),
        ),
        timeouts=PATIENT,
    )


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

"""Posts with pictures for X: the pictures, a server that answers each step in turn, and the stand-in's account."""

import io
from hashlib import sha256

from PIL import Image as Picture

from broadcaster.domain.media import Image
from broadcaster.domain.post import Post
from channels.base import Account, Secret
from channels.sandbox.exchange import Call as SandboxCall
from channels.sandbox.multipart import parts
from channels.twitter import XAccount
from tests.contract.channel_suite import PATIENT
from tests.contract.on_x import account, saved
from tests.contract.platform_server import Answer, Platform

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
        created = saved("create 201")  # skips where there is none, before anything listens
        super().__init__()
        self.steps = {
            UPLOAD: [Answer(body={"data": {"id": "1880028106020515840"}})],
            ALT: [Answer(body={"data": {"id": "1880028106020515840"}})],
            POST: [created],
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


class Time:
    """A clock that only sleeping moves."""

    def __init__(self, *, step_s=0.0):
        self.now_s, self.slept, self._step_s = 100.0, [], step_s

    def monotonic(self):
        self.now_s += self._step_s
        return self.now_s

    def sleep(self, wait_s):
        self.slept.append(wait_s)
        self.now_s += wait_s


def channel(script, timeouts=PATIENT, time=None):
    time = time or Time()
    return XAccount(account(script.url), timeouts=timeouts, monotonic=time.monotonic, sleep=time.sleep)


def form(call):
    headers = [(name.lower().encode(), value.encode()) for name, value in call.headers.items()]
    read = SandboxCall(
        method="POST", path=call.path, target=call.path, query=b"", headers=headers, body=call.body
    )
    return {part.name: part for part in parts(read)}


def pending(script, **info):
    told = {"id": "11", "processing_info": {"state": "pending", "check_after_secs": 1, **info}}
    script.steps[UPLOAD] = [Answer(body={"data": told})]
    script.steps[STATUS] = [Answer(body={"data": {"id": "11", "processing_info": {"state": "succeeded"}}})]


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


def upload(sandbox, content, kind="image/png", **fields):
    fields = {"media_category": "tweet_image", **fields}
    return sandbox.post(
        "/2/media/upload", data=fields, files={"media": ("p", content, kind)}, auth=sandbox.signature()
    )

"""Posts with pictures for Facebook, and a Graph that takes the pictures and answers what a test says."""

import hashlib
import io
import threading

import PIL.Image

from broadcaster.domain.media import Image
from channels.base import Receipt
from channels.facebook import FacebookPage
from channels.sandbox.exchange import Call as SandboxCall
from channels.sandbox.multipart import parts
from tests.contract.channel_suite import PATIENT
from tests.contract.on_facebook import APP_SECRET, PROOF, TOKEN, account, post
from tests.contract.platform_server import Answer, Platform

LINK = "https://alerts.example/alerts/7f3k2m/"
TEXT = f"Flood warning for the River Wyre.\n\nMove to upper floors now.\n\nMore: {LINK}\n\nRef 7F3K2M"
ALTS = ("Map: water over Garstang Road from the church to the weir", "Ŵyre bridge, “closed” by a barrier")
PUBLISHED = Answer(body={"id": "123456_789", "permalink_url": "https://www.facebook.com/x/posts/789"})
RECEIPT = Receipt(platform_id="123456_789", link="https://www.facebook.com/x/posts/789")
PRIVATE = [TOKEN, APP_SECRET, PROOF, *ALTS]


def drawn(colour="navy", kind="JPEG", **saving) -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (64, 48), colour).save(file, kind, **saving)
    return file.getvalue()


def image(alt=ALTS[0], colour="navy", kind="JPEG", **changes) -> Image:
    content = changes.pop("content", None) or drawn(colour, kind)
    values = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "media_type": f"image/{kind.lower()}",
        "width": 64,
        "height": 48,
        "size": len(content),
        "alt": alt,
        "content": content,
    }
    return Image(**values | changes)


BIG = bytes(range(256)) * 40_000  # more than the sockets between here and there hold
PICTURES = (image(ALTS[0], "navy"), image(ALTS[1], "red", kind="PNG"))


def with_pictures(*images, **changes):
    return post(**{"text": TEXT, "link": LINK, "images": images or PICTURES, **changes})


def upload_of(call) -> dict[str, str | bytes]:
    """The fields of an upload; the file's bytes under "source"."""
    headers = [(name.lower().encode(), value.encode()) for name, value in call.headers.items()]
    asked = SandboxCall(
        method="POST", path=call.path, target=call.path, query=b"", headers=headers, body=call.body
    )
    return {part.name: part.content if part.filename else part.text for part in parts(asked)}


class Graph(Platform):
    """Takes every picture under an id made of the request, and answers what a test says to the publishing call.

    `on_upload` are the answers to the uploads, one after the other, and the last one from then on; None takes one.
    """

    def __init__(self) -> None:
        self._to_this_call = threading.local()  # each call has a thread of its own
        super().__init__()
        self.uploads = []
        self.on_upload: list[Answer | None] = [None]

    @property
    def answer(self) -> Answer:
        return getattr(self._to_this_call, "answer", self._answer)

    @answer.setter
    def answer(self, answer: Answer) -> None:
        self._answer = answer

    def _respond(self, handler) -> None:
        if handler.path.endswith("/photos"):
            self.uploads.append(self.calls.pop())
            told = self.on_upload.pop(0) if len(self.on_upload) > 1 else self.on_upload[0]
            self._to_this_call.answer = told or Answer(body={"id": photo_id(self.uploads[-1])})
        super()._respond(handler)


def photo_id(upload) -> str:
    return str(int(hashlib.sha256(upload.body).hexdigest()[:12], 16))


def page_on(graph, timeouts=PATIENT, **more):
    return FacebookPage(account(graph.url), timeouts=timeouts, **more)

"""Facebook and X as they are read back: their items and pages, and a server that gives them one after the other."""

from datetime import UTC, datetime

import pytest

from broadcaster.domain.errors import SendError
from channels.base import Receipt
from channels.facebook import FacebookPage
from channels.twitter import XAccount
from tests.contract import on_facebook as facebook
from tests.contract import on_x as x
from tests.contract.channel_suite import KEY, PATIENT
from tests.contract.platform_server import Answer, Platform

SINCE = datetime(2026, 11, 21, 14, 5, 7, 500_000, tzinfo=UTC)
OF_NOW, OF_YESTERDAY = "2026-11-21T14:05:09+0000", "2026-11-20T14:05:09+0000"


class Scripted(Platform):
    """Gives `answers` one after the other, and then `answer`."""

    def __init__(self):
        super().__init__()
        self.answers = []

    def _respond(self, handler):
        if self.answers:
            self.answer = self.answers.pop(0)
        super()._respond(handler)


class OnFacebook:
    post = facebook.post()
    secrets = (facebook.TOKEN, facebook.APP_SECRET, facebook.PROOF)
    receipt = Receipt(platform_id="123456_7", link="https://www.facebook.com/123456_7")
    cursor = "after"
    hidden = (facebook.TOKEN, facebook.APP_SECRET)

    @staticmethod
    def channel(url, timeouts=PATIENT, hosts=None):
        return FacebookPage(facebook.account(url, hosts), timeouts=timeouts)

    @classmethod
    def item(cls, text=None, created=OF_NOW, author="123456", **more):
        text = cls.post.text if text is None else text
        return {"id": "123456_7", "message": text, "created_time": created, "from": {"id": author}} | more

    @staticmethod
    def page(*items, after=""):
        body = {"data": list(items)}
        if after:
            url = f"https://graph.facebook.com/x?access_token=secret&after={after}"
            body["paging"] = {"cursors": {"before": "a", "after": after}, "next": url}
        return Answer(body=body)


class OnX:
    post = x.post()
    secrets = hidden = tuple(x.SECRETS.values())
    receipt = Receipt(platform_id="7", link="https://x.com/WyreCouncil/status/7")
    cursor = "pagination_token"

    @staticmethod
    def channel(url, timeouts=PATIENT, hosts=None):
        return XAccount(x.account(url, hosts), timeouts=timeouts, now_s=lambda: x.NOW_S)

    @classmethod
    def item(cls, text=None, created=OF_NOW, author="99", **more):
        text = cls.post.text if text is None else text
        return {"id": "7", "text": text, "created_at": created, "author_id": author} | more

    @staticmethod
    def page(*items, after=""):
        meta = {"result_count": len(items)} | ({"next_token": after} if after else {})
        return Answer(body={"meta": meta} | ({"data": list(items)} if items else {}))


def find(on, platform, **options):
    return on.channel(platform.url, **options).find(on.post, KEY, SINCE)


def failure(on, platform, **options):
    with pytest.raises(SendError) as raised:
        find(on, platform, **options)
    return raised.value

"""A gateway that people can answer, and what they answer."""

from contextlib import contextmanager

from broadcaster.service.hearing import HeardAt
from channels.incoming import DeliveryReceipt, Heard, ReceiptState
from tests.builders import a_world, number
from tests.fakes import FakeGateway


class AnswerableGateway(FakeGateway):
    """Brings answers as JSON bodies would; here they are handed over by `write`."""

    confirms_stop = True

    def hear(self, query, body, headers):
        return Heard(address=query["from"], text=query["text"], platform_id=query["id"])


@contextmanager
def answerable(database_url, folder, **settings):
    with a_world(database_url, folder, gateway=AnswerableGateway("gateway"), **settings) as world:
        yield world


def write(world, ordinal, text, *, id_="", parts=None):
    """The owner of this number answers; `id_` tells a repetition from a second message."""
    parts = parts or world.parts
    parts.receipts.prepare()
    query = {"from": number(ordinal), "text": text, "id": id_ or f"{ordinal} {text}"}
    parts.hearing.store([parts.hearing.read("live", "gateway", query=query, body=b"", headers={})])


def hear(world, address, text, *, id_="1", account="gateway"):
    world.parts.receipts.prepare()
    _, account_id = world.parts.hearing._brought.account("live", account)
    message = Heard(address=address, text=text, platform_id=id_)
    world.parts.hearing.store([HeardAt(account_id=account_id, message=message)])


def told(platform_id, state=ReceiptState.DELIVERED):
    """What a gateway that does not carry our key back says of a text."""
    return DeliveryReceipt(key="", state=state, code="x", platform_id=platform_id)

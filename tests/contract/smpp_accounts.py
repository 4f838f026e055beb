"""SMPP accounts and sending for tests: at the stand-in, at a scripted centre, at a real peer."""

from collections.abc import Sequence
from contextlib import contextmanager

from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Receipt, Secret
from channels.gateways.smpp import Smpp
from channels.gateways.smpp_times import TIMES, Times

NUMBER = "+447700900123"
PATIENCE_S = 20.0


def smpp_account(
    port: int, *, system_id="wyre", password="secret", allowed=frozenset({"127.0.0.1"}), **options
):
    given = {
        "host": "127.0.0.1",
        "port": str(port),
        "system_id": system_id,
        "sender": "WyreCouncil",
        **options,
    }
    return Account(
        name="smpp",
        channel="sms",
        mode="live",
        options=given,
        secrets={"password": Secret(password)},
        allowed_hosts=allowed,
    )


@contextmanager
def gateway(port: int, *, times: Times = TIMES, **options):
    found = Smpp(smpp_account(port, **options), times=times)
    try:
        yield found
    finally:
        found.close()


def post_of(text="Flood warning for the River Wyre. Move upstairs now.", **facts):
    return Post(channel="sms", account="smpp", title="Flood warning", text=text, facts=facts)


def parcels(count: int) -> list[Parcel]:
    return [Parcel(key=f"k-{no}", address=f"+4477009{no:05}") for no in range(count)]


def all_outcomes(smpp: Smpp, post: Post, to: Sequence[Parcel]) -> dict:
    """By key. Fails where a parcel comes back twice."""
    found: dict = {}
    with smpp.sending(post) as sending:
        sending.put(to)
        while len(found) < len(to):
            for key, outcome in sending.take(PATIENCE_S):
                assert key not in found
                found[key] = outcome
        assert sending.take(0) == []
    return found


def one_outcome(smpp: Smpp, post: Post, number: str = NUMBER):
    return all_outcomes(smpp, post, [Parcel(key="k-1", address=number)])["k-1"]


def said_of(outcome) -> tuple:
    return (type(outcome), "" if isinstance(outcome, Receipt) else outcome.code)

"""An account at Sinch, and what is sent through it: what its tests start from."""

from datetime import UTC, datetime

from broadcaster.domain.post import Post
from channels.base import Account, Parcel, Secret
from channels.gateways.sinch import Sinch
from channels.gateways.sinch_keys import mark
from tests.contract.channel_suite import ADDRESS, KEY

PLAN, TOKEN, CALLBACK_SECRET = "jd63jf88477ll", "canary-api-token", "canary-callback-secret"
RECEIPT_KEY = "canary-receipt-key"
BATCH = "01FC66621XXXXX119Z8PMV1QPQ"
HOOK = "https://alerts.example/hooks/live/wyre/receipt"
NOW = datetime(2026, 11, 21, 18, 0, tzinfo=UTC)
DIGITS = ADDRESS[1:]


def account(url="https://eu.sms.api.sinch.com", allowed_hosts=None, secrets=None, **options):
    shown = {"gateway": "sinch", "base_url": url, "service_plan_id": PLAN}
    shown |= {"sender": "WyreCouncil", "receipt_url": HOOK}
    return Account(
        name="wyre",
        channel="sms",
        mode="live",
        options=shown | options,
        secrets={
            "api_token": Secret(TOKEN),
            "callback_secret": Secret(CALLBACK_SECRET),
            "receipt_key": Secret(RECEIPT_KEY),
        }
        | (secrets or {}),
        allowed_hosts=allowed_hosts,
    )


def gateway(**changes):
    return Sinch(account(**changes), now=lambda: NOW)


def post(text="Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M", **facts):
    return Post(channel="sms", account="wyre", title="Flood warning", text=text, facts=facts)


def mark_of(digits, batch=BATCH):
    return mark(RECEIPT_KEY.encode(), batch, digits)


def parcels_of(count):
    return [
        Parcel(key=f"{KEY[:-4]}{n:04x}", address=f"+4477009{n:05d}") for n in range(0x1000, 0x1000 + count)
    ]

"""Accounts on every platform that can be checked without posting."""

from broadcaster.domain.readiness import ReadinessState
from channels.base import Account, Secret
from channels.facebook import FacebookPage
from channels.sms import Sms
from channels.twitter import XAccount
from tests.contract.platform_server import Platform

READY, DOUBTFUL, NOT_READY = ReadinessState
SECRET_OPTIONS = {
    "facebook": {"access_token", "app_secret"},
    "x": {"consumer_key", "consumer_secret", "access_token", "access_token_secret"},
    "notify": {"api_key", "callback_token"},
    "twilio": {"api_key_secret", "auth_token"},
    "sinch": {"api_token", "callback_secret", "receipt_key"},
    "kannel": {"password"},
}


SENDER = {
    "notify": {},
    "twilio": {},
    "kannel": {"sender": "WyreCouncil"},
    "sinch": {"sender": "WyreCouncil"},
}


PUBLIC = {"facebook": FacebookPage, "x": XAccount}


def account_of(kind, known, url, **changes):
    given = {
        name: value for name, value in {**known, "base_url": url, **changes}.items() if value is not None
    }
    channel = kind if kind in PUBLIC else "sms"
    extra = {} if kind in PUBLIC else {"gateway": kind, **SENDER[kind]}
    options = {name: value for name, value in given.items() if name not in SECRET_OPTIONS[kind]} | extra
    secrets = {name: Secret(given[name]) for name in SECRET_OPTIONS[kind] if name in given}
    return Account(name="wyre", channel=channel, mode="live", options=options, secrets=secrets)


def opened(kind, known, url, **changes):
    account = account_of(kind, known, url, **changes)
    return PUBLIC.get(kind, Sms).from_account(account)


OTHER_ID = "f33517ff-2a88-4f6e-b855-c550268ce08a"
KNOWN = {
    "facebook": {
        "page_id": "123456",
        "access_token": "EAAcanaryToken",
        "app_secret": "canary-app-secret",
        "app_id": "789",
    },
    "x": {
        "username": "WyreCouncil",
        "user_id": "99",
        "consumer_key": "canaryConsumerKey",
        "consumer_secret": "canaryConsumerSecret",
        "access_token": "99-canaryAccessToken",
        "access_token_secret": "canaryAccessTokenSecret",
    },
    "notify": {
        "api_key": "key-26785a09-ab16-4eb0-8407-a37497a57506-3d844edf-8d35-48ac-975b-e847b4f122b0",
        "service_id": "26785a09-ab16-4eb0-8407-a37497a57506",
        "template_id": OTHER_ID,
    },
    "twilio": {
        "account_sid": "AC" + "a1" * 16,
        "api_key": "SK" + "b2" * 16,
        "api_key_secret": "canary-key-secret",
        "sender": "WyreCouncil",
    },
    "kannel": {"username": "alerts", "password": "canary-password"},
    "sinch": {"service_plan_id": "jd63jf88477ll", "api_token": "canary-api-token"},
}


class PathPlatform(Platform):
    """Answers by path where a test says how."""

    by_path = None

    def _respond(self, handler):
        if self.by_path:
            self.answer = self.by_path(handler.path)
        super()._respond(handler)

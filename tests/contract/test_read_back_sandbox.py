"""Reading back what became of a post, against the sandbox as a process: what the public sees is what counts."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown
from broadcaster.domain.post import Post
from channels.base import Account, Finds, Receipt, Secret
from channels.facebook import FacebookPage
from channels.sms import Sms
from channels.twitter import XAccount
from channels.website import Website
from tests.contract.channel_suite import DOUBTING, KEY, PATIENT, all_that_is_said

TEXT = (
    "Flood warning: River Wyre & St Michael's <lower town>.\n\nMove to upper floors now.\n"
    "Wyre Council. Ref 7F3K2M sent 14:05.\nhttps://alerts.example/7f3k2m/ or wyre.gov.uk"
)
SECRET = ("access_token", "app_secret", "consumer_key", "consumer_secret", "access_token_secret")


class Place:
    """One account in the sandbox, seen by the channel and by a visitor."""

    def __init__(self, sandbox, name, kind):
        self.sandbox, self.name, self.kind = sandbox, name, kind
        self.own = sandbox.accounts[name]
        self.secrets = {key: value for key, value in self.own.items() if key in SECRET}

    def channel(self, timeouts=PATIENT, **options):
        own = {key: value for key, value in self.own.items() if key not in SECRET}
        account = Account(
            name=f"wyre-{self.name}",
            channel=self.name,
            mode="live",
            options={"base_url": self.sandbox.url, **own, **options},
            secrets={key: Secret(value) for key, value in self.secrets.items()},
            allowed_hosts=frozenset({"127.0.0.1"}),
        )
        return self.kind(account, timeouts=timeouts)

    def post(self, text=TEXT):
        return Post(channel=self.name, account=f"wyre-{self.name}", title="Flood warning", text=text)

    def fault(self, kind, **order):
        self.sandbox.fault(platform=self.name, kind=kind, **order)

    def find(self, text=TEXT, since=None, **options):
        return self.channel(**options).find(self.post(text), KEY, since or datetime.now(UTC))

    def publish(self, text=TEXT):
        publish = self.sandbox.publish if self.name == "facebook" else self.sandbox.tweet
        assert publish(text).ok

    def send_and_hear_nothing(self):
        self.fault("accept_then_silence", count=1)
        with pytest.raises(OutcomeUnknown):
            self.channel(DOUBTING).send(self.post(), KEY)

    def receipt(self):
        """What the platform itself shows of the only post that it took."""
        [entry] = self.sandbox.ledger(platform=self.name, accepted="1")
        platform_id = entry["platform_id"]
        if self.name == "x":
            link = f"https://x.com/{self.own['username']}/status/{platform_id}"
        else:
            query = {"fields": "permalink_url", "access_token": self.own["access_token"]}
            link = self.sandbox.get(f"/v26.0/{platform_id}", params=query).json()["permalink_url"]
        return Receipt(platform_id=platform_id, link=link)

    def delete(self, platform_id):
        if self.name == "x":
            answer = self.sandbox.delete(f"/2/tweets/{platform_id}", auth=self.sandbox.signature())
        else:
            query = {"access_token": self.own["access_token"]}
            answer = self.sandbox.delete(f"/v26.0/{platform_id}", params=query)
        assert answer.ok

    def readings(self):
        rows = self.sandbox.ledger(platform=self.name)
        return [row for row in rows if row["method"] == "GET"]


@pytest.fixture(params=[("facebook", FacebookPage), ("x", XAccount)], ids=["facebook", "x"])
def place(request, sandbox):
    return Place(sandbox, *request.param)


def test_only_these_channels_can_find(place):
    assert isinstance(place.channel(), Finds)
    assert not issubclass(Website, Finds)
    assert not issubclass(Sms, Finds)


def test_a_post_accepted_in_silence_is_found_as_the_platform_shows_it(place):
    place.send_and_hear_nothing()
    assert place.find() == place.receipt()


@pytest.mark.parametrize("fault", ["accept_then_500", "accept_then_reset", "broken_json"])
def test_so_is_one_whose_answer_was_lost_otherwise(place, fault):
    place.fault(fault, count=1)
    with pytest.raises(OutcomeUnknown):
        place.channel().send(place.post(), KEY)
    assert place.find() == place.receipt()


def test_a_refusal_as_a_duplicate_leads_to_the_post_itself(place):
    place.publish()
    with pytest.raises(OutcomeUnknown):
        place.channel().send(place.post(), KEY)
    assert place.find() == place.receipt()


def test_it_is_found_below_newer_posts(place):
    place.send_and_hear_nothing()
    expected = place.receipt()
    place.sandbox.set(x_posts_per_window=1000)
    for number in range(60 if place.name == "facebook" else 130):
        place.publish(f"Bins are collected on day {number}.")
    assert place.find() == expected
    assert sum("after=" in row["path"] or "pagination_token=" in row["path"] for row in place.readings()) > 0


def test_nothing_was_posted(place):
    assert place.find() is None


def test_an_index_that_lags_shows_it_later(place):
    place.fault("readback_lag", seconds=3600)
    place.send_and_hear_nothing()
    assert place.find() is None
    place.sandbox.delete("/_sandbox/faults")
    assert place.find() == place.receipt()


def test_a_reading_that_fails_is_an_error_and_not_none(place):
    place.publish()
    place.fault("readback_500", count=1)
    with pytest.raises(NotSent) as raised:
        place.find()
    assert raised.value.code == "read_back_failed"
    assert place.find() == place.receipt()


def test_lapsed_credentials_are_told(place):
    place.fault("expired_token")
    with pytest.raises(NotConfigured) as raised:
        place.find()
    assert raised.value.code in {"token_refused", "credentials_refused"}


def test_look_alikes_alone_are_not_it(place):
    """The post was refused, and the same words stand there of yesterday and by another author."""
    place.fault("500", count=1)
    with pytest.raises(OutcomeUnknown):
        place.channel().send(place.post(), KEY)
    place.fault("readback_lookalike")
    assert place.find() is None
    assert place.find(since=datetime.now(UTC) - timedelta(hours=23)) is None


def test_it_is_found_between_look_alikes(place):
    place.send_and_hear_nothing()
    expected = place.receipt()
    place.fault("readback_lookalike")
    assert place.find() == expected


def test_the_same_text_of_long_before_is_not_it(place):
    place.publish()
    assert place.find(since=datetime.now(UTC) + timedelta(days=1)) is None


@pytest.mark.parametrize(
    "text",
    [
        TEXT.replace("7F3K2M", "9QW4RT"),
        "The warning with the reference Ref 7F3K2M is no longer in force.",
        f"Some say: {TEXT}",
        TEXT.replace("Move to upper floors", "Return to your homes"),
    ],
)
def test_a_text_that_only_resembles_or_quotes_it_is_not_it(place, text):
    place.publish(text)
    assert place.find() is None
    assert place.find(text) == place.receipt()


def test_a_deleted_post_is_no_longer_there(place):
    place.send_and_hear_nothing()
    place.delete(place.find().platform_id)
    assert place.find() is None


def test_the_secrets_stand_in_no_address_body_or_error(place):
    place.publish()
    assert place.find() == place.receipt()
    place.fault("readback_500", count=1)
    with pytest.raises(NotSent) as failed:
        place.find()
    place.fault("expired_token")
    with pytest.raises(NotConfigured) as lapsed:
        place.find()
    ours = [row for row in place.readings() if "published_posts" in row["path"] or row["platform"] == "x"]
    assert len(ours) >= 3
    told = [all_that_is_said(failed.value), all_that_is_said(lapsed.value)]
    for row in ours:
        headers = dict(row.pop("headers"))
        assert headers["authorization"].startswith("Bearer " if place.name == "facebook" else "OAuth ")
        told.append(json.dumps(row))
    for secret in place.secrets.values():
        assert secret not in "\n".join(told)


def test_x_is_asked_once_who_the_account_is(sandbox):
    place = Place(sandbox, "x", XAccount)
    place.publish()
    channel = place.channel(user_id="")
    for _ in range(3):
        assert channel.find(place.post(), KEY, datetime.now(UTC)) == place.receipt()
    asked = [row["path"].partition("?")[0] for row in place.readings()]
    assert asked == ["/2/users/me", *[f"/2/users/{place.own['user_id']}/tweets"] * 3]


def test_a_wrong_number_of_the_account_is_told(sandbox):
    place = Place(sandbox, "x", XAccount)
    channel = place.channel()
    channel._user_id = (
        "12"  # set-up refuses one that the token contradicts; this is one that X no longer knows
    )
    with pytest.raises(NotConfigured) as raised:
        channel.find(place.post(), KEY, datetime.now(UTC))
    assert raised.value.code == "wrong_user_id"


def test_facebook_reads_with_the_proof_and_without_the_token_in_the_address(sandbox):
    place = Place(sandbox, "facebook", FacebookPage)
    assert place.find() is None
    [reading] = place.readings()
    assert "&appsecret_proof=" in reading["path"].replace("?", "&")
    assert "access_token" not in reading["path"]

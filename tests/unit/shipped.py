"""The shipped notice templates, filled in and rendered for every channel that ships, as submitting would do it."""

from datetime import UTC, datetime
from functools import cache
from zoneinfo import ZoneInfo

from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.message import Facts, Mode
from broadcaster.domain.notice import fill
from broadcaster.domain.post import Post
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.render.posts import Renderer
from broadcaster.service.checks import check_carried
from broadcaster.service.room import room_of
from channels import channel_class
from channels.base import Account, Secret

LONDON = ZoneInfo("Europe/London")
NOW = datetime(2026, 11, 21, 15, 47, tzinfo=UTC)
LINK = "https://alerts.wyre.example/m/7F3K2M"
UUID = "00000000-0000-4000-8000-000000000000"


def example(name: str, now: datetime = NOW, **changes: str) -> Facts:
    return fill(shipped_notice(name), {**shipped_example(name), **changes}, zone=LONDON, now=now)


@cache
def renderer() -> Renderer:
    return Renderer()


@cache
def rendered(channel: str, name: str, facts: Facts, mode: Mode = Mode.LIVE) -> Post:
    """As it would be submitted: fitted into what this channel's own check allows."""
    made = opened(channel)
    return renderer().render(
        facts,
        channel=made.name,
        account="wyre",
        reference="7F3K2M",
        link="" if channel == "x without links" else LINK,
        mode=mode,
        zone=LONDON,
        room=room_of(made, kept=shipped_notice(name).must_keep),
    )


def read(channel: str, name: str) -> str:
    """All that a reader sees, as wide as any sending can make it."""
    post = rendered(channel, name, example(name)).at_widest()
    text = "\n".join(post.parts)
    return f"{post.title}\n{text}" if channel == "website" else text


def problems(channel: str, name: str, facts: Facts, mode: Mode = Mode.LIVE) -> list[str]:
    """All that keeps it from being submitted."""
    made, post = opened(channel), rendered(channel, name, facts, mode)
    unsaid = check_carried(
        post,
        facts,
        title=made.title,
        reference="7F3K2M",
        mode=mode,
        room=room_of(made, kept=shipped_notice(name).must_keep),
        zone=LONDON,
        has_page=channel == "website",
    )
    return [p.text for p in made.check(post.at_widest())] + [found.line for found in unsaid]


OPTIONS = {
    "website": {
        "site_dir": "/nowhere",
        "base_url": "https://alerts.wyre.example",
        "site_name": "Wyre Council",
    },
    "facebook": {"base_url": "https://graph.facebook.com", "page_id": "1", "page_name": "Wyre Council"},
    "x": {"base_url": "https://api.x.com", "username": "WyreCouncil", "user_id": "99"},
    "x without links": {"username": "WyreCouncil", "user_id": "99", "links": "no"},
    "sms": {
        "base_url": "http://127.0.0.1:1",
        "username": "a",
        "sender": "Wyre",
        "receipt_url": "https://a.example/",
    },
    "sms by notify": {"gateway": "notify", "template_id": UUID, "service_id": UUID},
    "sms by twilio": {
        "gateway": "twilio",
        "account_sid": "AC" + "0" * 32,
        "api_key": "SK" + "0" * 32,
        "sender": "Wyre",
    },
    "sms by sinch": {
        "gateway": "sinch",
        "base_url": "https://eu.sms.api.sinch.com",
        "service_plan_id": "0" * 32,
        "sender": "Wyre",
    },
}


@cache
def opened(channel: str):
    secrets = dict.fromkeys(
        ("access_token", "app_secret", "consumer_key", "consumer_secret", "access_token_secret", "password"),
        Secret("99-x"),
    )
    secrets |= {
        "api_key": Secret(f"wyre-{UUID}-{UUID}"),
        "api_key_secret": Secret("k" * 32),
        "api_token": Secret("t" * 32),
    }
    account = Account(
        name="wyre", channel=channel.partition(" ")[0], mode="live", options=OPTIONS[channel], secrets=secrets
    )
    return channel_class(account.channel).from_account(account)


def _longest(blank: Blank) -> str:
    if blank.type in {BlankType.TEXT, BlankType.PLACE}:
        return ("Word " * blank.max_chars)[: blank.max_chars - 1] + "d"
    return max(blank.choices, key=len) if blank.choices else blank.example


@cache
def shortest(name: str) -> Facts:
    template = shipped_notice(name)
    needed = {b.name: b.example for b in template.blanks if b.required and not b.default}
    tiny = {b.name: "A" for b in template.blanks if b.name in needed and b.type is BlankType.TEXT}
    return fill(template, needed | tiny, zone=LONDON, now=NOW)


@cache
def longest(name: str) -> Facts:
    template = shipped_notice(name)
    return fill(template, {b.name: _longest(b) for b in template.blanks}, zone=LONDON, now=NOW)

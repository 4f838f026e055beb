"""X as our channel meets it: an account, answers that were seen live, and what X's own specification takes."""

from jsonschema import Draft202012Validator

from broadcaster.domain.post import Post
from channels.base import Account, Secret
from tests.contract.channel_suite import payload
from tests.contract.platform_server import Answer
from tests.contract.sandbox_process import contract

SECRETS = {
    "consumer_key": "canaryConsumerKey",
    "consumer_secret": "canaryConsumerSecret",
    "access_token": "99-canaryAccessToken",
    "access_token_secret": "canaryAccessTokenSecret",
}
NOW_S = 1_705_420_700.0  # 100 s before the reset in the saved answer


def account(url, allowed_hosts=None):
    return Account(
        name="wyre-x",
        channel="x",
        mode="live",
        options={"base_url": url, "username": "WyreCouncil", "user_id": "99"},
        secrets={name: Secret(value) for name, value in SECRETS.items()},
        allowed_hosts=allowed_hosts,
    )


def post(
    text="Flood warning for the River Wyre. Move to upper floors now. Ref 7F3K2M https://alerts.example/7f3k2m/",
):
    return Post(channel="x", account="wyre-x", title="Flood warning", text=text)


def saved(what):
    """A body that was seen live."""
    body = next(body for body in payload("x_bodies.json")["bodies"] if body["what"] == what)
    return Answer(status=body["http"], body=body["body"], headers=body.get("headers", {}))


def problem(status, **fields):
    return Answer(status=status, body=fields)


def valid(name, body):
    """Whether X's own specification takes it."""
    components = contract("x/openapi.json")["components"]
    schema = {"$ref": f"#/components/schemas/{name}", "components": components}
    return Draft202012Validator(schema).is_valid(body)

"""Facebook as our channel meets it: a page's account, Graph's errors, and what Meta's own specification takes."""

import hashlib
import hmac
import json

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from broadcaster.domain.post import Post
from channels.base import Account, Secret
from tests.contract.channel_suite import Case
from tests.contract.platform_server import Answer
from tests.contract.sandbox_process import contract

TOKEN, APP_SECRET = "EAAcanaryTokenOfThePage", "canary-app-secret"
PROOF = hmac.new(APP_SECRET.encode(), TOKEN.encode(), hashlib.sha256).hexdigest()


def account(url, allowed_hosts=None, **options):
    return Account(
        name="wyre-page",
        channel="facebook",
        mode="live",
        options={"base_url": url, "page_id": "123456", "page_name": "Wyre Council", **options},
        secrets={"access_token": Secret(TOKEN), "app_secret": Secret(APP_SECRET)},
        allowed_hosts=allowed_hosts,
    )


def post(**changes):
    text = "Flood warning for the River Wyre at St Michael's.\n\nMove to upper floors now. Ref 7F3K2M"
    values = {"text": text, "link": "https://alerts.example/alerts/7f3k2m/"} | changes
    return Post(channel="facebook", account="wyre-page", title="Flood warning", **values)


def graph_error(code, *, status=400, subcode=None, transient=None, headers=None):
    error = {"message": "said", "type": "OAuthException", "code": code, "fbtrace_id": "EJplcsCHuLu"}
    if subcode is not None:
        error["error_subcode"] = subcode
    if transient is not None:
        error["is_transient"] = transient
    return Answer(status=status, body={"error": error}, headers=headers or {})


#: Those of any call: developers.facebook.com/docs/graph-api/overview and .../guides/secure-requests.
OF_ANY_CALL = {"access_token", "appsecret_proof", "fields"}


def not_in_specification(method, edge, sent):
    """The parameters of a call that Meta's own specification of the Page does not have, or has as another type."""
    apis = contract("meta/Page.json")["apis"]
    [api] = [api for api in apis if (api["method"], api.get("endpoint")) == (method, edge)]
    types = {param["name"]: param["type"] for param in api["params"]}
    return {
        name
        for name, value in sent.items()
        if name not in OF_ANY_CALL and not _is_of(types.get(name.partition("[")[0]), name, value)
    }


def _is_of(kind, name, value):
    if name.endswith("]"):
        return kind == "list<Object>" and isinstance(json.loads(value), dict)
    return {"string": True, "bool": value in {"true", "false"}, "unsigned int": value.isdecimal()}.get(
        kind, False
    )


USAGE = {"X-Business-Use-Case-Usage": '{"123": [{"type": "pages", "estimated_time_to_regain_access": 2}]}'}

EXPECTED = {
    NotSent: {
        "temporary": (1, 2, 1363047, 1609010),
        "rate_limited": (4, 17, 32, 341, 613, 80001, 1390008),
    },
    NotConfigured: {
        "token_refused": (102, 190, 458, 459, 460, 463, 464, 467, 492, 2069032),
        "no_permission": (3, 10, *range(200, 300), 1404078, 4854002),
    },
    OutcomeUnknown: {"duplicate": (506, 1366051)},
    Refused: {
        "policy": (368, 1346003, 1404006, 1404102, 1404112),
        "bad_link": (1609005, 1609008),
        "picture_refused": (324, 1366046),
        "content": (100, 2061006),
    },
}
CODES = [
    Case(name=f"code {number}", answer=graph_error(number), outcome=outcome, code=code)
    for outcome, codes in EXPECTED.items()
    for code, numbers in codes.items()
    for number in numbers
    if number not in range(202, 299)  # the ends of the range are enough
]

"""The stand-in for X against its OpenAPI specification and the error bodies seen live."""

from datetime import UTC, datetime, timedelta

import pytest
from requests_oauthlib import OAuth1

from channels.sandbox.x_create import CREATE_PARAMETERS
from channels.sandbox.x_length import links, weighted_length
from channels.sandbox.x_problems import REPLY_GONE, REPLY_REFUSED
from channels.sandbox.x_query import POST_FIELDS
from tests.contract.on_x import valid
from tests.contract.sandbox_process import CONTRACTS, contract
from tests.contract.x_pictures import picture, upload


def fixture(what):
    return next(b for b in contract("payloads/x_bodies.json")["bodies"] if b["what"].startswith(what))


@pytest.fixture
def timeline(sandbox):
    def read(**query):
        path = f"/2/users/{sandbox.accounts['x']['user_id']}/tweets"
        return sandbox.get(path, params=query, auth=sandbox.signature())

    return read


def test_a_post_is_created_as_x_specifies(sandbox):
    answer = sandbox.tweet("Flood at Wyre. Leave now.", reply_settings="following")
    assert answer.status_code == 201
    assert valid("CreatePostsResponse", answer.json())
    assert set(answer.json()["data"]) == set(fixture("create 201")["body"]["data"])
    assert answer.json()["data"]["text"] == "Flood at Wyre. Leave now."
    assert not valid("CreatePostsResponse", {"data": {"id": 5, "text": "a number is no id"}})


@pytest.mark.parametrize(
    "body",
    [
        {"text": "plain"},
        {"text": "with settings", "reply_settings": "verified", "made_with_ai": False},
        {"text": "t", "status": "v1.1 called it so"},
        {"text": 5},
        {"text": "t", "reply_settings": "nobody"},
        {"text": "t", "reply": {"to": "1"}},
        {"text": "t", "made_with_ai": "yes"},
        {"text": "t", "reply": {"in_reply_to_tweet_id": "one"}},
        {"text": "t", "media": {"media_ids": []}},
        {"text": "t", "media": {"media_ids": ["1", "2", "3", "4", "5"]}},
        {"text": "t", "media": {"media_ids": ["one"]}},
        {"text": "t", "media": {"ids": ["1"]}},
        ["text"],
    ],
)
def test_a_request_is_taken_exactly_when_x_schema_takes_it(sandbox, body):
    answer = sandbox.post("/2/tweets", json=body, auth=sandbox.signature())
    if valid("CreatePostsRequest", body):
        assert answer.status_code == 201
        return
    assert answer.status_code == 400
    assert answer.headers["content-type"] == "application/problem+json"
    assert valid("InvalidRequestProblem", answer.json())


def test_no_parameter_is_taken_that_x_does_not_have():
    properties = contract("x/openapi.json")["components"]["schemas"]["CreatePostsRequest"]["properties"]
    assert set(properties) >= CREATE_PARAMETERS


def test_a_request_without_our_signature_is_refused(sandbox):
    x = sandbox.accounts["x"]
    keys = [x["consumer_key"], x["consumer_secret"], x["access_token"], x["access_token_secret"]]
    for place in range(4):
        wrong = [*keys[:place], "0" * len(keys[place]), *keys[place + 1 :]]
        answer = sandbox.post("/2/tweets", json={"text": "forged"}, auth=OAuth1(*wrong))
        assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
        assert answer.json() == {
            "title": "Unauthorized",
            "type": "about:blank",
            "status": 401,
            "detail": "Unauthorized",
        }
    assert sandbox.post("/2/tweets", json={"text": "unsigned"}).status_code == 401
    bearer = {"Authorization": f"Bearer {x['access_token']}"}
    assert sandbox.post("/2/tweets", json={"text": "bearer"}, headers=bearer).status_code == 401
    assert sandbox.summary("x")["accepted"] == 0


def test_a_signature_counts_once_and_for_its_address_only(sandbox):
    answer = sandbox.tweet("signed once")
    header = {"Authorization": answer.request.headers["Authorization"]}
    assert sandbox.post("/2/tweets", json={"text": "replayed"}, headers=header).status_code == 401
    signed = sandbox.get("/2/users/me", auth=sandbox.signature())
    moved = {"Authorization": signed.request.headers["Authorization"]}
    assert sandbox.get("/2/users/1/tweets", headers=moved).status_code == 401


def test_a_repeated_text_is_refused_in_the_live_words(sandbox):
    sandbox.tweet("Stay indoors.")
    answer = sandbox.tweet("Stay indoors.")
    live = fixture("duplicate content")
    assert (answer.status_code, answer.json()) == (live["http"], live["body"])


def test_a_post_of_more_than_280_is_refused(sandbox):
    assert sandbox.tweet("x" * 280).status_code == 201
    answer = sandbox.tweet("y" * 281)
    assert answer.status_code == 400
    assert answer.json()["detail"].startswith("Your Tweet text is too long.")
    assert valid("InvalidRequestProblem", answer.json())


def twitter_text(name):
    path = CONTRACTS / "twitter-text" / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return pytest.importorskip("yaml").safe_load(path.read_text(encoding="utf-8"))["tests"]


def test_length_is_counted_as_twitter_text_counts():
    """Not the older vectors (WeightedTweetsCounterTest), in which an emoji weighs what its characters weigh."""
    sections = ("WeightedTweetsWithDiscountedEmojiCounterTest", "UnicodeDirectionalMarkerCounterTest")
    tests = [test for section in sections for test in twitter_text("validate.yml")[section]]
    counted = {t["description"]: weighted_length(t["text"]) for t in tests}
    assert counted == {t["description"]: t["expected"]["weightedLength"] for t in tests}
    assert len(counted) >= 22


def test_links_are_found_where_twitter_text_finds_them():
    sections = ("urls", "urls_with_indices", "urls_with_directional_markers", "tco_urls_with_params")
    tests = [test for section in sections for test in twitter_text("extract.yml")[section]]
    found = [(t["description"], [match[0] for match in links(t["text"])]) for t in tests]
    expected = [[url["url"] if isinstance(url, dict) else url for url in t["expected"]] for t in tests]
    assert found == [(t["description"], urls) for t, urls in zip(tests, expected, strict=True)]
    assert len(tests) > 100


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("council.uk", 23),
        ("notice.pdf", 10),
        ("http://192.0.2.1/x", 18),
        ("see https://a.gov.uk/x.", 28),
        ("a@b.uk", 6),
    ],
)
def test_links_weigh_23_and_lookalikes_their_text(text, length):
    assert weighted_length(text) == length


def test_the_timeline_is_newest_first_and_as_x_specifies(sandbox, timeline):
    ids = [sandbox.tweet(f"number {n}").json()["data"]["id"] for n in range(6)]
    page = timeline(max_results=5, **{"tweet.fields": ",".join(POST_FIELDS)})
    assert valid("GetUsersPostsResponse", page.json())
    assert [post["id"] for post in page.json()["data"]] == ids[:0:-1]
    properties = contract("x/openapi.json")["components"]["schemas"]["Post"]["properties"]
    assert set(page.json()["data"][0]) <= set(properties)
    rest = timeline(pagination_token=page.json()["meta"]["next_token"]).json()
    assert [post["id"] for post in rest["data"]] == ids[:1]
    assert timeline(since_id=ids[3], **{"post.fields": "created_at"}).json()["meta"]["result_count"] == 2


def test_start_time_leaves_out_older_posts(sandbox, timeline):
    sandbox.tweet("just now")
    past, future = (datetime.now(UTC) + timedelta(minutes=m) for m in (-5, 5))
    assert timeline(start_time=past.isoformat()).json()["meta"]["result_count"] == 1
    assert timeline(start_time=future.isoformat()).json() == {"meta": {"result_count": 0}}


@pytest.mark.parametrize(
    "query",
    [
        {"max_results": 4},
        {"max_results": 101},
        {"start_time": "yesterday"},
        {"tweet.fields": "colour"},
        {"page": 2},
    ],
)
def test_a_query_that_x_would_not_take_is_refused(timeline, query):
    answer = timeline(**query)
    assert answer.status_code == 400
    assert valid("InvalidRequestProblem", answer.json())


def test_links_come_back_shortened_with_the_originals_beside_them(sandbox):
    post_id = sandbox.tweet("Floods & <rain>: https://wyre.example.org/a/7F3K2M").json()["data"]["id"]
    answer = sandbox.get(
        f"/2/tweets/{post_id}", params={"tweet.fields": "entities"}, auth=sandbox.signature()
    )
    assert valid("GetPostsByIdResponse", answer.json())
    post = answer.json()["data"]
    url = post["entities"]["urls"][0]
    assert post["text"] == f"Floods &amp; &lt;rain&gt;: {url['url']}"
    assert post["text"][url["start"] : url["end"]] == url["url"]
    assert url["expanded_url"] == "https://wyre.example.org/a/7F3K2M"
    assert sandbox.ledger(accepted=1)[0]["text"] == "Floods & <rain>: https://wyre.example.org/a/7F3K2M"


def test_a_deleted_post_is_gone(sandbox, timeline):
    post_id = sandbox.tweet("gone soon").json()["data"]["id"]
    answer = sandbox.delete(f"/2/tweets/{post_id}", auth=sandbox.signature())
    assert answer.json() == {"data": {"deleted": True}}
    assert valid("DeletePostsResponse", answer.json())
    missing = sandbox.get(f"/2/tweets/{post_id}", auth=sandbox.signature()).json()
    assert valid("GetPostsByIdResponse", missing)
    assert missing["errors"][0]["type"] == "https://api.x.com/2/problems/resource-not-found"
    assert timeline().json()["meta"]["result_count"] == 0
    assert sandbox.tweet("gone soon").status_code == 201


def test_the_account_tells_who_it_is(sandbox):
    answer = sandbox.get("/2/users/me", auth=sandbox.signature())
    assert valid("GetUsersMeResponse", answer.json())
    x = sandbox.accounts["x"]
    assert (answer.json()["data"]["id"], answer.json()["data"]["username"]) == (x["user_id"], x["username"])


def test_too_many_posts_are_refused_until_the_window_ends(sandbox):
    sandbox.set(x_posts_per_window=2)
    assert [sandbox.tweet(f"number {n}").status_code for n in range(3)] == [201, 201, 429]
    answer = sandbox.tweet("number 4")
    documented = fixture("rate limit")
    assert (answer.status_code, answer.json()) == (documented["http"], documented["body"])
    assert set(documented["headers"]) <= {name.lower() for name in answer.headers}
    assert answer.headers["x-rate-limit-remaining"] == "0"
    now = datetime.now(UTC).timestamp()
    assert now < int(answer.headers["x-rate-limit-reset"]) <= now + 901


def test_an_answer_to_an_unknown_post_is_refused(sandbox):
    answer = sandbox.tweet("to nobody", reply={"in_reply_to_tweet_id": "12"})
    assert (answer.status_code, answer.json()["detail"]) == (403, REPLY_GONE)


def test_answers_are_refused_on_demand_and_other_posts_are_not(sandbox):
    one = sandbox.tweet("one").json()["data"]["id"]
    sandbox.fault(platform="x", kind="reply_refused")
    answer = sandbox.tweet("two", reply={"in_reply_to_tweet_id": one})
    assert (answer.status_code, answer.json()["detail"]) == (403, REPLY_REFUSED)
    assert sandbox.tweet("three").status_code == 201


@pytest.mark.parametrize(
    ("kind", "status", "title"),
    [("no_credits", 402, "CreditsDepleted"), ("spend_cap", 403, "SpendCapReached")],
)
def test_without_money_x_answers_no_call_at_all(sandbox, timeline, kind, status, title):
    sandbox.fault(platform="x", kind=kind)
    for answer in (sandbox.tweet("one"), upload(sandbox, picture()), timeline()):
        assert (answer.status_code, answer.json()["title"]) == (status, title)
    assert sandbox.summary("x")["accepted"] == 0


def test_what_only_x_has_cannot_be_ordered_from_others(sandbox):
    for platform in ("facebook", "sms", "notify", "twilio"):
        answer = sandbox.post("/_sandbox/faults", json={"platform": platform, "kind": "no_credits"})
        assert (answer.status_code, "has no no_credits" in answer.text) == (400, True)
    sandbox.fault(platform="*", kind="no_credits")
    assert sandbox.publish("Facebook goes on").status_code == 200

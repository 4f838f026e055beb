"""Reading back from a platform that answers what a test tells it to: pages, odd items, and all that goes wrong."""

from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.contract import on_facebook as facebook
from tests.contract.platform_server import Answer
from tests.contract.read_back_places import OF_YESTERDAY, SINCE, OnFacebook, OnX, failure, find


def query(call):
    return {name: values[0] for name, values in parse_qs(urlsplit(call.path).query).items()}


def test_facebook_is_asked_for_what_was_published_since_a_minute_before(platform):
    platform.answer = OnFacebook.page(OnFacebook.item(permalink_url="https://www.facebook.com/x/posts/7"))
    assert find(OnFacebook, platform).link == "https://www.facebook.com/x/posts/7"
    [call] = platform.calls
    assert (call.method, urlsplit(call.path).path) == ("GET", "/v26.0/123456/published_posts")
    assert query(call) == {
        "fields": "id,message,created_time,permalink_url,from",
        "limit": "25",
        "since": str(int((SINCE - timedelta(seconds=60)).timestamp())),
        "appsecret_proof": facebook.PROOF,
    }
    assert call.headers["Authorization"] == f"Bearer {facebook.TOKEN}"


def test_x_is_asked_for_the_timeline_since_a_minute_before(platform):
    platform.answer = OnX.page(OnX.item())
    assert find(OnX, platform) == OnX.receipt
    [call] = platform.calls
    assert (call.method, urlsplit(call.path).path) == ("GET", "/2/users/99/tweets")
    assert query(call) == {
        "max_results": "100",
        "start_time": "2026-11-21T14:04:07Z",
        "tweet.fields": "created_at,entities,author_id",
    }


def test_the_pages_are_followed(on, platform):
    platform.answers = [
        on.page(on.item("other"), after="b"),
        on.page(on.item("another"), after="c"),
        on.page(on.item()),
    ]
    assert find(on, platform) == on.receipt
    assert [query(call).get(on.cursor) for call in platform.calls] == [None, "b", "c"]
    assert all(urlsplit(call.path).path == urlsplit(platform.calls[0].path).path for call in platform.calls)


def test_a_page_that_reaches_back_is_the_last(on, platform):
    platform.answer = on.page(on.item("other"), on.item("old", OF_YESTERDAY), after="b")
    assert find(on, platform) is None
    assert len(platform.calls) == 1


def test_an_empty_page_may_lead_to_a_full_one(on, platform):
    platform.answers = [on.page(after="b"), on.page(on.item())]
    assert find(on, platform) == on.receipt


def test_a_page_without_end_is_no_absence(on, platform):
    platform.answer = on.page(on.item("other"), after="b")
    assert failure(on, platform).code == "read_back_failed"
    assert len(platform.calls) == 4


def test_more_that_cannot_be_reached_is_no_absence(platform):
    platform.answer = Answer(body={"data": [], "paging": {"next": "https://graph.facebook.com/?until=1"}})
    assert failure(OnFacebook, platform).code == "read_back_failed"


def test_odd_items_are_passed_over(on, platform):
    good = on.item()
    odd = [{name: v for name, v in good.items() if name != missing} for missing in list(good)[:3]]
    odd += [{**good, name: value} for name in list(good)[:3] for value in (None, 5, "", [], {"a": 1})]
    odd += [None, 5, "text", [], {}, on.item(created="2026-11-21T14:05:09"), on.item(created="today")]
    platform.answers = [on.page(*odd), on.page(*odd, good)]
    assert find(on, platform) is None
    assert find(on, platform) == on.receipt


@pytest.mark.parametrize(
    "entities", [None, [], {"urls": None}, {"urls": [None, {}, {"url": 1}, {"url": "", "expanded_url": "a"}]}]
)
def test_odd_entities_are_passed_over(platform, entities):
    platform.answer = OnX.page(OnX.item(entities=entities))
    assert find(OnX, platform) == OnX.receipt


@pytest.mark.parametrize(
    "look_alike", [{"author": "1999"}, {"created": OF_YESTERDAY}, {"text": "Ref 7F3K2M"}]
)
def test_a_look_alike_that_the_platform_lets_through_is_not_it(on, platform, look_alike):
    platform.answer = on.page(on.item(**look_alike))
    assert find(on, platform) is None

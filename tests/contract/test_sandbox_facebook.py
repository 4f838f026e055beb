"""The stand-in for Facebook against Meta's specifications and error bodies."""

import hashlib
import hmac

import pytest

from channels.sandbox.facebook import COMMON_PARAMETERS, FEED_PARAMETERS
from channels.sandbox.graph import POST_FIELDS
from tests.contract.sandbox_process import contract

ERROR_KEYS = {"message", "type", "code", "error_subcode", "error_user_title", "error_user_msg", "fbtrace_id"}


@pytest.fixture
def page(sandbox):
    return f"/v26.0/{sandbox.accounts['facebook']['page_id']}"


@pytest.fixture
def token(sandbox):
    return {"access_token": sandbox.accounts["facebook"]["access_token"]}


def error_of(answer):
    assert answer.status_code >= 400, answer.text
    return answer.json()["error"]


def test_a_post_is_published_and_read_back(sandbox, page, token):
    made = sandbox.publish(
        "River rising.\n\nLeave now.", link="https://wyre.example/a", fields="id,permalink_url"
    )
    assert made.status_code == 200
    post_id = made.json()["id"]
    assert post_id.startswith(sandbox.accounts["facebook"]["page_id"] + "_")
    assert made.json()["permalink_url"] == f"{sandbox.url}/#facebook-{post_id}"
    listed = sandbox.get(
        f"{page}/published_posts", params={**token, "fields": "id,message,created_time"}
    ).json()
    assert [(p["id"], p["message"]) for p in listed["data"]] == [(post_id, "River rising.\n\nLeave now.")]
    assert listed["data"][0]["created_time"].endswith("+0000")


def test_form_json_and_query_say_the_same(sandbox, page, token):
    sandbox.post(f"{page}/feed", data={**token, "message": "by form — ŵ"})
    sandbox.post(f"{page}/feed", json={**token, "message": "by JSON — ŵ"})
    sandbox.post(f"{page}/feed", params={**token, "message": "by query — ŵ"})
    sandbox.post(
        f"{page}/feed",
        data={"message": "by header"},
        headers={"Authorization": f"Bearer {token['access_token']}"},
    )
    texts = [row["text"] for row in sandbox.ledger(accepted=1)]
    assert texts == ["by form — ŵ", "by JSON — ŵ", "by query — ŵ", "by header"]


def test_parameters_and_fields_stand_in_metas_specifications(sandbox, page, token):
    feed = next(
        a for a in contract("meta/Page.json")["apis"] if (a["method"], a.get("endpoint")) == ("POST", "feed")
    )
    assert {p["name"] for p in feed["params"]} >= FEED_PARAMETERS
    specified = {field["name"] for field in contract("meta/PagePost.json")["fields"]}
    assert specified >= POST_FIELDS
    sandbox.publish("Everything")
    query = {**token, "fields": ",".join(POST_FIELDS)}
    shown = sandbox.get(f"{page}/published_posts", params=query).json()["data"][0]
    assert set(shown) == POST_FIELDS


def test_every_parameter_offered_is_taken_and_no_other(sandbox, page, token):
    everything = {"message": "m", "link": "https://a.example/", "published": "true", "fields": "id"}
    others = {"access_token", "appsecret_proof", "attached_media"}  # pictures and a link are alternatives
    assert set(everything) | others == FEED_PARAMETERS | COMMON_PARAMETERS
    assert sandbox.post(f"{page}/feed", data={**token, **everything}).status_code == 200
    assert error_of(sandbox.publish("m2", mesage="typo"))["code"] == 100


def test_errors_have_the_shape_of_metas(sandbox, page, token):
    bodies = contract("payloads/meta_error_bodies.json")["bodies"]
    assert {key for body in bodies for key in body["body"]["error"]} == ERROR_KEYS
    sandbox.publish("twice")
    error = error_of(sandbox.publish("twice"))
    assert set(error) - {"is_transient"} == ERROR_KEYS
    assert [error[k] for k in ("code", "error_subcode", "type")] == [506, 1455006, "OAuthException"]
    plain = error_of(sandbox.get(f"{page}/published_posts", params={**token, "fields": "impressions"}))
    assert set(plain) == {"message", "type", "code", "fbtrace_id"}
    assert (plain["code"], plain["type"]) == (100, "OAuthException")


def test_only_consecutive_repeats_are_refused(sandbox):
    answers = [sandbox.publish(text).status_code for text in ("one", "one", "two", "one")]
    assert answers == [200, 400, 200, 200]
    assert sandbox.summary("facebook") == {
        "requests": 4,
        "accepted": 3,
        "recipients_distinct": 0,
        "duplicates": 1,
    }


@pytest.mark.parametrize(("given", "code"), [({}, 104), ({"access_token": "wrong"}, 190)])
def test_a_wrong_token_is_refused(sandbox, page, given, code):
    answer = sandbox.post(f"{page}/feed", data={"message": "m", **given})
    assert (answer.status_code, error_of(answer)["code"]) == (400, code)
    assert sandbox.summary("facebook")["accepted"] == 0


def test_the_proof_of_the_app_secret_must_be_right(sandbox):
    facebook = sandbox.accounts["facebook"]
    right = hmac.new(
        facebook["app_secret"].encode(), facebook["access_token"].encode(), hashlib.sha256
    ).hexdigest()
    assert sandbox.publish("proved", appsecret_proof=right).status_code == 200
    error = error_of(sandbox.publish("not proved", appsecret_proof="0" * 64))
    assert (error["code"], error["message"]) == (100, "Invalid appsecret_proof provided in the API argument")


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/v26.0/123/feed", 100),
        ("/v26.0/wyrecouncil/feed", 803),
        ("/{page}/feed", 2500),
        ("/v25.0/{page}/feed", 2500),
    ],
)
def test_unknown_pages_and_versions_are_refused(sandbox, token, path, code):
    path = path.replace("{page}", sandbox.accounts["facebook"]["page_id"])
    assert error_of(sandbox.post(path, data={**token, "message": "m"}))["code"] == code


@pytest.mark.parametrize("message", ["", "  \n ", "x" * 63_207])
def test_empty_and_overlong_posts_are_refused(sandbox, message):
    assert error_of(sandbox.publish(message))["code"] == 100


def test_the_longest_post_fits(sandbox):
    assert sandbox.publish("ŵ" * 63_206).status_code == 200


def test_an_unpublished_post_is_not_listed(sandbox, page, token):
    post_id = sandbox.publish("draft", published="false").json()["id"]
    assert sandbox.get(f"{page}/published_posts", params=token).json() == {"data": []}
    shown = sandbox.get(f"/v26.0/{post_id}", params={**token, "fields": "is_published"}).json()
    assert shown == {"id": post_id, "is_published": False}


def test_a_deleted_post_is_gone(sandbox, page, token):
    post_id = sandbox.publish("gone soon").json()["id"]
    assert sandbox.delete(f"/v26.0/{post_id}", params=token).json() == {"success": True}
    error = error_of(sandbox.get(f"/v26.0/{post_id}", params=token))
    assert (error["code"], error["error_subcode"]) == (100, 33)
    assert sandbox.get(f"{page}/published_posts", params=token).json()["data"] == []


def test_lists_go_newest_first_by_limit_cursor_and_since(sandbox, page, token):
    ids = [sandbox.publish(f"number {n}").json()["id"] for n in range(4)]
    first = sandbox.get(f"{page}/published_posts", params={**token, "limit": 3}).json()
    assert [p["id"] for p in first["data"]] == ids[:0:-1]
    after = first["paging"]["cursors"]["after"]
    rest = sandbox.get(f"{page}/published_posts", params={**token, "after": after}).json()
    assert [p["id"] for p in rest["data"]] == ids[:1]
    later = sandbox.get(f"{page}/published_posts", params={**token, "since": "2999-01-01T00:00:00Z"})
    assert later.json()["data"] == []
    assert error_of(sandbox.get(f"{page}/published_posts", params={**token, "limit": 0}))["code"] == 100


def test_the_page_tells_its_name_and_usage(sandbox, page, token):
    answer = sandbox.get(page, params={**token, "fields": "id,name"})
    facebook = sandbox.accounts["facebook"]
    assert answer.json() == {"id": facebook["page_id"], "name": "Wyre Council (sandbox)"}
    assert "call_count" in answer.headers["X-App-Usage"]

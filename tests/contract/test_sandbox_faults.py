"""Faults on demand: what was accepted is on the ledger, whatever the client was told."""

from datetime import UTC, datetime, timedelta

import pytest
import requests

from channels.sandbox.faults import KINDS
from tests.contract.sandbox_process import eventually

PUBLISH = {
    "facebook": lambda sandbox: sandbox.publish("River rising"),
    "x": lambda sandbox: sandbox.tweet("River rising"),
    "sms": lambda sandbox: sandbox.text("+447700900123", "River rising"),
}
every_platform = pytest.mark.parametrize("platform", list(PUBLISH))


def row_of(sandbox):
    [row] = sandbox.ledger()
    return row["status"], row["accepted"], row["text"]


@every_platform
@pytest.mark.parametrize("kind", ["500", "502", "503", "504"])
def test_a_server_error_accepts_nothing_and_fires_as_often_as_told(sandbox, platform, kind):
    sandbox.fault(platform=platform, kind=kind, count=1)
    assert PUBLISH[platform](sandbox).status_code == int(kind)
    assert row_of(sandbox) == (int(kind), 0, "River rising")
    assert sandbox.get("/_sandbox/faults").json() == []
    assert PUBLISH[platform](sandbox).ok


@pytest.mark.parametrize(
    ("platform", "status", "words"),
    [
        ("facebook", 403, "(#32) Page request limit reached"),
        ("x", 429, "Rate limit exceeded"),
        ("sms", 429, "Too Many Requests"),
    ],
)
@pytest.mark.parametrize("retry_after", ["7", "-1", "1e9", "Wed, 21 Oct 2026 07:28:00 GMT"])
def test_going_too_fast_is_told_in_the_platforms_words(sandbox, platform, status, words, retry_after):
    sandbox.fault(platform=platform, kind="429", retry_after=retry_after)
    answer = PUBLISH[platform](sandbox)
    assert answer.status_code == status
    assert words in answer.text
    assert answer.headers["Retry-After"] == retry_after
    assert sandbox.summary(platform)["accepted"] == 0


def test_kannels_503_has_the_guides_words(sandbox):
    sandbox.fault(platform="sms", kind="503")
    assert PUBLISH["sms"](sandbox).text == "Temporal failure, try again later."


@every_platform
@pytest.mark.parametrize("status", [500, 504])
def test_accepted_and_answered_with_a_servers_error(sandbox, platform, status):
    sandbox.fault(platform=platform, kind=f"accept_then_{status}")
    assert PUBLISH[platform](sandbox).status_code == status
    assert row_of(sandbox) == (status, 1, "River rising")


@every_platform
def test_accepted_and_reset(sandbox, platform):
    sandbox.fault(platform=platform, kind="accept_then_reset")
    with pytest.raises(requests.ConnectionError, match="reset by peer"):
        PUBLISH[platform](sandbox)
    assert row_of(sandbox) == (0, 1, "River rising")


@every_platform
def test_accepted_and_never_answered(sandbox, platform, monkeypatch):
    sandbox.fault(platform=platform, kind="accept_then_silence")
    monkeypatch.setattr("tests.contract.sandbox_process.PATIENCE_S", 0.3)
    with pytest.raises(requests.ReadTimeout):
        PUBLISH[platform](sandbox)
    monkeypatch.undo()
    assert row_of(sandbox) == (0, 1, "River rising")


@every_platform
def test_neither_accepted_nor_answered(sandbox, platform, monkeypatch):
    sandbox.fault(platform=platform, kind="silence", count=1)
    monkeypatch.setattr("tests.contract.sandbox_process.PATIENCE_S", 0.3)
    with pytest.raises(requests.ReadTimeout):
        PUBLISH[platform](sandbox)
    monkeypatch.undo()
    assert row_of(sandbox) == (0, 0, "River rising")
    assert sandbox.get("/_sandbox/faults").json() == []
    assert PUBLISH[platform](sandbox).ok  # no duplicate: there was none
    assert sandbox.summary(platform)["accepted"] == 1


@pytest.mark.parametrize("platform", ["facebook", "x"])
def test_a_silent_platform_can_still_be_read_and_shows_nothing(sandbox, platform, monkeypatch):
    sandbox.fault(platform=platform, kind="silence")
    monkeypatch.setattr("tests.contract.sandbox_process.PATIENCE_S", 0.3)
    with pytest.raises(requests.ReadTimeout):
        PUBLISH[platform](sandbox)
    monkeypatch.undo()
    answer = READ[platform](sandbox)
    assert (answer.ok, answer.json().get("data", [])) == (True, [])


def test_accepted_and_answered_by_half(sandbox):
    sandbox.fault(platform="*", kind="broken_json")
    for platform in ("facebook", "x"):
        answer = PUBLISH[platform](sandbox)
        assert answer.ok
        with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
            answer.json()
    assert PUBLISH["sms"](sandbox).text == "0: Accepted "
    assert [row["accepted"] for row in sandbox.ledger()] == [1, 1, 1]


def test_a_refused_call_meets_no_fault_that_needs_acceptance(sandbox):
    sandbox.fault(platform="facebook", kind="accept_then_reset")
    assert sandbox.publish("").json()["error"]["code"] == 100


@pytest.mark.parametrize(("platform", "status"), [("facebook", 400), ("x", 401), ("sms", 403)])
def test_expired_credentials_are_refused(sandbox, platform, status):
    sandbox.fault(platform=platform, kind="expired_token")
    answer = PUBLISH[platform](sandbox)
    assert answer.status_code == status
    if platform == "facebook":
        assert (answer.json()["error"]["code"], answer.json()["error"]["error_subcode"]) == (190, 463)
    assert sandbox.summary(platform)["accepted"] == 0


def test_expired_credentials_cannot_read_either(sandbox):
    sandbox.fault(platform="x", kind="expired_token")
    assert sandbox.get("/2/users/me", auth=sandbox.signature()).status_code == 401


@pytest.mark.parametrize(
    ("platform", "status", "words"), [("facebook", 400, '"code": 506'), ("x", 403, "duplicate content")]
)
def test_refused_as_a_duplicate_though_nothing_was_accepted(sandbox, platform, status, words):
    sandbox.fault(platform=platform, kind="duplicate_refusal", count=1)
    answer = PUBLISH[platform](sandbox)
    assert answer.status_code == status
    assert words in answer.text
    assert sandbox.summary(platform)["accepted"] == 0


def test_one_recipient_is_refused_and_the_others_are_not(sandbox):
    sandbox.fault(platform="sms", kind="refuse_recipient", recipient="+447700900002")
    alone = sandbox.text("+447700900002", "t")
    assert alone.status_code == 400
    assert alone.text == "Number(s) has/have been denied by white- and/or black-lists."
    assert sandbox.text("+447700900001 +447700900002 +447700900003", "t").status_code == 202
    assert [row["recipient"] for row in sandbox.ledger(accepted=1)] == ["+447700900001 +447700900003"]


def test_a_fault_for_one_recipient_leaves_others_alone(sandbox):
    sandbox.fault(platform="sms", kind="503", recipient="+447700900002")
    statuses = [sandbox.text(f"+44770090000{n}", "t").status_code for n in (1, 2, 3)]
    assert statuses == [202, 503, 202]


def test_chance_is_the_same_for_the_same_seed(sandbox):
    seen = []
    for _ in range(2):
        sandbox.start_afresh()
        sandbox.fault(platform="sms", kind="500", probability=0.5, seed=7)
        seen.append([sandbox.text(f"+4477009001{n:02d}", "t").status_code for n in range(30)])
    assert seen[0] == seen[1]
    assert set(seen[0]) == {202, 500}


def test_a_delay_changes_nothing_else(sandbox):
    sandbox.fault(platform="*", kind="delay", seconds=0.01)
    assert [publish(sandbox).ok for publish in PUBLISH.values()] == [True, True, True]


def test_a_client_that_leaves_during_a_delay_has_still_posted(sandbox, monkeypatch):
    sandbox.fault(platform="x", kind="delay", seconds=0.5, count=1)
    monkeypatch.setattr("tests.contract.sandbox_process.PATIENCE_S", 0.1)
    with pytest.raises(requests.ReadTimeout):
        sandbox.tweet("River rising")
    monkeypatch.undo()
    assert eventually(lambda: sandbox.summary("x")["accepted"] == 1)


def facebook_list(sandbox):
    facebook = sandbox.accounts["facebook"]
    query = {"access_token": facebook["access_token"], "fields": "id,message,from,created_time"}
    return sandbox.get(f"/v26.0/{facebook['page_id']}/published_posts", params=query)


def x_list(sandbox, **more):
    query = {"tweet.fields": "author_id,created_at", **more}
    return sandbox.get(
        f"/2/users/{sandbox.accounts['x']['user_id']}/tweets", params=query, auth=sandbox.signature()
    )


READ = {"facebook": facebook_list, "x": x_list}
readable = pytest.mark.parametrize("platform", list(READ))


@readable
def test_reading_back_lags(sandbox, platform):
    PUBLISH[platform](sandbox)
    sandbox.fault(platform=platform, kind="readback_lag", seconds=3600, count=1)
    assert READ[platform](sandbox).json().get("data", []) == []
    assert len(READ[platform](sandbox).json()["data"]) == 1


@readable
def test_reading_back_fails_while_publishing_works(sandbox, platform):
    sandbox.fault(platform=platform, kind="readback_500")
    assert PUBLISH[platform](sandbox).ok
    assert READ[platform](sandbox).status_code == 500


@readable
def test_other_faults_leave_reading_back_alone(sandbox, platform):
    sandbox.fault(platform=platform, kind="504")
    assert READ[platform](sandbox).ok


def test_lookalikes_are_of_another_page_or_of_yesterday(sandbox):
    sandbox.fault(platform="facebook", kind="504", count=1)
    sandbox.fault(platform="facebook", kind="readback_lookalike")
    sandbox.publish("River rising")
    others, yesterdays = facebook_list(sandbox).json()["data"]
    page_id = sandbox.accounts["facebook"]["page_id"]
    assert others["message"] == yesterdays["message"] == "River rising"
    assert others["from"]["id"] != page_id == yesterdays["from"]["id"]
    assert datetime.fromisoformat(yesterdays["created_time"]) < datetime.now(UTC) - timedelta(hours=23)


def test_lookalikes_on_x_are_of_another_author_or_of_yesterday(sandbox):
    sandbox.fault(platform="x", kind="500", count=1)
    sandbox.fault(platform="x", kind="readback_lookalike")
    sandbox.tweet("River rising")
    others, yesterdays = x_list(sandbox).json()["data"]
    assert others["text"] == yesterdays["text"] == "River rising"
    assert others["author_id"] != sandbox.accounts["x"]["user_id"] == yesterdays["author_id"]
    since = (datetime.now(UTC) - timedelta(hours=1)).isoformat()
    assert [post["id"] for post in x_list(sandbox, start_time=since).json()["data"]] == [others["id"]]


@readable
def test_each_of_the_last_texts_has_its_lookalikes_once(sandbox, platform):
    publish = sandbox.publish if platform == "facebook" else sandbox.tweet
    sandbox.fault(platform=platform, kind="504")
    for text in ("River rising", "River falling", "River rising"):
        publish(text)
    sandbox.fault(platform=platform, kind="readback_lookalike")
    shown = READ[platform](sandbox).json()["data"]
    texts = sorted(post.get("message") or post["text"] for post in shown)
    assert texts == ["River falling"] * 2 + ["River rising"] * 2
    assert len({post["id"] for post in shown}) == 4


def test_orders_are_listed_and_cleared(sandbox):
    sandbox.fault(platform="x", kind="500", count=2)
    sandbox.tweet("t")
    [order] = sandbox.get("/_sandbox/faults").json()
    assert (order["platform"], order["kind"], order["count"], order["fired"]) == ("x", "500", 1, 1)
    assert sandbox.delete("/_sandbox/faults").status_code == 204
    assert sandbox.get("/_sandbox/faults").json() == []


@pytest.mark.parametrize(
    ("order", "named"),
    [
        ({"platform": "x", "kind": "explode"}, list(KINDS)),
        ({"platform": "x", "kind": "500", "times": 2}, ["count", "probability", "recipient"]),
        ({"platform": "fax", "kind": "500"}, ["facebook", "x", "sms"]),
        ({"kind": "500"}, ["facebook", "x", "sms"]),
        ({"platform": "x", "kind": "delay"}, ["seconds"]),
        ({"platform": "x", "kind": "500", "count": 0}, ["count"]),
        ({"platform": "x", "kind": "500", "count": 1.5}, ["count"]),
        ({"platform": "x", "kind": "500", "count": True}, ["count"]),
        ({"platform": "x", "kind": "500", "probability": 2}, ["probability"]),
        ({"platform": "x", "kind": "500", "retry_after": 5}, ["retry_after"]),
        ({"platform": "x", "kind": "500", "retry_after": "1\r\nx: y"}, ["retry_after"]),
        ({"platform": "sms", "kind": "duplicate_refusal"}, ["duplicate_refusal"]),
        ({"platform": "sms", "kind": "refuse_recipient"}, ["recipient"]),
        (["500"], ["platform", "kind"]),
    ],
)
def test_a_wrong_order_is_refused_and_the_known_ones_are_named(sandbox, order, named):
    answer = sandbox.post("/_sandbox/faults", json=order)
    assert answer.status_code == 400
    assert [name for name in named if name not in answer.json()["error"]] == []
    assert sandbox.get("/_sandbox/faults").json() == []


def test_a_setting_that_makes_no_sense_changes_nothing(sandbox):
    before = sandbox.get("/_sandbox/settings").json()
    for wrong in (
        {"dlr_delay": 1},
        {"dlr_delay_s": -1},
        {"dlr_copies": 2, "dlr_final": "lost"},
        {"undelivered": "x"},
    ):
        assert sandbox.post("/_sandbox/settings", json=wrong).status_code == 400
    assert sandbox.get("/_sandbox/settings").json() == before

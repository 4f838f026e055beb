"""The stand-in for X and pictures: uploaded, described, shown and refused as X does."""

import base64
import json

import pytest

from channels.sandbox.exchange import Call
from channels.sandbox.ledger import Ledger
from channels.sandbox.media import MediaStore
from channels.sandbox.settings import Settings
from channels.sandbox.x import X
from channels.sandbox.x_media import Pictures
from tests.contract.on_x import valid
from tests.contract.sandbox_process import SandboxProcess
from tests.contract.x_pictures import picture, upload

# pictures


def picture_id(sandbox, **options):
    return upload(sandbox, picture(**options)).json()["data"]["id"]


def describe(sandbox, media_id, text):
    body = {"id": media_id, "metadata": {"alt_text": {"text": text}}}
    return sandbox.post("/2/media/metadata", json=body, auth=sandbox.signature())


def test_a_picture_is_uploaded_as_x_specifies(sandbox):
    answer = upload(sandbox, picture())
    assert answer.status_code == 200
    assert valid("MediaUploadResponse", answer.json())
    data = answer.json()["data"]
    assert data["image"] == {"image_type": "image/png", "w": 40, "h": 30}
    assert data["size"] == len(picture())
    assert 86_000 < data["expires_after_secs"] <= 86_400
    body = {"media": base64.b64encode(picture()).decode(), "media_category": "tweet_image"}
    as_json = sandbox.post("/2/media/upload", json=body, auth=sandbox.signature()).json()
    assert as_json["data"]["size"] == len(picture())
    query = {"command": "STATUS", "media_id": data["id"]}
    state = sandbox.get("/2/media/upload", params=query, auth=sandbox.signature())
    assert valid("GetMediaUploadStatusResponse", state.json())
    assert state.json()["data"]["id"] == data["id"]
    described = describe(sandbox, data["id"], "A map.")
    assert valid("CreateMediaMetadataResponse", described.json())
    assert sandbox.summary("x")["accepted"] == 0


@pytest.mark.parametrize(
    ("content", "fields"),
    [
        (b"", {}),
        (b"no picture", {}),
        (b"\x89PNG\r\n\x1a\n cut off", {}),
        (None, {"media_category": "holiday"}),
        (None, {"media_type": "image/png"}),
        (b"\xff\xd8\xff" + b"0" * 5_242_880, {}),
    ],
)
def test_an_upload_that_x_would_not_take_is_refused(sandbox, content, fields):
    answer = upload(sandbox, picture() if content is None else content, **fields)
    assert answer.status_code == 400
    assert valid("InvalidRequestProblem", answer.json())


def test_an_upload_needs_our_signature(sandbox):
    assert sandbox.post("/2/media/upload", files={"media": picture()}).status_code == 401
    assert sandbox.post("/2/media/metadata", json={"id": "1"}).status_code == 401


@pytest.mark.parametrize("text", ["a" * 1001, 5])
def test_an_alt_text_is_taken_exactly_when_x_schema_takes_it(sandbox, text):
    media_id = picture_id(sandbox)
    assert describe(sandbox, media_id, text).status_code == 400
    assert not valid("CreateMediaMetadataRequest", {"id": media_id, "metadata": {"alt_text": {"text": text}}})
    assert describe(sandbox, media_id, "a" * 1000).status_code == 200


def test_an_alt_text_for_an_unknown_picture_is_refused(sandbox):
    assert describe(sandbox, "12", "A map.").status_code == 400
    assert describe(sandbox, "twelve", "A map.").status_code == 400


def test_pictures_that_are_not_ours_are_refused_in_the_live_words(sandbox):
    ours = picture_id(sandbox)
    answer = sandbox.tweet("with a stranger's picture", media={"media_ids": [ours, "1880028106020515840"]})
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == "Your media IDs are invalid."
    assert valid("InvalidRequestProblem", answer.json())
    assert sandbox.tweet("with ours", media={"media_ids": [ours]}).status_code == 201


def test_a_picture_runs_out_after_a_day():
    now = 1_000.0
    pictures = Pictures(MediaStore(), now=lambda: now)
    body = json.dumps(
        {"media": base64.b64encode(picture()).decode(), "media_category": "tweet_image"}
    ).encode()
    call = Call(method="POST", path="/2/media/upload", target="", query=b"", headers=[], body=body)
    media_id = pictures.upload(call).platform_id
    assert pictures.usable([media_id])
    now += 86_400
    assert not pictures.usable([media_id])


def test_pictures_alt_texts_and_threads_outlive_a_restart(tmp_path):
    first = SandboxProcess(tmp_path)
    media_id = picture_id(first)
    describe(first, media_id, "A map.")
    one = first.tweet("one", media={"media_ids": [media_id]}).json()["data"]
    two = first.tweet("two", reply={"in_reply_to_tweet_id": one["id"]}).json()["data"]
    first.stop()
    again = SandboxProcess(tmp_path)
    fields = {"tweet.fields": "attachments,conversation_id,in_reply_to_user_id,referenced_posts"}
    page = again.get(
        f"/2/users/{again.accounts['x']['user_id']}/tweets", params=fields, auth=again.signature()
    ).json()
    again.stop()
    assert valid("GetUsersPostsResponse", page)
    newest, oldest = page["data"]
    assert (newest["id"], newest["conversation_id"]) == (two["id"], one["id"])
    assert newest["referenced_posts"] == [{"type": "replied_to", "id": one["id"]}]
    assert oldest["attachments"] == {"media_keys": [f"3_{media_id}"]}
    assert oldest["text"] == one["text"]


def test_the_wall_is_told_pictures_alt_texts_and_what_is_answered(tmp_path):
    """What `published` gives, from the ledger alone: a wall needs no more."""
    process = SandboxProcess(tmp_path)
    media_id = picture_id(process)
    describe(process, media_id, "A map.")
    one = process.tweet("one", media={"media_ids": [media_id]}).json()["data"]["id"]
    process.tweet("two", reply={"in_reply_to_tweet_id": one})
    process.stop()
    x = X(process.accounts["x"], Settings())
    ledger = Ledger(tmp_path / "ledger.db")
    x.restore(ledger.entries("x"))
    ledger.close()
    newest, oldest = x.published()
    assert (newest.text, newest.in_reply_to, newest.thread, newest.pictures) == ("two", one, one, ())
    (shown,) = oldest.pictures
    assert (shown.alt, shown.media_type) == ("A map.", "image/png")
    assert x.media.get(shown.sha256) == picture()

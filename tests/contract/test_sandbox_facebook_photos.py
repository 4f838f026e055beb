"""Photos at the stand-in for Facebook, against Meta's specifications and error bodies."""

import asyncio
import hashlib
import io
import json

import PIL.Image
import pytest
from starlette.applications import Starlette

from channels.sandbox.facebook import COMMON_PARAMETERS
from channels.sandbox.graph import PHOTO_FIELDS
from channels.sandbox.graph_photos import MOST_ATTACHED, PHOTO_PARAMETERS
from channels.sandbox.media import MediaStore, dimensions, media_type, metadata
from tests.contract.sandbox_process import SandboxProcess, contract
from tests.contract.test_sandbox_facebook import error_of

GPS_IFD = 0x8825


def picture(kind="JPEG", colour="navy", **saving) -> bytes:
    file = io.BytesIO()
    PIL.Image.new("RGB", (40, 30), colour).save(file, kind, **saving)
    return file.getvalue()


def located() -> bytes:
    exif = PIL.Image.Exif()
    exif[0x010F] = "Camera"
    exif.get_ifd(GPS_IFD)[1] = "N"
    return picture(exif=exif)


class Page:
    """Uploads and posts as the page's own app does."""

    def __init__(self, sandbox) -> None:
        self.sandbox = sandbox
        self.path = f"/v26.0/{sandbox.accounts['facebook']['page_id']}"
        self.token = {"access_token": sandbox.accounts["facebook"]["access_token"]}

    def upload(self, content=None, **given):
        data = {"published": "false", **self.token, **given}
        files = {"source": ("a.jpg", picture() if content is None else content, "image/jpeg")}
        return self.sandbox.post(f"{self.path}/photos", data=data, files=files)

    def photo(self, **given) -> str:
        return self.upload(**given).json()["id"]

    def attach(self, *photo_ids, **given):
        attached = {f"attached_media[{n}]": json.dumps({"media_fbid": p}) for n, p in enumerate(photo_ids)}
        return self.sandbox.publish(given.pop("message", "River rising"), **attached, **given)

    def show(self, node, fields) -> dict:
        return self.sandbox.get(f"/v26.0/{node}", params={**self.token, "fields": fields}).json()

    def listed(self) -> list[str]:
        data = self.sandbox.get(f"{self.path}/published_posts", params=self.token).json()["data"]
        return [post["id"] for post in data]


@pytest.fixture
def page(sandbox) -> Page:
    return Page(sandbox)


def test_an_unpublished_photo_is_kept_with_its_alt_text_and_on_no_page(sandbox, page):
    photo = page.photo(alt_text_custom="Ŵyre bridge, closed")
    assert page.show(photo, "alt_text_custom,width,height") == {
        "id": photo,
        "alt_text_custom": "Ŵyre bridge, closed",
        "width": 40,
        "height": 30,
    }
    assert page.listed() == []
    assert sandbox.summary("facebook")["accepted"] == 0
    row = sandbox.ledger()[0]
    assert (row["text"], row["platform_id"], row["status"]) == ("Ŵyre bridge, closed", photo, 200)
    assert row["link"] == f"/_sandbox/media/{hashlib.sha256(picture()).hexdigest()}"


def test_a_post_shows_its_photos(page):
    photos = [page.photo(content=picture(colour=colour)) for colour in ("red", "green")]
    post_id = page.attach(*photos).json()["id"]
    assert page.listed() == [post_id]
    assert [page.show(photo, "page_story_id")["page_story_id"] for photo in photos] == [post_id] * 2


def test_photos_may_stand_in_one_list_and_need_no_message(page):
    listed = json.dumps([{"media_fbid": page.photo()}])
    assert page.sandbox.publish("", attached_media=listed).status_code == 200


def test_a_photo_may_be_published_at_once_as_a_post_of_its_own(sandbox, page):
    made = page.upload(published="true", message="Look").json()
    assert page.listed() == [made["post_id"]]
    assert page.show(made["post_id"], "message")["message"] == "Look"
    assert sandbox.summary("facebook")["accepted"] == 1


@pytest.mark.parametrize(
    "content",
    [
        b"GIF",
        b"%PDF-1.7",
        picture()[:200],
        picture("BMP"),
        picture() + bytes(4_000_000),
        b"\x89PNG\r\n\x1a\n",
    ],
    ids=["a word", "a document", "half a picture", "another kind", "too large", "a signature alone"],
)
def test_what_is_no_such_picture_is_refused_as_live(page, content):
    error = error_of(page.upload(content))
    assert (error["code"], error["error_subcode"]) == (100, 1366046)
    assert error["error_user_title"] == "Can't Read Files"


def test_an_upload_without_a_file_is_refused(page):
    data = {**page.token, "published": "false", "source": "no file"}
    assert error_of(page.sandbox.post(f"{page.path}/photos", data=data))["code"] == 324
    nothing = page.sandbox.post(f"{page.path}/photos", data=data, files={"sauce": ("a.jpg", picture())})
    assert error_of(nothing)["code"] == 324


def test_a_body_that_is_cut_off_is_refused(page):
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    body = b'--x\r\nContent-Disposition: form-data; name="published"\r\n\r\nfalse'
    assert error_of(page.sandbox.post(f"{page.path}/photos", data=body, headers=headers))["code"] == 100


def test_an_upload_needs_the_token(page):
    assert error_of(page.upload(access_token="wrong"))["code"] == 190
    assert error_of(page.upload(appsecret_proof="0" * 64))["code"] == 100


def test_a_photo_is_posted_once(page):
    photo = page.photo()
    assert error_of(page.attach(photo, photo))["error_subcode"] == 1366051
    assert page.attach(photo).status_code == 200
    assert error_of(page.attach(photo, message="again"))["error_subcode"] == 1366051
    assert len(page.listed()) == 1


def test_a_photo_that_the_page_does_not_have_is_refused(page):
    error = error_of(page.attach(page.photo(), "123456789"))
    assert (error["code"], error["error_subcode"]) == (100, 33)
    assert page.listed() == []


def test_too_many_photos_are_refused(page):
    photos = [page.photo() for _ in range(MOST_ATTACHED + 1)]
    assert error_of(page.attach(*photos))["code"] == 100
    assert page.attach(*photos[1:]).status_code == 200


@pytest.mark.parametrize("given", ["{", '"x"', "{}", '[{"media_fbid": null}]', "[5]"])
def test_an_attachment_that_names_no_photo_is_refused(page, given):
    assert error_of(page.sandbox.publish("m", attached_media=given))["code"] == 100


def test_a_link_and_photos_are_alternatives(page):
    assert error_of(page.attach(page.photo(), link="https://wyre.example/a"))["code"] == 100


def test_the_same_words_with_another_photo_are_no_repeat(page):
    red, green, twin = (page.photo(content=picture(colour=c)) for c in ("red", "green", "green"))
    assert [page.attach(p).status_code for p in (red, green, twin)] == [200, 200, 400]


def test_faults_for_publishing_meet_the_post_and_not_the_upload_of_its_photo(sandbox, page):
    sandbox.fault(platform="facebook", kind="500", count=1)
    photo = page.photo()
    assert page.attach(photo).status_code == 500
    assert page.attach(photo).status_code == 200


def test_what_a_picture_carries_stands_in_the_ledger(sandbox, page):
    page.upload(located())
    [row] = sandbox.ledger()
    assert row["link"].endswith("?carries=exif,gps")


def test_parameters_and_fields_stand_in_metas_specifications(page):
    photos = next(
        api
        for api in contract("meta/Page.json")["apis"]
        if (api["method"], api.get("endpoint")) == ("POST", "photos")
    )
    assert {p["name"] for p in photos["params"]} >= PHOTO_PARAMETERS
    assert {field["name"] for field in contract("meta/Photo.json")["fields"]} >= PHOTO_FIELDS
    photo = page.photo(message="name", alt_text_custom="alt")
    page.attach(photo)
    assert set(page.show(photo, ",".join(PHOTO_FIELDS))) == PHOTO_FIELDS


def test_every_parameter_offered_is_taken_and_no_other(page):
    everything = {"message": "m", "alt_text_custom": "a", "published": "false", "fields": "id"}
    assert set(everything) | {"access_token", "appsecret_proof"} == PHOTO_PARAMETERS | COMMON_PARAMETERS
    assert page.upload(**everything).status_code == 200
    assert error_of(page.upload(alt_text="typo"))["code"] == 100


def test_photos_and_their_posts_outlive_a_restart(tmp_path):
    first = SandboxProcess(tmp_path)
    page = Page(first)
    shown, kept = page.photo(alt_text_custom="shown"), page.photo(alt_text_custom="kept")
    post_id = page.attach(shown).json()["id"]
    first.stop()
    second = SandboxProcess(tmp_path)
    page = Page(second)
    try:
        assert page.show(shown, "page_story_id,alt_text_custom") == {
            "id": shown,
            "page_story_id": post_id,
            "alt_text_custom": "shown",
        }
        assert error_of(page.attach(shown))["error_subcode"] == 1366051
        assert page.attach(kept, message="more").status_code == 200
    finally:
        second.stop()


class TestMediaStore:
    def test_pictures_are_kept_by_their_digest(self):
        store = MediaStore()
        digest = store.put(picture())
        assert digest == hashlib.sha256(picture()).hexdigest()
        assert store.get(digest) == picture()
        assert store.get("0" * 64) is None

    def test_the_oldest_go_first(self):
        store = MediaStore(most_bytes=10)
        digests = [store.put(bytes([n]) * 4) for n in range(3)]
        assert [store.get(d) is not None for d in digests] == [False, True, True]

    @pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "WEBP"])
    def test_types_are_told_by_their_first_bytes(self, kind):
        assert media_type(picture(kind)) == f"image/{kind.lower()}"
        assert dimensions(picture(kind)) == (40, 30)
        assert metadata(picture(kind)) == ()

    def test_metadata_is_noticed(self):
        assert metadata(located()) == ("exif", "gps")
        assert "comment" in metadata(picture(comment="by Jo"))
        assert metadata(b"no picture") == ()

    def answer(self, store, path):
        app = Starlette(routes=store.routes())
        sent = []

        async def receive():
            return {"type": "http.request"}

        async def send(message):
            sent.append(message)

        scope = {"type": "http", "method": "GET", "path": path, "query_string": b"", "headers": []}
        asyncio.run(app(scope, receive, send))
        return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]

    def test_pictures_are_shown_and_nothing_else_that_was_sent(self):
        store = MediaStore()
        digest, page = store.put(located()), store.put(b"<script>alert(1)</script>")
        status, headers, body = self.answer(store, f"/_sandbox/media/{digest}")
        assert (status, headers[b"content-type"], body) == (200, b"image/jpeg", located())
        assert headers[b"x-content-type-options"] == b"nosniff"
        assert self.answer(store, f"/_sandbox/media/{page}")[0] == 404
        assert self.answer(store, "/_sandbox/media/../x")[0] == 404
        listed = json.loads(self.answer(store, "/_sandbox/media")[2])
        assert [(row["sha256"], row["metadata"]) for row in listed] == [(digest, ["exif", "gps"]), (page, [])]

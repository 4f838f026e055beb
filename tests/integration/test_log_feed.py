"""The signed checkpoints for everybody, over HTTP: what a feed reader elsewhere keeps is what the log can be checked with."""

import asyncio
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest
from fastapi import FastAPI
from lxml import etree

from broadcaster.audit.anchors import AnchorFolder
from broadcaster.audit.notes import Signer, checkpoint
from broadcaster.audit.verifier.notes import notes_of
from broadcaster.web import log as pages
from tests.integration.test_web import ask, get

DATABASES = ("sqlite",)

ATOM = {"a": "http://www.w3.org/2005/Atom"}
AT = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)


@pytest.fixture
def folder(tmp_path):
    return AnchorFolder(tmp_path / "anchors")


@pytest.fixture
def signer():
    return Signer.new("wyre.example/<log>&co")


@pytest.fixture
def read(folder):
    """Without the rest of the installation: these pages need its folder alone."""
    app = FastAPI()
    app.include_router(pages.router)
    app.state.parts = SimpleNamespace(settings=SimpleNamespace(anchors=folder.folder))

    def read(path, have=""):
        async def asked(scope, receive, send):
            scope["headers"].append((b"if-none-match", have.encode()))
            await app(scope, receive, send)

        return asyncio.run(ask(asked, path))

    return read


def lay_down(folder, signer, number, start=1):
    notes = []
    for size in range(start, start + number):
        at = AT + timedelta(minutes=size)
        notes.append(checkpoint(signer, size=size, root=bytes(32), at=at, previous="x"))
        folder.add(notes[-1])
    return notes


def find(answer, path):
    return etree.fromstring(answer.body).xpath(path, namespaces=ATOM)


@pytest.mark.parametrize("path", ["/log/checkpoint", "/log/checkpoints.atom", "/log/key"])
def test_before_anything_was_laid_down_that_is_said(read, path):
    answer = read(path)
    assert answer.status == 404
    assert answer.headers["cache-control"] == "no-store"
    assert answer.body.decode().startswith("No checkpoint was laid down yet")


def test_the_newest_checkpoint_is_told_to_the_letter(read, folder, signer):
    *_, newest = lay_down(folder, signer, 3)
    answer = read("/log/checkpoint")
    assert (answer.status, answer.body.decode()) == (200, newest)
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    assert answer.headers["cache-control"] == "public, max-age=30"


def test_every_key_is_told_the_present_one_last(read, folder, signer):
    other = Signer.new("wyre.example/log")
    folder.add_key(signer.public)
    folder.add_key(other.public)
    assert read("/log/key").body.decode() == f"{signer.public}\n{other.public}\n"


def test_the_feed_has_the_last_fifty_the_newest_first(read, folder, signer):
    notes = lay_down(folder, signer, 60)
    answer = read("/log/checkpoints.atom")
    assert answer.headers["content-type"] == "application/atom+xml; charset=utf-8"
    assert [text.strip() + "\n" for text in find(answer, "//a:entry/a:content/text()")] == notes[:9:-1]
    assert find(answer, "//a:entry[1]/a:title/text()") == ["60 events"]


def test_the_feed_is_atom_and_its_ids_stay(read, folder, signer):
    """RFC 4287, 4.1.1 and 4.1.2: what a feed and each of its entries must have, once."""
    lay_down(folder, signer, 2)
    before = read("/log/checkpoints.atom")
    lay_down(folder, signer, 1, start=3)
    after = read("/log/checkpoints.atom")
    for path in ("/a:feed", "/a:feed/a:entry"):
        for element in find(after, path):
            for name in ("id", "title", "updated"):
                assert len(element.findall(f"a:{name}", ATOM)) == 1
            assert datetime.fromisoformat(element.findtext("a:updated", namespaces=ATOM)).tzinfo
            assert urlsplit(element.findtext("a:id", namespaces=ATOM)).scheme == "ni"
    assert find(after, "/a:feed/a:author/a:name/text()") == [signer.name]
    assert find(after, "/a:feed/a:link/@rel") == ["self"]
    assert find(after, "/a:feed/a:id/text()") == find(before, "/a:feed/a:id/text()")
    ids = find(after, "//a:entry/a:id/text()")
    assert ids[1:] == find(before, "//a:entry/a:id/text()")
    assert len(set(ids)) == 3
    assert set(find(after, "//a:content/@type")) == {"text/plain"}


def test_a_saved_feed_is_what_the_log_can_be_checked_with(read, folder, tmp_path):
    notes = lay_down(folder, Signer.new("wyre.example/log"), 3)
    (tmp_path / "feed").write_bytes(read("/log/checkpoints.atom").body)
    assert notes_of(str(tmp_path / "feed")) == notes[::-1]


def test_who_has_the_newest_already_is_told_no_more(read, folder, signer):
    lay_down(folder, signer, 1)
    for path in ("/log/checkpoint", "/log/checkpoints.atom"):
        tag = read(path).headers["etag"]
        again = read(path, have=f'W/"other", {tag}')
        assert (again.status, again.body) == (304, b"")
    lay_down(folder, signer, 1, start=2)
    assert read("/log/checkpoint", have=tag).status == 200


def test_a_damaged_note_keeps_nobody_from_the_others(read, folder, signer):
    folder.add("odd\x01name\n5\nAAAA\ntime x\n\n\u2014 odd AAAA\n")
    folder.add("no time\n6\nAAAA\n\n\u2014 odd AAAA\n")
    lay_down(folder, signer, 1, start=7)
    assert find(read("/log/checkpoints.atom"), "//a:entry/a:title/text()") == ["7 events"]


def test_the_web_process_tells_what_the_sealer_has_laid_down(world):
    world.release()
    world.parts.seal.seal()
    world.parts.anchor.lay_down()
    note = world.parts.audit._anchors.latest(1)[0]
    assert get(world, "/log/checkpoint").body.decode() == note
    assert get(world, "/log/key").body.decode().split() == world.parts.audit._anchors.keys()

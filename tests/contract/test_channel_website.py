"""The website channel, with real files: what readers get, twice the same key, several writers, a disk that fails."""

import errno
import json
import logging
import resource
import threading
from dataclasses import replace
from functools import partial

import pytest
from lxml import etree

from broadcaster.domain.errors import Invalid, NotSent, Refused
from channels.base import AfterUnknown, Channel, HasPages, Refreshes
from channels.website import Website
from channels.website_store import SiteStore
from tests.contract.channel_suite import all_that_is_said, subclasses
from tests.contract.website_site import (
    ATOM,
    BASE_URL,
    Reader,
    account,
    atom_schema,
    files,
    page,
    picture,
    post,
)


def test_it_is_a_channel_with_pages(website):
    assert isinstance(website, Channel)
    assert isinstance(website, HasPages)
    assert isinstance(website, Refreshes)
    assert website.after_unknown is AfterUnknown.IDEMPOTENT
    assert website.target == BASE_URL


def test_the_address_known_beforehand_is_the_one_published(website):
    receipt = website.send(post(), "key-1")
    assert receipt.link == website.page_address("7F3K2M") == f"{BASE_URL}/alerts/7f3k2m/"
    assert receipt.platform_id == "7F3K2M"


def test_the_page_says_the_text_exactly_and_what_it_is_about(website, site):
    website.send(post(), "key-1")
    reader = Reader(page(site))
    assert reader.all("h1")[0].startswith("Flood <now>")
    assert {"River <rising> & fast.\nMove up.", "Stay there."} <= {text.strip() for text in reader.all("p")}
    assert {"Severe", "St Michael's", "Duty officer, Wyre Council", "7F3K2M"} <= {
        text.strip() for text in reader.all("dd")
    }
    times = [attributes["datetime"] for tag, attributes in reader.elements if tag == "time"]
    assert times == ["2026-11-21T23:00:00+01:00", "2026-11-21T18:00:00+00:00"]
    assert "23:00 on Saturday 21 November 2026" in page(site)
    assert "19:00 on Saturday 21 November 2026" in page(
        site
    )  # published, in the offset of the message's own times


def test_the_page_has_a_language_and_nothing_that_runs_or_loads(website, site):
    website.send(post(language="cy"), "key-1")
    elements = Reader(page(site)).elements
    assert ("html", {"lang": "cy"}) in elements
    assert not {tag for tag, _ in elements} & {"script", "img", "iframe", "form", "object"}
    loaded = [a for tag, a in elements if tag == "link" and a["rel"] not in {"alternate", "canonical"}]
    assert loaded == []


def test_two_languages_of_one_message_share_its_page(website, site):
    website.send(post(), "key-en")
    website.send(post(language="cy", text="Symudwch i fyny.", title="Llifogydd"), "key-cy")
    assert "Flood &lt;now&gt;" in page(site)
    assert '<article lang="cy">' in page(site)
    assert len(json.loads((site / "alerts.json").read_text())["alerts"]) == 1


def test_sending_twice_with_the_same_key_changes_nothing(website, site, clock):
    first = website.send(post(), "key-1")
    before = files(site)
    clock.passes(minutes=5)
    assert website.send(post(), "key-1") == first
    assert files(site) == before


def test_another_key_for_the_same_message_is_shown_as_an_update(website, site, clock):
    website.send(post(), "key-1")
    clock.passes(minutes=5)
    website.send(post(text="Corrected."), "key-2")
    alert = json.loads((site / "alerts.json").read_text())["alerts"][0]
    assert (alert["published"], alert["updated"]) == (
        "2026-11-21T18:00:00+00:00",
        "2026-11-21T18:05:00+00:00",
    )
    assert "Corrected." in page(site)
    assert "Updated" in page(site)


def test_the_list_has_what_is_in_force_first_and_the_newest_on_top(website, site, clock):
    website.send(post("OLDBUT", expires="2026-11-22T23:00:00+00:00"), "k1")
    clock.passes(minutes=1)
    website.send(post("ENDED1", expires="2026-11-21T18:02:00+00:00"), "k2")
    clock.passes(minutes=2)
    website.send(post("NEWEST", expires=""), "k3")
    listing = (site / "index.html").read_text()
    order = sorted(("OLDBUT", "ENDED1", "NEWEST"), key=listing.index)
    assert order == ["NEWEST", "OLDBUT", "ENDED1"]


def test_refresh_moves_what_has_expired(website, site, clock):
    website.send(post(), "k1")
    assert "No longer in force" not in (site / "index.html").read_text()
    clock.passes(hours=6)
    website.refresh()
    assert "No longer in force" in (site / "index.html").read_text()


def test_refresh_of_a_new_site_gives_an_empty_list(website, site):
    website.refresh()
    assert "There are no alerts." in (site / "index.html").read_text()
    assert json.loads((site / "alerts.json").read_text())["alerts"] == []


def test_the_feed_has_stable_ids_and_exact_text(website, site, clock):
    website.send(post(), "k1")
    first = etree.parse(site / "atom.xml").findtext("a:entry/a:id", namespaces=ATOM)
    clock.passes(minutes=1)
    website.send(post("SECOND", text="Other."), "k2")
    feed = etree.parse(site / "atom.xml")
    assert feed.findtext("a:updated", namespaces=ATOM) == "2026-11-21T18:01:00+00:00"
    ids = [element.text for element in feed.iterfind("a:entry/a:id", ATOM)]
    assert first.startswith("urn:uuid:")
    assert ids[1] == first != ids[0]
    assert feed.findall("a:entry/a:content", ATOM)[1].text == post().text


def test_the_feed_is_valid_by_the_published_schema(website, site, tmp_path):
    website.send(post(), "k1")
    website.send(post("SECOND", language="cy"), "k2")
    atom_schema(tmp_path).assertValid(etree.parse(site / "atom.xml"))


def test_an_exercise_says_so_on_every_page_and_feed(site, clock):
    Website(account(site, mode="exercise"), now=clock).send(post(), "k1")
    assert "This is not a real warning" in page(site)
    assert "This is not a real warning" in (site / "index.html").read_text()
    assert "EXERCISE" in (site / "atom.xml").read_text()
    assert json.loads((site / "alerts.json").read_text())["exercise"] is True


def test_the_web_server_can_read_the_pages_and_only_we_the_documents(website, site):
    website.send(post(), "k1")
    public = ["index.html", "alerts.json", "atom.xml", "banner.js", "alerts/7f3k2m/index.html"]
    assert {oct((site / name).stat().st_mode & 0o777) for name in public} == {"0o644"}
    assert oct((site / ".alerts").stat().st_mode & 0o777) == "0o700"


def test_many_writers_at_once_lose_nothing(site, clock):
    def work(number):
        Website(account(site), now=clock).send(post(f"REF{number:03}"), f"key-{number}")

    threads = [threading.Thread(target=work, args=(n,)) for n in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    alerts = json.loads((site / "alerts.json").read_text())["alerts"]
    assert {alert["reference"] for alert in alerts} == {f"REF{n:03}" for n in range(12)}
    assert len(etree.parse(site / "atom.xml").findall("a:entry", ATOM)) == 12


def test_a_write_that_fails_half_way_leaves_the_site_as_it_was(website, site):
    """A real failing write: the process may not write files of more than 100 bytes."""
    website.send(post(), "k1")
    before = files(site)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        with pytest.raises(NotSent) as caught:
            website.send(post("SECOND"), "k2")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert caught.value.code == "disk_error"
    assert "EFBIG" in caught.value.detail
    assert files(site) == before
    website.send(post("SECOND"), "k2")
    assert len(json.loads((site / "alerts.json").read_text())["alerts"]) == 2


def test_files_are_put_all_or_none(tmp_path):
    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match="file"):
        SiteStore(tmp_path).put({tmp_path / "file": b"new", tmp_path / "file" / "below": b"no folder"})
    assert files(tmp_path) == {"file": b"old"}


class FullStore(SiteStore):
    def __init__(self, site, number):
        super().__init__(site)
        self._number = number

    def put(self, files):
        raise OSError(self._number, "said by the system")


@pytest.mark.parametrize(
    ("number", "code", "word"),
    [
        (errno.ENOSPC, "disk_full", "Free some space"),
        (errno.EDQUOT, "disk_full", "Free some space"),
        (errno.EACCES, "not_writable", "rights"),
        (errno.EROFS, "not_writable", "rights"),
        (errno.EIO, "disk_error", "could not be written"),
    ],
)
def test_a_disk_that_fails_is_surely_not_sent_and_says_what_to_do(site, number, code, word):
    website = Website(account(site), store=FullStore(site, number))
    with pytest.raises(NotSent) as caught:
        website.send(post(), "k1")
    assert caught.value.code == code
    assert word in caught.value.operator_text
    assert caught.value.__cause__.errno == number


class FailingStore(SiteStore):
    """Fails at one step, as the system would."""

    def __init__(self, site, step, error):
        super().__init__(site)
        self._step, self._error = step, error

    def _at(self, step):
        if step == self._step:
            raise self._error

    def locked(self):
        self._at("locked")
        return super().locked()

    def documents(self):
        self._at("documents")
        return super().documents()

    def put(self, files):
        self._at("put")
        super().put(files)


FILE_ERRORS = [
    *(OSError(number, "said") for number in sorted(errno.errorcode)),
    *(cls("said") for cls in subclasses(OSError) if cls.__module__ == "builtins"),
]


@pytest.mark.parametrize("step", ["locked", "documents", "put"])
def test_every_error_of_the_file_system_at_every_step_is_surely_not_sent(site, step):
    for error in FILE_ERRORS:
        website = Website(account(site), store=FailingStore(site, step, error))
        for work in (partial(website.send, post(), "k1"), website.refresh):
            with pytest.raises(NotSent) as caught:
                work()
            assert caught.value.code in {"disk_full", "not_writable", "disk_error"}
            assert "the site stays as it was" in caught.value.operator_text


def in_the_way(site, name):
    (site / name).parent.mkdir(parents=True, exist_ok=True)
    (site / name).write_text("in the way")


def a_folder(site, name):
    (site / name).mkdir(parents=True)


def a_circle(site, name):
    site.mkdir()
    (site / name).symlink_to(site / name)


BROKEN_SITES = {
    "the site is a file": lambda site: site.write_text("in the way"),
    "the documents are a file": lambda site: in_the_way(site, ".alerts"),
    "the lock is a folder": lambda site: a_folder(site, ".lock"),
    "the lock leads to itself": lambda site: a_circle(site, ".lock"),
    "the list is a folder": lambda site: a_folder(site, "index.html"),
    "the pages are a file": lambda site: in_the_way(site, "alerts"),
    "the pictures are a file": lambda site: in_the_way(site, "media"),
    "a document is cut off": lambda site: in_the_way(site, ".alerts/A.json"),
}
CANARIES = {
    "text": "canary text of the warning",
    "title": "canary headline",
    "area": "canary area of the warning",
    "alt": "canary words of the picture",
}


@pytest.mark.parametrize("broken", BROKEN_SITES)
def test_a_site_that_is_broken_tells_what_is_wrong_and_nothing_of_the_message(site, clock, caplog, broken):
    caplog.set_level(logging.DEBUG)
    BROKEN_SITES[broken](site)
    said = {name: CANARIES[name] for name in ("text", "title", "area")}
    website = Website(account(site), now=clock)
    with pytest.raises(NotSent) as caught:
        website.send(post(images=[picture(alt=CANARIES["alt"])], **said), "k1")
    told = [
        all_that_is_said(caught.value),
        repr(website),
        *(record.getMessage() for record in caplog.records),
    ]
    assert not [canary for canary in CANARIES.values() if canary in "\n".join(told)]
    assert caught.value.detail


def test_a_picture_that_is_refused_tells_nothing_of_the_message(website):
    approved = picture(alt=CANARIES["alt"])
    lost = replace(approved, content=b"")
    with pytest.raises(Refused) as caught:
        website.send(post(images=[lost], text=CANARIES["text"]), "k1")
    assert not [canary for canary in CANARIES.values() if canary in all_that_is_said(caught.value)]


@pytest.mark.parametrize("damage", [b"", b'{"reference": "7F3', b"\xff\xfe canary text of the warning"])
def test_a_damaged_document_stops_sending_says_where_it_lies_and_changes_nothing(website, site, damage):
    website.send(post(), "k1")
    (site / ".alerts" / "7F3K2M.json").write_bytes(damage)
    before = files(site)
    for work in (lambda: website.send(post("SECOND"), "k2"), website.refresh):
        with pytest.raises(NotSent) as caught:
            work()
        assert caught.value.code == "memory_damaged"
        assert ".alerts" in caught.value.operator_text
        assert "canary" not in all_that_is_said(caught.value)
    assert files(site) == before


@pytest.mark.parametrize("reference", ["", "../../etc", "a/b", ".lock", "x" * 33])
def test_a_reference_that_is_no_folder_name_is_a_problem_and_refused(website, site, reference):
    assert [p.code for p in website.check(post(reference))] == ["no_reference"]
    with pytest.raises(Refused):
        website.send(post(reference), "k1")
    assert not site.exists()


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"title": " "}, "no_title"),
        ({"text": "\n"}, "empty"),
        ({"text": "a\x0bb"}, "control_character"),
        ({"area": "a\x00"}, "control_character"),
        ({"text": "half \ud83d"}, "control_character"),
        ({"link": "javascript:alert(1)"}, "bad_link"),
    ],
)
def test_check_says_what_stands_against_a_page(website, changes, code):
    assert [problem.code for problem in website.check(post(**changes))] == [code]


def test_a_good_post_has_no_problems(website):
    assert website.check(post()) == []
    assert website.check(post(text="Tab\there")) == []


@pytest.mark.parametrize("name", ["site_dir", "base_url", "site_name"])
def test_a_missing_option_is_told(site, name):
    with pytest.raises(Invalid, match=name):
        Website(account(site, **{name: ""}))

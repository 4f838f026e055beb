"""Pictures on the website: their files, the page, previews and feeds, and which are not shown."""

import json

import pytest
from lxml import etree

from broadcaster.domain.errors import NotSent, Refused
from broadcaster.domain.post import Post
from channels.base import ShowsImages
from channels.website import Website
from channels.website_store import SiteStore
from tests.contract.website_site import (
    ATOM,
    BASE_URL,
    account,
    atom_schema,
    feed_alerts,
    files,
    meta,
    page,
    parsed,
    picture,
    post,
)

RIVER = picture()
SHELTER = picture(b"another", alt='Way to "the hall" <&>', media_type="image/png", width=900, height=1600)
RIVER_FILE, SHELTER_FILE = f"media/{RIVER.sha256}.jpg", f"media/{SHELTER.sha256}.png"
PREVIEW = ("og:image", "og:image:type", "og:image:width", "og:image:height", "og:image:alt", "twitter:card")


def test_the_website_says_which_pictures_it_takes(website):
    assert isinstance(website, ShowsImages)
    assert website.image_rules.media_types == ("image/jpeg", "image/png")


def test_pictures_lie_beside_the_pages_under_their_digest_for_the_web_server_to_read(website, site):
    website.send(post(images=[RIVER, SHELTER]), "k1")
    assert (site / RIVER_FILE).read_bytes() == b"a picture"
    assert (site / SHELTER_FILE).read_bytes() == b"another"
    assert oct((site / RIVER_FILE).stat().st_mode & 0o777) == "0o644"


def test_the_page_shows_each_with_its_text_and_its_room(website, site):
    website.send(post(images=[RIVER, SHELTER]), "k1")
    shown = [dict(image.attrib) for image in parsed(site).iterfind(".//figure/img")]
    assert shown == [
        {
            "src": f"../../{RIVER_FILE}",
            "alt": "The River Wyre over its bank",
            "width": "1200",
            "height": "800",
            "loading": "eager",
        },
        {
            "src": f"../../{SHELTER_FILE}",
            "alt": 'Way to "the hall" <&>',
            "width": "900",
            "height": "1600",
            "loading": "lazy",
        },
    ]
    assert all((site / "alerts" / "7f3k2m" / image["src"]).is_file() for image in shown)


def test_each_language_shows_its_own_words_for_the_picture(website, site):
    website.send(post(images=[RIVER]), "k1")
    website.send(post(language="cy", images=[picture(alt="Afon Gwyr")]), "k2")
    alts = [image.get("alt") for image in parsed(site).iterfind(".//article/figure/img")]
    assert alts == ["The River Wyre over its bank", "Afon Gwyr"]


def test_link_previews_get_the_first_picture_with_its_full_address(website, site):
    website.send(post(images=[SHELTER, RIVER]), "k1")
    said = meta(parsed(site))
    assert {name: said.get(name) for name in PREVIEW} == {
        "og:image": f"{BASE_URL}/{SHELTER_FILE}",
        "og:image:type": "image/png",
        "og:image:width": "900",
        "og:image:height": "1600",
        "og:image:alt": 'Way to "the hall" <&>',
        "twitter:card": "summary_large_image",
    }


def test_previews_of_what_has_ended_show_no_picture_and_its_page_still_does(website, site, clock):
    website.send(post(images=[RIVER]), "k1")
    clock.passes(hours=4)
    website.refresh()
    said = meta(parsed(site))
    assert {name: said.get(name) for name in PREVIEW} == dict.fromkeys(PREVIEW) | {"twitter:card": "summary"}
    assert len(parsed(site).findall(".//figure/img")) == 1


def test_a_page_without_pictures_has_no_trace_of_one(website, site):
    website.send(post(), "k1")
    assert "<img" not in page(site)
    assert "og:image" not in page(site)
    assert meta(parsed(site))["twitter:card"] == "summary"
    assert not (site / "media").exists()
    assert feed_alerts(site)[0]["posts"][0]["images"] == []


def test_the_json_describes_each_picture(website, site):
    website.send(post(images=[RIVER]), "k1")
    assert feed_alerts(site)[0]["posts"][0]["images"] == [
        {
            "url": f"{BASE_URL}/{RIVER_FILE}",
            "media_type": "image/jpeg",
            "width": 1200,
            "height": 800,
            "size": 9,
            "alt": "The River Wyre over its bank",
        }
    ]


def test_the_atom_feed_encloses_each_picture_and_is_valid_by_the_published_schema(website, site, tmp_path):
    website.send(post(images=[RIVER, SHELTER]), "k1")
    links = etree.parse(site / "atom.xml").findall("a:entry/a:link[@rel='enclosure']", ATOM)
    assert [dict(link.attrib) for link in links] == [
        {
            "rel": "enclosure",
            "href": f"{BASE_URL}/{image_file}",
            "type": image.media_type,
            "length": str(len(image.content)),
            "title": image.alt,
        }
        for image, image_file in ((RIVER, RIVER_FILE), (SHELTER, SHELTER_FILE))
    ]
    atom_schema(tmp_path).assertValid(etree.parse(site / "atom.xml"))


def test_a_page_published_before_there_were_pictures_is_brought_up_to_date(website, site, clock):
    website.send(post(), "k1")
    kept = site / ".alerts" / "7F3K2M.json"
    document = json.loads(kept.read_text())
    del document["posts"]["en"]["images"]
    kept.write_text(json.dumps(document))
    clock.passes(hours=4)
    website.refresh()
    assert "This message ended at" in page(site)
    assert feed_alerts(site)[0]["posts"][0]["images"] == []


class NotedStore(SiteStore):
    """Says in which order files come to stand."""

    def __init__(self, site):
        super().__init__(site)
        self.order = []

    def put(self, files):
        self.order += [path.name for path in files]
        super().put(files)


def test_the_picture_stands_before_the_page_that_shows_it(site, clock):
    store = NotedStore(site)
    Website(account(site), store=store, now=clock).send(post(images=[RIVER]), "k1")
    assert store.order[:2] == [f"{RIVER.sha256}.jpg", "index.html"]


def test_a_picture_that_cannot_be_written_leaves_the_site_as_it_was(website, site):
    website.send(post(), "k1")
    (site / "media").write_text("in the way")
    before = files(site)
    with pytest.raises(NotSent):
        website.send(post("SECOND", images=[RIVER]), "k2")
    assert files(site) == before


def test_sending_again_with_the_same_key_brings_a_lost_picture_back_and_changes_nothing_else(
    website, site, clock
):
    website.send(post(images=[RIVER]), "k1")
    before = files(site)
    (site / RIVER_FILE).unlink()
    clock.passes(minutes=5)
    website.send(post(images=[RIVER]), "k1")
    assert files(site) == before


def test_a_picture_that_is_shown_no_more_stays_where_others_link_to_it(website, site):
    website.send(post(images=[RIVER]), "k1")
    website.send(post(images=[SHELTER]), "k2")
    assert [image.get("src") for image in parsed(site).iter("img")] == [f"../../{SHELTER_FILE}"]
    assert (site / RIVER_FILE).is_file()


@pytest.mark.parametrize("content", [b"", b"a picturE"], ids=["lost", "another"])
def test_a_picture_other_than_the_approved_one_is_refused_and_nothing_written(website, site, content):
    approved = post(images=[RIVER])
    changed = Post.from_bytes(approved.to_bytes()).with_content({RIVER.sha256: content})
    with pytest.raises(Refused) as caught:
        website.send(changed, "k1")
    assert caught.value.code == "image_not_approved"
    assert files(site) == {} or set(files(site)) == {".lock"}


@pytest.mark.parametrize(
    ("image", "code", "cure"),
    [
        (picture(alt="a\x00"), "control_character", "Write the text anew"),
        (picture(media_type="image/gif"), "image_type", "Save it as JPEG or PNG"),
        (picture(width=1601), "image_size", "Save it in another size"),
        (picture(height=1601), "image_size", "Save it in another size"),
        (picture(width=0), "image_size", "Save it in another size"),
        (picture(size=500_001), "image_size", "500,001 bytes"),
    ],
)
def test_a_picture_that_cannot_be_shown_is_a_problem_with_its_cure_and_refused(
    website, site, image, code, cure
):
    [problem] = website.check(post(images=[image]))
    assert problem.code == code
    assert cure in problem.text
    with pytest.raises(Refused):
        website.send(post(images=[image]), "k1")
    assert not site.exists()


@pytest.mark.parametrize("alt", ["", " \n", "x" * 1001])
def test_what_is_said_of_the_whole_message_is_not_said_again(website, alt):
    assert website.check(post(images=[picture(alt=alt)])) == []


def test_the_problem_says_which_picture_it_is(website):
    [problem] = website.check(post(images=[RIVER, picture(width=0)]))
    assert problem.text.startswith("Picture 2 ")


def test_ten_pictures_are_shown_and_eleven_are_a_problem(website):
    images = [picture(bytes([number])) for number in range(11)]
    assert website.check(post(images=images[:10])) == []
    [problem] = website.check(post(images=images))
    assert (problem.code, "Take 1 away" in problem.text) == ("too_many_images", True)

"""A page that a follow-up takes over: what it says now, what it said before, and what is gone from it for good."""

import pytest

from tests.contract.website_site import feed_alerts, page, picture, post

PHOTO = picture()
PHOTO_FILE = f"media/{PHOTO.sha256}.jpg"


def follow(purpose, text="Drink it.", **more):
    return post(reference="4DX9QA", page="7F3K2M", purpose=purpose, title="Water is fine", text=text, **more)


def test_a_correction_stands_on_the_first_ones_page_with_what_it_said_before(website, site, clock):
    website.send(post(title="Boil it", text="Boil your water."), "k1")
    clock.passes(minutes=10)
    receipt = website.send(follow("correction"), "k2")
    assert receipt.link.endswith("/alerts/7f3k2m/")
    shown = page(site)
    assert "Corrected at" in shown
    assert "What this page said before" in shown
    assert "<s>Boil your water.</s>" in shown
    assert shown.index("Drink it.") < shown.index("Boil your water.")
    assert not (site / "alerts" / "4dx9qa").exists()
    (entry,) = feed_alerts(site)
    assert entry["posts"][0]["title"] == "Water is fine"


def test_the_same_twice_is_once_and_the_older_one_does_not_come_back(website, site, clock):
    website.send(post(), "k1")
    clock.passes(minutes=10)
    website.send(follow("update"), "k2")
    once = page(site)
    clock.passes(minutes=10)
    website.send(follow("update"), "k2")
    website.send(post(), "k1")
    assert page(site) == once


@pytest.mark.parametrize("purpose", ["sent-in-error", "found"])
def test_what_came_down_is_nowhere_on_the_site_any_more(website, site, clock, purpose):
    website.send(post(title="Sam Sample is missing", text="Sam has a red coat.", images=[PHOTO]), "k1")
    website.send(follow("update", text="Sam was seen.", images=[PHOTO]), "k2")
    assert (site / PHOTO_FILE).exists()
    clock.passes(minutes=10)
    website.send(follow(purpose, text="Found."), "k3")
    assert "Taken down at" in page(site)
    assert not (site / PHOTO_FILE).exists()
    everything = b"".join(p.read_bytes() for p in site.rglob("*") if p.is_file())
    assert b"Sam" not in everything


def test_a_picture_that_another_page_shows_stays(website, site, clock):
    website.send(post(images=[PHOTO]), "k1")
    website.send(post(reference="9PQRST", images=[PHOTO]), "k2")
    website.send(follow("found", text="Found."), "k3")
    assert (site / PHOTO_FILE).exists()

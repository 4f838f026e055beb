"""A page that a follow-up takes over: what it says now, what it said before, and what is gone from it for good."""

import pytest

from channels.website import Website
from tests.contract.website_site import account, feed_alerts, page, picture, post

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


def everything(site):
    return b"".join(p.read_bytes() for p in site.rglob("*") if p.is_file())


def test_words_and_pictures_are_taken_out_of_what_a_page_says_and_said_before(site, clock, tmp_path):
    website = Website(account(site, cap_key=str(tmp_path / "cap.pem")), now=clock)
    named = {"title": "Ask Sam Sample", "text": "Sam Sample has the key.", "images": [PHOTO]}
    website.send(post(**named, area="Sam Sample's farm"), "k1")
    website.send(follow("update", text="The hall is open."), "k2")
    website.send(post(reference="9PQRST", **named), "k3")
    gone = {
        "k1": post(title="Ask [redacted]", text="[redacted] has the key.", area="[redacted]'s farm"),
        "k3": post(reference="9PQRST", title="Ask [redacted]", text="[redacted] has the key."),
    }
    clock.passes(days=1)
    before = feed_alerts(site)
    assert website.take_out(gone, [PHOTO.sha256]) == 2
    assert b"Sam" not in everything(site)
    assert not (site / PHOTO_FILE).exists()
    assert "<s>[redacted] has the key.</s>" in page(site)
    assert [each["updated"] for each in feed_alerts(site)] == [each["updated"] for each in before]
    alert = (site / "alerts" / "9pqrst.cap.xml").read_bytes()
    assert b"Ask [redacted]" in alert
    assert b"<Signature" in alert or b":Signature" in alert
    once = everything(site)
    assert website.take_out(gone, [PHOTO.sha256]) == 0
    website.refresh()
    assert everything(site) == once, "no alert of its own"


def test_what_came_down_does_not_come_back_by_a_redaction(website, site):
    website.send(post(title="Sam Sample is missing", text="Sam has a red coat."), "k1")
    website.send(follow("found", text="Found."), "k2")
    assert (
        website.take_out({"k1": post(title="[redacted] is missing", text="[redacted] has a red coat.")}, [])
        == 0
    )
    assert b"red coat" not in everything(site)

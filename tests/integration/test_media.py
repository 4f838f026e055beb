"""A message's pictures from the file to the post: checked, stripped, made to size, and described for who cannot see."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from io import BytesIO

import pytest
from PIL import Image

from broadcaster.db import messages
from broadcaster.db.tables import media, message_version, rendition
from broadcaster.db.tables import post as post_table
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.errors import Invalid, NotAllowed, Stale
from broadcaster.domain.media import ImageRules
from broadcaster.domain.post import Post
from broadcaster.service.media import Attached, images_of, rules_digest
from tests.a_notice import a_template
from tests.builders import VALUES
from tests.integration.pictures import ALT, SECRET, picture

DATABASES = ("sqlite",)

PAGE = ImageRules(most=10, max_bytes=500_000, max_side=300)
FEED = ImageRules(most=2, max_bytes=6_000, max_side=200, media_types=("image/jpeg",), max_alt_chars=100)


@pytest.fixture
def world(world):
    world.page.image_rules = PAGE
    world.feed.image_rules = FEED
    assert world.officer
    assert world.approver
    return world


def draft(world, *images: Attached, channels=("website", "facebook", "x"), **values: str):
    return world.parts.compose.draft(
        world.officer,
        template=a_template(),
        values={**VALUES, **values},
        channels=channels,
        images=images,
    )


def edit(world, ref: str, *, channels=("website", "facebook", "x"), parts=None, **given):
    return (parts or world.parts).compose.edit(
        world.officer, ref, template=a_template(), values=VALUES, channels=channels, **given
    )


def shown(world, ref: str, rules: ImageRules):
    with world.database.read() as tx:
        return images_of(tx, messages.current_version(tx, messages.find(tx, ref)), rules)


def test_each_channel_that_shows_pictures_gets_each_made_to_its_rules(world):
    proof = draft(world, picture("red"), picture("blue", alt="The A585 is closed at Skippool."))
    assert proof.problems == ()
    stored = {row.sha256: row for row in world.rows(media)}
    for rules, kind in [(PAGE, "image/png"), (FEED, "image/jpeg")]:
        first, second = shown(world, proof.ref, rules)
        assert (first.alt, second.alt) == (ALT, "The A585 is closed at Skippool.")
        for image in (first, second):
            row = stored[image.sha256]
            assert hashlib.sha256(row.content).hexdigest() == image.sha256
            assert (image.media_type, image.width, image.height) == (
                kind,
                rules.max_side,
                rules.max_side // 2,
            )
            assert image.size == len(row.content) <= rules.max_bytes
            assert Image.open(BytesIO(row.content)).size == (image.width, image.height)
    assert len({image.sha256 for rules in (PAGE, FEED) for image in shown(world, proof.ref, rules)}) == 4


def test_the_posts_of_the_channels_that_show_pictures_carry_them_into_what_is_approved(world):
    proof = draft(world, picture())
    submitted = world.parts.compose.submit(world.officer, proof.ref)
    stored = {p.channel: Post.from_bytes(p.content) for p in world.rows(post_table)}
    assert stored["facebook"].images == shown(world, proof.ref, PAGE)
    assert stored["x"].images == shown(world, proof.ref, FEED)
    assert stored["website"].images == ()
    released = world.approve(submitted)
    world.work_public()
    assert world.state_of(released, "facebook") == world.state_of(released, "x") == "accepted"
    for platform in (world.page, world.feed):
        (taken,) = platform.ledger
        (image,) = taken.post.images
        assert hashlib.sha256(image.content).hexdigest() == image.sha256


def test_nothing_that_the_file_said_beside_the_picture_is_stored(world):
    given = picture(name="pier.png")
    assert SECRET in given.content
    draft(world, given)
    assert world.size(media) == 3
    for row in world.rows(media):
        assert SECRET not in row.content
    assert given.content not in [row.content for row in world.rows(media)]


def test_the_same_picture_is_stored_once_whoever_attaches_it_and_under_whatever_name(world):
    draft(world, picture(name="a.png"), picture(name="b.png"))
    before = world.size(media), world.size(rendition)
    draft(world, picture(name="c.png"))
    assert (world.size(media), world.size(rendition)) == before == (3, 2)


def test_officers_who_attach_the_same_pictures_at_once_do_not_lock_each_other_out(world):
    processes = [world.parts, *(world.beside() for _ in range(3))]
    images = [picture(colour) for colour in ("red", "green", "blue", "black")]

    def write(no):
        ordered = images[no:] + images[:no]
        return processes[no].compose.draft(
            world.officer,
            template=a_template(),
            values=VALUES,
            channels=("website", "facebook", "x"),
            images=ordered,
        )

    with ThreadPoolExecutor(4) as pool:
        proofs = list(pool.map(write, range(4)))
    assert len({proof.ref for proof in proofs}) == 4
    assert (world.size(media), world.size(rendition)) == (12, 8)


def test_a_picture_that_cannot_be_used_is_refused_and_nothing_is_kept(world):
    bad = Attached(name="flood.jpg", content=b"<svg>")
    cut = Attached(name="cut.png", content=picture().content[:-60])
    with world.refused(Invalid, "pictures cannot be used") as caught:
        draft(world, picture(), bad, cut)
    first, second = caught.value.details
    assert first.startswith("flood.jpg is a text such as SVG")
    assert second.startswith("cut.png is damaged or cut short")
    with world.refused(Invalid, "11 pictures were given; 10 are the most"):
        draft(world, *[picture()] * 11)
    with world.refused(Invalid, "cannot be filled in"):
        draft(world, picture(), headline="")
    ref = draft(world, picture()).ref
    with world.refused(Invalid, "pictures cannot be used"):
        edit(world, ref, images=[bad])


def test_only_an_officer_has_pictures_read(world):
    with world.refused(NotAllowed, "Only an officer may write"):
        world.parts.compose.draft(
            world.approver,
            template=a_template(),
            values=VALUES,
            images=[Attached(name="x", content=b"not even a picture")],
        )


def test_an_edit_keeps_the_pictures_replaces_them_or_takes_them_out(world):
    ref = draft(world, picture(), picture("blue")).ref
    kept = world.parts.compose.images(ref)
    edit(world, ref)
    assert world.parts.compose.images(ref) == kept
    assert [image.name for image in kept] == ["red.png", "blue.png"]
    edit(world, ref, images=[picture("green")])
    assert [image.name for image in world.parts.compose.images(ref)] == ["green.png"]
    edit(world, ref, images=[])
    assert world.parts.compose.images(ref) == ()
    assert [len(json.loads(v.images)) for v in world.rows(message_version)] == [2, 2, 1, 0]


def test_a_channel_that_is_chosen_later_gets_its_pictures_from_what_was_kept(world):
    ref = draft(world, picture(), channels=("website", "facebook")).ref
    assert world.size(rendition) == 1
    with pytest.raises(Invalid, match=r"when red\.png was attached.*attach the pictures again"):
        shown(world, ref, FEED)
    proof = edit(world, ref)
    assert proof.problems == ()
    (image,) = shown(world, ref, FEED)
    assert (image.media_type, image.width) == ("image/jpeg", FEED.max_side)


def test_what_was_kept_and_is_gone_or_changed_must_be_attached_again(world):
    ref = draft(world, picture(), channels=("website",)).ref
    world.change(media, {"content": b"another"}, sha256=world.parts.compose.images(ref)[0].sha256)
    with world.refused(Invalid, r"kept of red\.png is gone, or is not what it was\. Attach"):
        edit(world, ref)
    assert edit(world, ref, images=[picture("blue")]).problems == ()


def test_rules_that_ask_for_other_bytes_have_another_digest(subtests):
    same = replace(PAGE, most=1, max_alt_chars=5)
    assert rules_digest(same) == rules_digest(PAGE)
    for other in [
        replace(PAGE, max_bytes=1),
        replace(PAGE, max_side=1),
        replace(PAGE, media_types=("image/png", "image/jpeg")),
    ]:
        with subtests.test(str(other)):
            assert rules_digest(other) != rules_digest(PAGE)


def test_more_pictures_than_a_channel_shows_are_left_out_there_and_told(world):
    proof = draft(world, *(picture(colour) for colour in ("red", "green", "blue")))
    assert [image.alt for image in shown(world, proof.ref, FEED)] == [ALT, ALT]
    assert len(shown(world, proof.ref, PAGE)) == 3
    (found,) = [f for f in proof.findings if f.code == "images_left_out"]
    assert (found.level, found.where) == (Level.WARNING, "X")
    assert found.text.startswith("shows 2 of the 3 pictures and leaves out image 3 (blue.png).")
    assert world.parts.compose.submit(world.officer, proof.ref).proof.findings == proof.findings


def test_channels_that_show_no_pictures_are_told_of_only_where_no_other_does(world):
    proof = draft(world, picture(), channels=("website",))
    assert [(f.code, f.level) for f in proof.findings] == [("images_not_shown", Level.WARNING)]
    assert world.size(rendition) == 0
    assert draft(world, picture(), channels=("website", "facebook")).findings == ()
    assert draft(world).findings == ()


def test_an_alt_text_that_tells_nothing_keeps_the_message_from_being_submitted(world, subtests):
    for alt, said in [
        ("", "has no alt text. Say in a sentence what it shows."),
        (" \n ", "has no alt text. Say in a sentence what it shows."),
        ("x" * 101, "has an alt text of 101 characters; 100 are the most."),
        ("map of Fleetwood.PNG", "has a file name as its alt text"),
        ("pier closed", "has a file name as its alt text"),
        ("IMG_2034", "has a file name as its alt text"),
        ("Go \u202eout", "show text in another order"),
        ("Owner: 943 476 5919, of the red car", "an NHS number"),
    ]:
        with subtests.test(alt[:20]):
            proof = draft(world, picture(alt=ALT), picture("blue", alt=alt, name="pier closed.png"))
            (problem,) = proof.problems
            assert problem.startswith("image 2 (pier closed.png): ")
            assert said in problem
            with world.refused(Invalid, "cannot be submitted") as caught:
                world.parts.compose.submit(world.officer, proof.ref)
            assert caught.value.details == (problem,)
            told = edit(world, proof.ref, alts=[ALT, ALT])
            assert told.problems == ()
            world.parts.compose.submit(world.officer, proof.ref)


def test_an_alt_text_that_could_be_better_is_a_hint_or_a_warning(world, subtests):
    for alt, code, level in [
        ("Image of the closed pier at Fleetwood.", "alt_says_image_of", Level.HINT),
        ("A photograph showing the closed pier.", "alt_says_image_of", Level.HINT),
        ("Map", "alt_too_short", Level.HINT),
        ("The pier is closed. Ring 07700 900123.", "phone_number", Level.WARNING),
        ("Image 3 shows how the water rises at the pier.", "", None),
        ("Map of the closed roads in Fleetwood.", "", None),
        ("x " * 49 + "xx", "", None),
    ]:
        with subtests.test(alt):
            proof = draft(world, picture(alt=alt))
            assert proof.problems == ()
            assert [(f.code, f.level) for f in proof.findings] == ([(code, level)] if code else [])


def test_alt_texts_can_follow_later_for_the_first_pictures(world):
    ref = draft(world, picture(alt=""), picture("blue", alt="")).ref
    (problem,) = edit(world, ref, alts=[ALT]).problems
    assert problem.startswith("image 2 (blue.png)")
    assert [image.alt for image in world.parts.compose.images(ref)] == [ALT, ""]
    with world.refused(Invalid, "has 2 pictures, and 3 alt texts were given"):
        edit(world, ref, alts=[ALT] * 3)
    plain = draft(world).ref
    with world.refused(Invalid, "has no picture, and 1 alt text was given"):
        edit(world, plain, alts=[ALT])


def test_texts_that_no_database_takes_are_refused_or_made_harmless(world):
    with world.refused(Invalid, r"alt text of pier\?\.png is not UTF-8"):
        draft(world, picture(alt="\udcff", name="pier\udcff.png"))
    ref = draft(world, picture(name="pier\x00\x1b[2J\udcff" + "x" * 300)).ref
    (image,) = world.parts.compose.images(ref)
    assert image.name.startswith("pier??[2J?xxx")
    assert len(image.name) == 60


def test_an_edit_that_would_undo_what_somebody_did_to_the_pictures_meanwhile_is_refused(world):
    ref, other = draft(world, picture()).ref, world.beside()

    def change_pictures():
        edit(world, ref, images=[picture("green")], parts=other)

    meanwhile = world.meanwhile(world.database, "FROM message_version", change_pictures)
    with meanwhile, pytest.raises(Stale, match="were changed just now"):
        edit(world, ref)
    assert [image.name for image in world.parts.compose.images(ref)] == ["green.png"]


def test_pictures_are_made_while_no_transaction_is_open(world):
    """Decoding takes seconds, and all of SQLite's other writers would wait for it."""

    class Watched(bytes):
        def __len__(self) -> int:
            assert world.database.engine.pool.checkedout() == 0
            return super().__len__()

    given = picture()
    draft(world, replace(given, content=Watched(given.content)))
    ref = draft(world, picture("blue")).ref
    edit(world, ref, images=[replace(given, content=Watched(given.content))])
    assert [image.name for image in world.parts.compose.images(ref)] == ["red.png"]


def test_a_version_from_before_there_were_pictures_has_none(world):
    ref = draft(world).ref
    assert world.row(message_version).images == "[]"
    assert world.parts.compose.images(ref) == ()
    assert shown(world, ref, PAGE) == ()

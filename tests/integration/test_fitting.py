"""Posts that fit, from the draft to what is stored: facts left out, threads, links, pictures, other characters."""

from dataclasses import replace
from io import BytesIO
from zoneinfo import ZoneInfo

import pytest
from PIL import Image as Picture

from broadcaster.db import messages
from broadcaster.domain.blanks import Blank, BlankType
from broadcaster.domain.media import ImageRules
from broadcaster.domain.post import Post
from broadcaster.render.posts import Renderer
from broadcaster.service.media import Attached
from broadcaster.service.proof import Proofs
from channels.base import CheckProblem
from channels.text import x_weight
from tests.a_notice import a_template
from tests.builders import VALUES
from tests.fakes import FakeReadable

DATABASES = ("sqlite",)


class FakeX(FakeReadable):
    """Threads, shows pictures and chooses its links, with X's own weights."""

    max_parts = 3
    image_rules = ImageRules(most=1, max_bytes=100_000, max_side=50)
    with_links = True

    def check(self, post: Post) -> list[CheckProblem]:
        over = [text for text in post.parts if x_weight(text) > 280]
        return [CheckProblem(code="too_long", text="Shorten it.") for _ in over]


@pytest.fixture
def feed():
    return FakeX("x", "feed")


@pytest.fixture
def world_settings(feed):
    return {"feed": feed}


class Forgetful(Renderer):
    """Its layouts lack something."""

    def __init__(self, gone: str) -> None:
        super().__init__()
        self._gone = gone

    def render(self, *args, **given):
        post = super().render(*args, **given)
        return replace(post, text=post.text.split(self._gone, 1)[0])


def drafted(world, *, must_keep=(), images=(), channels=("website", "x"), **values):
    plain = a_template()
    template = replace(
        plain,
        wording={**plain.wording, "details": "((more))", "contact": "((ring))"},
        blanks=(
            *plain.blanks,
            *(Blank(name=n, type=BlankType.TEXT, label=n, required=False) for n in ("more", "ring")),
        ),
        must_keep=must_keep,
    )
    return world.parts.compose.draft(
        world.officer, template=template, values={**VALUES, **values}, channels=channels, images=images
    )


LONG = {"more": "Much more is said here. " * 15, "ring": "No internet? Ring 01632 960123. " * 4}


def on(proof, channel):
    return next(p for p in proof.posts if p.channel == channel)


def test_what_there_was_no_room_for_is_left_out_whole_told_and_stored(world):
    proof = drafted(world, **LONG)
    assert proof.problems == ()
    assert on(proof, "x").post.left_out == ("details", "contact")
    assert on(proof, "website").post.left_out == ()
    submitted = world.parts.compose.submit(world.officer, proof.ref)
    assert on(submitted.proof, "x").post.left_out == ("details", "contact")


def test_what_the_template_keeps_makes_a_thread_that_is_stored_part_by_part(world):
    proof = drafted(world, must_keep=("contact",), **LONG)
    assert proof.problems == ()
    parts = on(proof, "x").post.parts
    assert len(parts) == 2
    assert all(
        fact in parts[0] for fact in (VALUES["headline"], VALUES["area"], VALUES["action"], VALUES["source"])
    )
    assert LONG["ring"].strip() in parts[1]
    assert on(world.parts.compose.submit(world.officer, proof.ref).proof, "x").post.parts == parts


def test_a_first_part_without_room_keeps_the_message_back_and_names_what_to_shorten(world):
    proof = drafted(world, action="Keep off the seafront and do not drive. " * 8)
    (named,) = [line for line in proof.problems if "first part of the thread" in line]
    assert "Shorten what to do (3" in named


def test_an_account_without_links_gets_none_and_the_others_do(world, feed):
    feed.with_links = False
    proof = drafted(world)
    assert proof.problems == ()
    assert (on(proof, "x").post.link, "https://" in on(proof, "x").post.text) == ("", False)
    assert on(proof, "website").post.link in on(proof, "website").post.text


def test_each_channel_gets_the_pictures_it_shows_in_its_own_size(world):
    content = BytesIO()
    Picture.new("RGB", (200, 100), "red").save(content, "PNG")
    picture = Attached(name="map.png", content=content.getvalue(), alt="A map of the closed streets.")
    proof = drafted(world, images=(picture, picture), channels=("facebook", "x"))
    (shown,) = on(proof, "x").post.images
    assert (shown.width, shown.height, shown.alt) == (50, 25, "A map of the closed streets.")
    assert on(proof, "facebook").post.images == ()


def test_the_segments_of_a_text_and_what_was_replaced_in_it_are_told(world):
    world.add_audience("residents", 3)
    ref = world.draft(channels=("sms",), audience="residents", action="Don\u2019t go. It\u2019s deep.")
    told = on(world.parts.compose.preview(ref), "sms")
    assert (told.segments, told.replaced) == (2, ("\u2019 became ' (2 times)",))
    world.parts.compose.submit(world.officer, ref)
    assert on(world.parts.compose.preview(ref), "sms").replaced == told.replaced


@pytest.mark.parametrize(
    ("gone", "named"),
    [
        (VALUES["area"], "where"),
        (VALUES["action"], "what to do"),
        (VALUES["source"], "who says so"),
        ("Ref ", "the reference"),
        (" until ", "until when"),
        ("https://", "where to learn more"),
    ],
)
def test_a_fact_that_a_layout_forgets_keeps_the_message_back(world, gone, named):
    ref = world.draft(channels=("website", "facebook"))
    proofs = Proofs(world.channels, Forgetful(gone), zone=ZoneInfo("Europe/London"))
    with world.database.read() as tx:
        proof = proofs.of(tx, messages.find(tx, ref))
    for line in proof.problems:
        missing = line.partition("does not say ")[2].partition(". Fill it in")[0]
        assert named in missing.split(", ")
    assert len(proof.problems) == 2

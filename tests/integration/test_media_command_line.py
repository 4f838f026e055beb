"""Pictures on the command line: given in pairs with their alt texts, kept, replaced and removed."""

import pytest

from tests.integration.desk import Desk, drafting
from tests.integration.pictures import ALT, picture

DATABASES = ("sqlite",)


@pytest.fixture
def desk(desk, tmp_path) -> Desk:
    (tmp_path / "pier.png").write_bytes(picture().content)
    (tmp_path / "road.png").write_bytes(picture("blue").content)
    return desk


DRAFT = drafting("website", "facebook")


def images_in(data) -> list[tuple[str, str]]:
    return [(each["name"], each["alt"]) for each in data["images"]]


def test_pictures_and_their_alt_texts_are_given_in_pairs(desk):
    pier, road = desk.folder / "pier.png", desk.folder / "road.png"
    made = desk.data_of(*DRAFT, "--image", pier, "--alt", ALT, "--image", road, "--alt", "x", who="officer")
    assert images_in(made) == [("pier.png", ALT), ("road.png", "x")]
    assert made["images"][0]["sha256"]
    ref = made["reference"]
    for words in [("--image", pier, "--image", road, "--alt", ALT), ("--alt", ALT)]:
        assert "give each picture one" in desk.refused(*DRAFT, *words, who="officer", code=2)
    for words in [("--no-images", "--image", pier), ("--no-images", "--alt", ALT)]:
        assert "give it alone" in desk.refused("message", "edit", ref, *words, who="officer", code=2)


def test_a_picture_without_alt_text_may_be_drafted_and_not_submitted(desk):
    done = desk.do(*DRAFT, "--image", desk.folder / "pier.png", who="officer")
    assert "image 1 (pier.png): has no alt text. Say in a sentence what it shows." in done
    (made,) = desk.data_of("message", "list", who="officer")
    ref = made["reference"]
    assert "has no alt text" in desk.refused("message", "submit", ref, who="officer")
    edited = desk.data_of("message", "edit", ref, "--alt", ALT, who="officer")
    assert images_in(edited) == [("pier.png", ALT)]
    assert desk.data_of("message", "submit", ref, who="officer")["state"] == "submitted"


def test_an_edit_on_the_command_line_keeps_replaces_and_removes_pictures(desk):
    pair = ("--image", desk.folder / "pier.png", "--alt", ALT)
    ref = desk.data_of(*DRAFT, *pair, who="officer")["reference"]
    other = ("--image", desk.folder / "road.png", "--alt", "The road along the river is flooded.")
    for words, names in [
        (("--set", "area=Knott End"), ["pier.png"]),
        (other, ["road.png"]),
        (("--no-images",), []),
    ]:
        made = desk.data_of("message", "edit", ref, *words, who="officer")
        assert [name for name, _ in images_in(made)] == names


def test_a_file_that_cannot_be_read_is_told_and_changes_nothing(desk):
    for name in ("nowhere.png", "."):
        told = desk.refused(*DRAFT, "--image", desk.folder / name, "--alt", ALT, who="officer")
        assert "cannot be read" in told
        assert "Nothing was changed" in told
    (desk.folder / "page.jpg").write_text("<!doctype html>")
    told = desk.refused(*DRAFT, "--image", desk.folder / "page.jpg", "--alt", ALT, who="officer")
    assert "page.jpg is a text such as SVG or HTML, and not a JPEG, PNG or WebP picture" in told
    with (desk.folder / "huge.png").open("wb") as file:
        file.truncate(2**40)
    told = desk.refused(*DRAFT, "--image", desk.folder / "huge.png", "--alt", ALT, who="officer")
    assert "huge.png is larger than 20 MB" in told
    assert desk.data_of("message", "list", who="officer") == []

"""What a CAP alert says of a message is approved with the message."""

from lxml import etree

from broadcaster.bootstrap import with_own_keys
from broadcaster.db.tables import message, post
from broadcaster.domain.post import Post
from channels.cap import CAP
from channels.website import Website
from tests.a_notice import a_template
from tests.builders import VALUES
from tests.contract.website_site import account


def test_what_programs_are_told_stands_in_the_post_that_is_approved(world, tmp_path):
    submitted = world.submit()
    world.approve(submitted)
    approved = next(Post.from_bytes(p.content) for p in world.rows(post) if p.channel == "website")
    incident = world.parts.incidents.of_message(world.officer, submitted.ref).ref
    assert {name: approved.facts[name] for name in ("kind", "incident", "category")} == {
        "kind": "Alert",
        "incident": incident,
        "category": "Met",
    }
    assert all(
        "kind" not in Post.from_bytes(p.content).facts for p in world.rows(post) if p.channel != "website"
    )
    Website(account(tmp_path / "site")).send(approved, "key-1")
    alert = etree.parse(tmp_path / "site" / "alerts" / f"{submitted.ref.lower()}.cap.xml")
    said = {element.tag.partition("}")[2]: element.text for element in alert.iter() if element.text}
    assert (said["headline"], said["incidents"]) == ("Amber wind warning", incident)
    assert alert.find(f"{{{CAP}}}info/{{{CAP}}}instruction").text == "Keep off the seafront."


def test_a_message_that_nobody_keeps_yet_is_shown_without_an_incident(world):

    proof = world.parts.compose.look(world.officer, template=a_template(), values=VALUES)
    assert "incident" not in proof.posts[0].post.facts
    assert world.rows(message) == []


def test_live_and_exercise_sign_with_different_keys_of_this_installation(world, tmp_path):
    settings = world.parts.settings
    made = {
        mode: with_own_keys({"web": account(tmp_path, mode=mode)}, settings, mode)["web"].options["cap_key"]
        for mode in ("live", "exercise")
    }
    assert made == {mode: str(settings.root / "keys" / f"cap-{mode}.pem") for mode in ("live", "exercise")}
    own = account(tmp_path, cap_key="/run/secrets/cap.pem")
    assert with_own_keys({"web": own}, settings, "live")["web"].options["cap_key"] == "/run/secrets/cap.pem"

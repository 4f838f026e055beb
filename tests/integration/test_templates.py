"""Notice templates that are edited here: versions, trying, putting back, and who may not approve what uses them."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from html import unescape

import pytest

from broadcaster.db.tables import message_version, notice_template, submission, template_version
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.message import MessageState
from broadcaster.render.notices import shipped_notice
from broadcaster.service.templates import example_of
from tests.integration.visitor import visitor

DATABASES = ("sqlite",)

FLOOD = shipped_notice("flood")


@pytest.fixture(autouse=True)
def staff(world):
    """There before anything is refused."""
    return world.administrator, world.officer, world.approver


def worded(area="((area)) and all around", **more):
    return replace(FLOOD, wording={**FLOOD.wording, "area": area}, **more)


def day(world, ahead):
    return str((world.now() + timedelta(days=ahead)).date())


def edit(world, by=None, template=None, **more):
    given = {"reason": "plainer", **more}
    return world.parts.templates.edit(by or world.administrator, template or worded(), **given)


def submitted(world, *, by=None):
    """A message from what is in force."""
    template = world.parts.templates.current("flood")
    ref = world.parts.compose.draft(
        by or world.officer, template=template, values=example_of(template), channels=("website",)
    ).ref
    return world.parts.compose.submit(by or world.officer, ref)


def test_an_edited_template_is_a_new_version_over_the_shipped_one_and_each_act_is_one_event(world):
    assert (world.parts.templates.one("flood").no, world.acts()) == (0, [])
    assert edit(world).no == 1
    assert edit(world, template=worded("Around ((area))")).no == 2
    assert world.parts.templates.current("flood").wording["area"] == "Around ((area))"
    assert world.parts.templates.version("flood", 0) == FLOOD
    back = world.parts.templates.put_back(world.administrator, "flood", 0, reason="was better")
    assert (back.no, back.put_back_no, world.parts.templates.current("flood")) == (3, 0, FLOOD)
    assert [v.no for v in world.parts.templates.versions("flood")] == [3, 2, 1, 0]
    assert world.acts() == ["template_edited", "template_edited", "template_put_back"]
    assert world.parts.templates.all()["flood"].no == 3


def test_what_changed_is_told_part_by_part_and_in_words(world):
    edit(world, template=worded(help="Use it when the river rises."))
    found = {each.name: each.said for each in world.parts.templates.diff("flood", 0, 1)}
    assert found["Where"] == 'Added "and all around".'
    assert set(found) == {"Where", "When to use it"}
    assert world.parts.templates.diff("flood", 1, 1) == ()


def test_a_template_that_lacks_something_or_does_not_fit_a_channel_is_not_put_in_force(world):
    with world.refused(Invalid, "cannot be put in force yet") as caught:
        edit(world, template=worded(review_by=day(world, -1), never=()))
    assert [line.partition(":")[0] for line in caught.value.details] == ["never", "review_by"]
    with world.refused(Invalid, "Give a reason"):
        edit(world, reason=" ")
    edit(world)
    with world.refused(Stale, "word for word"):
        edit(world)
    blanks = tuple(replace(b, example="soon") if b.name == "next_update" else b for b in FLOOD.blanks)
    other = replace(FLOOD, name="river", blanks=blanks)  # a new one, tried with its own examples
    with world.refused(Invalid, "cannot be put in force yet") as caught:
        edit(world, template=other)
    assert caught.value.details[0].startswith("next_update: must be a date and time")


def test_a_new_name_is_a_new_template(world):
    assert edit(world, template=replace(FLOOD, name="river", title="River")).no == 1
    assert world.parts.templates.current("river").title == "River"
    assert [v.no for v in world.parts.templates.versions("river")] == [1]
    with pytest.raises(NotFound, match="has no version 0"):
        world.parts.templates.version("river", 0)
    with pytest.raises(NotFound, match='Did you mean "river"'):
        world.parts.templates.current("rivr")


def test_who_may_not_edit_changes_nothing_and_two_who_edit_are_told(world):
    with world.refused(NotAllowed, "Only an administrator or an officer may edit notice templates"):
        edit(world, by=world.approver)
    with world.refused(NotAllowed, "may edit notice templates"):
        world.parts.templates.put_back(world.approver, "flood", 0, reason="x")
    edit(world, base=0)
    with world.refused(Stale, "changed meanwhile by adam: version 1 is in force, and you began from 0"):
        edit(world, template=worded("Elsewhere ((area))"), base=0)


def test_a_submission_freezes_version_and_digest_of_its_template(world):
    edit(world)
    made = submitted(world)
    manifest = json.loads(world.row(submission, manifest_sha256=made.manifest_sha256).manifest)
    assert manifest["template"] == {"name": "flood", "version": 1, "sha256": worded().sha256}


def test_an_edit_of_the_template_between_handing_over_and_approval_changes_nothing_of_what_was_frozen(world):
    made = submitted(world)
    edit(world)
    edit(world, template=worded("Somewhere near ((area))"))
    world.approve(made)
    world.work_public()
    (sent,) = world.site.ledger
    manifest = json.loads(world.row(submission, manifest_sha256=made.manifest_sha256).manifest)
    assert manifest["template"]["version"] == 0
    assert "River Wyre" in str(sent)
    assert "Somewhere near" not in str(sent)


def test_a_stored_template_that_was_altered_is_seen_at_approval(world):
    made = submitted(world)
    stored = world.row(notice_template, name="flood")
    world.change(notice_template, {"content": stored.content.replace("Flood", "Flod")}, id=stored.id)
    with world.refused(Stale, "not what was submitted"):
        world.approve(made)


def test_who_worded_the_version_that_a_message_uses_may_not_approve_it(world):
    carl = world.person("carl", "approver", "administrator")
    edit(world, by=carl)
    made = submitted(world)
    with world.refused(NotAllowed, 'You worded version 1 of the notice template "flood"'):
        world.parts.approve.approve(carl, made.ref, made.manifest_sha256)
    edit(world, template=worded("Around ((area))"))
    other = submitted(world)  # of somebody else's wording
    world.parts.approve.approve(carl, other.ref, other.manifest_sha256)
    world.approve(made)


def test_who_put_a_wording_back_in_force_may_not_approve_what_uses_it_nor_may_who_wrote_it(world):
    carl, dora = (world.person(name, "approver", "administrator") for name in ("carl", "dora"))
    before = submitted(world)
    edit(world, by=carl)
    edit(world, template=worded("Around ((area))"))
    world.parts.templates.put_back(dora, "flood", 1, reason="better")
    made = submitted(world)
    for each in (carl, dora):
        with world.refused(NotAllowed, "You worded version 3"):
            world.parts.approve.approve(each, made.ref, made.manifest_sha256)
    world.parts.templates.put_back(dora, "flood", 0, reason="as it was")
    world.parts.approve.approve(dora, before.ref, before.manifest_sha256)  # drafted before she touched it


def test_what_was_handed_over_before_templates_had_versions_can_still_be_approved(world):
    """Its manifest has no template in it, and its version none."""
    ref = world.draft(channels=("website",))
    world.change(message_version, {"template_no": None}, no=1)
    made = world.parts.compose.submit(world.officer, ref)
    assert "template" not in json.loads(world.row(submission, manifest_sha256=made.manifest_sha256).manifest)
    world.approve(made)


# --- in the console ---------------------------------------------------------------------------------------


def test_a_template_is_tried_edited_compared_and_put_back_in_the_pages(world):
    ada = visitor(world, "ada", "administrator")
    assert "as it ships" in ada.get("/manage/templates").words
    page = ada.get("/manage/templates/flood/edit")
    form = fields_of(page.text)
    form |= {"wording-area": "((area)) and all around", "reason": "plainer"}
    acts = world.acts()
    tried = ada.post("/manage/templates/flood/edit", {**form, "act": "try"})
    assert (tried.status, world.acts(), world.rows(template_version)) == (200, acts, [])
    assert "Tried with made-up facts. Nothing has been changed yet." in tried.words
    assert "River Wyre at St Michael's and all around" in tried.words
    wrong = ada.post("/manage/templates/flood/edit", {**form, "wording-area": "((aria))", "act": "put"})
    assert (wrong.status, 'href="#wording-area"' in wrong.text or "aria" in wrong.words) == (422, True)
    assert "((aria))" in wrong.text
    assert world.rows(template_version) == []
    assert ada.post("/manage/templates/flood/edit", {**form, "act": "put"}).status == 303
    assert world.acts()[len(acts) :] == ["template_edited"]
    shown = ada.get("/manage/templates/flood").words
    assert "version 1, by ada" in shown
    assert "Why 1 ada" not in shown
    compared = ada.get("/manage/templates/flood/diff?before=0&after=1")
    assert 'In words: Added "and all around".' in compared.words
    assert "<ins>and all around</ins>" in compared.text
    refused = ada.post("/manage/templates/flood/put-back", version="0")
    assert (refused.status, "Give a reason" in refused.words) == (409, True)
    assert ada.post("/manage/templates/flood/put-back", version="0", reason="no").status == 303
    assert world.parts.templates.one("flood").no == 2


def test_an_edit_in_the_page_keeps_what_lies_ready_with_its_alerts(world):
    ada = visitor(world, "ada", "administrator")
    form = fields_of(ada.get("/manage/templates/severe-weather/edit").text)
    before = world.parts.templates.current("severe-weather")
    ada.post(
        "/manage/templates/severe-weather/edit",
        {**form, "title": "Severe gales", "reason": "Clearer", "act": "put"},
    )
    after = world.parts.templates.current("severe-weather")
    assert (after.title, after.prepares) == ("Severe gales", before.prepares)
    assert after.prepares == "sent-in-error"


def test_who_may_only_look_is_refused_by_the_pages_too(world):
    peter = visitor(world, "peter", "approver")
    assert "Edit the wording" not in peter.get("/manage/templates/flood").words
    form = {**fields_of(visitor(world, "ada", "administrator").get("/manage/templates/flood/edit").text)}
    form |= {"wording-area": "x ((area))", "reason": "y", "act": "put"}
    peter.get("/manage/templates/flood")
    assert peter.post("/manage/templates/flood/edit", form).status in {403, 422}
    assert world.rows(template_version) == []


def test_a_review_date_that_has_passed_is_told_where_it_matters_and_holds_nothing_up(world):
    olive = visitor(world, "olga", "officer")
    assert "Wording to be read anew" not in olive.get("/").words
    edit(world, template=worded(review_by=day(world, 1)))
    world.clock.advance(3 * 86_400)
    olive = visitor(world, "omar", "officer")
    assert "Wording to be read anew" in olive.get("/").words
    assert "has passed" in olive.get("/manage/templates").words
    assert "This wording was to be read anew by" in olive.get("/manage/templates/flood").words
    assert olive.get("/messages/new/flood").status == 200
    assert submitted(world).proof.state is MessageState.SUBMITTED


def test_the_form_of_a_message_has_the_wording_that_is_in_force(world):
    edit(world, template=worded(title="Flooding"))
    olive = visitor(world, "olga", "officer")
    assert "Flooding" in olive.get("/messages/new").words
    assert "Flooding" in olive.get("/messages/new/flood").words


def fields_of(text):
    """What a browser would send of the form, as it stands."""
    found = {}
    for tag in re.findall(r"<input[^>]*>", text):
        name = re.search(r'name="([^"]*)"', tag)
        value = re.search(r'value="([^"]*)"', tag)
        kind = re.search(r'type="(\w+)"', tag)
        if name and not (kind and kind[1] in {"checkbox", "radio"}):
            found[name[1]] = unescape(value[1]) if value else ""
    for name, body in re.findall(r'<textarea[^>]*name="([^"]*)"[^>]*>(.*?)</textarea>', text, re.DOTALL):
        found[name] = unescape(body)
    for name, body in re.findall(r'<select[^>]*name="([^"]*)"[^>]*>(.*?)</select>', text, re.DOTALL):
        found[name] = re.search(r'value="([^"]*)" selected', body)[1]
    found.pop("csrf", None)
    return {**found, "channels": "website"}

"""Before somebody's first live message: the policy read, one exercise passed. Off as shipped; then nothing is asked."""

import pytest

from broadcaster.db import proposals
from broadcaster.db.tables import policy_read, policy_text
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from broadcaster.domain.message import Mode
from tests.integration.visitor import visitor


@pytest.fixture
def asked(world):
    """Somebody wrote a policy, and the switch is on."""
    assert world.officer.id != world.approver.id
    world.parts.first_live.write(world.administrator, "Warn early. Never guess.")
    with world.database.write() as tx:
        proposals.set_switch(tx, "first-live", "on")
    return world


def exercise(world):
    """Olive and anna take part in one that is sent."""
    world.approve(world.submit(channels=("website",), mode=Mode.EXERCISE))
    world.work(Lane.PUBLIC, mode=Mode.EXERCISE)
    world.parts.sweep.sweep()


def test_as_shipped_nothing_is_asked_and_home_says_nothing(world):
    world.parts.first_live.write(world.administrator, "Warn early.")
    assert world.parts.first_live.lacking(world.officer) == ()
    assert "first live message" not in visitor(world, "olga", "officer").get("/").words
    world.release(channels=("website",))


def test_a_first_live_message_is_refused_with_what_is_lacking_and_an_exercise_is_not(asked):
    ref = asked.draft(channels=("website",))
    with asked.refused(NotAllowed, "This would be your first live message") as caught:
        asked.parts.compose.submit(asked.officer, ref)
    assert [line.partition(":")[0] for line in caught.value.details] == [
        "Read the policy and say so",
        "Take part in one exercise that is sent",
    ]
    exercise(asked)
    with asked.refused(NotAllowed, "first live message") as caught:
        asked.parts.compose.submit(asked.officer, ref)
    assert len(caught.value.details) == 1
    asked.parts.first_live.acknowledge(asked.officer, 1)
    made = asked.parts.compose.submit(asked.officer, ref)
    with asked.refused(NotAllowed, "first live message"):  # the approver has read nothing yet
        asked.approve(made)
    asked.parts.first_live.acknowledge(asked.approver, 1)
    asked.approve(made)


def test_an_exercise_that_was_not_sent_is_none_that_was_passed(asked):
    asked.parts.first_live.acknowledge(asked.officer, 1)
    asked.submit(channels=("website",), mode=Mode.EXERCISE)
    assert len(asked.parts.first_live.lacking(asked.officer)) == 1
    made = asked.submit(channels=("website",), mode=Mode.EXERCISE)
    asked.approve(made)  # released, and nothing has left yet
    assert len(asked.parts.first_live.lacking(asked.officer)) == 1


def test_who_has_sent_something_live_is_held_up_by_no_new_policy(world):
    world.release(channels=("website",))
    world.parts.first_live.write(world.administrator, "Something new.")
    with world.database.write() as tx:
        proposals.set_switch(tx, "first-live", "on")
    assert world.parts.first_live.lacking(world.officer) == ()
    world.release(channels=("website",))


def test_the_policy_has_versions_and_each_act_is_one_event(asked):
    asked.parts.first_live.acknowledge(asked.officer, 1)
    asked.parts.first_live.write(asked.administrator, "Warn early. Never guess. Sleep.")
    assert asked.acts() == ["policy_text_set", "policy_acknowledged", "policy_text_set"]
    with asked.refused(Stale, "version 2 counts now"):
        asked.parts.first_live.acknowledge(asked.officer, 1)
    asked.parts.first_live.acknowledge(asked.officer, 2)
    with asked.refused(Stale, "said before"):
        asked.parts.first_live.acknowledge(asked.officer, 2)
    with asked.refused(Stale, "word for word"):
        asked.parts.first_live.write(asked.administrator, " Warn early. Never guess. Sleep.\r\n")
    with asked.refused(Invalid, "Write the policy"):
        asked.parts.first_live.write(asked.administrator, " ")
    with asked.refused(NotAllowed, "may manage users"):
        asked.parts.first_live.write(asked.officer, "Mine")
    assert len(asked.rows(policy_text)) == 2


def test_it_is_switched_on_by_two_administrators_and_only_where_there_is_something_to_read(world):
    bob = world.person("bob", "administrator")
    assert world.administrator
    with world.refused(Stale, "Write it first"):
        world.parts.proposals.change_switch(world.administrator, "first-live", "on", reason="new staff")
    with pytest.raises(NotFound, match="no policy to read"):
        world.parts.first_live.acknowledge(bob, 1)
    world.parts.first_live.write(bob, "Warn early.")
    visitor(world, "ada", "administrator")
    visitor(world, "carl", "administrator")
    with world.database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")
    made = world.parts.proposals.change_switch(world.administrator, "first-live", "on", reason="new staff")
    assert "taken part in an exercise" in made.in_words
    assert world.parts.first_live.of(bob).asked is False
    world.parts.proposals.confirm(bob, made.ref)
    assert world.parts.first_live.of(bob).asked is True


def test_the_pages_show_what_is_lacking_and_take_the_acknowledgement_of_what_was_shown(asked):
    olga = visitor(asked, "olga", "officer")
    assert "Before your first live message There are two things to do" in olga.get("/").words
    page = olga.get("/me/policy")
    assert "Warn early. Never guess." in page.words
    before = asked.acts()
    assert olga.post("/me/policy", version="7").status == 409
    assert asked.rows(policy_read) == []
    assert olga.post("/me/policy", version="1").status == 303
    assert asked.acts()[len(before) :] == ["policy_acknowledged"]
    assert "There is one thing to do" in olga.get("/").words
    assert "You have said that you read this version." in olga.get("/me/policy").words
    ada = visitor(asked, "ada", "administrator")
    assert "first live message" in ada.get("/manage").words
    assert "Warn early. Never guess." in ada.get("/manage/policy").text
    assert ada.post("/manage/policy", words="").status == 422
    assert ada.post("/manage/policy", words="Warn very early.").status == 303
    assert olga.get("/manage/policy").status == 403
    assert asked.acts()[-1] == "policy_text_set"

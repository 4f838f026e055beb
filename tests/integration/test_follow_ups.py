"""What follows a message that was sent: whom it reaches, what it takes the place of, and that nothing old goes out after it."""

from collections import deque

import pytest

from broadcaster.db.tables import audit_event, broadcast, delivery, message, stood, target
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotSent, OutcomeUnknown, Refused, Stale
from broadcaster.domain.follow_up import Purpose
from broadcaster.domain.sight import Sight
from broadcaster.service.redacting import Authority
from channels.base import Receipt
from tests.builders import LIFE_SAFETY, a_world, number
from tests.fakes import FakeThreading

BLANKS = {"action": "Stay indoors."}


class Living(FakeThreading):
    """A public place whose posts can be answered, edited and taken down. `standing` is what a reader sees, by id."""

    def __init__(self, name="x", account="feed"):
        super().__init__(name, account)
        self.standing = {}
        self.done = []
        self.wrong = deque()

    def _answer(self, post, key, address, answer):
        receipt = super()._answer(post, key, address, answer)
        self.standing[receipt.platform_id] = post.text
        return receipt

    def stands(self, platform_id):
        return self.standing.get(platform_id)

    def amend(self, post, platform_id):
        self._act("amend")
        if platform_id not in self.standing:
            raise Refused("gone", "It is no longer there.")
        self.standing[platform_id] = post.text
        return Receipt(platform_id=platform_id, link="https://x.test/1")

    def withdraw(self, platform_id):
        self.standing.pop(platform_id, None)
        self._act("withdraw")

    def read_back(self, post, platform_id, since):
        said = self.standing.get(platform_id)
        return Sight.ABSENT if said is None else Sight.THERE if said == post.text else Sight.DIFFERS

    def _act(self, act):
        self.done.append(act)
        if self.wrong:
            raise self.wrong.popleft()


@pytest.fixture
def world(database_url, tmp_path):
    with a_world(database_url, tmp_path, feed=Living(), max_in_flight=8) as world:
        yield world


def follow(
    world, ref, purpose=Purpose.UPDATE, *, channels=(), audience=None, reason="It was wrong", **values
):
    """Drafted, handed over and approved."""
    proof = world.parts.follow_ups.draft(
        world.officer,
        ref,
        purpose,
        values=values or BLANKS,
        channels=channels,
        audience=audience,
        reason=reason,
    )
    return world.approve(world.parts.compose.submit(world.officer, proof.ref))


def states(world, ref):
    broadcast_id = world.broadcast_id(ref)
    return sorted(d.state for d in world.rows(delivery) if d.broadcast_id == broadcast_id)


def said(world):
    return [taken.post.text for taken in world.feed.ledger]


def events(world, act):
    return [e for e in world.rows(audit_event) if e.act == act]


def test_the_texts_of_a_follow_up_go_to_exactly_those_who_got_the_first(world):
    first = world.release_texts(9)
    world.gateway.by_address = {
        number(2): Refused("dead", "No such number."),
        number(3): OutcomeUnknown("lost"),
    }
    world.opt_out(4)
    world.once(Lane.BULK, groups=2)
    world.opt_out(1)  # since then
    update = follow(world, first.ref)
    assert update.recipients == 7  # of nine, one was refused and one is out: at most so many
    world.parts.plan.plan(world.broadcast_id(update.ref))
    world.parts.sweep.sweep()
    world.gateway.by_address = {}
    before = len(world.gateway.ledger)
    world.work_bulk()
    told = [taken.address for taken in world.gateway.ledger[before:]]
    assert told == [number(3)] + [number(n) for n in range(5, 5 + len(told) - 1)]
    assert set(told) <= set(world.gateway.addresses[:before]) | {number(3)}
    world.parts.plan.plan(world.broadcast_id(update.ref))
    mine = world.row(target, broadcast_id=world.broadcast_id(update.ref))
    assert mine.planned == mine.planned_total == len(told) + 1  # and the one who opted out since
    assert set(states(world, first.ref)) <= {"accepted", "cancelled", "failed", "suppressed", "unknown"}
    assert world.row(broadcast, id=world.broadcast_id(first.ref)).state == "superseded"


def test_an_older_text_is_never_begun_after_a_newer_one_was_released(world):
    first = world.release(channels=("website", "x"))
    update = follow(world, first.ref)
    world.work_public()
    assert states(world, first.ref) == ["cancelled", "cancelled"] or world.parts.sweep.sweep() is None
    assert states(world, first.ref) == ["cancelled", "cancelled"]
    assert states(world, update.ref) == ["accepted", "accepted"]
    assert all("Stay indoors." in text for text in said(world))


def test_an_older_text_that_is_leaving_is_waited_for(world):
    """The claim is held at the first byte while the newer one is released and worked on by another process."""
    first = world.release(channels=("x",))
    other = world.beside()
    order = []

    def release_and_work(_keys):
        world.feed.on_call = lambda _keys: order.append("newer")
        update = follow(world, first.ref)
        world.work(
            Lane.PUBLIC, parts=other, for_s=0.5
        )  # it waits for the older one, which does not end before
        order.append(states(world, update.ref))

    world.feed.on_call = release_and_work
    world.work_public()
    assert order[0] == ["pending"]
    world.clock.advance(1)
    world.work_public()
    assert order[1:] == ["newer"]
    assert ["Stay indoors." in text for text in said(world)] == [False, True]


def test_what_is_unknown_is_not_sent_again_once_something_newer_took_its_place(world):
    world.feed.always = OutcomeUnknown("timeout")
    first = world.release(channels=("x",), **LIFE_SAFETY)
    world.work_public()
    world.feed.always = None
    update = follow(world, first.ref)
    world.work_public()
    for _ in range(6):
        world.clock.advance(70)
        world.parts.read_back.look("live")
        world.parts.sweep.sweep()
        world.work_public()
    assert states(world, first.ref) == ["unknown_final"]
    assert states(world, update.ref) == ["accepted"]
    assert len(world.feed.ledger) == 1
    uid = world.row(delivery, broadcast_id=world.broadcast_id(first.ref)).uid
    with world.refused(Stale, "took its place"):
        world.parts.unknowns.send_again(world.officer, uid, reason="It is not there")


def test_another_place_and_another_story_go_on(world):
    first = world.release(channels=("website", "x"))
    incident = world.parts.incidents.of_message(world.officer, first.ref).ref
    other = world.release(channels=("x",), incident=incident, headline="Snow")
    follow(world, first.ref, channels=("website",))
    world.clock.advance(1)
    world.work_public()
    assert states(world, first.ref) == ["accepted", "cancelled"]
    assert states(world, other.ref) == ["accepted"]
    assert world.row(broadcast, id=world.broadcast_id(first.ref)).state == "sending"


def test_a_correction_is_written_over_what_it_corrects_and_names_it(world):
    first = world.release(channels=("website", "x"))
    world.clock.advance(1)
    world.work_public()
    (wrong,) = world.feed.standing.values()
    correction = follow(world, first.ref, Purpose.CORRECTION)
    world.clock.advance(1)
    world.work_public()
    (right,) = world.feed.standing.values()
    assert f"(Ref {first.ref})" in right
    assert "Correction of what we said at" in right
    assert "Update 2" in right
    assert len(world.feed.ledger) == 1
    kept = world.row(stood)
    assert (kept.text, kept.found) == (wrong, "there")
    assert states(world, correction.ref) == ["accepted", "accepted"]


@pytest.mark.parametrize("of", ["what was corrected", "its correction"])
def test_what_stood_there_is_redacted_with_either_message(world, of):
    first = world.release(channels=("x",))
    world.clock.advance(1)
    world.work_public()
    correction = follow(world, first.ref, Purpose.CORRECTION)
    world.clock.advance(1)
    world.work_public()
    world.parts.sweep.sweep()
    before = world.row(stood)
    world.clock.advance(86_400)
    why = Authority(code="personal-data", reason="DP-2026-31", authorised_by="Data protection officer")
    ref = first.ref if of == "what was corrected" else correction.ref
    made = world.parts.redacting.redact_text(world.administrator, ref, "Fleetwood", why)
    kept = world.row(stood)
    assert "Fleetwood" in before.text
    assert "Fleetwood" not in kept.text
    assert kept.redacted_at is not None
    assert kept.sha256 == before.sha256
    assert kept.sha256 in made.digests


def test_an_edit_with_an_unknown_outcome_is_made_again(world):
    first = world.release(channels=("x",))
    world.work_public()
    correction = follow(world, first.ref, Purpose.CORRECTION)
    world.feed.wrong.append(OutcomeUnknown("timeout"))
    world.work_public()
    assert states(world, correction.ref) == ["unknown"]
    world.parts.sweep.sweep()
    world.work_public()
    assert states(world, correction.ref) == ["accepted"]
    assert world.feed.done == ["amend", "amend"]
    assert len(world.feed.ledger) == 1


@pytest.mark.parametrize("never", ["refused", "taken down"])
def test_where_nothing_stands_a_correction_is_a_new_post(world, never):
    world.feed.answers.append(Refused("no", "No.") if never == "refused" else None)
    first = world.release(channels=("x",))
    world.work_public()
    world.feed.standing.clear()
    correction = follow(world, first.ref, Purpose.CORRECTION)
    world.work_public()
    world.clock.advance(5)
    world.work_public()
    assert states(world, correction.ref) == ["accepted"]
    assert "Stay indoors." in said(world)[-1]


def test_an_update_answers_the_post_before(world):
    first = world.release(channels=("x",))
    world.work_public()
    follow(world, first.ref)
    world.work_public()
    assert [taken.post.in_reply_to for taken in world.feed.ledger] == ["", "1001"]


def sent_in_error(world, first, **more):
    values = {"wrong": "It was a test.", "phone": "01632 960123"}
    return follow(world, first.ref, Purpose.SENT_IN_ERROR, **{**values, **more})


def test_what_was_sent_in_error_comes_down_once_the_new_text_stands(world):
    first = world.release(channels=("website", "x"))
    world.clock.advance(1)
    world.work_public()
    wrong = world.feed.standing["1001"]
    error = sent_in_error(world, first)
    world.feed.answers.append(NotSent("busy", "Busy.", retry_after_s=5))
    for _ in range(4):
        world.clock.advance(3)
        world.work_public()
    assert list(world.feed.standing) == ["1002"]
    assert world.feed.done == ["withdraw"]
    assert world.row(stood).text == wrong
    assert states(world, error.ref) == ["accepted", "accepted", "accepted"]


def test_what_comes_down_is_approved_and_why_is_recorded(world):
    first = world.release(channels=("x",))
    world.work_public()
    with pytest.raises(Invalid, match="Say why"):
        sent_in_error(world, first, reason=" ")
    proof = world.parts.follow_ups.draft(
        world.officer,
        first.ref,
        Purpose.SENT_IN_ERROR,
        values={"wrong": "It was a test.", "phone": "01632 960123"},
        channels=("website",),
        reason="A drill went to the public",
    )
    assert any("It leaves out" in each for each in proof.problems)
    assert "A drill went to the public" in events(world, "message_drafted")[-1].payload


def test_a_withdrawal_with_an_unknown_outcome_is_tried_again_until_nothing_stands_there(world):
    first = world.release(channels=("x",))
    world.work_public()
    error = sent_in_error(world, first)
    world.feed.wrong.append(OutcomeUnknown("timeout"))
    for _ in range(5):
        world.clock.advance(2)
        world.work_public()
        world.parts.sweep.sweep()
    assert world.feed.done == ["withdraw"]  # the second try reads that nothing stands there any more
    assert "1001" not in world.feed.standing
    assert states(world, error.ref) == ["accepted", "accepted"]
    assert world.row(stood).found == "there"  # what the first try saw, and not what it left behind


def test_only_what_was_sent_can_be_followed(world):
    ref = world.draft()
    with world.refused(Stale, "nothing of it was sent"):
        world.parts.follow_ups.begin(world.officer, ref, Purpose.UPDATE)
    assert world.parts.follow_ups.purposes(ref) == []


def test_a_follow_up_begins_with_what_is_known(world):
    first = world.release(channels=("website", "x"), expires="+12h")
    begun = world.parts.follow_ups.begin(world.officer, first.ref, Purpose.CORRECTION)
    assert begun.values["area"] == "Fleetwood and Cleveleys"
    assert begun.values["expires"].startswith(str(world.now().year))
    assert begun.channels == ("website", "x")
    error = world.parts.follow_ups.begin(world.officer, first.ref, Purpose.SENT_IN_ERROR)
    assert (error.template.name, error.values["wrong_ref"]) == ("sent-in-error", first.ref)


def test_a_follow_up_of_a_follow_up_takes_the_place_of_both(world):
    first = world.release(channels=("x",))
    world.work_public()
    second = follow(world, first.ref)
    third = follow(world, second.ref, action="Come out.")
    world.work_public()
    assert states(world, second.ref) == ["cancelled"] or world.parts.sweep.sweep() is None
    assert states(world, second.ref) == ["cancelled"]
    assert states(world, third.ref) == ["accepted"]
    assert world.feed.ledger[-1].post.in_reply_to == ""  # the second never came to stand there
    kept = world.row(message, ref=third.ref)
    assert (kept.kind, kept.purpose) == ("Update", "update")


def test_fewer_who_got_it_void_no_submission(world):
    first = world.release_texts(6)
    proof = world.parts.follow_ups.draft(world.officer, first.ref, Purpose.UPDATE, values=BLANKS)
    assert proof.audience.size == 6
    submitted = world.parts.compose.submit(world.officer, proof.ref)
    world.gateway.by_address = {number(n): Refused("dead", "No such number.") for n in (1, 2)}
    world.work_bulk()
    update = world.approve(submitted)
    world.parts.plan.plan(world.broadcast_id(update.ref))
    world.work_bulk()
    assert states(world, update.ref) == ["accepted"] * 4
    assert events(world, "follow_up_audience_settled")

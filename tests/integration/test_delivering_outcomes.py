"""What a platform answers: each outcome as it is, and what follows from it."""

from datetime import timedelta

import pytest

from broadcaster.db.tables import account, intent_group
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import CheckProblem, Receipt
from tests.builders import LIFE_SAFETY, NO_HURRY, number
from tests.fakes import Took

DATABASES = ("sqlite",)


@pytest.fixture
def world_settings():
    return {"max_in_flight": 8}


# --- outcomes -----------------------------------------------------------------------------------------------

OUTCOMES = {
    "accepted": (None, "accepted", "accepted"),
    "not sent": (NotSent("refused_connection"), "pending", "not_sent"),
    "refused": (Refused("too_rude", "Say it nicely."), "failed", "refused"),
    "not configured": (NotConfigured("bad_token"), "pending", "not_configured"),
    "unknown": (OutcomeUnknown("read_timeout"), "unknown", "unknown"),
    "taken, then no answer": (Took(OutcomeUnknown("read_timeout")), "unknown", "unknown"),
    "a bug in the channel": (Took(KeyError("id")), "unknown", "unknown"),
    "a broken connection": (Took(ConnectionResetError()), "unknown", "unknown"),
}


@pytest.mark.parametrize("what", OUTCOMES)
def test_each_answer_of_a_public_place_leads_to_its_state(world, what):
    answer, state, outcome = OUTCOMES[what]
    world.page.answers.append(answer)
    released = world.release(channels=("facebook",))
    world.work(Lane.PUBLIC)
    found = world.delivery("facebook")
    tried = world.attempts(found.id)
    if what != "not sent":  # that one is tried again at once
        assert found.state == state
        assert found.attempts == len(tried) == 1
        world.totals(released.ref)
    assert tried[0].outcome == outcome
    assert (found.unknown_since is not None) == (found.state == "unknown")
    assert (found.settled_at is not None) == (found.state in {"accepted", "failed"})
    assert all(group.closed_at for group in world.rows(intent_group))


@pytest.mark.parametrize("what", OUTCOMES)
def test_each_answer_of_a_gateway_leads_to_its_state_and_the_others_go_on(world, what):
    answer, state, outcome = OUTCOMES[what]
    if what in {"a bug in the channel", "a broken connection"}:
        answer, state = None, "unknown"
        world.gateway.on_call = lambda keys: (_ for _ in ()).throw(KeyError) if len(keys) < 4 else None
    else:
        world.gateway.by_address[number(5)] = answer
    released = world.release_texts(5, **NO_HURRY)
    world.once(Lane.BULK, groups=2)
    states = [d.state for d in world.deliveries("sms")]
    assert states == ["accepted"] * 4 + [state]
    assert world.attempts(world.deliveries("sms")[4].id)[0].outcome == outcome
    assert sum(world.totals(released.ref).values()) == 5


def test_what_the_platform_said_is_kept(world):
    world.page.answers.append(Refused("too_rude", "Say it nicely.", detail="HTTP 400: code 77"))
    world.feed.answers.append(Receipt(platform_id="4711", link="https://x.test/4711"))
    released = world.release(channels=("facebook", "x"))
    world.work_public()
    refused, taken = world.delivery("facebook"), world.delivery("x")
    assert (refused.code, refused.operator_text) == ("too_rude", "Say it nicely.")
    assert world.attempts(refused.id)[0].detail == "HTTP 400: code 77"
    assert (taken.platform_id, taken.link) == ("4711", "https://x.test/4711")
    assert [t.reasons for t in world.status(released.ref).targets if t.channel == "facebook"] == [
        ("1 x Say it nicely.",)
    ]


def test_whatever_characters_a_platform_answers_with_its_answer_is_kept(world):
    world.page.answers.append(Receipt(platform_id="9" * 300, link="https://f.test/\x00\ud800"))
    world.feed.answers.append(Refused("c" * 80, "No\x00.", detail="\x00\udfff"))
    released = world.release(channels=("facebook", "x"))
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1, "failed": 1}
    assert world.delivery("facebook").platform_id == "9" * 256


def test_an_unknown_outcome_is_never_sent_again_by_working(world):
    world.page.always = OutcomeUnknown("read_timeout")
    released = world.release(channels=("facebook",), **LIFE_SAFETY)
    for _ in range(3):
        world.work_public()
        world.clock.advance(3600)
    assert len(world.page.calls) == 1
    assert world.totals(released.ref) == {"unknown": 1}


def test_a_post_with_a_problem_is_refused_without_calling_the_platform(world):
    released = world.release(channels=("facebook",))
    world.page.problems = [CheckProblem(code="too_long", text="It is too long.")]
    world.work_public()
    assert world.page.calls == []
    assert world.totals(released.ref) == {"failed": 1}
    assert world.delivery("facebook").operator_text == "It is too long."


def test_a_check_that_breaks_sends_nothing_and_is_tried_again(world):
    released = world.release(channels=("facebook",))

    def broken():
        raise ZeroDivisionError

    world.page.on_check = broken
    world.once(Lane.PUBLIC)
    assert world.page.calls == []
    assert world.totals(released.ref) == {"pending": 1}
    world.page.on_check = lambda: None
    world.clock.advance(61)
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}


def test_recipients_about_whom_a_channel_keeps_silent_are_unknown_in_the_end(world):
    world.gateway.answer_count = 3
    world.gateway.on_silence = world.clock.advance
    released = world.release_texts(4, **NO_HURRY)
    world.work(Lane.BULK, parts=world.stoppable())
    assert world.totals(released.ref) == {"accepted": 3, "unknown": 1}


def test_an_account_that_this_machine_does_not_know_is_paused_and_nothing_lost(world):
    released = world.release(channels=("facebook",))
    page = world.channels["live"].pop("page")
    world.work_public()
    assert world.totals(released.ref) == {"pending": 1}
    assert world.row(account, name="page").paused_at
    world.channels["live"]["page"] = page
    world.parts.accounts.resume(world.administrator, "page", "live")
    world.clock.advance(2)
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}


# --- trying again -------------------------------------------------------------------------------------------


def test_what_was_not_sent_is_tried_again_with_the_same_key_within_bounds(world):
    world.page.always = NotSent("refused_connection")
    released = world.release(channels=("facebook",))
    for tries in range(1, 12):
        before = world.now()
        world.once(Lane.PUBLIC)
        found = world.delivery("facebook")
        assert found.attempts == len(world.page.calls) == tries
        wait = (found.next_at - before).total_seconds()
        assert wait <= min(60, 2 ** (tries - 1)) + 5  # the seconds that the try itself took
        world.clock.advance(61)
    assert len(set(world.page.calls)) == 1
    assert world.totals(released.ref) == {"pending": 1}
    world.page.always = None
    world.work_public()
    assert world.totals(released.ref) == {"accepted": 1}
    assert world.page.keys == [world.delivery("facebook").uid]


@pytest.mark.parametrize(
    ("asked", "least", "most"),
    [
        (120.0, 120, 125),
        (None, 0, 6),
        (-1.0, 0, 6),
        (0.0, 0, 6),
        (1e9, 300, 305),
        (float("inf"), 300, 305),
        (float("nan"), 0, 6),
    ],
)
def test_a_platform_that_says_when_is_heard_within_reason(world, asked, least, most):
    world.page.answers.append(NotSent("rate_limited", retry_after_s=asked))
    world.release(channels=("facebook",))
    before = world.now()
    world.once(Lane.PUBLIC)
    found = world.delivery("facebook")
    assert found.state == "pending"
    assert timedelta(seconds=least) <= found.next_at - before <= timedelta(seconds=most)


def test_nothing_is_tried_before_its_time(world):
    world.page.answers.append(NotSent("rate_limited", retry_after_s=100))
    world.release(channels=("facebook",))
    world.work_public()
    world.clock.advance(90)
    assert world.work_public() == 0
    world.clock.advance(11)
    assert world.work_public() == 1


def test_refused_credentials_pause_the_account_at_once_and_resuming_lets_it_go_on(world):
    world.gateway.always = NotConfigured("bad_token", "The token lapsed.")
    released = world.release_texts(10)
    world.work_bulk()
    assert len(world.gateway.calls) == 1  # not once more with credentials that are known to be bad
    assert world.totals(released.ref) == {"pending": 10}
    row = world.row(account, name="gateway")
    assert (row.paused_at is not None, row.pause_reason) == (True, "The token lapsed.")
    assert world.acts()[-2:] == ["account_paused", "outcomes_recorded"]
    world.clock.advance(100)
    assert world.work_bulk() == 0

    world.gateway.always = None
    world.parts.accounts.resume(world.administrator, "gateway", "live")
    assert world.work_bulk() == 10
    assert world.totals(released.ref) == {"accepted": 10}
    assert sorted(world.gateway.addresses) == [number(n) for n in range(1, 11)]

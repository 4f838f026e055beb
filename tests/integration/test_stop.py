"""STOP: from then on nothing more goes to that number, in the middle of a broadcast too, and its owner is told once."""

from concurrent.futures import ThreadPoolExecutor, wait

import pytest

from broadcaster.db.tables import account, audit_event, heard, suppression
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, NotSent, OutcomeUnknown, Refused
from broadcaster.service.confirming import ABANDONED_AFTER, CONFIRM_WITHIN, MOST_TRIES, TRY_AGAIN_AFTER
from tests.builders import number
from tests.fakes import Took, WorkerDied, die
from tests.integration.answers import answerable, hear, write

TOLD = "You will get no more texts from this sender. To get them again, answer START."


@pytest.fixture
def world(database_url, tmp_path):
    with answerable(database_url, tmp_path, max_in_flight=2) as world:
        yield world


def confirmed(world, ordinal):
    """How often the owner of this number was told."""
    return sum(t.post.text == TOLD and t.address == number(ordinal) for t in world.gateway.ledger)


def warned(world):
    return [t.address for t in world.gateway.ledger if t.post.text != TOLD]


# --- from then on -------------------------------------------------------------------------------------------


def test_who_writes_stop_while_a_broadcast_runs_gets_nothing_more_of_it(world):
    """The workers' own way: claim, look, commit, send."""
    other = world.beside()
    released = world.release_texts(12)

    def somebody_answers(keys):
        if len(world.gateway.calls) == 2:
            write(world, 11, "Stop", parts=other)

    world.gateway.on_call = somebody_answers
    world.work(Lane.BULK)
    assert number(11) not in warned(world)
    assert len(warned(world)) == 11
    assert world.totals(released.ref) == {"accepted": 11, "suppressed": 1}
    assert world.events("opted_out") == [{"account": world.row(account, name="gateway").id, "purposes": 1}]
    assert number(11)[-6:] not in str(world.rows(audit_event))


def test_a_later_broadcast_leaves_it_out_too_until_start_takes_it_back(world):
    world.release_texts(2)
    world.work_bulk()
    write(world, 1, "STOP")
    assert world.totals(world.release_texts(2).ref) == {"pending": 2}
    world.work_bulk()
    assert warned(world).count(number(1)) == 1
    write(world, 1, "start")
    assert world.size(suppression) == 0
    world.release_texts(2)
    world.work_bulk()
    assert warned(world).count(number(1)) == 2
    assert [a for a in world.acts() if a.startswith("opted")] == ["opted_out", "opted_in"]


def test_an_erased_person_leaves_nothing_of_what_he_wrote(world):
    world.release_texts(1)
    write(world, 1, "I am Max Miller, please ring me")
    keeper = world.person("kim", "data-keeper")
    assert world.parts.erasing.find(keeper, number(1), days=7).written == 1
    erased = world.parts.erasing.erase(keeper, number(1), reason="request 2026-4")
    assert erased.written == 1
    assert world.parts.erasing.find(keeper, number(1), days=7).written == 0
    (row,) = world.rows(heard)
    assert (row.number_index, row.number_sealed, row.text_sealed) == (b"", b"", b"")
    assert world.events("person_erased")[0]["written"] == 1


def test_what_is_no_stop_changes_nothing_and_is_kept(world):
    world.release_texts(1)
    write(world, 1, "stop the pumps? the water is in our street")
    assert world.size(suppression) == 0
    (found,) = world.parts.hearing.newest(world.officer, everything=False, limit=9)
    assert (found.text, found.meaning) == ("stop the pumps? the water is in our street", "other")


def test_further_words_are_a_setting(database_url, tmp_path):
    with answerable(database_url, tmp_path, stop_words="STOPIO") as world:
        world.release_texts(1)
        write(world, 1, "Stopio.")
        assert world.size(suppression) == 1


# --- of what ------------------------------------------------------------------------------------------------


def two_lists(world):
    """Both with number 1; only the first was sent to."""
    world.add_audience("residents", 1, purpose="flood warnings")
    world.add_audience("newsletter", 1, purpose="news")
    released = world.release(channels=("sms",), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()


def purposes(world):
    return [(s.purpose, s.reason) for s in world.rows(suppression)]


def test_it_is_about_the_purposes_for_which_that_sender_wrote(world):
    two_lists(world)
    write(world, 1, "STOP")
    assert purposes(world) == [("flood warnings", "stop")]


def test_through_a_sender_that_never_wrote_it_is_about_all_lists_of_the_number(world):
    two_lists(world)
    world.gateway.account, world.channels["live"]["replies"] = "gateway", world.gateway
    hear(world, number(1), "STOP", account="replies")
    assert purposes(world) == [("flood warnings", "stop"), ("news", "stop")]


def test_a_number_on_no_list_is_left_out_of_everything_that_comes(world):
    hear(world, number(7).removeprefix("+"), "STOP")
    assert purposes(world) == [("", "stop")]
    world.release_texts(7)
    world.work_bulk()
    assert number(7) not in warned(world)


def test_what_comes_from_no_number_opts_nobody_out(world):
    hear(world, "WyreCouncil", "STOP")
    hear(world, "60777", "STOP", id_="2")
    assert (world.size(suppression), world.size(heard)) == (0, 2)


def test_start_takes_back_neither_what_the_staff_entered_nor_an_erasure(world):
    world.release_texts(2)
    keeper = world.person("kim", "data-keeper")
    world.parts.opt_outs.add(keeper, number(1), purpose="", reason="call 2026-114")
    world.parts.erasing.erase(keeper, number(2), reason="DP-1", keep_out=True)
    write(world, 1, "START")
    write(world, 2, "START")
    assert sorted(purposes(world)) == [("", "asked"), ("", "kept_out")]


# --- replays ------------------------------------------------------------------------------------------------


def test_the_same_message_brought_a_hundred_times_counts_once(world):
    world.release_texts(1)
    for _ in range(100):
        write(world, 1, "STOP", id_="SM1")
    world.parts.confirming.look("live")
    assert (world.size(heard), confirmed(world, 1)) == (1, 1)
    assert world.acts().count("opted_out") == 1


def test_an_old_start_that_somebody_brings_again_takes_nothing_back(world):
    world.release_texts(1)
    write(world, 1, "START", id_="SM1")
    write(world, 1, "STOP", id_="SM2")
    world.clock.advance(400 * 24 * 3600)
    world.parts.sweep.sweep()
    write(world, 1, "START", id_="SM1")
    assert world.size(suppression) == 1


def test_two_that_bring_the_same_stop_at_once_opt_out_once_and_tell_it_once(world):
    world.release_texts(8)
    parts = [world.beside(), world.beside()]
    with ThreadPoolExecutor(2) as pool:
        for ordinal in range(1, 9):
            both = [pool.submit(write, world, ordinal, "STOP", parts=each) for each in parts]
            [each.result() for each in both]
        looks = [pool.submit(each.confirming.look, "live") for each in parts]
        [each.result() for each in looks]
    assert [confirmed(world, n) for n in range(1, 9)] == [1] * 8
    assert (world.size(heard), world.size(suppression)) == (8, 8)


def test_one_that_comes_while_another_is_taken_in_waits_for_it(world):
    other, begun = world.beside(), []
    world.release_texts(1)

    def overtake():
        begun.append(pool.submit(write, world, 1, "STOP", id_="a second one", parts=other))
        wait(begun, timeout=0.5)

    with ThreadPoolExecutor(1) as pool:
        with world.meanwhile(world.database, "FROM suppression", overtake):
            write(world, 1, "STOP")
        begun[0].result()
    assert world.acts().count("opted_out") == 1
    assert sorted(h.reply for h in world.rows(heard)) == ["", "due"]


# --- the confirmation ---------------------------------------------------------------------------------------


def test_its_owner_is_told_once_and_it_is_recorded(world):
    world.release_texts(1)
    write(world, 1, "STOP")
    assert world.parts.confirming.look("live") == 1
    assert world.parts.confirming.look("live") == 0
    write(world, 1, "STOP", id_="again")  # somebody who is out already
    world.parts.confirming.look("live")
    assert confirmed(world, 1) == 1
    first, second = world.rows(heard)
    assert (first.reply, first.reply_attempts, second.reply) == ("accepted", 1, "")
    assert first.reply_platform_id
    assert world.events("opt_out_confirmed") == [{"count": 1, "outcome": "accepted"}]
    assert world.parts.opt_outs.confirmations() == {"accepted": 1}


def test_what_may_have_been_sent_is_never_sent_again(world):
    world.release_texts(1)
    write(world, 1, "STOP")
    world.gateway.answers.append(Took(OutcomeUnknown("read_timeout")))
    for _ in range(3):
        world.parts.confirming.look("live")
        world.clock.advance(TRY_AGAIN_AFTER.total_seconds() + 1)
    assert (confirmed(world, 1), world.row(heard).reply) == (1, "unknown")


def test_a_process_that_dies_while_it_sends_leaves_it_unknown(world):
    world.release_texts(1)
    write(world, 1, "STOP")
    world.gateway.on_call = die
    with pytest.raises(WorkerDied):
        world.parts.confirming.look("live")
    world.gateway.on_call = lambda _keys: None
    assert world.row(heard).reply == "sending"
    world.clock.advance(ABANDONED_AFTER.total_seconds() + 1)
    assert world.beside().confirming.look("live") == 0
    assert (confirmed(world, 1), world.row(heard).reply) == (0, "unknown")
    assert world.events("opt_out_confirmed") == [{"count": 1, "outcome": "unknown"}]


def test_what_was_surely_not_sent_is_tried_a_few_times(world):
    world.release_texts(1)
    write(world, 1, "STOP")
    world.gateway.always = NotSent("busy", retry_after_s=1)
    for _ in range(MOST_TRIES + 2):
        world.parts.confirming.look("live")
        world.clock.advance(TRY_AGAIN_AFTER.total_seconds() + 1)
    row = world.row(heard)
    assert (row.reply, row.reply_attempts, row.reply_code) == ("not_sent", MOST_TRIES, "busy")


def test_what_the_gateway_refuses_is_left(world):
    world.release_texts(1)
    write(world, 1, "STOP")
    world.gateway.answers.append(Refused("opted_out"))
    world.parts.confirming.look("live")
    world.clock.advance(3600)
    world.parts.confirming.look("live")
    assert (confirmed(world, 1), world.row(heard).reply) == (0, "refused")


def test_nobody_is_told_an_hour_later_or_after_start_or_through_a_paused_account(world):
    world.release_texts(3)
    for ordinal in (1, 2, 3):
        write(world, ordinal, "STOP")
    write(world, 2, "START")
    world.change(account, {"paused_at": world.now()}, name="gateway")
    assert world.parts.confirming.look("live") == 0
    world.change(account, {"paused_at": None}, name="gateway")
    world.clock.advance(CONFIRM_WITHIN.total_seconds() + 1)
    assert world.parts.confirming.look("live") == 0
    assert [h.reply for h in world.rows(heard)] == ["not_sent", "", "not_sent", ""]
    assert not world.gateway.ledger


def test_where_the_gateway_tells_it_by_itself_we_do_not(world):
    world.gateway.confirms_stop = False
    world.release_texts(1)
    write(world, 1, "STOP")
    assert world.size(suppression) == 1
    assert world.parts.confirming.look("live") == 0


# --- what the gateway knows ---------------------------------------------------------------------------------


def test_a_number_that_the_gateway_refuses_for_its_stop_is_left_out_from_then_on(world):
    released = world.release_texts(2)
    world.gateway.by_address[number(1)] = Refused("opted_out", "This person has replied STOP.")
    world.work_bulk()
    assert purposes(world) == [("", "gateway")]
    assert world.totals(released.ref) == {"accepted": 1, "failed": 1}
    write(world, 1, "START")
    assert world.size(suppression) == 0


# --- by the staff -------------------------------------------------------------------------------------------


def test_the_staff_enters_and_takes_back_an_opt_out(world):
    keeper = world.person("kim", "data-keeper")
    world.release_texts(2)
    world.parts.opt_outs.add(keeper, "07700900001", purpose="", reason="call 2026-114")
    assert world.parts.opt_outs.add(keeper, number(2), purpose="x", reason="call 2").count == 1
    assert world.parts.opt_outs.add(keeper, number(2), purpose="x", reason="call 2").count == 0
    assert [(c.purpose, c.reason, c.count) for c in world.parts.opt_outs.counts()] == [
        ("", "asked", 1),
        ("x", "asked", 1),
    ]
    made = world.parts.opt_outs.end(keeper, number(2), purpose=None, reason="letter")
    assert (made.count, made.ending) == (1, "002")
    acts = [a for a in world.acts() if a.startswith("opt_out")]
    assert acts == ["opt_out_entered"] * 3 + ["opt_out_ended"]
    assert number(2)[-6:] not in str(world.rows(audit_event))


def test_what_the_staff_may_not_do_changes_nothing(world):
    keeper = world.person("kim", "data-keeper")
    world.officer, world.row  # noqa: B018 - people are made before rows are compared
    for error, words, run in [
        (
            NotAllowed,
            "Only",
            lambda: world.parts.opt_outs.add(world.officer, number(1), purpose="", reason="r"),
        ),
        (Invalid, "Nothing was changed", lambda: _add(world, keeper, reason=f"it is {number(1)}")),
        (Invalid, "Nothing was changed", lambda: _add(world, keeper, reason=" ")),
        (Invalid, "not entered", lambda: _add(world, keeper, number="12")),
        (
            NotFound,
            "no such opt-out",
            lambda: world.parts.opt_outs.end(keeper, number(1), purpose=None, reason="r"),
        ),
    ]:
        with world.refused(error, words):
            run()


def _add(world, keeper, **changes):
    given = {"number": number(1), "purpose": "", "reason": "call", **changes}
    world.parts.opt_outs.add(keeper, given.pop("number"), **given)

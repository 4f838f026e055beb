"""The cost of a run of texts and what is left of the month's budget, as officer and approver see it."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from broadcaster.db import costs
from broadcaster.db.tables import attempt, intent_group
from broadcaster.domain.checks.cost import Tariff
from broadcaster.domain.checks.finding import Level
from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from channels.base import Charges
from channels.text import sms_size
from tests.builders import LIFE_SAFETY, a_world
from tests.fakes import FakeGateway

DATABASES = ("sqlite",)

PENNY = Decimal("0.01")
LONG = "Amber wind warning for the coast " * 8


class Priced(FakeGateway):
    """A gateway whose account says what a segment costs."""

    def __init__(self) -> None:
        super().__init__("gateway")
        self.tariff = Tariff(price=PENNY, budget=Decimal(10))


@pytest.fixture
def world_settings():
    return {"gateway": Priced(), "max_in_flight": 100}


def finding(world, ref):
    [found] = [f for f in world.parts.compose.preview(ref).findings if f.code in {"cost", "over_budget"}]
    return found


def each(world, ref):
    """Segments of a message's text, counted here anew."""
    [text] = [p.post.at_widest().text for p in world.parts.compose.preview(ref).posts if p.channel == "sms"]
    return sms_size(text).segments


def pounds(segments):
    return Priced().tariff.money(PENNY * segments)


def used(world):
    """Texts of the account that count against this month's budget."""
    with world.database.read() as tx:
        start = tx.now() - timedelta(days=1)
        return sum(n for _, n in costs.texts_used(tx, mode="live", account_name="gateway", since=start))


def sent(world, size, **values):
    released = world.release_texts(size, **values)
    world.work_bulk()
    return released


def test_a_run_within_the_budget_is_told_and_can_be_submitted(world):
    world.add_audience("residents", 10)
    submitted = world.submit(channels=("website", "sms"), audience="residents")
    found, total = finding(world, submitted.ref), 10 * each(world, submitted.ref)
    assert (found.level, found.where) == (Level.INFO, "cost (gateway)")
    assert (
        f"{total} segments, about {pounds(total)}. It is within this month's £10 budget: {pounds(1000 - total)}"
        in (found.text)
    )


@pytest.mark.parametrize("values", [{}, LIFE_SAFETY])
def test_a_run_over_the_budget_warns_and_blocks_nothing(world, values):
    world.add_audience("residents", 1001)
    submitted = world.submit(channels=("sms",), audience="residents", **values)
    [found] = [f for f in submitted.proof.findings if f.code == "over_budget"]
    assert found.level is Level.WARNING
    over = 1001 * each(world, submitted.ref) - 1000
    assert f"it goes over by {pounds(over)}. It can be sent." in found.text
    assert submitted.proof.problems == ()
    assert world.approve(submitted).recipients == 1001


def test_a_longer_text_costs_more(world):
    world.add_audience("residents", 10)
    short = world.draft(channels=("sms",), audience="residents")
    long = world.draft(channels=("sms",), audience="residents", headline=LONG)
    assert each(world, long) > each(world, short)
    assert f"10 texts of {each(world, long)} segments" in finding(world, long).text


def test_a_message_without_texts_says_nothing_of_costs(world):
    ref = world.draft(channels=("website",))
    assert [f for f in world.parts.compose.preview(ref).findings if f.code == "cost"] == []


def test_what_was_taken_counts_and_what_was_not_does_not(world):
    world.gateway.answers.extend([Refused("no"), OutcomeUnknown("perhaps"), None, None])
    sent(world, 4)
    assert used(world) == 3


def test_a_try_that_took_nothing_costs_nothing_and_each_that_may_have_costs(world):
    world.gateway.answers.extend([NotSent("busy"), OutcomeUnknown("perhaps")])
    sent(world, 1)
    world.clock.advance(60)
    world.work_bulk()
    assert [a.outcome for a in world.rows(attempt)] == ["not_sent", "unknown"]
    assert used(world) == 1


def test_what_is_on_its_way_counts_before_it_is_planned_and_while_it_is_sent(world):
    """Two runs approved within a minute may not both see the same money left."""
    world.add_audience("residents", 60)
    released = world.release(channels=("sms",), audience="residents")
    assert used(world) == 60
    world.parts.plan.plan(world.broadcast_id(released.ref))
    assert used(world) == 60
    world.once("bulk")
    assert (len(world.gateway.ledger), used(world)) == (50, 60)
    world.work_bulk()
    assert (len(world.gateway.ledger), used(world)) == (60, 60)


def test_a_run_that_was_stopped_costs_what_was_sent(world):
    world.add_audience("residents", 60)
    released = world.release(channels=("sms",), audience="residents")
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.once("bulk")
    world.stop(released.ref)
    assert used(world) == 50


def test_a_run_that_was_stopped_before_it_was_planned_costs_nothing(world):
    world.add_audience("residents", 60)
    world.stop(world.release(channels=("sms",), audience="residents").ref)
    assert used(world) == 0


def test_a_group_whose_worker_died_may_have_cost_all_of_it(world):
    sent(world, 3)
    with world.database.write() as tx:
        tx.execute(attempt.delete())
    assert [g.size for g in world.rows(intent_group)] == [3]
    assert used(world) == 3


def test_what_another_account_mode_or_month_sent_does_not_count(world):
    sent(world, 3)
    with world.database.read() as tx:
        later = {"since": tx.now() + timedelta(days=1)}
        start = {"since": tx.now() - timedelta(days=1)}
        for other in (
            {"mode": "exercise", "account_name": "gateway", **start},
            {"mode": "live", "account_name": "another", **start},
            {"mode": "live", "account_name": "gateway", **later},
        ):
            assert list(costs.texts_used(tx, **other)) == []


def left(world):
    """What the next run is told to be left after it, beside that run itself: in segments."""
    world.add_audience("next", 1)
    ref = world.draft(channels=("sms",), audience="next")
    words = finding(world, ref).text.partition("budget: £")[2]
    return int(Decimal(words.split(" ")[0]) * 100) + each(world, ref)


def test_what_is_left_is_what_no_text_of_this_month_has_used(world):
    assert left(world) == 1000
    first = sent(world, 3)
    assert left(world) == 1000 - 3 * each(world, first.ref)


def test_posts_of_before_count_with_the_segments_they_had(world):
    first = sent(world, 2, headline=LONG)
    assert each(world, first.ref) > 2
    assert left(world) == 1000 - 2 * each(world, first.ref)


def test_the_month_is_the_one_on_the_clocks_of_the_zone(world):
    sent(world, 3)
    assert left(world) < 1000
    now = world.now()
    start_of_next = datetime(now.year + now.month // 12, now.month % 12 + 1, 1, tzinfo=now.tzinfo)
    world.clock.advance((start_of_next - now).total_seconds() + 7200)
    assert left(world) == 1000


def test_public_posts_never_count(world):
    world.release(channels=("website", "facebook"))
    world.clock.advance(1)
    world.work_public()
    with world.database.read() as tx:
        for name in ("site", "page"):
            start = tx.now() - timedelta(days=1)
            assert list(costs.texts_used(tx, mode="live", account_name=name, since=start)) == []


def test_what_was_released_is_not_counted_once_more(world):
    released = sent(world, 3)
    assert [f for f in world.parts.compose.preview(released.ref).findings if "cost" in f.where] == []


def test_the_approver_sees_it_beside_the_stored_posts(world):
    world.add_audience("residents", 1001)
    submitted = world.submit(channels=("sms",), audience="residents")
    assert finding(world, submitted.ref).code == "over_budget"


def test_an_account_without_costs_is_told_in_segments(database_url, tmp_path):
    with a_world(database_url, tmp_path) as world:
        assert not isinstance(world.gateway, Charges)
        world.add_audience("residents", 5)
        ref = world.draft(channels=("sms",), audience="residents")
        total = 5 * each(world, ref)
        assert f"{total} segments. What that costs is not known here" in finding(world, ref).text

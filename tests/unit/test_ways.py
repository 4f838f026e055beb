"""Which account a batch takes, and what an account's file says of its spares."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.errors import Invalid
from broadcaster.domain.ways import Way, WayNow, choose
from channels.base import Account
from channels.spares import per_second_of, problems_with, ways_of
from tests.fakes import FakeGateway, FakePlatform

NOW = datetime(2026, 11, 21, tzinfo=UTC)
moments = st.sampled_from([None, NOW - timedelta(seconds=9), NOW + timedelta(seconds=9)])


def way(no, rank=0, weight=100, *, paused=False, **more):
    return WayNow(account_id=no, account=f"texts-{no}", rank=rank, weight=weight, paused=paused, **more)


@given(
    st.lists(st.tuples(st.integers(0, 2), st.booleans(), moments, moments), min_size=1, max_size=4),
    st.integers(1, 10_000),
    st.booleans(),
)
def test_it_goes_through_none_that_is_paused_and_through_a_failing_one_as_a_probe_or_where_all_fail(
    ways, batch_id, probes
):
    stand = [
        way(no, rank, paused=paused, open_until=open_until, free_at=free_at)
        for no, (rank, paused, open_until, free_at) in enumerate(ways)
    ]
    chosen = choose(stand, now=NOW, batch_id=batch_id, probes=probes)
    alive = [w for w in stand if not w.paused]
    assert (chosen is None) == (not alive)
    if chosen is None:
        return
    assert chosen.way in alive
    assert probes or not chosen.probe
    if any(w.is_usable for w in alive):
        assert chosen.way.is_usable != chosen.probe
        assert not chosen.probe or chosen.way.open_until <= NOW
    with_room = [w for w in alive if w.is_usable and w.has_room(NOW)]
    if with_room and not chosen.probe:
        assert chosen.way.rank == min(w.rank for w in with_room)
        assert chosen.way.has_room(NOW)


@pytest.mark.parametrize("first", [1, 501, 1_000_000])
def test_a_hundred_batches_in_a_row_are_shared_as_the_file_says(first):
    ways = [way(1, weight=70), way(2, weight=30), way(3, rank=1)]
    went = Counter(choose(ways, now=NOW, batch_id=n).way.account_id for n in range(first, first + 100))
    assert set(went) == {1, 2}
    assert abs(went[1] - 70) <= 2


def account(**options):
    return Account(name="texts-a", channel="sms", mode="live", options=options)


def test_an_account_names_those_that_share_and_its_spares_in_their_order():
    found = ways_of(account(spares="texts-b, texts-c", share="texts-d 30"))
    assert found == (
        Way(account="texts-a", rank=0, weight=70),
        Way(account="texts-d", rank=0, weight=30),
        Way(account="texts-b", rank=1),
        Way(account="texts-c", rank=2),
    )
    assert ways_of(account()) == (Way(account="texts-a"),)
    assert (per_second_of(account(per_second="50")), per_second_of(account())) == (50, 0)


@pytest.mark.parametrize(
    ("options", "why"),
    [
        ({"spares": "texts-a"}, "twice, or itself"),
        ({"spares": "b, b"}, "twice, or itself"),
        ({"share": "b 60, c 40"}, "gives everything away"),
        ({"share": "b"}, "such as"),
        ({"share": "b 100"}, "such as"),
        ({"share": "b -1"}, "such as"),
        ({"share": "b ٣"}, "such as"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(options, why):
    with pytest.raises(Invalid, match=why):
        ways_of(account(**options))


@pytest.mark.parametrize("given", ["0", "-1", "fast", "1.5", "1000000000"])
def test_a_rate_that_cannot_be_is_refused(given):
    with pytest.raises(Invalid, match="whole number"):
        per_second_of(account(per_second=given))


def test_spares_must_exist_be_of_the_channel_and_have_none_of_their_own():
    first, second = FakeGateway("texts-a"), FakeGateway("texts-b")
    opened = {"texts-a": first, "texts-b": second, "page": FakePlatform("facebook", "page")}
    first.ways = tuple(Way(account=n) for n in ("texts-a", "texts-b", "texts-x", "page"))
    assert len(problems_with(opened)) == 2
    second.ways = (Way(account="texts-b"), Way(account="texts-a", rank=1))
    assert [text for text in problems_with(opened) if "spares of its own" in text]

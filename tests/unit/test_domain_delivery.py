"""The tables of states: complete, without dead ends that are not ends, and without a way back from the truth."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any

import pytest

from broadcaster.domain.broadcast import BROADCAST_TRANSITIONS, BroadcastState
from broadcaster.domain.delivery import DELIVERY_TRANSITIONS, SETTLED, STATE_AFTER, Outcome, states_before
from broadcaster.domain.delivery import DeliveryState as S
from broadcaster.domain.message import MESSAGE_TRANSITIONS, MessageState

TABLES = pytest.mark.parametrize(
    ("table", "states", "first"),
    [
        (DELIVERY_TRANSITIONS, S, S.PENDING),
        (MESSAGE_TRANSITIONS, MessageState, MessageState.DRAFT),
        (BROADCAST_TRANSITIONS, BroadcastState, BroadcastState.SENDING),
    ],
)


def reachable(table: Mapping[Any, frozenset[Any]], start: StrEnum) -> set[Any]:
    found: set[Any] = set()
    ahead = {start}
    while ahead:
        found |= ahead
        ahead = {after for state in ahead for after in table[state]} - found
    return found


@TABLES
def test_every_state_has_its_row(
    table: Mapping[Any, frozenset[Any]], states: type[StrEnum], first: StrEnum
) -> None:
    assert set(table) == set(states)


@TABLES
def test_every_state_can_be_reached(
    table: Mapping[Any, frozenset[Any]], states: type[StrEnum], first: StrEnum
) -> None:
    assert reachable(table, first) == set(states)


@TABLES
def test_no_state_follows_itself(
    table: Mapping[Any, frozenset[Any]], states: type[StrEnum], first: StrEnum
) -> None:
    assert not [state for state, after in table.items() if state in after]


@pytest.mark.parametrize("state", list(S))
def test_every_delivery_can_come_to_an_end(state: S) -> None:
    assert reachable(DELIVERY_TRANSITIONS, state) & SETTLED


def test_what_is_not_settled_can_go_on() -> None:
    assert {s for s in S if s not in SETTLED} == {S.PENDING, S.SENDING, S.UNKNOWN}
    assert all(DELIVERY_TRANSITIONS[s] for s in S if s not in SETTLED)


@pytest.mark.parametrize("state", [S.DELIVERED, S.CANCELLED, S.EXPIRED, S.SUPPRESSED])
def test_nothing_follows_a_last_state(state: S) -> None:
    assert DELIVERY_TRANSITIONS[state] == frozenset()


@pytest.mark.parametrize("state", [S.ACCEPTED, S.DELIVERED, S.UNDELIVERED])
def test_what_the_platform_took_is_never_sent_again(state: S) -> None:
    assert not reachable(DELIVERY_TRANSITIONS, state) & {S.PENDING, S.SENDING}


def test_what_failed_waits_again_or_is_in_doubt_only_where_it_was_never_sent() -> None:
    assert DELIVERY_TRANSITIONS[S.FAILED] == {S.PENDING, S.UNKNOWN_FINAL}


@pytest.mark.parametrize("state", list(S))
def test_no_answer_of_a_platform_changes_what_has_failed(state: S) -> None:
    assert S.FAILED not in states_before(state)


def test_only_the_truth_or_a_person_takes_anything_out_of_quarantine() -> None:
    assert DELIVERY_TRANSITIONS[S.QUARANTINED] == {S.PENDING, S.ACCEPTED, S.DELIVERED, S.UNDELIVERED}


@pytest.mark.parametrize("state", list(S))
def test_quarantine_is_left_by_nobody_who_does_not_ask_whether_it_was_sent(state: S) -> None:
    assert S.QUARANTINED not in states_before(state)


@pytest.mark.parametrize("state", [S.SENDING, S.UNKNOWN, S.UNKNOWN_FINAL, S.ACCEPTED])
def test_a_receipt_lifts_whatever_may_have_been_taken(state: S) -> None:
    assert {S.DELIVERED, S.UNDELIVERED} <= DELIVERY_TRANSITIONS[state]


def test_every_outcome_leads_to_a_state_that_may_follow_sending() -> None:
    assert set(STATE_AFTER) == set(Outcome)
    assert set(STATE_AFTER.values()) <= DELIVERY_TRANSITIONS[S.SENDING]


@pytest.mark.parametrize("state", list(S))
def test_states_before_speak_of_stored_states(state: S) -> None:
    before = states_before(state)
    assert S.SENDING not in before
    apart = {S.PENDING, S.SENDING, S.QUARANTINED, S.FAILED}
    others = {s for s in S if state in DELIVERY_TRANSITIONS[s]} - apart
    assert before - {S.PENDING} == others

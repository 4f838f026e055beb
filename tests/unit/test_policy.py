"""Who may do what, and the bounds that people agreed on."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.errors import NotAllowed
from broadcaster.domain.policy import MAY, RESEND_AT_MOST, Action, Role, may_resend, require

ROLES = st.sets(st.sampled_from([str(role) for role in Role]))


def allowed(roles: set[str], action: Action) -> bool:
    try:
        require("otto", roles, action)
    except NotAllowed:
        return False
    return True


def test_every_action_has_somebody_who_may_do_it() -> None:
    assert set(MAY) == set(Action)
    assert all(MAY.values())


def test_no_role_alone_both_writes_and_approves() -> None:
    assert not MAY[Action.WRITE] & MAY[Action.APPROVE]


@pytest.mark.parametrize("action", list(Action))
def test_an_auditor_and_a_data_keeper_change_nothing_that_is_sent(action: Action) -> None:
    if action in {Action.WRITE, Action.APPROVE, Action.STOP, Action.MANAGE}:
        assert not MAY[action] & {Role.AUDITOR, Role.DATA_KEEPER}


def test_a_data_keeper_sees_no_messages_and_an_administrator_sends_none() -> None:
    assert Role.DATA_KEEPER not in MAY[Action.READ]
    assert Role.ADMINISTRATOR not in MAY[Action.WRITE] | MAY[Action.APPROVE] | MAY[Action.STOP]


@given(roles=ROLES, more=ROLES, action=st.sampled_from(list(Action)))
def test_another_role_never_takes_a_right_away(roles: set[str], more: set[str], action: Action) -> None:
    assert not allowed(roles, action) or allowed(roles | more, action)


@given(roles=ROLES, action=st.sampled_from(list(Action)))
def test_one_may_exactly_what_one_of_ones_roles_may(roles: set[str], action: Action) -> None:
    assert allowed(roles, action) == any(role in MAY[action] for role in roles)


@pytest.mark.parametrize("roles", [set(), {""}, {"king"}, {"Approver"}])
def test_what_is_no_role_may_nothing(roles: set[str]) -> None:
    assert not any(allowed(roles, action) for action in Action)


def test_a_refusal_says_who_may_and_who_is_asking() -> None:
    with pytest.raises(NotAllowed) as caught:
        require("otto", {"auditor"}, Action.STOP)
    assert caught.value.text == (
        "Only an approver or an officer may stop a broadcast. You are otto (auditor). Nothing was changed."
    )
    with pytest.raises(NotAllowed, match=r"You are otto \(no role\)"):
        require("otto", (), Action.APPROVE)


@pytest.mark.parametrize(
    ("unknown", "planned", "may"),
    [
        (1, 1, True),
        (1, 20, True),
        (2, 20, False),
        (2, 39, False),
        (2, 40, True),
        (1_000, 20_000, True),
        (1_001, 20_020, False),
        (1_000, 19_999, False),
        (1_001, 1_000_000, False),
        (0, 0, True),
    ],
)
def test_so_many_unknown_deliveries_may_be_sent_again_without_asking(
    unknown: int,
    planned: int,
    may: bool,  # noqa: FBT001 - a column of the table above
) -> None:
    assert may_resend(unknown=unknown, planned=planned) is may


@given(unknown=st.integers(0, 5_000), planned=st.integers(0, 2_000_000))
def test_never_more_than_a_thousand_nor_five_percent_but_one(unknown: int, planned: int) -> None:
    if may_resend(unknown=unknown, planned=planned):
        assert unknown <= RESEND_AT_MOST
        assert unknown <= 1 or unknown * 20 <= planned
        assert may_resend(unknown=max(0, unknown - 1), planned=planned + 1)

"""Editing and taking down what was posted, on the stand-ins of the platforms that can: three outcomes, and safe to repeat."""

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused
from channels.base import Amends, Withdraws
from channels.facebook import FacebookPage
from channels.sandbox.facebook import EDIT_PARAMETERS
from channels.twitter import XAccount
from channels.website import Website
from tests.contract.sandbox_process import contract
from tests.contract.test_read_back_sandbox import KEY, Place

WRONG, RIGHT = (
    "Boil your water. Ref 7F3K2M",
    "Drink your water. It is safe & <clean>. Ref 4DX9QA https://site.example/a",
)


@pytest.fixture(params=[("facebook", FacebookPage), ("x", XAccount)], ids=["facebook", "x"])
def place(request, sandbox):
    return Place(sandbox, *request.param)


@pytest.fixture
def facebook(sandbox):
    return Place(sandbox, "facebook", FacebookPage)


def posted(place, text=WRONG):
    return place.channel().send(place.post(text), KEY).platform_id


def test_what_the_channels_can():
    assert issubclass(FacebookPage, Amends)
    assert not issubclass(
        XAccount, Amends
    )  # X lets only paying accounts edit, for half an hour, under a new id
    assert all(issubclass(each, Withdraws) for each in (FacebookPage, XAccount))
    assert not issubclass(Website, Amends | Withdraws)  # a page is published again


def test_what_stands_there_is_read_as_a_reader_sees_it(place):
    assert place.channel().stands(posted(place, RIGHT)) == RIGHT


def test_what_is_taken_down_is_gone_and_may_be_taken_down_again(place):
    platform_id = posted(place)
    place.channel().withdraw(platform_id)
    assert place.channel().stands(platform_id) is None
    place.channel().withdraw(platform_id)


def test_an_edited_post_keeps_its_id_and_may_be_edited_again(facebook):
    platform_id = posted(facebook)
    for _ in range(2):
        made = facebook.channel().amend(facebook.post(RIGHT), platform_id)
    assert made.platform_id == platform_id
    assert facebook.channel().stands(platform_id) == RIGHT


def test_what_is_gone_cannot_be_edited(facebook):
    platform_id = posted(facebook)
    facebook.channel().withdraw(platform_id)
    with pytest.raises(Refused) as told:
        facebook.channel().amend(facebook.post(RIGHT), platform_id)
    assert told.value.code == "gone"


def test_the_parameters_of_an_edit_stand_in_metas_specification():
    (update,) = [a for a in contract("meta/PagePost.json")["apis"] if a.get("name") == "#update"]
    assert {p["name"] for p in update["params"]} >= EDIT_PARAMETERS


def test_xs_specification_has_what_is_asked_of_it():
    paths = contract("x/openapi.json")["paths"]
    assert "delete" in paths["/2/tweets/{id}"]
    assert "get" in paths["/2/tweets/{id}"]


@pytest.mark.parametrize(
    ("kind", "error"), [("429", NotSent), ("500", OutcomeUnknown), ("expired_token", NotConfigured)]
)
@pytest.mark.parametrize("act", ["amend", "withdraw"])
def test_a_change_that_fails_has_one_of_three_outcomes(facebook, kind, error, act):
    platform_id = posted(facebook)
    facebook.fault(kind, count=1, on="change")
    with pytest.raises(error) as told:
        if act == "amend":
            facebook.channel().amend(facebook.post(RIGHT), platform_id)
        else:
            facebook.channel().withdraw(platform_id)
    assert facebook.own["access_token"] not in repr(told.value) + str(told.value.__cause__)

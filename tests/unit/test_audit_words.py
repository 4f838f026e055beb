"""Every act that the product can write down is told in a sentence that a stranger understands."""

import json

import pytest

from broadcaster.domain.audit import AuditEvent
from broadcaster.domain.audit_told import UNTOLD
from broadcaster.domain.audit_words import KINDS, SENTENCES, sentence
from broadcaster.domain.word_diff import Change, in_words, word_diff
from tests.test_docs_audit import acts_of_the_code


def event(act, subject="7F3K2M", actor="anna", **payload):
    return AuditEvent(
        id=1,
        no=1,
        at="2026-11-21T03:00:00+00:00",
        actor=actor,
        act=act,
        subject=subject,
        payload=json.dumps(payload),
        leaf=None,
    )


def test_every_act_of_the_code_has_a_sentence_and_no_other():
    assert sorted(SENTENCES) == sorted(acts_of_the_code())
    assert sorted(act for acts in KINDS.values() for act in acts) == sorted(SENTENCES)


@pytest.mark.parametrize("act", sorted(SENTENCES))
def test_a_sentence_stands_whatever_an_older_event_lacks(act):
    for payload in ({}, {"counts": 3, "filter": "x", "change": [], "reason": None}):
        said = sentence(event(act, actor="Anna", **payload))
        assert said[0].isupper() or said[0].isdigit()
        assert "_" not in said, said
        assert "{" not in said, said
    assert sentence(AuditEvent(**{**vars(event(act)), "payload": "no JSON"}))


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            event("message_approved_and_released", factor="passkey", public_posts=3, recipients=10214),
            (
                "anna approved 7F3K2M, as a second person and with a passkey, and it was released: 3 public posts "
                "and texts to 10,214 people."
            ),
        ),
        (
            event("message_returned", reason="Which roads?"),
            "anna gave 7F3K2M back to its officer: Which roads?.",
        ),
        (
            event("outcomes_recorded", actor="system", counts={"accepted": 498, "unknown": 2}),
            "Platforms answered about 7F3K2M: 498 accepted by the platform and 2 with no known outcome.",
        ),
        (
            event(
                "roles_changed",
                subject="bob",
                before=["officer"],
                roles=["approver", "officer"],
                proposal="ABC234",
                proposed_by="carl",
            ),
            "anna changed the roles of bob from officer to approver and officer. It was proposed by carl (ABC234).",
        ),
        (event("an_act_of_tomorrow"), "anna: an act of tomorrow (7F3K2M)."),
    ],
)
def test_what_an_event_says_stands_in_its_sentence(said, told):
    assert UNTOLD not in told
    assert sentence(said) == told.replace("?.", "?")


def test_a_word_diff_shows_and_tells_what_changed():
    before, after = "Keep off the seafront. Avoid driving.", "Keep off the A587 seafront. Avoid all  driving."
    pieces = word_diff(before, after)
    assert "".join(p.text for p in pieces if p.change is not Change.REMOVED) == after
    assert in_words(before, after) == 'Added "A587"; added "all".'
    assert in_words("Leave now", "Leave at six") == 'Removed "now"; added "at six".'
    assert in_words("a  b", "a b") == "Only spaces or line breaks changed."
    assert in_words("a", "a") == ""

"""That a post says what it must is asked of the finished post: each thing that could be missing is found missing."""

import pytest

from broadcaster.domain.checks.carried import (
    check_carried,
    check_exercise,
    check_first_part,
    longest_of,
    no_room,
)
from broadcaster.domain.checks.finding import Level

NEEDED = {
    "what happened": ("Flood warning",),
    "where": ("River Wyre",),
    "what to do": ("Go upstairs. Ring 999.",),
    "until when": ("6am Sunday", "6am Sun"),
}
POST = "Flood warning\nRiver Wyre. Go upstairs. Ring 999.\nUntil 6am Sun."


def found(*texts: str) -> list[str]:
    return [each.text for each in check_carried(texts, NEEDED, "X")]


def test_a_post_that_says_all_has_nothing_against_it() -> None:
    assert found(POST) == []
    assert found(POST.replace(" Ring", "\n\nRing")) == []


@pytest.mark.parametrize(("name", "gone"), [("where", "River"), ("what to do", "999"), ("until when", "6am")])
def test_what_is_missing_or_cut_is_named_with_what_to_do(name: str, gone: str) -> None:
    (text,) = found(POST.replace(gone, ""))
    assert text.startswith(f"does not say {name}. Fill it in, or leave this channel out")


def test_an_empty_fact_is_missing() -> None:
    (finding,) = check_carried([POST], {"where": ("  ",)}, "X")
    assert (finding.code, finding.level, finding.where) == ("missing_fact", Level.PROBLEM, "X")


def test_a_fact_may_be_spread_over_parts_between_its_sentences_and_nowhere_else() -> None:
    assert found("Flood warning River Wyre 6am Sun Go upstairs.", "Ring 999.") == []
    assert found("Flood warning River Wyre 6am Sun Go upstairs. Ring", "999.") != []


def test_the_first_part_of_a_thread_stands_alone() -> None:
    first = {name: NEEDED[name] for name in ("what happened", "where", "what to do")}
    assert list(check_first_part([POST, "More."], first, "X")) == []
    (finding,) = check_first_part(["Flood warning. River Wyre.", "Go upstairs. Ring 999."], first, "X")
    assert finding.code == "thread_first_part"
    assert "does not say what to do in the first part" in finding.text
    assert list(check_first_part(["Flood warning"], first, "X")) == []  # no thread


def test_every_part_of_an_exercise_says_so_at_both_ends() -> None:
    assert list(check_exercise(["EXERCISE a EXERCISE"], "X")) == []
    (finding,) = check_exercise(["EXERCISE a EXERCISE", "EXERCISE b"], "X")
    assert "part 2" in finding.text


def test_the_cure_names_what_is_worth_shortening() -> None:
    long = {"where": ("w" * 50,), "what to do": ("d" * 160,), "who says so": ("s",)}
    assert longest_of(long) == "what to do (160 characters) or where (50 characters)"
    assert longest_of({"where": ("w" * 9,)}) == "where (9 characters)"
    assert no_room(long, "X").text.endswith("Shorten what to do (160 characters) or where (50 characters).")

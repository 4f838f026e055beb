"""Our canonical JSON against an independent implementation of RFC 8785."""

import hashlib
import json
from typing import Any

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.domain.canonical import MAX_EXACT_INTEGER, canonical, sha256

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
KEYS = st.text(st.characters(max_codepoint=127))
PLAIN = st.none() | st.booleans() | st.integers(-MAX_EXACT_INTEGER, MAX_EXACT_INTEGER) | TEXT
VALUES = st.recursive(PLAIN, lambda inner: st.lists(inner) | st.dictionaries(KEYS, inner), max_leaves=20)


@given(VALUES)
def test_the_bytes_are_those_of_an_independent_implementation(value: Any) -> None:
    assert canonical(value) == rfc8785.dumps(value)


@given(VALUES)
def test_the_value_can_be_read_back(value: Any) -> None:
    assert json.loads(canonical(value)) == value


@given(st.dictionaries(KEYS, PLAIN))
def test_the_order_of_keys_does_not_matter(value: dict[str, Any]) -> None:
    assert canonical(dict(reversed(value.items()))) == canonical(value)


@given(VALUES)
def test_the_digest_is_that_of_the_bytes(value: Any) -> None:
    assert sha256(value) == hashlib.sha256(rfc8785.dumps(value)).hexdigest()


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param(1.0, id="float"),
        pytest.param(float("nan"), id="not a number"),
        pytest.param("\ud800", id="lone surrogate"),
        pytest.param({"\u00e9": 1}, id="key that is not ASCII"),
        pytest.param({1: 1}, id="key that is not text"),
        pytest.param({"\ud800": 1}, id="lone surrogate in a key"),
        pytest.param(MAX_EXACT_INTEGER + 1, id="too large"),
        pytest.param(-MAX_EXACT_INTEGER - 1, id="too small"),
        pytest.param({1, 2}, id="set"),
        pytest.param(object(), id="object"),
    ],
)
@pytest.mark.parametrize("wrap", [lambda v: v, lambda v: [v], lambda v: {"a": [{"b": v}]}])
def test_what_would_not_be_the_same_everywhere_is_refused(bad: Any, wrap: Any) -> None:
    with pytest.raises(ValueError):
        canonical(wrap(bad))


@given(st.integers(min_value=MAX_EXACT_INTEGER + 1) | st.integers(max_value=-MAX_EXACT_INTEGER - 1))
def test_integers_that_are_not_exact_everywhere_are_refused(number: int) -> None:
    with pytest.raises(ValueError, match="too large"):
        canonical(number)

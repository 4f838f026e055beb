"""Nearest names, for "did you mean"."""

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(given: str, known: Iterable[str]) -> str:
    """A clause such as ` Did you mean "severe-weather"?`, or ` Known: a, b.` where nothing is near."""
    choices = sorted(known)
    near = get_close_matches(given, choices, n=1, cutoff=0.5)
    if near:
        return f' Did you mean "{near[0]}"?'
    return f" Known: {', '.join(choices)}." if choices else ""

"""Hints for wording that people understand when they are frightened: short sentences, plain words, no shouting.

Nothing here ever holds a message up. The rules are GOV.UK's ("Writing for GOV.UK", not read anew for
this): sentences of at most 25 words, plain words, no blocks of capitals.
"""

import math
import re
from collections.abc import Iterator, Mapping

from broadcaster.domain.checks.finding import Finding, Level, at_most_one

MAX_SENTENCE_WORDS = 25
MAX_READING_AGE = 14
MIN_WORDS = 30  # of fewer words a formula says nothing
_SHOUTED_WORDS, _LONG_ABBREVIATION = 3, 4  # several abbreviations in a row (NHS, BBC, RNLI) are not shouting
_NO_ABBREVIATIONS = frozenset({"DO", "NOT", "THE", "NOW"})
_START_CHARS = 40

#: What officials write, and what people say: our own small list, of words that stand in warnings.
JARGON: Mapping[str, str] = {
    "additional": "more", "adjacent to": "next to", "approximately": "about", "ascertain": "find out",
    "assist": "help", "assistance": "help", "at this time": "now", "cease": "stop", "ceased": "stopped",
    "commence": "start", "commenced": "started", "commences": "starts", "commencing": "starting",
    "due to the fact that": "because", "egress": "way out", "endeavour": "try", "facilitate": "help",
    "fluvial": "river", "forthwith": "now", "in excess of": "more than", "in order to": "to",
    "in the event of": "if there is", "in the event that": "if", "in the vicinity of": "near", "ingress": "way in",
    "inundated": "flooded", "inundation": "flooding", "mitigate": "reduce", "multi-agency": "", "notify": "tell",
    "obtain": "get", "persons": "people", "pluvial": "rain", "potable": "safe to drink", "precipitation": "rain or snow",
    "prior to": "before", "proceed to": "go to", "purchase": "buy", "refrain from": "do not", "regarding": "about",
    "remain vigilant": "watch out", "residence": "home", "subsequent to": "after", "subsequently": "later",
    "sufficient": "enough", "terminate": "end", "terminated": "ended", "until such time as": "until",
    "utilise": "use", "utilised": "used", "utilising": "using", "via": "through",
}  # fmt: skip
_JARGON = re.compile(
    rf"(?<![\w-])(?:{'|'.join(sorted(map(re.escape, JARGON), key=len, reverse=True))})(?![\w-])",
    re.IGNORECASE,
)
_SENTENCE_END = re.compile(r"[.!?:;]['\")\u2019\u201d]?\s|\n")
_LETTER = re.compile(r"[^\W_]")

_LONG_TEXT = f"has a sentence of more than {MAX_SENTENCE_WORDS} words ({{}}). Make two of it."
_JARGON_TEXT = "has words that few people use ({}). Write the plain ones."
_CAPITALS_TEXT = "has words in capitals ({}), which are hard to read. Write them in small letters."


def check_plain_english(text: str, where: str) -> Iterator[Finding]:
    """Long sentences, jargon with the plain word, words in capitals."""
    long = [_start(sentence) for sentence in sentences(text) if len(sentence.split()) > MAX_SENTENCE_WORDS]
    words = [_advice(match[0]) for match in _JARGON.finditer(text)]
    yield from at_most_one("long_sentence", Level.HINT, where, long, _LONG_TEXT)
    yield from at_most_one("jargon", Level.HINT, where, words, _JARGON_TEXT)
    yield from at_most_one("capitals", Level.HINT, where, list(_shouted(text)), _CAPITALS_TEXT)


def check_reading_age(text: str, where: str) -> Iterator[Finding]:
    """A hint where it takes more than a fourteen-year-old's reading."""
    age = reading_age(text)
    if age is not None and age > MAX_READING_AGE:
        advice = f"reads like a text for people of {age} or older. Use shorter words and shorter sentences."
        yield Finding(code="reading_age", level=Level.HINT, where=where, text=advice)


def reading_age(text: str) -> int | None:
    """Years, by the Automated Readability Index (Senter and Smith, 1967, AD0667273); None below thirty words.

    Grade = 4.71 x characters per word + 0.5 x words per sentence - 21.43, rounded up; a pupil of grade 1 is six. Taken
    because it counts letters: other formulas guess syllables, and each program guesses them in its own way.
    """
    counted = [[w for w in sentence.split() if _LETTER.search(w)] for sentence in sentences(text)]
    counted = [words for words in counted if words]
    words = sum(map(len, counted))
    if words < MIN_WORDS:
        return None
    chars = sum(len(_LETTER.findall(word)) for sentence in counted for word in sentence)
    grade = 4.71 * chars / words + 0.5 * words / len(counted) - 21.43
    return max(5, math.ceil(grade) + 5)


def sentences(text: str) -> Iterator[str]:
    """Roughly: up to a full stop, colon or the like with a blank behind it, or to the end of a line."""
    start = 0
    for end in _SENTENCE_END.finditer(text):
        yield text[start : end.end()].strip()
        start = end.end()
    yield text[start:].strip()


def _start(sentence: str) -> str:
    return f'"{sentence[:_START_CHARS].rstrip()}..."'


def _advice(word: str) -> str:
    plain = JARGON[word.lower()]
    return f'"{word}": say "{plain}"' if plain else f'"{word}": leave it out'


def _shouted(text: str) -> Iterator[str]:
    run: list[str] = []
    for word in [*text.split(), "."]:
        bare = word.strip("\"'()[],.;:!?-")
        if bare.isupper() and bare.isalpha():
            run.append(bare)
            continue
        if len(run) >= _SHOUTED_WORDS and any(
            len(w) > _LONG_ABBREVIATION or w in _NO_ABBREVIATIONS for w in run
        ):
            yield f'"{" ".join(run)[:_START_CHARS]}"'
        run = []

"""What GOV.UK Notify makes of a text on its way to the telephone, so that nothing is approved that would not arrive.

It says nothing of this in its answers: it drops and merges white space, and replaces typographic signs. All other
characters arrive, since August 2026 in any script (github.com/alphagov/notifications-utils: template.py,
SMSMessageTemplate; formatters.py; sanitise_text.py, SanitiseSMS; pull requests 1443 and 1451; read 2026-11).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Change:
    """One place that Notify would change: what stands there, after which word, and what to do about it."""

    what: str
    after: str
    cure: str

    def in_words(self) -> str:
        place = f'after "{self.after}"' if self.after else "at the very beginning"
        return f"{self.what} {place} ({self.cure})"


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """Every `pattern` becomes `becomes`; `what` and `cure` say it, with `{}` for what was found."""

    pattern: re.Pattern[str]
    becomes: str
    what: str
    cure: str

    def apply(self, text: str) -> str:
        return self.pattern.sub(self.becomes, text)

    def changes(self, text: str) -> Iterator[Change]:
        for found in self.pattern.finditer(text):
            shown = _shown(found[0])
            after = "".join(text[: found.start()].split()[-1:])
            yield Change(what=self.what.format(shown), after=after, cure=self.cure.format(shown))


def _rule(pattern: str, becomes: str, what: str, cure: str) -> _Rule:
    return _Rule(pattern=re.compile(pattern), becomes=becomes, what=what, cure=cure)


# Signs that become cheaper ones. ŵ, ç, emoji and whatever else is in no list stay as they are.
_SIGNS = {
    "-": "\u2011\u2013\u2014\u2212",
    "'": "\u2018\u2019\u201a",
    '"': "\u201c\u201d\u201e",
    "...": "\u2026",
}

# In Notify's order, each on what the one before has left. Before a comma it looks for spaces and tabs alone, and
# before it joins lines; so a comma at the beginning of a line keeps its line.
_RULES = (
    _rule(r"[ \t]+(?=[,.])", "", "the space before a comma or full stop", "leave it out"),
    _rule(
        "\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]", "\n", "the sign for a new line {}", "use a plain new line"
    ),
    _rule(
        "[\u180e\u200b-\u200d\u2060\ufeff]",
        "",
        "the invisible character {}",
        "leave it out; an emoji that is joined of several, replace by a single one",
    ),
    _rule(r"(?m)^[^\S\n]+", "", "the space at the beginning of the line", "leave it out"),
    _rule(r"(?m)[^\S\n]+$", "", "the space at the end of the line", "leave it out"),
    _rule(r"(?! (?!\s))[^\S\n]+", " ", "the double or special space", "write a single plain space"),
    _rule(r"\A\n+|\n+\Z", "", "the empty line at the beginning or end", "leave it out"),
    _rule(r"\n{3,}", "\n\n", "more than one empty line", "leave one"),
    *(_rule(f"[{signs}]", plain, "{}", f"write {plain}") for plain, signs in _SIGNS.items()),
)


def as_notify_sends(text: str) -> str:
    for rule in _RULES:
        text = rule.apply(text)
    return text


def changes(text: str) -> list[Change]:
    """Every place where `as_notify_sends` differs from the text; none where it sends the text as it stands."""
    found: list[Change] = []
    for rule in _RULES:
        found += rule.changes(text)
        text = rule.apply(text)
    return found


def _shown(piece: str) -> str:
    """What can be seen, as it is; anything else by its number."""
    return " ".join(
        char if char.isprintable() and not char.isspace() else f"U+{ord(char):04X}" for char in piece
    )

"""Before an election: whose names a routine message must not carry. Knows no message."""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

MOST_NAMES = 2_000
LONGEST_NAME = 100


@dataclass(frozen=True, kw_only=True)
class Period:
    ref: str
    starts_at: datetime
    ends_at: datetime
    set_by: str
    set_at: datetime
    ended_at: datetime | None

    def in_force(self, moment: datetime) -> bool:
        return self.ended_at is None and self.starts_at <= moment < self.ends_at


def named(names: Iterable[str], texts: Iterable[str]) -> Iterator[str]:
    """Those of the names that stand in a text, as whole words, however they are written."""
    all_of_it = _plain(" \n ".join(texts))
    for name in names:
        if re.search(rf"(?<!\w){re.escape(_plain(name))}(?!\w)", all_of_it):
            yield name


def _plain(text: str) -> str:
    """Without accents, titles' dots and doubled spaces."""
    bare = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    return " ".join(bare.casefold().replace(".", " ").replace("\u2019", "'").split())

"""A gateway that takes every text and answers 504 (T18), and one that asks for patience (T20)."""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from itertools import pairwise
from random import Random

from sqlalchemy import select

from broadcaster.db.key_files import load_or_create_key
from broadcaster.db.tables import recipient
from broadcaster.db.vault import Vault
from broadcaster.domain.delivery import DeliveryState
from broadcaster.settings import Settings
from tests.faults.falling_silent import Scene
from tests.faults.frame import Figures, Place, Scenario
from tests.faults.house import house
from tests.faults.lives import lives_of
from tests.faults.sending import judge, taken, wait_until_over
from tests.installation import AUDIENCE, Installation, installation, wait_for

CAP_S = 300.0  # whatever a gateway asks for, it is asked again after so long
#: The gateway's clock and the database's are one machine's, but a row is stamped when it was answered.
TOLD_WITHIN_S = 0.05


# --- T18 ----------------------------------------------------------------------------------------------------


def takes_all_and_says_504(place: Place, figures: Figures, *, texts: int, receipt_wait_s: float) -> None:
    """Life-safety, of which policy may send a few again; no receipt ever comes. Then a person decides about one."""
    made = installation(
        place.folder / "data", place.database_url, prepare=without_receipts, receipt_wait_s=receipt_wait_s
    )
    with made as found:
        found.import_numbers(texts)
        found.fault(platform="sms", kind="accept_then_504")
        ref = Scene(found=found).release(audience=AUDIENCE, channels=["sms"])
        wait_until_over(found, ref, within_s=120 + texts / 50)
        lives = lives_of(found.parts.database, [ref])
        figures.add("taken", taken(found), equals=texts)
        figures.add("most_for_one_number", max(for_each_number(found).values()), equals=1)
        figures.add("resends", sum(life.resends for life in lives), equals=0)
        left = sum(life.state == DeliveryState.UNKNOWN_FINAL for life in lives)
        figures.add("left_to_a_person", left, equals=texts)
        judge(found, ref, figures, planned=texts, sent=False)
        found.clear_faults()
        officer = found.parts.people.who(found.people["officer"])
        found.parts.unknowns.send_again(officer, lives[0].uid, reason="Nobody got it")
        wait_for(lambda: taken(found) > texts)
        wait_until_over(found, ref, within_s=60)
        twice = [n for n in for_each_number(found).values() if n == 2]
        figures.add("sent_again_by_a_person", len(twice), equals=1)
        figures.add("taken_in_all", taken(found), equals=texts + 1)


def without_receipts(settings: Settings) -> None:
    """The gateway is told an address for receipts at which nobody listens."""
    path = settings.credentials / "live" / "sms.toml"
    path.write_text(re.sub(r"(receipt_url = .http://127\.0\.0\.1:)\d+", r"\g<1>1", path.read_text()))


def for_each_number(found: Installation) -> Counter[str]:
    return Counter(str(row["recipient"]) for row in found.ledger("sms"))


# --- T20 ----------------------------------------------------------------------------------------------------


def asked_for_patience(
    place: Place,
    figures: Figures,
    *,
    texts: int,
    percent: int,
    longest_s: int,
    absurd: Sequence[str],
    ideal: float,
) -> None:
    """So many of a hundred are answered with 429 once or twice, and told to wait, or something absurd. One in ten of
    those is told a date."""
    dice = Random(place.seed)
    with house(place) as here:
        found = here.found
        found.import_numbers(texts)
        chosen = dice.sample(numbers(found), texts * percent // 100)
        told = {number: _words(dice, longest_s, absurd, no) for no, number in enumerate(chosen)}
        for number, words in told.items():
            found.fault(
                platform="sms",
                kind="429",
                recipient=number,
                count=dice.choice([1, 2]) if words.isdigit() and int(words) <= longest_s // 2 else 1,
                retry_after=words,
            )
        ref = Scene(found=found).release(audience=AUDIENCE, channels=["sms"])
        began = datetime.now(UTC)
        wait_until_over(found, ref, within_s=120 + 2 * CAP_S)
        tries = _tries(found)
        waits = [wait for number in chosen for wait in _waits(tries[number], told[number])]
        figures.add("refused", len(waits), at_least=len(chosen))
        figures.add("tried_too_early", sum(w.waited_s < w.asked_s - TOLD_WITHIN_S for w in waits), equals=0)
        figures.add("longest_wait_s", max(w.waited_s for w in waits), at_most=1.3 * CAP_S)
        plain = max(rows[-1].at for number, rows in tries.items() if number not in told)
        due = max([plain, *(w.due for w in waits)])
        last = max(rows[-1].at for rows in tries.values())
        figures.add("ideal_s", (due - began).total_seconds())
        figures.add("finished_times_ideal", (last - began) / (due - began), at_most=ideal)
        seconds = Counter(int(row.at.timestamp()) for rows in tries.values() for row in rows)
        figures.add("most_in_a_second", max(seconds.values()))  # judged once accounts have a limit
        judge(found, ref, figures, planned=texts)


class _Try:
    def __init__(self, row: Mapping[str, object]) -> None:
        self.at = datetime.fromisoformat(str(row["at"]))
        self.refused = row["status"] == 429


class _Wait:
    """From a refusal to the next try."""

    def __init__(self, refused: datetime, again: datetime, asked_s: float) -> None:
        self.asked_s, self.waited_s = asked_s, (again - refused).total_seconds()
        self.due = refused + timedelta(seconds=asked_s)


def _words(dice: Random, longest_s: int, absurd: Sequence[str], no: int) -> str:
    if no < 3 * len(absurd):
        return absurd[no % len(absurd)]
    seconds = dice.randint(1, longest_s)
    if no % 10 == 0:
        return format_datetime(datetime.now(UTC) + timedelta(seconds=seconds), usegmt=True)
    return str(seconds)


def _tries(found: Installation) -> dict[str, list[_Try]]:
    """Every call for a number, in order."""
    tries: dict[str, list[_Try]] = {}
    for row in Scene(found=found).requests_to("sms"):
        tries.setdefault(str(row["recipient"]), []).append(_Try(row))
    return tries


def _waits(tries: Sequence[_Try], words: str) -> list[_Wait]:
    return [_Wait(a.at, b.at, _asked_s(words, a.at)) for a, b in pairwise(tries) if a.refused]


def _asked_s(words: str, at: datetime) -> float:
    """What a gateway may ask for at that moment: nothing where it is nonsense, at most five minutes."""
    try:
        asked = float(words)
    except ValueError:
        try:
            asked = (parsedate_to_datetime(words) - at).total_seconds()
        except ValueError:
            return 0.0
    return 0.0 if math.isnan(asked) else min(max(asked, 0.0), CAP_S)


def numbers(found: Installation) -> list[str]:
    """Those of the newest audience, as the gateway gets them."""
    vault = Vault(load_or_create_key(found.settings.root / "keys" / "data.key"))
    newest = select(recipient.c.audience_version_id).order_by(recipient.c.id.desc()).limit(1)
    query = select(recipient).where(recipient.c.audience_version_id == newest.scalar_subquery())
    with found.parts.database.read() as tx:
        return [vault.open(row.number_sealed, row.number_index) for row in tx.execute(query)]


SCENARIOS = [
    Scenario(
        test="T18",
        title="a gateway takes every text and answers 504 to each",
        run=takes_all_and_says_504,
        small={"texts": 600, "receipt_wait_s": 3.0},
        full={"texts": 20_000, "receipt_wait_s": 10.0},
        n="texts",
        pushed=False,
    ),
    Scenario(
        test="T20",
        title="a storm of 429, with waits and with nonsense",
        run=asked_for_patience,
        small={"texts": 300, "percent": 30, "longest_s": 10, "absurd": ("-1", "soon"), "ideal": 1.5},
        full={
            "texts": 5_000,
            "percent": 30,
            "longest_s": 30,
            "absurd": ("-1", "soon", "1000000000", "nan"),
            "ideal": 1.3,
        },
        n="texts",
        pushed=False,
    ),
]

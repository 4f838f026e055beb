"""What the stand-ins' ledgers say about posts whose outcome we did not learn, beside what our database says."""

from collections.abc import Iterable, Sequence

from broadcaster.domain.evidence import check
from tests.faults.evidence import gather
from tests.faults.falling_silent import READABLE, Scene
from tests.faults.frame import Figures
from tests.faults.lives import Life

Ledgers = dict[str, list[dict[str, object]]]


def posts_of(ledger: Iterable[dict[str, object]], ref: str) -> list[str]:
    """Ids of the posts of a message that a platform's ledger shows."""
    return [str(row["platform_id"]) for row in ledger if f"Ref {ref}" in str(row["text"])]


def ledgers_of(now: Scene) -> Ledgers:
    """What each platform took."""
    return {platform: now.found.ledger(platform) for platform in READABLE}


def everything_asked(now: Scene) -> list[dict[str, object]]:
    return [row for platform in READABLE for row in now.requests_to(platform)]


def on_platform(life: Life, ledgers: Ledgers) -> bool:
    return life.platform_id in posts_of(ledgers[life.channel], life.ref)


def found_by_reading(life: Life, ledgers: Ledgers) -> bool:
    """One try, one post, and by reading back we know which."""
    known = (life.state, life.code, life.tries, life.resends) == ("accepted", "read_back", ("unknown",), 0)
    return known and posts_of(ledgers[life.channel], life.ref) == [life.platform_id]


def given_up(lives: Iterable[Life]) -> int:
    """Sent again, or left to a person: both say that the platform has it not."""
    return sum(bool(life.resends) or len(life.tries) > 1 or life.state == "unknown_final" for life in lives)


def posts(refs: Iterable[str], ledgers: Ledgers) -> int:
    return sum(len(posts_of(ledgers[platform], ref)) for ref in refs for platform in READABLE)


def one_post_each(figures: Figures, refs: Sequence[str], ledgers: Ledgers) -> None:
    counts = {len(posts_of(ledgers[platform], ref)) for ref in refs for platform in READABLE}
    figures.add("posts_per_message", sorted(counts), equals=[1])


def calls_per_post(calls: Ledgers, refs: Iterable[str]) -> list[int]:
    """How often a platform was asked to publish a message, whatever it made of it: every number that occurs."""
    return sorted({len(posts_of(calls[platform], ref)) for ref in refs for platform in READABLE})


def sound(figures: Figures, now: Scene, refs: Sequence[str]) -> None:
    """By the ledger, the database and the audit log alone. Of many messages, without a process for each."""
    findings = [check(gather(now.found, ref, in_process=len(refs) > 1)) for ref in refs]
    for name in ("lost", "unexpected", "duplicated"):
        figures.add(name, sum(found.counts[name] for found in findings), equals=0)
    broken = [f"{each.invariant} {each.subject}: {each.text}" for found in findings for each in found.broken]
    figures.add("invariants_broken", len(broken), equals=0)
    if broken:
        figures.add("first_broken", broken[0])

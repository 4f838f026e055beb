"""The checker's verdict on one run, in a form that can be added up."""

from collections import Counter
from dataclasses import dataclass

from broadcaster.domain.evidence import check
from tests.faults.evidence import gather_from
from tests.faults.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """`problems` are sentences, one for each invariant that does not hold of something."""

    problems: tuple[str, ...]
    counts: Counter[str]


def judge(stage: Stage, ref: str) -> Verdict:
    auditor = stage.parts.people.who(stage.tokens["auditor"])
    evidence = gather_from(
        database_url=stage.settings.database,
        ref=ref,
        export_lines=list(stage.parts.audit.export(auditor)),
        sandbox=stage.stand_ins.url,
        site_dir=stage.settings.site_dir,
    )
    found = check(evidence)
    return Verdict(
        problems=tuple(f"{b.invariant} {b.subject}: {b.text} (Ref {ref})" for b in found.broken),
        counts=Counter(found.counts),
    )

"""The morning after: what the auditor reads of the night, and what the platforms themselves say that they took."""

import time
from collections import Counter
from dataclasses import dataclass

import requests

from tests.storm.browser import Browser
from tests.storm.night import Night
from tests.storm.people import at_a_browser
from tests.storm.surfaces import REF

LIST_SIZE = 1_000  # people on the sandbox's list
WAIT_S = 60.0
CHECKED_WITHIN_S = 60.0
ACTS = ("handed over version", "approved", "accepted")


@dataclass(frozen=True, kw_only=True)
class Morning:
    """`lines` tell it, `missed` is what should have been otherwise."""

    lines: tuple[str, ...]
    missed: tuple[str, ...]


def morning(night: Night) -> Morning:
    """By HTTP like everything else: the timelines and the check of the log in the console, the ledgers of the stand-ins."""
    lines, missed = [], []
    auditor = at_a_browser(night.house, "auditor")
    for message in night.sent:
        moments = auditor.go(f"/messages/{message.ref}/timeline").tree.xpath('//ol[@class="log"]/li')
        told = " ".join(" ".join(each.text_content().split()) for each in moments)
        lines.append(f"  {message.ref} {message.what:<11} {len(moments)} moments in the auditor's timeline")
        missed += [f"the timeline of {message.ref} does not say: {act}" for act in ACTS if act not in told]
    said, whole = _checked(auditor)
    lines.append(f"The auditor had the log checked: {said}")
    texts, wrong = _texts(night)
    lines.append(texts)
    return Morning(lines=tuple(lines), missed=(*missed, *([] if whole else ["the log is not whole"]), *wrong))


def _checked(auditor: Browser) -> tuple[str, bool]:
    """What the check of the whole log said, and whether it is good news."""
    auditor.go("/audit/seal")
    page = auditor.send("/audit/seal/check")
    end = time.monotonic() + CHECKED_WITHIN_S
    while time.monotonic() < end:
        if page.tree.xpath('//section[@id="check"][not(@data-running)]/p[contains(@class, "changed")]'):
            break
        time.sleep(0.5)
        page = auditor.go("/audit/seal")
    said = page.tree.xpath('//section[@id="check"]/p[contains(@class, "changed")]')
    good = page.tree.xpath('//section[@id="check"][contains(@class, "sheet--good")]')
    return " ".join(" ".join(each.text_content().split()) for each in said) or "nothing", bool(good)


def _texts(night: Night) -> tuple[str, list[str]]:
    """Of the gateway's own ledger: everybody on the list got each message once, and nobody anything else but the pages."""
    query: dict[str, str | int] = {"platform": "sms", "accepted": 1}
    answer = requests.get(f"{night.house.sandbox}/_sandbox/ledger", params=query, timeout=WAIT_S)
    answer.raise_for_status()
    counted: dict[str, Counter[str]] = {}
    for row in answer.json():
        ref = next(iter(REF.findall(row["text"])), "")
        counted.setdefault(ref, Counter()).update(row["recipient"].split())
    wrong = []
    for message in night.sent:
        got = counted.pop(message.ref, Counter())
        if len(got) != LIST_SIZE or set(got.values()) != {1}:
            wrong.append(
                f"{message.ref}: {len(got):,} people got {got.total():,} texts, and {LIST_SIZE:,} once each were due"
            )
    pages = counted.pop("", Counter()).total()
    wrong += [f"texts of {ref}, which nobody sent in this night" for ref in counted]
    told = f"The gateway's ledger: each of {LIST_SIZE:,} people got each of the {len(night.sent)} texts; {pages} pages to staff."
    return told, wrong

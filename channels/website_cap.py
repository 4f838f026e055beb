"""Which CAP alert a message of the site has, and what it refers to. Works on the site's documents; no input or output.

What was approved is what it says: its words and facts are those of the approved posts, as on the page. Three things are not known
before it is published, and are fixed then, in the document: its identifier, the second in which it was sent, and which
earlier ones are in force. From then on the alert never changes; what changes is another alert, which refers to it.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from broadcaster.domain.message import Kind
from channels import cap
from channels.website_pages import Site
from channels.website_state import has_ended, in_order, main_post
from channels.website_store import Document

#: Languages of one message arrive one after the other, within a second: an alert with half of them would have to be
#: followed by an Update that tells everybody's receiver to ring again.
WAITS_FOR_LANGUAGES = timedelta(seconds=30)


def with_alert(
    site: Site, sender: str, documents: Mapping[str, Document], document: Document, now: datetime
) -> Document:
    """The document with the alert that is issued for it now; as it is where nothing is new."""
    said = _digest(document)
    issued = issued_of(document)
    if (issued and issued[-1]["said_sha256"] == said) or _languages_missing(document, now):
        return document
    earlier = _earlier(documents, document)
    kind = _kind(document, earlier, changed=bool(issued))
    alert = {
        "identifier": _identifier(site, document["reference"], len(issued) + 1),
        "sender": sender,
        "sent": cap.as_written(now, like=main_post(document)["facts"].get("expires", "")),
        "kind": str(kind),
        "references": [_triple(each) for each in _referred(earlier, now)] if kind is not Kind.ALERT else [],
        "said_sha256": said,
    }
    return {**document, "cap": [*issued, alert]}


def said_again(document: Document) -> Document:
    """After words were taken out of it: no alert of its own, which would ring for what everybody has heard."""
    issued = issued_of(document)
    if not issued:
        return document
    return {**document, "cap": [*issued[:-1], {**issued[-1], "said_sha256": _digest(document)}]}


def may_be_late(document: Document, now: datetime) -> bool:
    """Whether an alert may have waited for a language that has not come. What was published by a version that knew no
    alerts gets none afterwards: it would ring for what everybody has heard."""
    return "exercise" in document and not has_ended(document, now)


def issued_of(document: Document) -> list[dict[str, Any]]:
    """All alerts of this message, the newest last; none of what was published before there were any."""
    issued: list[dict[str, Any]] = document.get("cap", [])
    return issued


def element(site: Site, document: Document) -> Any:
    """The newest alert of a document that has one, unsigned: the same however often it is asked for."""
    newest = issued_of(document)[-1]
    facts = main_post(document)["facts"]
    return cap.build(
        cap.Alert(
            identifier=newest["identifier"],
            sender=newest["sender"],
            sender_name=site.name,
            sent=datetime.fromisoformat(newest["sent"]),
            kind=Kind(newest["kind"]),
            web=site.address(document["reference"]),
            reference=document["reference"],
            incident=facts.get("incident", ""),
            exercise=is_exercise(site, document),
            references=[cap.Earlier(**each) for each in newest["references"]],
            infos=[_info(post) for post in in_order(document)],
        )
    )


def is_exercise(site: Site, document: Document) -> bool:
    """Of a document that does not say so itself, it is what its site is."""
    return bool(document.get("exercise", site.exercise))


def of_this_mode(site: Site, documents: Iterable[Document]) -> list[Document]:
    """Without what an exercise has left in the folder of the live site: two accounts that name one folder by mistake must not
    put a drill before the public."""
    return [each for each in documents if is_exercise(site, each) == site.exercise]


def _info(post: Mapping[str, Any]) -> cap.Info:
    return cap.Info(language=post["language"], headline=post["title"], facts=post["facts"])


def _kind(document: Document, earlier: list[tuple[Document, dict[str, Any]]], *, changed: bool) -> Kind:
    """A page that is changed is an Update of itself. An Update or a Cancel of nothing would be no valid alert (3.2.1): the
    first that readers hear of an event is an Alert, whatever we call it."""
    said = main_post(document)["facts"].get("kind", "")
    kind = Kind(said) if said in {str(each) for each in Kind} else Kind.ALERT
    if not earlier:
        return Kind.ALERT
    return Kind.UPDATE if changed and kind is Kind.ALERT else kind


def _earlier(documents: Mapping[str, Document], document: Document) -> list[tuple[Document, dict[str, Any]]]:
    """Every alert that was issued of the same incident, this message's own among them, the oldest first."""
    incident = main_post(document)["facts"].get("incident", "")
    same = [
        each
        for each in documents.values()
        if each["reference"] == document["reference"]
        or (incident and main_post(each)["facts"].get("incident", "") == incident)
    ]
    found = [(each, alert) for each in same for alert in issued_of(each)]
    return sorted(found, key=lambda pair: datetime.fromisoformat(pair[1]["sent"]))


def _referred(earlier: list[tuple[Document, dict[str, Any]]], now: datetime) -> list[dict[str, Any]]:
    """All that are in force: neither ended nor cancelled. Where all have ended, the newest: what follows something says what."""
    cancels = [alert for _, alert in earlier if alert["kind"] == Kind.CANCEL]
    over = {each["identifier"] for alert in cancels for each in alert["references"]}
    over |= {alert["identifier"] for alert in cancels}
    live = [a for document, a in earlier if a["identifier"] not in over and not has_ended(document, now)]
    return live or [earlier[-1][1]]


def _triple(alert: Mapping[str, Any]) -> dict[str, str]:
    return {name: alert[name] for name in ("sender", "identifier", "sent")}


def _languages_missing(document: Document, now: datetime) -> bool:
    main = main_post(document)["facts"]
    wanted = set(main.get("languages", "").split())
    # Of this message: what an earlier one of the page said in the other language is no part of it.
    here = {
        language
        for language, post in document["posts"].items()
        if post["facts"].get("reference") == main.get("reference")
    }
    young = now.astimezone(UTC) - datetime.fromisoformat(document["updated"]) < WAITS_FOR_LANGUAGES
    return young and bool(wanted - here)


def _identifier(site: Site, reference: str, number: int) -> str:
    """Of the whole address: one message may stand on two sites, whose alerts say different things of themselves."""
    return cap.token(f"{site.base_url.partition('://')[2]}-{reference}-{number}")


def _digest(document: Document) -> str:
    """Of all that an alert says of its own accord."""
    said = [[p["language"], p["title"], p["facts"]] for p in document["posts"].values()]
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()

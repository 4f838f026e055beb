"""What a version and its posts are checked for, with what the template itself says taken as right."""

import json
from collections.abc import Iterable

from broadcaster.db import messages
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Version
from broadcaster.domain.blanks import BlankType
from broadcaster.domain.checks.facts import check_facts
from broadcaster.domain.checks.finding import Finding
from broadcaster.domain.checks.text_size import check_text_size
from broadcaster.domain.post import Post
from channels.text import sms_size


def check_version(tx: Tx, version: Version, *, texts: Iterable[Post]) -> tuple[Finding, ...]:
    """Findings in the facts, then in the posts that go out as text messages."""
    found = check_facts(version.facts, own=_own_texts(tx, version.id))
    sizes = (
        each
        for post in texts
        for each in check_text_size(post.at_widest().text, "text message", segments=_segments)
    )
    return (*found, *sizes)


def _own_texts(tx: Tx, version_id: int) -> list[str]:
    """What the template says itself, and the phone numbers it asks for. Read as it was stored: whether a template
    of last year meets today's rules is nothing that may keep a message from being shown.
    """
    blanks, content = messages.blanks_and_template(tx, version_id)
    values, template = json.loads(blanks), json.loads(content)
    asked = [b for b in template["blanks"] if b["type"] == BlankType.PHONE]
    answers = [values.get(b["name"], "") or b.get("default", "") for b in asked]
    return [*template["wording"].values(), *answers]


def _segments(text: str) -> int:
    return sms_size(text).segments

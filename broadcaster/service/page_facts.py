"""What the website publishes beside the words of a page, for programs: what CAP 1.2 asks for and no officer is asked.

It is part of the approved post, so it is approved with it.
"""

from collections.abc import Mapping
from dataclasses import replace

from broadcaster.db import incidents
from broadcaster.db.engine import Tx
from broadcaster.db.messages import Message, Version
from broadcaster.domain.cap import category_of, response_of
from broadcaster.domain.post import Post
from channels import channel_class
from channels.base import HasPages


def for_programs(tx: Tx, row: Message, version: Version, post: Post) -> Post:
    """A page with its kind, its incident (of a message that is kept) and what its template stands for; others as they are."""
    if not issubclass(channel_class(post.channel), HasPages):
        return post
    template = str(version.template.get("name", ""))
    told: Mapping[str, str] = {
        "kind": str(row.kind),
        "incident": incidents.of_message(tx, row.incident_id).ref if row.incident_id else "",
        "category": category_of(template),
        "response": response_of(template),
        "languages": " ".join(version.spoken.order),
        "main_language": version.spoken.main,
    }
    return replace(post, facts={**post.facts, **{name: value for name, value in told.items() if value}})

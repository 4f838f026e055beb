"""The approved post, as it is sent: proved against the approved manifest, its late slots filled, its pictures loaded."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from broadcaster.db import media
from broadcaster.db.broadcasts import ApprovedPost
from broadcaster.db.engine import Tx
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.post import Post, digest_of, late_values


class Tampered(Exception):
    """What is stored is not what was approved."""


def verified(approved: ApprovedPost, mode: str, zone: ZoneInfo, *, through: str) -> Post:
    """The post, if it is to the byte in the manifest whose hash was approved, for here and now, and for the account
    `through` which it is to go. Tampered otherwise."""
    if manifest_hash(approved.manifest) != approved.approved_sha256:
        raise Tampered
    manifest = json.loads(approved.manifest)
    expires = datetime.fromisoformat(manifest["expires"])
    if (manifest["mode"], manifest["on_unknown"]) != (mode, approved.on_unknown):
        raise Tampered
    if expires != approved.expires_at:
        raise Tampered
    wanted = {
        "channel": approved.channel,
        "account": approved.account,
        "language": approved.language,
        "post_sha256": digest_of(approved.content),
    }
    mine = [t for t in manifest["targets"] if all(t[key] == value for key, value in wanted.items())]
    if not any(through in approved_accounts(t) for t in mine):
        raise Tampered
    return as_released(approved, zone)


def as_released(approved: ApprovedPost, zone: ZoneInfo) -> Post:
    """The stored post with its late slots filled, whether or not it is still the approved one."""
    sent_at = approved.released_at.astimezone(zone).strftime("%H:%M")
    return Post.from_bytes(approved.content).filled(late_values(sent_at, approved.sequence))


def approved_accounts(target: Mapping[str, Any]) -> list[str]:
    """Of a target in a manifest: the accounts through which it may go. One without ways has the one that it names."""
    return [way["account"] for way in target.get("ways", ())] or [target["account"]]


def with_pictures(tx: Tx, post: Post) -> Post:
    """The post with the bytes of its pictures. Tampered where one is missing or is not the one that was approved."""
    if not post.images:
        return post
    try:
        return post.with_content(media.contents(tx, {image.sha256 for image in post.images}))
    except KeyError as missing:
        raise Tampered from missing


def part_of(post: Post, no: int, *, parts: int, in_reply_to: str) -> Post:
    """What this delivery says: one part of the thread, or the whole post where it is none. Tampered where the post has
    not so many parts as were planned."""
    if len(post.parts) != parts or not 1 <= no <= parts:
        raise Tampered
    return post.part(no, in_reply_to=in_reply_to) if parts > 1 else post

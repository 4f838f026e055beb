"""The approved post, as it is sent: proved against the approved manifest, its late slots filled."""

import json
from datetime import datetime
from zoneinfo import ZoneInfo

from broadcaster.db.broadcasts import ApprovedPost
from broadcaster.domain.manifest import manifest_hash
from broadcaster.domain.post import Post, digest_of


class Tampered(Exception):
    """What is stored is not what was approved."""


def verified(approved: ApprovedPost, mode: str, zone: ZoneInfo) -> Post:
    """The post, if it is to the byte in the manifest whose hash was approved, for here and now. Tampered otherwise."""
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
    if not any(all(t[key] == value for key, value in wanted.items()) for t in manifest["targets"]):
        raise Tampered
    sent_at = approved.released_at.astimezone(zone).strftime("%H:%M")
    sequence = f"Update {approved.sequence}" if approved.sequence > 1 else ""
    return Post.from_bytes(approved.content).filled({"sent_at": sent_at, "sequence": sequence})

"""The proof of one message."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

from broadcaster.audit.verifier.events import json_object, outcomes_problem
from broadcaster.audit.verifier.notes import Keys, Note
from broadcaster.audit.verifier.tree import leaf_hash, root_of_path
from broadcaster.audit.verifier.verdict import Verdict

PROOF_FORMAT = "broadcaster-audit-proof-1"
SUBMITTED, APPROVED = "message_submitted", "message_approved_and_released"


def verify_proof(proof: dict[str, Any], *, keys: list[str]) -> Verdict:
    """Of one message: its events stand in the signed log, and its documents are those that the events name."""
    known, verdict = Keys(keys or proof["keys"]), Verdict(pinned=bool(keys))
    note = Note(proof["checkpoint"])
    if not known.signed(note):
        verdict.add(1, "the checkpoint is not signed by the key of this log")
    manifests: dict[str, set[str]] = {SUBMITTED: set(), APPROVED: set()}
    for each in proof["events"]:
        no, data = each["no"], each["event"].encode()
        path = [bytes.fromhex(step) for step in each["path"]]
        if no > note.size or root_of_path(leaf_hash(data), no - 1, note.size, path) != note.root:
            verdict.add(no, f"event {no} does not stand in the signed log")
        event = json_object(data)
        if event.get("subject") != proof["message"]:
            verdict.add(no, f"event {no} is about something else")
        if "outcomes" in each and (problem := outcomes_problem(event, each["outcomes"])):
            verdict.add(no, f"event {no}: {problem}")
        if event["act"] == "outcomes_recorded" and "outcomes" not in each:
            verdict.add(no, f"the outcomes that event {no} vouches for are missing")
        if event["act"] in manifests:
            manifests[event["act"]].add(event["payload"]["manifest_sha256"])
        verdict.events += 1
    approved = manifests[APPROVED] or manifests[SUBMITTED]
    for problem in _document_problems(proof.get("documents", []), approved):
        verdict.add(1, problem)
    verdict.checkpoints, verdict.key = 1, known.texts[-1] if known.texts else ""
    return verdict


def _document_problems(documents: list[dict[str, str]], manifests: set[str]) -> Iterator[str]:
    """The manifest is the approved one, or the submitted one where none was approved; the posts are those that it names. No
    other digest counts: people type into reasons and posts what they like."""
    posts: set[str] = set()
    for document in documents:
        is_manifest = document["name"] == "manifest"
        if hashlib.sha256(document["text"].encode()).hexdigest() not in (manifests if is_manifest else posts):
            yield f"the {document['name']} is not what the events name"
        elif is_manifest:
            posts = {target["post_sha256"] for target in json.loads(document["text"])["targets"]}

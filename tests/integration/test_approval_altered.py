"""Whatever is altered, added or edited after the submission refuses the approval: what was shown is what is released."""

import json

import pytest

from broadcaster.db.tables import account, message, message_version, post, recipient, submission
from broadcaster.domain.canonical import sha256
from broadcaster.domain.errors import Stale
from tests.builders import VALUES
from tests.integration.approvals import ALL, refuses, submit_to_all

DATABASES = ("sqlite",)


def latest(world, table):
    return world.rows(table)[-1]


def latest_posts(world):
    return world.rows(post, submission_id=latest(world, submission).id)


def post_of(world, channel):
    return next(p for p in latest_posts(world) if p.channel == channel)


def latest_recipients(world):
    return world.rows(recipient, audience_version_id=latest(world, message_version).audience_version_id)


def change_facts(world, name, old, new):
    row = latest(world, message_version)
    assert old in json.loads(row.facts)[name]
    facts = json.loads(row.facts)
    facts[name] = facts[name].replace(old, new, 1)
    world.change(message_version, {"facts": json.dumps(facts)}, id=row.id)


def change_post(world, old, new):
    row = latest_posts(world)[0]
    assert old in row.content
    world.change(post, {"content": row.content.replace(old, new, 1)}, id=row.id)


def swap_posts(world):
    one, other = latest_posts(world)[:2]
    world.change(post, {"content": other.content, "sha256": other.sha256}, id=one.id)


def change_manifest(world, *, with_hash):
    row = latest(world, submission)
    manifest = row.manifest.replace('"purpose":""', '"purpose":"x"')
    assert manifest != row.manifest
    values = {"manifest": manifest}
    if with_hash:
        values["manifest_sha256"] = sha256(json.loads(manifest))
    world.change(submission, values, id=row.id)


def change_number(world):
    row = latest_recipients(world)[1]
    index = world.vault.index("+447700999999")
    values = {"number_index": index, "number_sealed": world.vault.seal("+447700999999", index)}
    world.change(recipient, values, id=row.id)


def swap_numbers(world):
    one, other = latest_recipients(world)[:2]
    world.change(recipient, {"ordinal": 99}, id=one.id)
    world.change(recipient, {"ordinal": one.ordinal}, id=other.id)
    world.change(recipient, {"ordinal": other.ordinal}, id=one.id)


def remove(world, table, row_id):
    with world.database.write() as tx:
        tx.execute(table.delete().where(table.c.id == row_id))


TAMPERINGS = {
    "one character of the headline": lambda w: change_facts(w, "headline", "Amber", "Ambar"),
    "one character of the source": lambda w: change_facts(w, "source", "Wyre", "Wyri"),
    "the expiry": lambda w: change_facts(w, "expires", "T", " "),
    "the severity": lambda w: change_facts(w, "severity", "Severe", "Minor"),
    "a severity that there is not": lambda w: change_facts(w, "severity", "Severe", "Sevare"),
    "facts that are no JSON": lambda w: w.change(
        message_version, {"facts": "{"}, id=latest(w, message_version).id
    ),
    "a fact that there is not": lambda w: w.change(
        message_version,
        {"facts": latest(w, message_version).facts.replace('"area"', '"aria"')},
        id=latest(w, message_version).id,
    ),
    "one byte of a post": lambda w: change_post(w, b"Keep off", b"Keep on "),
    "one byte that makes a post unreadable": lambda w: change_post(w, b"{", b"["),
    "a link in a post": lambda w: change_post(w, b"site.test", b"sita.test"),
    "two posts swapped": swap_posts,
    "a post taken out": lambda w: remove(w, post, latest_posts(w)[1].id),
    "the channel of a post": lambda w: w.change(post, {"channel": "x"}, id=post_of(w, "facebook").id),
    "the language of a post": lambda w: w.change(post, {"language": "cy"}, id=post_of(w, "facebook").id),
    "the account of a post": lambda w: w.change(
        post, {"account_id": w.row(account, name="feed").id, "language": "cy"}, id=post_of(w, "facebook").id
    ),
    "one character of the manifest": lambda w: change_manifest(w, with_hash=False),
    "the manifest and its hash": lambda w: change_manifest(w, with_hash=True),
    "a number": change_number,
    "the order of the numbers": swap_numbers,
    "one number more": lambda w: w.add_recipient(latest(w, message_version).audience_version_id, 5),
    "one number less": lambda w: remove(w, recipient, latest_recipients(w)[-1].id),
    "the mode": lambda w: w.change(message, {"mode": "exercise"}, id=latest(w, message).id),
    "the version of the template": lambda w: w.change(
        message_version, {"template_no": 1}, id=latest(w, message_version).id
    ),
    "the purpose": lambda w: w.change(message, {"purpose": "x"}, id=latest(w, message).id),
}


def test_anything_altered_in_the_database_after_submission_refuses_the_approval(world, subtests):
    assert world.approver
    for what, tamper in TAMPERINGS.items():
        with subtests.test(what):
            submitted = submit_to_all(world)
            tamper(world)
            shown = latest(world, submission).manifest_sha256  # what the approver would be shown and give
            approve = world.parts.approve.approve
            with world.refused(Stale, "altered|not set up any more|Nothing was"):
                approve(world.approver, submitted.ref, shown)


def test_a_post_added_after_submission_refuses_the_approval(world):
    submitted = submit_to_all(world)
    row = world.rows(post)[0]
    content = row.content.replace(b'"language":"en"', b'"language":"cy"')
    world.add(
        post,
        submission_id=row.submission_id,
        channel=row.channel,
        account_id=row.account_id,
        language="cy",
        content=content,
        sha256=row.sha256,
    )
    assert world.approver
    refuses(world, submitted, "altered in between")


EDITS = {
    "headline": {"headline": VALUES["headline"].replace("Amber", "Ambar")},
    "instruction": {"action": VALUES["action"] + " "},
    "expiry": {"expires": "+13h"},
    "severity": {"severity": "Minor"},
    "channels": {"channels": ("website", "facebook", "x")},
    "audience": {"audience": "others"},
    "nothing": {},
}


@pytest.mark.parametrize("what", EDITS)
def test_an_edit_after_submission_voids_it_whatever_it_changes(world, what):
    submitted = submit_to_all(world)
    world.add_audience("others", 2)
    world.edit(submitted.ref, **{"channels": ALL, "audience": "residents", **EDITS[what]})
    assert world.row(submission).state == "void"
    assert world.approver
    refuses(world, submitted, "is draft and waits for no approval")

    again = world.parts.compose.submit(world.officer, submitted.ref)
    assert again.manifest_sha256 != submitted.manifest_sha256
    refuses(world, submitted, "another version")  # the hash that was shown before the edit
    assert world.approve(again).ref == submitted.ref


def test_a_newer_import_of_the_audience_leaves_what_was_shown_as_it_is(world):
    submitted = submit_to_all(world)
    world.add_audience("residents", 9)
    assert world.approve(submitted).recipients == 4

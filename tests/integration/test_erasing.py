"""Erasing a person: nothing of the number is found again, all that was sent stays provable by count."""

import json
from dataclasses import replace

import pytest

from broadcaster.db import audiences
from broadcaster.db.tables import (
    audience_version,
    audit_event,
    delivery,
    recipient,
    submission,
    suppression,
)
from broadcaster.domain.audience import ImportOutcome
from broadcaster.domain.erasure import KEPT_OUT, mark
from broadcaster.domain.errors import Invalid, NotAllowed, NotFound, Stale
from tests.builders import number
from tests.integration.traces import Person

CANARY = Person(number="+447700964738", name="Zebedee Quillfeather")
AGAIN = {"headline": "Amber wind warning, second"}


@pytest.fixture
def keeper(world):
    return world.person("kate", "data-keeper")


@pytest.fixture
def import_list(world, keeper, tmp_path):
    """Imports these numbers, each with a name beside it, as residents."""

    def run(*numbers, name="residents"):
        path = tmp_path / "list.csv"
        rows = "".join(f"{CANARY.name if n == CANARY.number else 'Ann'},{n},cy\n" for n in numbers)
        path.write_text(f"name,mobile,language\n{rows}")
        result = world.parts.audiences.import_csv(
            actor=keeper, name=name, path=path, problems_to=tmp_path / "problems.csv"
        )
        path.unlink()
        return result

    return run


@pytest.fixture
def erase(world, keeper):
    def run(erased=CANARY.number, **given):
        return world.parts.erasing.erase(keeper, erased, **{"reason": "request DP-2026-014", **given})

    return run


def send_texts(world, **values):
    released = world.release(channels=("sms",), audience="residents", **values)
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    return released


def digest(world, version_id):
    with world.database.read() as tx:
        return audiences.digest(tx, version_id)


def kept_of(world, erased):
    """The canary, with what the database holds of the number now."""
    index = world.vault.index(erased.number)
    row = world.row(recipient, number_index=index)
    return replace(erased, kept=(row.number_index, row.number_sealed))


def found_in(world, who):
    """Everywhere in this installation: tables, files, the log lines so far, the exported audit log."""
    auditor = world.person("otto", "auditor")
    exported = "".join(world.parts.audit.export(auditor)).encode()
    return [
        *who.in_tables(world.snapshot()),
        *who.in_files(world.folder),
        *(("log", what) for what in who.in_bytes(repr(world.logs).encode())),
        *(("export", what) for what in who.in_bytes(exported)),
    ]


# --- T40: nothing is found, and all else stands ---------------------------------------------------------------


def test_of_an_erased_person_nothing_is_found_and_what_was_sent_is_provable_by_count(
    world, import_list, erase, keeper
):
    imported = import_list(number(1), number(2), CANARY.number, number(4))
    released = send_texts(world)
    assert CANARY.number in world.gateway.addresses
    who = kept_of(world, CANARY)
    assert {table for table, _ in who.in_tables(world.snapshot())} == {"recipient"}, (
        "the search finds nothing"
    )
    before, deliveries = world.row(audience_version), world.rows(delivery)

    found = world.parts.erasing.find(keeper, CANARY.number)
    assert (found.audiences[0].audience, found.audiences[0].versions) == ("residents", (1,))
    assert (found.deliveries, found.ending) == ({"accepted": 1}, "738")
    erased = erase()

    assert (erased.versions, erased.opt_outs, erased.kept_out) == (1, 0, False)
    assert found_in(world, who) == []
    assert world.acts()[-3:] == [
        "person_looked_up",
        "person_erased",
        "audit_log_exported",
    ]  # and the tree is whole
    assert world.totals(released.ref) == {"accepted": 4}
    assert world.rows(delivery) == deliveries
    after = world.row(audience_version)
    assert digest(world, after.id) == (before.sha256, 4) == (after.sha256, after.size) == (imported.sha256, 4)
    approved = json.loads(world.row(submission).manifest)["audience"]
    assert (approved["sha256"], approved["count"]) == (after.sha256, 4)


def test_nobody_with_database_key_and_number_can_tell_who_was_erased(world, import_list, erase):
    import_list(number(1), CANARY.number, number(3))
    send_texts(world)
    index = world.vault.index(CANARY.number)
    salt = world.row(recipient, number_index=index).salt
    left = mark(index, salt)
    erase()
    assert world.row(recipient, ordinal=2).number_index == left  # the mark alone stays
    cells = {cell for rows in world.snapshot().values() for row in rows for cell in row}
    values = [bytes(c) if isinstance(c, bytes | memoryview) else str(c).encode() for c in cells] + [b""]
    assert salt not in values
    assert not [guess for guess in values if mark(index, guess) == left]
    with pytest.raises(NotFound, match="No audience, no opt-out and nothing"):
        erase()


def test_a_number_or_its_salt_changed_by_hand_is_still_noticed(world, import_list, erase):
    import_list(number(1), number(2), CANARY.number)
    erase()
    version = world.row(audience_version)
    for column in ("number_index", "salt"):
        before = getattr(world.row(recipient, ordinal=2), column)
        world.change(recipient, {column: b"x" * 16}, ordinal=2)
        assert digest(world, version.id) != (version.sha256, 3), column
        world.change(recipient, {column: before}, ordinal=2)
    assert digest(world, version.id) == (version.sha256, 3)


# --- sending after an erasure ---------------------------------------------------------------------------------


def test_an_audience_stays_in_use_and_the_erased_person_gets_nothing(world, import_list, erase):
    import_list(number(1), CANARY.number, number(3))
    submitted = world.submit(channels=("sms",), audience="residents")
    erase()
    released = world.approve(submitted)  # what waited for approval is what it was
    world.parts.plan.plan(world.broadcast_id(released.ref))
    world.work_bulk()
    assert world.totals(released.ref) == {"accepted": 2, "suppressed": 1}
    assert world.gateway.addresses == [number(1), number(3)]
    assert world.totals(send_texts(world, **AGAIN).ref) == {"accepted": 2, "suppressed": 1}
    codes = {(d.state, d.code, d.operator_text) for d in world.deliveries("sms") if d.ordinal == 2}
    assert codes == {("suppressed", "erased", "The recipient was erased.")}
    assert world.parts.audiences.list()[0].count == 2


def test_what_is_still_pending_is_suppressed_when_it_is_claimed(world, erase):
    released = world.release_texts(3)
    erase(number(2))
    world.work_bulk()
    assert world.states() == ["accepted", "suppressed", "accepted"]
    assert world.gateway.addresses == [number(1), number(3)]
    assert world.totals(released.ref) == {"accepted": 2, "suppressed": 1}


# --- every version, every opt-out ------------------------------------------------------------------------------


def test_a_number_goes_from_every_audience_every_version_and_every_opt_out(world, import_list, erase, keeper):
    import_list(number(1), CANARY.number)
    import_list(number(1), number(2), CANARY.number)
    import_list(CANARY.number, name="schools")
    index = world.vault.index(CANARY.number)
    for purpose in ("", "floods"):
        world.add(suppression, number_index=index, purpose=purpose, reason="stop", created_at=world.now())
    world.opt_out(1)
    found = world.parts.erasing.find(keeper, "07700 964738")
    assert [(a.audience, a.versions) for a in found.audiences] == [("residents", (1, 2)), ("schools", (1,))]
    assert [(o.purpose, o.reason) for o in found.opt_outs] == [("", "stop"), ("floods", "stop")]
    erased = erase("07700 964738")
    assert (erased.versions, erased.opt_outs) == (3, 2)
    assert world.rows(recipient, number_index=index) == []
    assert [s.number_index for s in world.rows(suppression)] == [world.vault.index(number(1))]
    for version in world.rows(audience_version):
        assert digest(world, version.id) == (version.sha256, version.size)
        assert version.erased == 1


def test_a_later_list_brings_the_person_back_and_keeping_out_prevents_it(world, import_list, erase, tmp_path):
    import_list(number(1), CANARY.number)
    erase()
    back = import_list(number(1), CANARY.number)
    assert (back.outcome, back.version, back.count) == (ImportOutcome.NEW_VERSION, 2, 2)
    assert erase(keep_out=True).kept_out
    left_out = import_list(number(1), CANARY.number)
    assert (left_out.count, left_out.problems) == (1, 1)
    assert "row" in (tmp_path / "problems.csv").read_text()
    assert (
        "3,this person was erased and asked not to be taken in again"
        in (tmp_path / "problems.csv").read_text()
    )
    (kept,) = world.rows(suppression)
    assert (kept.number_index, kept.reason) == (world.vault.index(CANARY.number), KEPT_OUT)
    again = import_list(number(1))
    assert again.outcome is ImportOutcome.NOTHING_NEW
    assert erase().opt_outs == 1  # and without it, that goes too
    assert world.size(suppression) == 0


def test_keeping_out_works_for_somebody_who_stands_nowhere(world, import_list, erase):
    assert erase(keep_out=True).versions == 0
    assert import_list(number(1), CANARY.number).count == 1


# --- lists from before there were marks ------------------------------------------------------------------------


def test_a_list_from_before_marks_gets_another_digest_which_the_log_tells(world, erase):
    released = world.release_texts(3)
    world.work_bulk()
    before = world.row(audience_version)
    erase(number(2))
    after = world.row(audience_version)
    assert after.sha256 != before.sha256
    assert digest(world, after.id) == (after.sha256, 3)
    told = json.loads(world.rows(audit_event)[-1].payload)["digests"]
    assert told == [{"audience": "residents", "version": 1, "sha256": after.sha256}]
    assert world.rows(recipient, number_index=world.vault.index(number(2))) == []
    assert world.totals(released.ref) == {"accepted": 3}
    assert world.totals(send_texts(world, **AGAIN).ref) == {"accepted": 2, "suppressed": 1}


def test_a_warning_that_waits_for_approval_goes_before_an_erasure_from_such_a_list(world, erase):
    world.add_audience("residents", 3)
    submitted = world.submit(channels=("sms",), audience="residents")
    before = world.snapshot()
    with pytest.raises(Stale, match=f"{submitted.ref} waits for approval"):
        erase(number(2))
    assert world.snapshot() == before
    world.approve(submitted)
    assert erase(number(2)).versions == 1


# --- who may, and what is written down -------------------------------------------------------------------------


@pytest.mark.parametrize("role", ["officer", "approver", "auditor"])
def test_others_may_neither_look_nor_erase(world, role):
    world.add_audience("residents", 2)
    eve = world.person("eve", role)
    before = world.snapshot()
    with pytest.raises(NotAllowed, match="may look up or erase a person's number"):
        world.parts.erasing.find(eve, number(1))
    with pytest.raises(NotAllowed, match="may look up or erase a person's number"):
        world.parts.erasing.erase(eve, number(1), reason="x")
    assert world.snapshot() == before


@pytest.mark.parametrize("reason", [" ", f"asked for {CANARY.number}", "see 964738", "07700 96-47 38 called"])
def test_a_reason_is_asked_for_that_does_not_hold_the_number(world, import_list, erase, reason):
    import_list(CANARY.number)
    before = world.snapshot()
    with pytest.raises(Invalid, match="Nothing was erased"):
        erase(reason=reason)
    with pytest.raises(Invalid, match="cannot be looked up"):
        erase("12")
    assert world.snapshot() == before


def test_the_log_tells_who_looked_and_who_erased_in_counts_only(world, import_list, erase, keeper):
    import_list(number(1), CANARY.number)
    world.parts.erasing.find(keeper, CANARY.number, days=7)
    erase(keep_out=True)
    (looked,) = world.events("person_looked_up")
    assert looked == {"versions": 1, "opt_outs": 0, "written": 0, "deliveries": 0, "days": 7}
    (told,) = world.events("person_erased")
    assert told == {
        "versions": 1,
        "written": 0,
        "opt_outs": 0,
        "kept_out": True,
        "reason": "request DP-2026-014",
        "digests": [],
    }
    assert {row.actor for row in world.rows(audit_event) if row.act.startswith("person_")} == {"kate"}

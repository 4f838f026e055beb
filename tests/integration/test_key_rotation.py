"""Changing the data key: every number stays readable at every moment, to old and new processes, whatever breaks off."""

import json

import pytest

from broadcaster.db.key_files import DataKeyFiles, keys_held
from broadcaster.db.tables import audience_version, audit_event, callback, heard, recipient, totp
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import NotAllowed, Stale, Unavailable
from broadcaster.service.keys import Keys
from tests.builders import number
from tests.integration.answers import answerable, write
from tests.integration.identities import enter, with_app

SIZE = 12


@pytest.fixture
def path(world):
    return world.parts.settings.root / "keys" / "data.key"


@pytest.fixture
def keys(world, path):
    world.add_audience("residents", SIZE)
    return Keys(world.database, path)


def readable(world, *vaults):
    """All numbers, by each of these vaults."""
    wanted = [number(n) for n in range(1, SIZE + 1)]
    rows = world.rows(recipient)
    return all([v.open(r.number_sealed, r.number_index) for r in rows] == wanted for v in vaults)


def test_all_numbers_are_under_the_new_key_and_nothing_else_has_changed(world, keys, path):
    before, old = world.rows(recipient), path.read_bytes()
    running = Vault.at(path)
    assert readable(world, running)
    done = keys.rotate(world.administrator)
    assert (done.numbers, done.resealed, done.unreadable, done.resumed) == (SIZE, SIZE, 0, False)
    assert readable(world, running, Vault.at(path), Vault(path.read_bytes()))
    with pytest.raises(ValueError, match="does not match"):
        readable(world, Vault(old))
    assert [r.number_index for r in world.rows(recipient)] == [r.number_index for r in before]
    assert running.index(number(1)) == before[0].number_index
    assert sorted(p.name for p in path.parent.iterdir() if p.name.startswith("data")) == ["data.key"]
    assert running.open(before[0].number_sealed, before[0].number_index) == number(
        1
    )  # read before, opened after
    event = json.loads(world.row(audit_event, act="data_key_changed").payload)
    assert event == {"key": done.fingerprint, "numbers": SIZE, "unreadable": 0}


def test_what_people_wrote_and_raw_callbacks_are_under_the_new_key_too(database_url, tmp_path):
    with answerable(database_url, tmp_path) as world:
        path = world.parts.settings.root / "keys" / "data.key"
        world.release_texts(1)
        write(world, 1, "Where is the shelter?")
        done = Keys(world.database, path).rotate(world.administrator)
        assert (done.resealed, done.unreadable) == (
            4,
            0,
        )  # a recipient, a callback, and number and text of a message
        new = Vault(path.read_bytes())
        written, kept = world.row(heard), world.row(callback)
        assert new.open(written.text_sealed, written.mark) == "Where is the shelter?"
        assert new.open(written.number_sealed, written.number_index) == number(1)
        assert "Where is the shelter?" in new.open(kept.raw_sealed, kept.mark)


def test_what_was_submitted_before_is_approved_and_sent_after(world, keys):
    waiting = world.submit(channels=("sms",), audience="residents")
    keys.rotate(world.administrator)
    world.approve(waiting)
    world.parts.plan.plan(world.broadcast_id(waiting.ref))
    world.work_bulk()
    assert sorted(world.gateway.addresses) == sorted(number(n) for n in range(1, SIZE + 1))


def test_a_process_that_runs_meanwhile_seals_with_the_new_key(world, keys, path):
    running = Vault.at(path)
    keys.rotate(world.administrator)
    index = running.index(number(1))
    assert Vault(path.read_bytes()).open(running.seal(number(1), index), index) == number(1)


def test_what_was_added_behind_a_pass_is_found_by_the_next(world, keys, path):
    before = world.rows(recipient)[0]
    late = [lambda: world.change(recipient, {"number_sealed": before.number_sealed}, id=before.id)]
    done = keys.rotate(world.administrator, on_progress=lambda _done: late.pop()() if late else None)
    assert done.numbers == SIZE
    assert readable(world, Vault(path.read_bytes()))


class Killed(BaseException):
    """Nothing of ours catches it."""


def kill(*_):
    raise Killed


@pytest.mark.parametrize(
    "moment", ["before the new one is in use", "in the middle", "before the old one goes"]
)
def test_killed_at_any_point_every_number_stays_readable_and_a_second_run_ends_it(world, keys, path, moment):
    files = DataKeyFiles(path)
    if moment == "before the new one is in use":
        (path.parent / "data.key.old").write_bytes(path.read_bytes())
    elif moment == "in the middle":
        with pytest.raises(Killed):
            keys.rotate(world.administrator, on_progress=kill)
    else:
        with pytest.raises(Killed):
            HalfDone(world.database, path).rotate(world.administrator)
    assert files.changing
    assert readable(world, Vault.at(path))
    done = keys.rotate(world.administrator)
    assert done.resumed
    assert not files.changing
    assert readable(world, Vault(path.read_bytes()))


class HalfDone(Keys):
    """Is killed when everything is sealed anew, and the old key is still there."""

    def _finish(self, *_given, **_options):
        raise Killed


def test_a_row_that_was_altered_is_counted_and_left(world, keys, path):
    row = world.rows(recipient)[0]
    world.change(recipient, {"number_sealed": bytes(40)}, id=row.id)
    assert keys.rotate(world.administrator).unreadable == 1
    assert world.row(recipient, id=row.id).number_sealed == bytes(40)


def test_it_is_refused_while_an_audience_is_imported_and_while_a_backup_is_made(world, keys, path):
    before = path.read_bytes()
    version = world.add_audience("more", 1)
    world.change(audience_version, {"sealed_at": None}, id=version)
    with pytest.raises(Stale, match="imported"):
        keys.rotate(world.administrator)
    with keys_held(path.parent), pytest.raises(Unavailable):
        keys.rotate(world.administrator)
    with pytest.raises(NotAllowed):
        keys.rotate(world.officer)
    assert path.read_bytes() == before


def test_on_the_command_line(desk):
    said = desk.data_of("key", "rotate", who="admin")
    assert said["unreadable"] == 0
    assert "administrator" in desk.refused("key", "rotate", who="officer")


def test_the_secrets_of_apps_are_under_the_new_key_too(world, keys):
    app = with_app(world, "anna", "approver")
    before = world.row(totp).secret_sealed
    keys.rotate(world.administrator)
    assert world.row(totp).secret_sealed != before
    opened = enter(world, "anna")
    assert world.beside().sign_in.with_code(opened.cookie, app.code()).session.factor == "totp"

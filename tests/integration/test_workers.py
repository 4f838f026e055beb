"""The whole path in real processes: real database, bundled broker, Celery workers, HTTP to the stand-ins."""

import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest
import redis
import requests
from sqlalchemy import text

from broadcaster.db.key_files import load_or_create_key
from broadcaster.db.tables import metadata
from broadcaster.db.vault import Vault
from broadcaster.domain.delivery import ARRIVED, DeliveryState
from broadcaster.domain.evidence import check
from broadcaster.render.notices import shipped_example, shipped_notice, shipped_picture
from broadcaster.service.media import Attached
from tests.conftest import postgres_database
from tests.faults.evidence import gather
from tests.installation import answers, installation, wait_for
from tests.integration.traces import Person
from worker.roles import BULK_NICENESS
from worker.supervisor import BROKER

# So that the 50 a killed worker leaves unknown are within the 5 % that policy may send again
RECIPIENTS = 1_200
HIGHEST_NICENESS = 19


@pytest.fixture(scope="module")
def running(request, tmp_path_factory):
    """One installation on PostgreSQL serves all tests of this module: starting one takes seconds. Demo, browser tests and half
    of the faults run one on SQLite."""
    folder = tmp_path_factory.mktemp("installation")
    for address in postgres_database(request.getfixturevalue("postgres_server"), "template"):
        with installation(folder, address) as found:
            found.import_numbers(RECIPIENTS)
            yield found


def over(running, ref):
    return lambda: running.status(ref).over


def assert_ledger_equals_database(running, ref):
    """Every delivery was taken, by the stand-ins' own record as by ours, and none twice but after an unknown."""
    findings = check(gather(running, ref, in_process=True))
    assert findings.broken == ()
    assert findings.counts["ok"] == RECIPIENTS + 3, findings.counts
    assert running.status(ref).adds_up


def test_the_public_page_is_there_before_anything_was_sent(running):
    wait_for(lambda: requests.get(f"{running.web}/site/", timeout=5).ok)
    assert requests.get(f"{running.web}/site/alerts.json", timeout=5).json()["alerts"] == []


def test_texts_leave_the_cores_to_public_posts(running):
    niceness = {name: os.getpriority(os.PRIO_PROCESS, pid) for name, pid in running.processes().items()}
    public = niceness["live-public-1"]
    assert niceness["live-bulk-1"] == min(public + BULK_NICENESS, HIGHEST_NICENESS)
    assert {niceness[name] for name in ("live-pump", "sweeper", "sealer", "web")} == {public}


def test_no_process_has_a_heap_for_each_of_its_threads(running):
    ours = {name: pid for name, pid in running.processes().items() if name != BROKER}
    for name, pid in ours.items():
        environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        assert b"MALLOC_ARENA_MAX=2" in environment, name


def test_one_approved_message_reaches_every_channel(running):
    ref = running.release()
    wait_for(over(running, ref))
    assert_ledger_equals_database(running, ref)
    posted = next(row for row in running.ledger("facebook") if f"Ref {ref}" in row["text"])
    page = requests.get(f"{running.web}/site/alerts/{ref.lower()}/", timeout=10)
    assert page.ok
    assert "((" not in posted["text"] + page.text  # late slots are filled
    assert posted["link"] in ("", f"{running.web}/site/alerts/{ref.lower()}/")


def test_a_picture_and_a_thread_reach_the_public_places_in_order(running):
    alt = "Drawing: trees bent low by the wind."
    picture = Attached(name="storm.jpg", content=shipped_picture("severe-weather"), alt=alt)
    public = ("website", "facebook", "x")
    submitted = running.submit(template="evacuation", channels=public, audience="", images=[picture])
    ref = running.approve(submitted)
    wait_for(over(running, ref))
    assert check(gather(running, ref, in_process=True)).broken == ()
    status = {target.channel: target for target in running.status(ref).targets}
    assert [target.states for target in status.values()] == [
        {DeliveryState.ACCEPTED: 2 if channel == "x" else 1} for channel in status
    ]
    texts = [row["text"] for row in running.ledger("x") if f"Ref {ref}" in row["text"]]
    assert [text.splitlines()[-1] for text in texts] == ["1/2", "2/2"]
    page = requests.get(f"{running.web}/site/alerts/{ref.lower()}/", timeout=10).text
    wall = requests.get(running.sandbox, timeout=10).text
    assert alt in page
    assert wall.count(f'alt="{alt}"') == 3
    assert wall.index(texts[0].splitlines()[0]) < wall.index("2/2")


def test_receipts_make_accepted_texts_delivered(running):
    ref = running.release()
    wait_for(over(running, ref))

    def all_delivered():
        texts = next(t for t in running.status(ref).targets if t.channel == "sms")
        return texts.states == {DeliveryState.DELIVERED: RECIPIENTS}

    wait_for(all_delivered)


def test_a_killed_bulk_worker_loses_nothing(running):
    running.fault(platform="sms", kind="delay", seconds=0.1, count=RECIPIENTS)  # so that it dies in mid-group
    ref = running.release()
    wait_for(lambda: running.accepted_texts(ref) >= RECIPIENTS // 6)
    before = running.processes()
    os.kill(before["live-bulk-1"], signal.SIGKILL)
    running.clear_faults()
    wait_for(over(running, ref))
    assert_ledger_equals_database(running, ref)
    wait_for(lambda: running.processes().get("live-bulk-1") not in {None, before["live-bulk-1"]})


def test_a_flushed_broker_loses_nothing(running):
    running.fault(platform="sms", kind="delay", seconds=0.05, count=RECIPIENTS)
    ref = running.release()
    wait_for(lambda: running.accepted_texts(ref) >= 1)
    with redis.Redis(unix_socket_path=str(running.settings.broker_socket)) as broker:
        broker.flushall()
    running.clear_faults()
    wait_for(over(running, ref))
    assert_ledger_equals_database(running, ref)


def test_everything_that_dies_is_started_again(running):
    before = running.processes()
    for name in ("broker", "live-public-1", "live-pump", "sweeper", "web"):
        os.kill(before[name], signal.SIGKILL)
    wait_for(
        lambda: all(
            running.processes().get(name) not in {None, pid}
            for name, pid in before.items()
            if name in {"broker", "live-public-1", "live-pump", "sweeper", "web"}
        )
    )
    wait_for(lambda: answers(f"{running.web}/health"))
    ref = running.release()
    wait_for(over(running, ref))
    assert_ledger_equals_database(running, ref)


def test_a_post_altered_after_approval_is_not_sent(running):
    officer, approver = (running.parts.people.who(running.people[n]) for n in ("officer", "approver"))
    ref = _release_with_altered_facebook_post(running, officer, approver)
    wait_for(over(running, ref))
    states = {t.channel: t.states for t in running.status(ref).targets}
    assert states["facebook"] == {DeliveryState.QUARANTINED: 1}
    assert states["x"] == {DeliveryState.ACCEPTED: 1}
    assert not [row for row in running.ledger("facebook") if f"Ref {ref}" in row["text"]]


def _release_with_altered_facebook_post(running, officer, approver):
    parts = running.parts
    draft = parts.compose.draft(
        officer,
        template=shipped_notice("severe-weather"),
        values=shipped_example("severe-weather"),
        channels=["website", "facebook", "x"],
    )
    submitted = parts.compose.submit(officer, draft.ref)
    # The worker stands still while the post is altered behind everybody's back.
    os.kill(running.processes()["live-public-1"], signal.SIGSTOP)
    try:
        parts.approve.approve(approver, draft.ref, submitted.manifest_sha256)
        with parts.database.write() as tx:
            tx.execute(
                text(
                    "UPDATE post SET content = :c WHERE id = (SELECT max(id) FROM post WHERE channel = 'facebook')"
                ),
                {"c": _altered(parts, tx)},
            )
    finally:
        os.kill(running.processes()["live-public-1"], signal.SIGCONT)
    return draft.ref


def _altered(parts, tx):
    content = tx.execute(text("SELECT content FROM post WHERE channel = 'facebook' ORDER BY id DESC LIMIT 1"))
    return bytes(content.scalar_one()).replace(b"Keep off", b"Keep on ")


def test_no_process_writes_a_number_or_a_name_down_and_of_an_erased_person_nothing_is_left(running):
    sent, refused = (Person(number=f"+44770096473{n}", name="Zebedee Quillfeather") for n in (6, 7))
    folder, parts = running.settings.root, running.parts
    keeper = parts.people.who(running.people["admin"])
    file = folder.parent / f"{folder.name}.csv"
    file.write_text("name,mobile\n" + "".join(f"{p.name},{p.number}\n" for p in (sent, refused)))
    parts.audiences.import_csv(actor=keeper, name="canaries", path=file)
    file.unlink()
    running.fault(platform="sms", kind="refuse_recipient", recipient=refused.number)
    ref = running.release(audience="canaries")
    wait_for(over(running, ref))
    running.clear_faults()
    assert arrived_and_failed(running, ref) == (4, 1)
    assert {name for name, _ in sent.in_files(folder)} & {"sandbox/ledger.db", "sandbox/ledger.db-wal"}
    with parts.database.read() as tx:
        tables = {t: [tuple(r) for r in tx.execute(text(f"SELECT * FROM {t}"))] for t in metadata.tables}
    index = Vault(load_or_create_key(folder / "keys" / "data.key")).index(sent.number)
    assert replace(sent, kept=(index,)).in_tables(tables) != []
    for person in (sent, refused):
        assert parts.erasing.erase(keeper, person.number, reason="request 1").versions == 1
        with parts.database.read() as tx:
            tables = {t: [tuple(r) for r in tx.execute(text(f"SELECT * FROM {t}"))] for t in metadata.tables}
        assert replace(person, kept=(index,)).in_tables(tables) == []
        assert (
            person.in_files(folder, but=("ledger.db", "ledger.db-wal")) == []
        )  # what the stand-ins received
    assert {file.parent.name for file in folder.rglob("*") if file.stat().st_size} >= {"logs", "broker"}
    assert arrived_and_failed(running, ref) == (4, 1)


def arrived_and_failed(running, ref):
    totals = running.status(ref).totals
    return sum(totals.get(state, 0) for state in ARRIVED), totals[DeliveryState.FAILED]

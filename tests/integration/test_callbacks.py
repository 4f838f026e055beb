"""T25: forged, unsigned, replayed, out of order, before our commit, for unknown ids, through real gateways' signatures; and
what is kept of a callback, as it came, until it goes."""

import asyncio
import base64
import hashlib
import hmac
import json
import random
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from broadcaster.cli import show
from broadcaster.cli.status import as_json_data
from broadcaster.cli.terminal import local
from broadcaster.db import heard as heard_rows
from broadcaster.db.receipts import OVERTAKES_WITHIN, PUT_OFF_MOST, Arrived
from broadcaster.db.tables import account, callback, delivery, heard, receipt
from broadcaster.db.vault import Vault
from broadcaster.domain.errors import OutcomeUnknown
from broadcaster.service.callbacks import Unread, raw_of
from broadcaster.service.retention import Leftovers
from broadcaster.web.hooks import Intake
from channels.base import Account, Secret
from channels.incoming import DeliveryReceipt, ReceiptState
from channels.sms import Sms
from tests.builders import NO_HURRY, number
from tests.fakes import Took
from tests.integration.answers import answerable, told, write
from tests.integration.test_web import ask, running

RANK = {"pending": 0, "accepted": 1, "undelivered": 2, "delivered": 3}
URL = "https://alerts.example/hooks/live/gateway/receipt"
HEARD_URL = "https://alerts.example/hooks/live/gateway/heard"
TOKEN = "a-token-of-our-own"
SID, KEY_SID = f"AC{'0' * 32}", f"SK{'0' * 32}"


@pytest.fixture
def world(database_url, tmp_path):
    with answerable(database_url, tmp_path) as world:
        yield world


def twilio():
    options = {"gateway": "twilio", "account_sid": SID, "api_key": KEY_SID, "sender": "Wyre"}
    options |= {"receipt_url": URL, "heard_url": HEARD_URL}
    secrets = {"api_key_secret": Secret("s"), "auth_token": Secret("token")}
    return Sms.from_account(
        Account(name="gateway", channel="sms", mode="live", options=options, secrets=secrets)
    )


def signed(fields, url, token="token"):
    content = url + "".join(name + fields[name] for name in sorted(fields))
    mark = hmac.new(token.encode(), content.encode(), hashlib.sha1).digest()
    return {"X-Twilio-Signature": base64.b64encode(mark).decode(), "Authorization": "Basic c2VjcmV0"}


def status_of(key, status, *, sid=f"SM{'0' * 32}", token="token"):
    fields = {"AccountSid": SID, "MessageSid": sid, "MessageStatus": status, "To": number(1)}
    return {
        "query": {"key": key},
        "body": urlencode(fields).encode(),
        "headers": signed(fields, f"{URL}?key={key}", token),
    }


# --- T25 ----------------------------------------------------------------------------------------------------


def test_hundreds_of_callbacks_of_every_bad_kind_make_no_false_state_and_lower_none(world):
    """Small; tests/faults/receiving.py has it at full size, through the web process."""
    world.release_texts(60)
    world.work_bulk()
    world.channels["live"]["gateway"] = twilio()
    world.parts.receipts.prepare()
    dice, truth, seen = random.Random(25), {}, []
    keys = [d.uid for d in world.deliveries("sms")]
    brought = []
    for key in keys[:40]:
        true = dice.sample(["queued", "sent", "undelivered", "delivered"], dice.randint(1, 4))
        truth[key] = {status: RANK.get(status, 1) for status in true}
        brought += [status_of(key, status) for status in true]
    brought += [status_of(key, "delivered", token="forged") for key in keys]
    brought += [{**status_of(key, "delivered"), "headers": {}} for key in keys[40:]]
    brought += [{**status_of(keys[0], "delivered"), "query": {"key": key}} for key in keys[41:]]
    brought += [status_of(f"00000000-0000-7000-8000-{n:012}", "delivered") for n in range(50)]
    brought += [brought[0]] * 100
    dice.shuffle(brought)
    refused = 0
    for at in range(0, len(brought), 60):
        group = []
        for each in brought[at : at + 60]:
            try:
                group.append(world.parts.receipts.read("live", "gateway", **each))
            except ValueError:
                refused += 1
        world.parts.receipts.store(group)
        world.parts.receipts.apply_all()
        seen.append([RANK[state] for state in world.states()])
    assert refused == 60 + 20 + 19
    assert all(list(ranks) == sorted(ranks) for ranks in zip(*seen, strict=True)), "a rank fell"
    assert seen[-1] == [max(truth[key].values()) if key in truth else 1 for key in keys]
    assert world.size(receipt) == sum(len(said) for said in truth.values()) + 50
    assert world.size(callback) == world.size(receipt)


def test_a_receipt_before_our_commit_waits_under_its_platforms_id_too(world):
    def overtake(keys):
        for n in range(1, 4):
            bring(world, DeliveryReceipt(key="", state=ReceiptState.DELIVERED, platform_id=f"sms-{n}"))
        assert world.parts.receipts.apply_all() == 0

    world.gateway.on_call = overtake
    released = world.release_texts(3)
    world.work_bulk()
    world.parts.receipts.apply_all()
    assert world.totals(released.ref) == {"delivered": 3}


def bring(world, found, *, name="gateway"):
    """As over a line that the gateway's channel holds."""
    parts = world.parts
    parts.receipts.prepare()
    _, account_id = parts.listening._brought.account("live", name)
    parts.listening._store([found], account_id, confirm=False)


def test_a_receipt_by_the_platforms_id_lifts_that_delivery_and_no_other(world):
    world.release_texts(3)
    world.work_bulk()
    bring(world, told("sms-2"))
    bring(world, told("sms-2", ReceiptState.ACCEPTED))
    bring(world, told("sms-9"))
    world.parts.receipts.apply_all()
    assert world.states() == ["accepted", "delivered", "accepted"]


def test_an_id_that_two_texts_share_says_nothing_about_either(world):
    released = world.release_texts(2)
    world.work_bulk()
    for row in world.deliveries("sms"):
        world.change(delivery, {"platform_id": "same"}, id=row.id)
    bring(world, told("same"))
    world.parts.receipts.apply_all()
    assert world.totals(released.ref) == {"accepted": 2}


def test_a_platforms_id_through_another_account_is_not_believed(world):
    released = world.release_texts(1)
    world.work_bulk()
    world.channels["live"]["rival"] = world.gateway
    bring(world, told("sms-1"), name="rival")
    world.parts.receipts.apply_all()
    assert world.totals(released.ref) == {"accepted": 1}


def test_no_empty_id_finds_anything(world):
    released = world.release_texts(1)
    world.work_bulk()
    world.change(delivery, {"platform_id": ""}, target_id=world.deliveries("sms")[0].target_id)
    bring(world, told(""))
    bring(world, DeliveryReceipt(key="x" * 37, state=ReceiptState.DELIVERED))
    assert (world.size(receipt), world.parts.receipts.apply_all()) == (0, 0)
    assert world.totals(released.ref) == {"accepted": 1}


def test_since_when_a_receipt_is_missing_is_told_to_people_and_programs(world):
    """T24: accepted, and nothing more: it says so, and never that it arrived."""
    released = world.release_texts(2)
    world.work_bulk()
    first = min(d.settled_at for d in world.deliveries("sms"))
    world.clock.advance(16 * 60)
    shown = world.status(released.ref)
    (target,) = as_json_data(shown)["targets"]
    assert (target["no_receipt"], target["no_receipt_since"]) == (2, first)
    (line,) = show.no_receipts(shown, world.parts.settings.zone)
    assert line.endswith(f"The first was taken {local(first, world.parts.settings.zone)}.")
    for row in world.deliveries("sms"):
        world.receive(row.uid, "delivered")
    world.parts.receipts.apply_all()
    shown = world.status(released.ref)
    assert list(show.no_receipts(shown, world.parts.settings.zone)) == []
    assert as_json_data(shown)["targets"][0]["no_receipt_since"] is None


# --- what nobody knows --------------------------------------------------------------------------------------


def waits(world):
    (row,) = world.rows(receipt)
    return (row.next_at - row.received_at).total_seconds()


def test_what_is_about_nothing_known_is_looked_at_less_and_less_often(world):
    world.receive("00000000-0000-7000-8000-000000000000", "delivered")
    found = []
    for _ in range(6):
        world.parts.receipts.apply_all()
        found.append(waits(world))
        world.clock.advance(found[-1] + 1)
    assert found == sorted(found)
    assert found[0] < 5
    world.clock.advance(3600)
    world.parts.receipts.apply_all()
    row = world.row(receipt)
    assert abs((row.next_at - world.now()).total_seconds() - PUT_OFF_MOST.total_seconds()) < 5


def test_an_unknown_platforms_id_is_looked_for_at_each_turn_while_it_may_have_overtaken_its_answer(world):
    bring(world, told("later"))
    world.parts.receipts.apply_all()
    assert waits(world) == 0
    world.clock.advance(OVERTAKES_WITHIN.total_seconds() + 1)
    world.parts.receipts.apply_all()
    assert waits(world) > OVERTAKES_WITHIN.total_seconds()


def test_many_about_nothing_keep_no_true_one_waiting(world):
    released = world.release_texts(1, **NO_HURRY)
    world.gateway.answers.append(Took(OutcomeUnknown("read_timeout")))
    world.work_bulk()
    world.parts.receipts.prepare()
    account_id = world.row(account, name="gateway").id
    made_up = [
        Arrived(account_id=account_id, delivery_uid=f"made-up-{n}", state="delivered", code="")
        for n in range(300)
    ]
    world.parts.receipts.store(made_up)
    world.receive(world.deliveries("sms")[0].uid, "delivered")
    assert world.parts.receipts.apply_all() == 1
    assert world.totals(released.ref) == {"delivered": 1}
    with world.database.read() as tx:
        due = tx.execute(
            select(receipt.c.id).where(receipt.c.applied_at.is_(None), receipt.c.next_at <= tx.now())
        )
        assert due.all() == []


# --- as it came ---------------------------------------------------------------------------------------------


def opened(world, row):
    return json.loads(
        Vault.at(world.parts.settings.root / "keys" / "data.key").open(row.raw_sealed, row.mark)
    )


def test_a_callback_is_kept_as_it_came_and_nobody_can_read_it_without_the_key(world):
    world.channels["live"]["gateway"] = twilio()
    world.parts.receipts.prepare()
    sent = status_of("k-1", "delivered")
    for _ in range(3):
        world.parts.receipts.store([world.parts.receipts.read("live", "gateway", **sent)])
    row = world.row(callback)
    assert number(1)[1:].encode() not in row.raw_sealed
    kept = opened(world, row)
    assert kept["body"].encode() == sent["body"]
    assert kept["query"] == {"key": "k-1"}
    assert kept["headers"]["x-twilio-signature"] == sent["headers"]["X-Twilio-Signature"]
    assert "authorization" not in kept["headers"]


def test_what_is_genuine_and_not_understood_is_kept_and_shown(world):
    world.channels["live"]["gateway"] = twilio()

    async def bring_both():
        async with running(world.parts) as app:
            sent = status_of("k-1", "elephant")
            headers = {k.lower(): v for k, v in sent["headers"].items()}
            read = world.parts.receipts.read
            assert isinstance(
                read("live", "gateway", query={"key": "k-1"}, body=sent["body"], headers=headers), Unread
            )
            app.state.intake = Intake(world.parts.receipts)
            await app.state.intake.take(read("live", "gateway", **sent))
            return await ask(app, "/hooks/live/gateway/receipt", method="POST", body=sent["body"], key="k-1")

    assert asyncio.run(bring_both()).status == 400  # the second has no signature, and nothing of it is kept
    assert (world.size(receipt), world.size(callback)) == (0, 1)
    (shown,) = world.parts.hearing.unreadable()
    assert (shown.account, shown.count) == ("gateway", 1)
    assert any(entry["event"] == "callback_unreadable" for entry in world.logs)


def test_a_body_that_is_no_text_is_kept_too(world):
    world.parts.receipts.prepare()
    account_id = world.row(account, name="gateway").id
    raw = raw_of({"token": TOKEN}, b"\xff\0", {})
    world.parts.receipts.store([Unread(account_id=account_id, raw=raw)])
    kept = opened(world, world.row(callback))
    assert base64.b64decode(kept["base64"]) == b"\xff\0"
    assert TOKEN not in str(kept)


def test_callbacks_and_answers_go_after_their_days_and_the_rows_that_tell_repetitions_stay(world):
    world.release_texts(1)
    world.work_bulk()
    write(world, 1, "help, the cellar is full", id_="SM1")
    key = world.deliveries("sms")[0].uid
    world.parts.receipts.store([_from(world, key)])
    world.parts.receipts.apply_all()
    assert world.size(callback) == 2
    world.clock.advance(8 * 24 * 3600)
    world.parts.sweep.sweep()
    assert (world.size(callback), world.size(receipt)) == (0, 1)
    assert world.parts.hearing.newest(world.officer, everything=True, limit=1)[0].text
    world.clock.advance(23 * 24 * 3600)
    world.beside().sweep.sweep()
    row = world.row(heard)
    assert (row.number_sealed, row.text_sealed, row.number_index) == (b"", b"", b"")
    write(world, 1, "help, the cellar is full", id_="SM1")
    assert world.size(heard) == 1
    (shown,) = world.parts.hearing.newest(world.officer, everything=True, limit=1)
    assert (shown.wiped, shown.text, shown.number) == (True, "", "")
    assert {"callbacks_wiped", "answers_wiped"} <= set(world.acts())


def _from(world, key):
    return world.parts.receipts.read(
        "live",
        "gateway",
        query={},
        body=json.dumps({"key": key, "state": "delivered"}).encode(),
        headers={},
    )


def test_leftovers_are_looked_at_once_an_hour_a_second_at_a_time(world):
    asked = []

    def step():
        asked.append(1)
        world.clock.advance(0.4)
        return len(asked) < 5

    leftovers = Leftovers([step], monotonic=world.clock.monotonic)
    leftovers.wipe_what_was_told()
    assert len(asked) == 3
    leftovers.wipe_what_was_told()
    assert len(asked) == 5
    leftovers.wipe_what_was_told()
    assert len(asked) == 5


def test_an_erased_number_can_be_taken_out_of_what_was_heard(world):
    write(world, 1, "hello")
    write(world, 2, "hello")
    with world.database.write() as tx:
        assert heard_rows.erase(tx, world.vault.index(number(1))) == 1
    assert [bool(h.text_sealed) for h in world.rows(heard)] == [False, True]

"""The SMPP gateway against the stand-in: what is sent is what was approved, whatever the centre does; what comes back is kept."""

import threading
import time
from collections import Counter
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown, Refused, SendError
from channels.base import Receipt
from channels.gateways import HasOwnLine
from channels.gateways.smpp_times import Times
from channels.incoming import DeliveryReceipt, Heard, Listens, ReceiptState
from channels.sms import Sms
from channels.text import sms_segments, sms_size
from tests.contract.sandbox_process import eventually
from tests.contract.smpp_accounts import (
    NUMBER,
    all_outcomes,
    gateway,
    one_outcome,
    parcels,
    post_of,
    said_of,
    smpp_account,
)


@contextmanager
def at_the_stand_in(sandbox, **options):
    account = sandbox.accounts["smpp"]
    port = sandbox.get("/_sandbox/smpp").json()["port"]
    given = {"system_id": account["system_id"], "password": account["password"], **options}
    with gateway(port, **given) as smpp:
        yield smpp


@pytest.fixture
def smpp(sandbox):
    with at_the_stand_in(sandbox) as smpp:
        yield smpp


def test_it_is_what_the_product_takes_it_for(smpp):
    assert isinstance(smpp, HasOwnLine)
    assert isinstance(smpp, Listens)


@pytest.mark.parametrize(
    "text",
    [
        "Flood warning for the River Wyre. Move to upper floors now.",
        "Rhybudd llifogydd: Afon Gŵy, Tŷ Du. Ewch i fyny'r grisiau ŵ ŷ",
        "§ ` ç « » ½",
        "A" * 152 + "€" + "B" * 152,
        "ŵ" * 66 + "🌊" + "ŷ" * 66,
        "👩‍👩‍👧‍👧 🏴󠁧󠁢󠁷󠁬󠁳󠁿 " * 12,
        "[€] " * 180,
        "First line\nsecond\n",
    ],
    ids=lambda text: f"{len(text)} {text[:8]!r}",
)
def test_each_segment_that_was_counted_is_one_submit_sm_and_arrives_as_written(sandbox, smpp, text):
    assert isinstance(one_outcome(smpp, post_of(text)), Receipt)
    rows = sandbox.ledger(platform="smpp")
    assert [row["text"] for row in rows] == sms_segments(text)
    assert len(rows) == sms_size(text).segments
    assert {(row["recipient"], dict(row["headers"])["sender"]) for row in rows} == {(NUMBER, "WyreCouncil")}


def test_the_channel_sends_through_it(sandbox):
    account = sandbox.accounts["smpp"]
    port = sandbox.get("/_sandbox/smpp").json()["port"]
    given = {"system_id": account["system_id"], "password": account["password"], "gateway": "smpp"}
    channel = Sms.from_account(smpp_account(port, **given))
    assert channel.target == "sender WyreCouncil"
    assert [problem.code for problem in channel.check(post_of("x" * 1000))] == ["too_long"]
    found = all_outcomes(channel, post_of("x" * 400), parcels(3))
    assert {type(each) for each in found.values()} == {Receipt}
    assert sandbox.summary("smpp")["accepted"] == 9
    assert channel.probe().code == "ready"
    vars(channel)["_gateway"].close()


def test_many_texts_each_go_once_and_come_back_once(sandbox, smpp):
    to = parcels(300)
    found = all_outcomes(smpp, post_of("x" * 200), to)
    assert all(isinstance(each, Receipt) for each in found.values())
    ids = {each.platform_id for each in found.values()}
    rows = sandbox.ledger(platform="smpp", accepted=1)
    last = {row["platform_id"].lower().lstrip("0") for row in rows if dict(row["headers"])["part"] == "2/2"}
    assert (len(ids), ids) == (300, last)
    assert Counter(row["recipient"] for row in rows) == {parcel.address: 2 for parcel in to}


def test_threads_send_side_by_side_each_over_a_line_of_its_own(sandbox, smpp):
    found = []

    def send(begin):
        found.append(all_outcomes(smpp, post_of(f"From {begin}"), parcels(400)[begin : begin + 100]))

    threads = [threading.Thread(target=send, args=(begin,)) for begin in (0, 100, 200, 300)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {type(each) for group in found for each in group.values()} == {Receipt}
    assert sandbox.summary("smpp")["recipients_distinct"] == 400
    assert sandbox.summary("smpp")["accepted"] == 400


@pytest.mark.parametrize(
    ("kind", "outcome", "accepted"),
    [
        ("429", (NotSent, "rate_limited"), 0),
        ("503", (NotSent, "busy"), 0),
        ("500", (NotSent, "busy"), 0),
        ("expired_token", (NotConfigured, "credentials_refused"), 0),
        ("silence", (OutcomeUnknown, "read_timeout"), 0),
        ("accept_then_silence", (OutcomeUnknown, "read_timeout"), 1),
        ("reset", (OutcomeUnknown, "connection_lost"), 0),
        ("accept_then_reset", (OutcomeUnknown, "connection_lost"), 1),
    ],
)
def test_every_fault_of_a_centre_has_its_outcome(sandbox, kind, outcome, accepted):
    times = Times(answer_s=0.3) if "silence" in kind else Times()
    with at_the_stand_in(sandbox, times=times) as smpp:
        assert smpp.probe(None).code == "ready"
        sandbox.fault(platform="smpp", kind=kind, count=1)
        assert said_of(one_outcome(smpp, post_of())) == outcome
        assert sandbox.summary("smpp")["accepted"] == accepted
    with at_the_stand_in(sandbox) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")


def test_one_number_that_is_refused_does_not_hold_up_the_others(sandbox, smpp):
    sandbox.fault(platform="smpp", kind="refuse_recipient", recipient="+447700900007")
    found = all_outcomes(smpp, post_of(), parcels(20))
    assert said_of(found.pop("k-7")) == (Refused, "number_refused")
    assert {type(each) for each in found.values()} == {Receipt}


def test_a_centre_that_throttles_loses_nothing_and_doubles_nothing(sandbox):
    """One in ten is told to wait, and put again by whoever keeps the deliveries."""
    sandbox.fault(platform="smpp", kind="429", probability=0.1, seed=7)
    with at_the_stand_in(sandbox, times=Times(pause_s=0.02)) as smpp:
        to = {parcel.key: parcel for parcel in parcels(120)}
        while to:
            found = all_outcomes(smpp, post_of("x" * 400), list(to.values()))
            assert {type(each) for each in found.values()} <= {Receipt, NotSent}
            to = {key: to[key] for key, each in found.items() if isinstance(each, NotSent)}
    rows = sandbox.ledger(platform="smpp", accepted=1)
    parts = Counter((row["recipient"], dict(row["headers"])["part"]) for row in rows)
    assert (len(parts), set(parts.values())) == (360, {1})


def test_the_centre_is_told_until_when_a_text_is_good(sandbox, smpp):
    expires = datetime.now(UTC) + timedelta(hours=1)
    one_outcome(smpp, post_of(expires=expires.isoformat()))
    [row] = sandbox.ledger(platform="smpp")
    told = datetime.strptime(dict(row["headers"])["validity"][:12], "%y%m%d%H%M%S").replace(tzinfo=UTC)
    assert abs(told - expires) < timedelta(seconds=2)


def test_a_check_binds_sends_nothing_and_holds_no_connection(sandbox, smpp):
    assert smpp.probe(None).code == "ready"
    assert vars(smpp)["_lines"]._idle == []
    one_outcome(smpp, post_of())
    sandbox.delete("/_sandbox/ledger")
    assert smpp.probe(None).code == "ready"
    assert len(vars(smpp)["_lines"]._idle) == 1
    with at_the_stand_in(sandbox, password="wrong") as other:
        refused = other.probe(None)
        assert (refused.state, refused.code) == ("not_ready", "credentials_refused")
    assert sandbox.ledger(platform="smpp") == []


# what comes back


class Ear:
    """Listens in a thread of its own and keeps what it is told; `broken` makes the next storing fail."""

    def __init__(self, smpp) -> None:
        self.news, self.broken, self.ended = [], False, None
        self._running = True
        self._thread = threading.Thread(target=self._listen, args=(smpp,))

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, *_):
        self._running = False
        self._thread.join()

    def _listen(self, smpp):
        try:
            smpp.listen(self._told, lambda: self._running)
        except (SendError, OSError) as error:
            self.ended = error

    def _told(self, news):
        if self.broken:
            raise OSError("the disk is full")
        self.news.extend(news)

    def ids(self):
        return {each.platform_id for each in self.news if isinstance(each, DeliveryReceipt)}


@pytest.mark.parametrize(
    ("ids", "message_ids"), [("same", "same"), ("decimal", "hex-decimal")], ids=["same", "hex-decimal"]
)
def test_every_text_is_followed_by_its_receipt_under_the_same_id(sandbox, ids, message_ids):
    """Of three segments each: one receipt a text, for the last of them."""
    sandbox.set(smpp_receipt_ids=ids, undelivered=["+447700900003"], dlr_copies=2)
    with at_the_stand_in(sandbox, message_ids=message_ids) as smpp, Ear(smpp) as ear:
        found = all_outcomes(smpp, post_of("x" * 400), parcels(40))
        assert eventually(lambda: len(ear.news) == 80)
        assert ear.ids() == {each.platform_id for each in found.values()}
        failed = {each.platform_id for each in ear.news if each.state is ReceiptState.UNDELIVERED}
        assert failed == {found["k-3"].platform_id}
        assert {each.code for each in ear.news} == {"DELIVRD 000", "UNDELIV 001"}
        assert eventually(lambda: sandbox.get("/_sandbox/smpp").json()["sent"] == 80)


def test_what_could_not_be_stored_is_not_acknowledged_and_comes_again(sandbox, smpp):
    with Ear(smpp) as ear:
        ear.broken = True
        found = one_outcome(smpp, post_of())
        assert eventually(lambda: ear.ended is not None)
    assert isinstance(ear.ended, OSError)
    assert sandbox.get("/_sandbox/smpp").json()["sent"] == 0
    with Ear(smpp) as ear:
        assert eventually(lambda: ear.ids() == {found.platform_id})


def test_receipts_that_came_while_nobody_listened_are_brought_at_the_next_bind(sandbox, smpp):
    found = all_outcomes(smpp, post_of(), parcels(120))
    time.sleep(0.1)
    with Ear(smpp) as ear:
        assert eventually(lambda: ear.ids() == {each.platform_id for each in found.values()})


def test_what_people_write_is_heard(sandbox, smpp):
    with Ear(smpp) as ear:
        sandbox.post("/_sandbox/smpp", json={"from": "+447700900123", "text": "STOP"})
        assert eventually(lambda: ear.news)
    [heard] = ear.news
    assert isinstance(heard, Heard)
    assert (heard.address, heard.text) == ("+447700900123", "STOP")


def test_a_receiver_that_is_refused_says_why(sandbox):
    with (
        at_the_stand_in(sandbox, password="wrong") as smpp,
        pytest.raises(NotConfigured, match="credentials_refused"),
    ):
        smpp.listen(lambda news: None, lambda: True)

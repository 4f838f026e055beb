"""The line itself: what a broken, silent or odd connection makes of the texts on it, octet by octet."""

import socket
import time

import pytest

from broadcaster.domain.errors import NotSent, OutcomeUnknown, Refused
from channels.base import Receipt
from channels.gateways.smpp_listening import Listening
from channels.gateways.smpp_sending import SmppSending
from channels.gateways.smpp_session import Session
from channels.gateways.smpp_settings import SmppSettings
from channels.gateways.smpp_times import Times
from channels.gateways.smpp_window import Window
from tests.contract.scripted_centre import Centre, pdu, reset, until_the_end
from tests.contract.smpp_accounts import (
    all_outcomes,
    gateway,
    one_outcome,
    parcels,
    post_of,
    said_of,
    smpp_account,
)
from tests.contract.smpp_line import NACK, SUBMIT_RESP, accepting, sent_to


def answered(status, *, command=SUBMIT_RESP, body=b""):
    def script(talk):
        talk.bind()
        [number] = talk.submits(1)
        talk.say(pdu(command, number, body, status))
        until_the_end(talk)

    return script


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (answered(0, body=b"7\0"), (Receipt, "")),
        (answered(0, body=b"7\0\x14\x00\x00\x02ab"), (Receipt, "")),  # a vendor's parameter after the id
        (answered(0, body=b"\0"), (OutcomeUnknown, "no_id")),
        (answered(0), (OutcomeUnknown, "no_id")),
        (answered(0x58), (NotSent, "rate_limited")),
        (answered(0x14), (NotSent, "busy")),
        (answered(0x0B), (Refused, "number_refused")),
        (answered(0x0B, body=b"\0"), (Refused, "number_refused")),
        (answered(0x444), (Refused, "refused")),
        (answered(0x03, command=NACK), (Refused, "form")),
        (answered(0x58, command=NACK), (NotSent, "rate_limited")),
        (answered(0, command=NACK), (OutcomeUnknown, "read_timeout")),
    ],
)
def test_each_answer_has_its_outcome(script, outcome):
    assert sent_to(script) == [outcome]


def test_answers_belong_to_texts_by_their_number_and_in_any_order():
    def script(talk):
        talk.bind()
        one, two, three = talk.submits(3)
        talk.say(pdu(SUBMIT_RESP, 9999, b"nobody's\0"))
        talk.say(pdu(SUBMIT_RESP, three, b"33\0"), pdu(SUBMIT_RESP, two, b"", 0x0B))
        talk.say(pdu(SUBMIT_RESP, one, b"11\0"))
        until_the_end(talk)

    with Centre(script) as centre, gateway(centre.port) as smpp:
        found = all_outcomes(smpp, post_of(), parcels(3))
    assert (found["k-0"], found["k-2"]) == (Receipt(platform_id="11"), Receipt(platform_id="33"))
    assert said_of(found["k-1"]) == (Refused, "number_refused")


@pytest.mark.parametrize("end", [reset, lambda connection: connection.close()], ids=["reset", "closed"])
def test_a_line_that_breaks_makes_what_had_left_unknown_and_leaves_the_rest_unsent(end):
    """Window 4: four texts had left, of which one was answered, and the others were never begun."""

    def script(talk):
        talk.bind()
        first, *_ = talk.submits(4)
        talk.accept(first)
        talk.submits(1)  # the one that took its place
        talk._file.close()
        end(talk.connection)

    outcomes = sent_to(script, count=7, window="4")
    assert sorted(outcomes, key=str) == sorted(
        [(Receipt, ""), *[(OutcomeUnknown, "connection_lost")] * 4, *[(NotSent, "connection_lost")] * 2],
        key=str,
    )


def test_after_a_break_the_next_texts_go_over_a_new_line():
    def breaks(talk):
        talk.bind()
        talk.submits(1)

    with Centre(breaks, accepting) as centre, gateway(centre.port) as smpp:
        with smpp.sending(post_of()) as sending:
            one, two = parcels(2)
            sending.put([one])
            assert [said_of(each) for _, each in sending.take(10)] == [(OutcomeUnknown, "connection_lost")]
            sending.put([two])
            assert [said_of(each) for _, each in sending.take(10)] == [(Receipt, "")]
        assert centre.connections == 2


def test_silence_is_unknown_and_its_line_is_not_used_again():
    def silent(talk):
        talk.bind()
        talk.submits(1)
        until_the_end(talk)

    with Centre(silent, accepting) as centre, gateway(centre.port, times=Times(answer_s=1)) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (OutcomeUnknown, "read_timeout")
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert centre.connections == 2


def test_a_text_is_whole_only_when_its_last_segment_is_taken():
    def script(talk):
        talk.bind()
        one, two, three = talk.submits(3)
        talk.accept(one, two)
        talk.say(pdu(SUBMIT_RESP, three, b"", 0x0B))
        until_the_end(talk)

    assert sent_to(script, text="x" * 400) == [(OutcomeUnknown, "taken_in_part")]


def test_a_segment_that_is_throttled_goes_again_and_the_text_arrives_whole():
    def script(talk):
        talk.bind()
        one, two, three = talk.submits(3)
        talk.accept(one, three)
        talk.say(pdu(SUBMIT_RESP, two, b"", 0x58))
        [again] = talk.submits(1)
        talk.accept(again)
        until_the_end(talk)

    assert sent_to(script, text="x" * 400, times=Times(pause_s=0.1)) == [(Receipt, "")]


def test_after_a_segment_that_is_refused_the_others_stay_here():
    def script(talk):
        talk.bind()
        [one] = talk.submits(1)
        talk.say(pdu(SUBMIT_RESP, one, b"", 0x0B))
        command, sequence, _ = talk.hear()
        assert command == 0x6
        talk.say(pdu(0x80000006, sequence))

    assert sent_to(script, text="x" * 400, window="1") == [(Refused, "number_refused")]


def test_when_the_centre_throttles_the_next_text_waits_and_the_window_shrinks():
    waited, outstanding = [], []

    def script(talk):
        talk.bind()
        four = talk.submits(4)
        throttled_at = time.monotonic()
        talk.say(*(pdu(SUBMIT_RESP, number, b"", 0x58) for number in four))
        two = talk.submits(2)
        waited.append(time.monotonic() - throttled_at)
        talk.connection.settimeout(0.3)
        try:
            talk.hear()
            outstanding.append("a third one")
        except (TimeoutError, OSError):
            pass
        talk.connection.settimeout(None)
        talk.accept(*two)

    with Centre(script) as centre, gateway(centre.port, window="4", times=Times(pause_s=0.4)) as smpp:
        found = all_outcomes(smpp, post_of(), parcels(6))
    assert sorted(said_of(each)[0].__name__ for each in found.values()) == ["NotSent"] * 4 + ["Receipt"] * 2
    assert {each.retry_after_s for each in found.values() if isinstance(each, NotSent)} == {2}
    assert waited[0] >= 0.35
    assert outstanding == []


def test_no_more_texts_wait_for_an_answer_than_the_window_lets():
    def script(talk):
        talk.bind()
        three = talk.submits(3)
        talk.connection.settimeout(0.2)
        with pytest.raises(OSError, match="timed out"):
            talk.hear()
        talk.connection.settimeout(None)
        talk.accept(*three)
        talk._file = talk.connection.makefile("rb")
        talk.accept(*talk.submits(2))
        until_the_end(talk)

    assert sent_to(script, count=5, window="3") == [(Receipt, "")] * 5


def test_texts_that_could_not_begin_in_time_were_not_sent_and_those_begun_are_waited_for():
    def script(talk):
        talk.bind()
        talk.accept(*talk.submits(1))
        [one] = talk.submits(1)
        time.sleep(1.5)
        talk.accept(one)
        until_the_end(talk)

    times = Times(begin_s=1.0)
    with Centre(script) as centre, gateway(centre.port, window="1", times=times) as smpp:
        one_outcome(smpp, post_of())  # so that the line is there already
        found = all_outcomes(smpp, post_of(), parcels(3))
    assert said_of(found.pop("k-0")) == (Receipt, "")
    assert [said_of(each) for each in found.values()] == [(NotSent, "queued_too_long")] * 2


def test_our_side_answers_when_it_is_asked_and_hears_a_goodbye():
    heard = []

    def script(talk):
        talk.bind()
        [one] = talk.submits(1)
        talk.say(pdu(0x15, 77), pdu(0x1234, 78))
        heard.extend([talk.hear()[:2], talk.hear()[:2]])
        talk.say(pdu(SUBMIT_RESP, one, b"7\0"), pdu(0x6, 79))
        heard.append(talk.hear()[:2])

    with Centre(script, accepting) as centre, gateway(centre.port) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert centre.connections == 2
    assert heard == [(0x80000015, 77), (0x80000000, 78), (0x80000006, 79)]


def listened(script, told, *, turns=5000):
    """What ended the listening, on a line that plays this script."""
    with Centre(script) as centre:
        left = iter(range(turns))
        times = Times(ask_after_s=0.1, listen_s=0.02, listen_answer_s=0.2)
        listening = Listening(SmppSettings.of(smpp_account(centre.port)), times)
        with pytest.raises(Exception) as caught:
            listening.run(told, lambda: next(left, None) is not None)
            raise StopIteration
    return caught.value


def test_a_receiver_that_loses_its_line_says_so():
    error = listened(lambda talk: talk.bind(), lambda news: None)
    assert said_of(error) == (NotSent, "connection_lost")


def test_a_receiver_asks_on_a_quiet_line_and_gives_up_where_nobody_answers():
    asked = []

    def script(talk):
        talk.bind()
        while True:
            asked.append(talk.hear()[0])

    assert said_of(listened(script, lambda news: None)) == (NotSent, "connection_lost")
    assert asked == [0x15]


class OneLine:
    """Gives one session, once."""

    def __init__(self, session):
        self._session = session

    def take(self):
        return self._session

    def give_back(self, session):
        raise AssertionError("a broken line was kept")


def test_what_the_system_had_no_room_for_was_not_sent_when_the_line_breaks():
    """Octets that never left this process reached nobody, even where the text had its turn: here the buffers are full."""
    size, count = 1000, 2000
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 8192)
    for end in (ours, theirs):
        end.settimeout(0)
    session = Session(ours, Window(count, 1.0), Times())
    sending = SmppSending(
        lines=OneLine(session),
        segments=1,
        build=lambda parcel, no, sequence: b"x" * size,
        id_of=str,
        times=Times(),
    )
    sending.put(parcels(count))
    assert sending.take(0) == []
    left = len(theirs.recv(size * count))
    theirs.close()
    found = [said_of(outcome) for _, outcome in sending.take(10)]
    sending.leave()
    begun = -(-left // size)
    assert 0 < begun < count
    assert found.count((OutcomeUnknown, "connection_lost")) == begun
    assert found.count((NotSent, "connection_lost")) == count - begun

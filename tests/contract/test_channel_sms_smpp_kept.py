"""Lines of SMPP between posts: kept, looked after, opened anew, and given up."""

import threading

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent
from channels.base import Receipt
from channels.gateways.smpp_times import Times
from tests.contract.scripted_centre import Centre, pdu, until_the_end
from tests.contract.smpp_accounts import (
    NUMBER,
    gateway,
    one_outcome,
    post_of,
    said_of,
)
from tests.contract.smpp_line import NACK, SUBMIT_RESP, accepting, sent_to


def test_a_line_is_kept_for_the_next_post():
    with Centre(accepting) as centre, gateway(centre.port) as smpp:
        for _ in range(5):
            assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert centre.connections == 1


def test_a_line_that_broke_while_idle_is_noticed_before_a_text_goes_into_it():
    """Here it broke in silence: only a question can find out."""
    doubting = Times(trusted_s=0, asked_s=0.2)
    got = []

    def dies(talk):
        talk.bind()
        talk.accept(*talk.submits(1))
        while True:
            got.append(talk.hear()[0])  # without an answer

    with Centre(dies, accepting) as centre, gateway(centre.port, times=doubting) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert centre.connections == 2
    assert got == [0x15]


def test_an_idle_line_that_was_closed_is_replaced_without_a_question():
    closed = threading.Event()

    def closes(talk):
        talk.bind()
        talk.accept(*talk.submits(1))
        talk.close()
        closed.set()

    with Centre(closes, accepting) as centre, gateway(centre.port) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert closed.wait(10)
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")


def test_idle_lines_are_looked_after_and_given_up_in_the_end():
    hasty = Times(look_s=0.02, ask_after_s=0.1, give_up_s=0.4)
    got, ended = [], threading.Event()

    def script(talk):
        talk.bind()
        talk.accept(*talk.submits(1))
        talk.say(pdu(0x15, 5))
        while True:
            command, sequence, _ = talk.hear()
            got.append(command)
            if command in {0x15, 0x6}:
                talk.say(pdu(command | 0x80000000, sequence))
            if command == 0x6:
                ended.set()

    with Centre(script) as centre, gateway(centre.port, times=hasty) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (Receipt, "")
        assert ended.wait(10)
    assert got[0] == 0x80000015
    assert 0x15 in got
    assert got[-1] == 0x6


@pytest.mark.parametrize(
    ("script", "outcome"),
    [
        (
            lambda talk: talk.say(pdu(0x80000002, talk.hear()[1], status=0x0E)),
            (NotConfigured, "credentials_refused"),
        ),
        (lambda talk: talk.say(pdu(0x80000002, talk.hear()[1], status=0x05)), (NotSent, "already_bound")),
        (lambda talk: talk.say(pdu(0x80000002, talk.hear()[1], status=0x0D)), (NotSent, "bind_failed")),
        (lambda talk: talk.say(pdu(NACK, talk.hear()[1], status=0x03)), (NotSent, "bind_failed")),
        (lambda talk: talk.say(pdu(0x80000001, talk.hear()[1])), (NotSent, "no_smpp")),
        (lambda talk: talk.hear(), (NotSent, "not_bound")),
        (lambda talk: talk.say(b"HTTP/1.1 400 Bad Request\r\n\r\n"), (NotSent, "not_bound")),
    ],
)
def test_a_bind_that_fails_leaves_every_text_unsent(script, outcome):
    assert sent_to(script, count=3) == [outcome] * 3


def test_a_centre_that_does_not_answer_the_bind_is_given_up_in_time():
    assert sent_to(until_the_end, count=2, times=Times(open_s=0.2)) == [(NotSent, "bind_timeout")] * 2


def test_nobody_there_is_not_sent():
    with Centre(accepting) as centre:
        port = centre.port
    with gateway(port) as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (NotSent, "not_connected")


def test_the_fence_holds_before_anything_leaves():
    with Centre(accepting) as centre:
        with gateway(centre.port, allowed=frozenset({"smsc.example"})) as smpp:
            assert said_of(one_outcome(smpp, post_of())) == (NotConfigured, "host_not_allowed")
            assert smpp.probe(None).code == "host_not_allowed"
            with pytest.raises(NotConfigured, match="host_not_allowed"):
                smpp.listen(lambda news: None, lambda: True)
        assert centre.connections == 0


def test_a_line_that_does_not_speak_tls_is_not_spoken_to():
    with Centre(lambda talk: talk.connection.recv(9)) as centre, gateway(centre.port, tls="yes") as smpp:
        assert said_of(one_outcome(smpp, post_of())) == (NotSent, "tls_failed")


def test_no_error_and_no_log_line_holds_a_number_a_text_or_the_password(caplog):
    caplog.set_level(0)

    def script(talk):
        talk.bind()
        [number] = talk.submits(1)
        talk.say(pdu(SUBMIT_RESP, number, NUMBER.encode() + b" Flood canary\0", 0x45))
        until_the_end(talk)

    with Centre(script) as centre, gateway(centre.port, password="canary-p"[:8]) as smpp:
        error = one_outcome(smpp, post_of("Flood canary"))
    told = f"{error!r} {error.detail} {error.__cause__!r} {caplog.text}"
    for canary in ("canary", NUMBER[1:], "Flood"):
        assert canary not in told

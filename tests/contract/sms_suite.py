"""What every SMS gateway must do beyond the suite of all channels: hold to the time-outs, and map every exception."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar

import pytest

from broadcaster.domain.errors import NotConfigured, NotSent, OutcomeUnknown
from channels.base import Account
from channels.sms import Sms
from tests.contract.channel_suite import ADDRESS, PATIENT, ChannelSuite, all_that_is_said, attempt
from tests.contract.platform_server import Answer, Fault

#: What an order to a stand-in of a gateway makes of the next request, and what our adapter must take it for.
FAULTS_OF_A_GATEWAY = [
    ("429", NotSent),
    ("500", OutcomeUnknown),
    ("502", OutcomeUnknown),
    ("503", OutcomeUnknown),
    ("504", OutcomeUnknown),
    ("expired_token", NotConfigured),
    ("accept_then_500", OutcomeUnknown),
    ("accept_then_reset", OutcomeUnknown),
    ("broken_json", OutcomeUnknown),
]

#: A stand-in's longest silence. A client without a limit of its own ends after it, and otherwise.
SILENCE_S = 20


@contextmanager
def interim_answers(words: bytes) -> Iterator[str]:
    """The address of a peer that reads a request, answers that it is not ready yet, and then says nothing more."""
    ended = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(words)
                ended.wait(SILENCE_S)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            ended.set()
            thread.join()


class SmsSuite(ChannelSuite):
    """`account` is one as an operator writes it; the table's `build` takes `total_s` too."""

    account: ClassVar[Account]

    def test_an_account_opened_as_the_product_does_has_every_time_out(self):
        wire = vars(Sms.from_account(self.account))["_wire"]
        assert (vars(wire)["_timeouts"].connect_s, vars(wire)["_total_s"]) == (3, 13)

    def test_an_answer_that_trickles_in_for_ever_is_ended_and_unknown(self, platform):
        """Each wait is short enough, so that the time-out of reading never comes: the one over all of it must."""
        channel = self.table.build(platform.url, PATIENT, None, total_s=0.5)
        platform.answer = Answer(fault=Fault.TRICKLE)
        error = attempt(channel, self.table.post)
        channel.close()
        assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")
        assert len(platform.calls) == 1

    @pytest.mark.parametrize("words", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
    def test_silence_after_an_interim_answer_is_ended_and_unknown(self, words):
        """The time-out of reading is over with the interim answer, so the one over all of it must come."""
        with interim_answers(b"HTTP/1.1 " + words + b"\r\n\r\n") as url:
            channel = self.table.build(url, PATIENT, None, total_s=0.5)
            error = attempt(channel, self.table.post)
            channel.close()
        assert (type(error), error.code) == (OutcomeUnknown, "read_timeout")

    @pytest.mark.parametrize("fault", [Fault.RESET, Fault.CLOSE])
    def test_a_connection_that_was_used_before_and_breaks_is_not_tried_again(self, platform, channel, fault):
        """HTTP clients do that by themselves, also with a POST: it would be a second text."""
        platform.answer = self.table.accepted
        attempt(channel, self.table.post)
        platform.answer = Answer(fault=fault)
        error = attempt(channel, self.table.post)
        assert (type(error), error.code) == (OutcomeUnknown, "connection_lost")
        first, second = platform.calls
        assert first.peer == second.peer

    def test_each_secret_is_kept_where_it_alone_is_quoted(self, platform, channel):
        """The suite of all channels quotes the post as well, which is reason enough to withhold the whole answer."""
        for canary in [*self.table.canaries, ADDRESS, ADDRESS[1:]]:
            platform.answer = Answer(status=400, body=f"you said {canary}".encode())
            told = all_that_is_said(attempt(channel, self.table.post))
            assert canary not in told
            assert "you said" in told

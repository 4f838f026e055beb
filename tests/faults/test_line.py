"""The line that rows put before a database, a broker and a gateway does what it says: else they would prove nothing."""

import socket
import threading
import time

import pytest

from tests.faults.line import line_to


@pytest.fixture
def echo():
    """A server that says everything back."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer(connection):
            with connection:
                try:
                    while said := connection.recv(1024):
                        connection.sendall(said)
                except ConnectionError:
                    pass

        def serve():
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(connection,), daemon=True).start()

        threading.Thread(target=serve, daemon=True).start()
        yield server.getsockname()


@pytest.fixture
def line(echo):
    with line_to(echo) as line:
        yield line


@pytest.fixture
def caller(line):
    with socket.create_connection(("127.0.0.1", line.port), timeout=5) as caller:
        caller.sendall(b"hello")
        assert caller.recv(100) == b"hello"
        yield caller


def test_what_is_slow_arrives_later(line, caller):
    line.slow(0.1)
    started = time.monotonic()
    caller.sendall(b"late")
    assert caller.recv(100) == b"late"
    assert time.monotonic() - started >= 0.2  # there and back


def test_silence_holds_back_and_tells_nobody(line, caller):
    line.fall_silent()
    caller.sendall(b"held")
    caller.settimeout(0.2)
    with pytest.raises(TimeoutError):
        caller.recv(100)
    with socket.create_connection(("127.0.0.1", line.port), timeout=5):
        line.mend()
        caller.settimeout(5)
        assert caller.recv(100) == b"held"


def test_a_reset_is_heard_as_one(line, caller):
    assert line.reset() == 1
    with pytest.raises(ConnectionResetError):
        caller.recv(100)


def test_a_cut_line_ends(line, caller):
    assert line.cut() == 1
    assert caller.recv(100) == b""


def test_nobody_listens_until_it_is_mended(line, caller):
    assert line.refuse() == 1
    with pytest.raises(ConnectionResetError):
        caller.recv(100)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", line.port), timeout=5)
    line.mend()
    with socket.create_connection(("127.0.0.1", line.port), timeout=5) as third:
        third.sendall(b"back")
        assert third.recv(100) == b"back"


def test_a_far_end_that_is_not_there_ends_the_call_and_not_the_line(tmp_path):
    with line_to(tmp_path / "nobody.sock") as line:
        for _ in range(2):
            with socket.create_connection(("127.0.0.1", line.port), timeout=5) as caller:
                assert caller.recv(100) == b""

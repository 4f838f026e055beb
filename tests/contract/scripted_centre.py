"""An SMPP centre of one connection after the other that does byte for byte what a test says, and keeps what it got."""

import socket
import struct
import threading
from collections.abc import Callable
from contextlib import suppress

ROK = 0


def pdu(command: int, sequence: int, body: bytes = b"", status: int = ROK) -> bytes:
    return struct.pack(">4I", 16 + len(body), command, status, sequence) + body


def reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


class Talk:
    """One connection, from the centre's side."""

    def __init__(self, connection: socket.socket) -> None:
        self.connection = connection
        self._file = connection.makefile("rb")

    def hear(self) -> tuple[int, int, bytes]:
        """Command, sequence and body of the next PDU; EOFError at the end."""
        head = self._file.read(16)
        if len(head) < 16:
            raise EOFError
        length, command, _, sequence = struct.unpack(">4I", head)
        return command, sequence, self._file.read(length - 16)

    def say(self, *pdus: bytes) -> None:
        self.connection.sendall(b"".join(pdus))

    def bind(self) -> None:
        command, sequence, _ = self.hear()
        assert command in {1, 2}
        self.say(pdu(command | 0x80000000, sequence, b"centre\0"))

    def submits(self, count: int) -> list[int]:
        """The sequence numbers of so many submit_sm, unanswered."""
        numbers = []
        while len(numbers) < count:
            command, sequence, _ = self.hear()
            assert command == 4
            numbers.append(sequence)
        return numbers

    def accept(self, *sequences: int) -> None:
        self.say(*(pdu(0x80000004, number, b"%x\0" % (0xA00 + number)) for number in sequences))

    def close(self) -> None:
        self._file.close()
        self.connection.close()


class Centre:
    """`scripts` are played on one connection each, the last one on every later one."""

    def __init__(self, *scripts: Callable[[Talk], None]) -> None:
        self._scripts = list(scripts)
        self._server = socket.create_server(("127.0.0.1", 0))
        self.port = self._server.getsockname()[1]
        self.connections = 0
        self.failures: list[BaseException] = []
        self._talks: list[Talk] = []
        self._threads = [threading.Thread(target=self._serve)]
        self._threads[0].start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with suppress(OSError):
            self._server.shutdown(socket.SHUT_RDWR)
        self._server.close()
        for talk in self._talks:
            with suppress(OSError):
                talk.connection.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join(10)
        assert self.failures == []

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._server.accept()
            except OSError:
                return
            script = self._scripts[min(self.connections, len(self._scripts) - 1)]
            self.connections += 1
            thread = threading.Thread(target=self._play, args=(script, Talk(connection)))
            self._threads.append(thread)
            thread.start()

    def _play(self, script: Callable[[Talk], None], talk: Talk) -> None:
        self._talks.append(talk)
        try:
            script(talk)
        except (OSError, EOFError, ValueError):
            pass  # the client has gone
        except AssertionError as failure:
            self.failures.append(failure)
        finally:
            talk.close()


def until_the_end(talk: Talk) -> None:
    """Answers questions and goodbyes, and nothing else."""
    while True:
        command, sequence, _ = talk.hear()
        if command in {0x15, 0x6}:
            talk.say(pdu(command | 0x80000000, sequence))

"""What we tell other people's machines by ourselves: only public addresses are asked, and nobody keeps us waiting."""

import socket
import threading

import pytest

from broadcaster.domain.errors import Invalid
from broadcaster.service.outgoing import NotReached, Outgoing


@pytest.mark.parametrize(
    "url",
    [
        "http://example.org/", "ftp://example.org/", "https://", "example.org", "https://u:p@example.org/",
        "https://10.0.0.7/", "https://127.0.0.1/", "https://[::1]/", "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:10.0.0.7]/", "https://[fd00::1]/", "https://100.64.0.1/", "https://0.0.0.0/",
        "https://[64:ff9b::a00:7]/", "https://[2002:a00:7::]/", "https://224.0.0.1/", "https://example.org/\n",
        "https://exa mple.org/", "https://[::1", "https://example.org:99999/", "http://127.0.0.1:8000/",
    ],
)  # fmt: skip
def test_an_address_that_is_not_public_is_refused(url):
    with pytest.raises(Invalid):
        Outgoing(may_stay_here=lambda: False).check(url)


def test_a_receiver_that_never_ends_its_answer_is_left():
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"http://127.0.0.1:{server.getsockname()[1]}/"

        def trickle():
            peer, _ = server.accept()
            with peer:
                peer.recv(1000)
                for _ in range(40):
                    try:
                        peer.sendall(b"H")
                    except OSError:
                        return
                    if gone.wait(0.05):
                        return

        gone = threading.Event()
        thread = threading.Thread(target=trickle)
        thread.start()
        with pytest.raises(NotReached):
            Outgoing(may_stay_here=lambda: True, total_s=0.3).post(url, b"{}", {})
        gone.set()
        thread.join()

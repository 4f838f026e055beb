"""A time stamp authority (RFC 3161) on loopback: `openssl ts` behind HTTP, and what it may do wrong."""

import shutil
import subprocess
import threading
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

CONFIGURATION = """
[tsa]
default_tsa = mine
[mine]
serial = {folder}/serial
crypto_device = builtin
signer_cert = {folder}/tsa.pem
certs = {folder}/ca.pem
signer_key = {folder}/tsa.key
signer_digest = sha256
default_policy = 1.3.6.1.4.1.99999.1
digests = sha256
accuracy = secs:1
ess_cert_id_alg = sha256
"""
EXTENSIONS = "keyUsage = critical,digitalSignature\nextendedKeyUsage = critical,timeStamping\n"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
REPLY = "application/timestamp-reply"


def openssl(folder, *arguments, **more):
    return subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, **more).stdout


def certificates(folder):
    """An authority of its own: ca.pem is whom the auditor believes."""
    if not shutil.which("openssl"):
        pytest.skip("openssl is not installed, which is the authority here")
    ca = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial")
    (folder / "extensions").write_text(EXTENSIONS)
    (folder / "serial").write_text("01\n")
    (folder / "tsa.cnf").write_text(CONFIGURATION.format(folder=folder))
    openssl(
        folder, "req", "-x509", *KEY, "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=Root", "-days", "9"
    )
    openssl(folder, "req", *KEY, "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Stamps")
    openssl(
        folder,
        "x509",
        "-req",
        "-in",
        "tsa.csr",
        *ca,
        "-out",
        "tsa.pem",
        "-days",
        "5",
        "-extfile",
        "extensions",
    )
    return folder


@dataclass
class Authority:
    """`answers` is what it does: a function from the request's bytes to status and body."""

    folder: object
    url: str = ""
    asked: list = field(default_factory=list)
    answers: object = None
    elsewhere: str = ""  # where it redirects to
    dawdles: threading.Event = field(default_factory=threading.Event)  # set: a byte now and then

    def __post_init__(self):
        self.answers = self.stamp

    def stamp(self, query):
        (self.folder / "query").write_bytes(query)
        command = ("ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query")
        return 200, openssl(self.folder, *command)


@contextmanager
def serving(authority):
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            query = self.rfile.read(int(self.headers["Content-Length"]))
            authority.asked.append((self.headers["Content-Type"], query))
            status, body = authority.answers(query)
            self.send_response(status)
            self.send_header("Content-Type", REPLY)
            self.send_header("Content-Length", str(len(body)))
            if authority.elsewhere:
                self.send_header("Location", authority.elsewhere)
            self.end_headers()
            self.give(body)

        def give(self, body):
            while authority.dawdles.is_set() and body:
                self.wfile.write(body[:1])
                self.wfile.flush()
                body = body[1:]
                time.sleep(0.05)
            self.wfile.write(body)

        def log_message(self, *_):
            pass

        def handle(self):
            with suppress(OSError):  # who asked did not wait
                super().handle()

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    authority.url = f"http://127.0.0.1:{server.server_port}/tsr"
    try:
        yield authority
    finally:
        authority.dawdles.clear()
        server.shutdown()
        server.server_close()

"""The ledger is the witness of all other tests: byte-exact, complete after SIGTERM, and only on loopback."""

import base64
import json
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from channels.sandbox.accounts import sandbox_accounts
from channels.sandbox.faults import PLATFORMS
from tests.contract.sandbox_process import REPOSITORY, SandboxProcess


def test_a_request_is_kept_byte_for_byte(sandbox):
    body = b'{"message":  "caf\xc3\xa9\\u2014\\n", "link":"https://wyre.example/a"}'
    facebook = sandbox.accounts["facebook"]
    path = f"/v26.0/{facebook['page_id']}/feed?access_token={facebook['access_token']}"
    headers = {"Content-Type": "application/json", "X-Canary": "Tweety"}
    post_id = sandbox.post(path, data=body, headers=headers).json()["id"]
    row = sandbox.ledger()[0]
    assert base64.b64decode(row["body_base64"]) == body
    assert (row["method"], row["path"], row["status"], row["accepted"]) == ("POST", path, 200, 1)
    assert (row["platform_id"], row["text"], row["link"]) == (post_id, "café—\n", "https://wyre.example/a")
    assert ["x-canary", "Tweety"] in row["headers"]
    assert row["at"].endswith("+00:00")
    assert len(row["at"]) == len("2026-11-21T08:00:00.000000+00:00")


def test_refused_requests_are_in_it_too(sandbox):
    sandbox.post("/2/tweets", json={"text": "unsigned"})
    row = sandbox.ledger()[0]
    assert (row["platform"], row["status"], row["accepted"], row["text"]) == ("x", 401, 0, "unsigned")


def test_rows_are_filtered_and_paged(sandbox):
    for n in range(7):
        sandbox.text(f"+44770090000{n}", "t")
    sandbox.text("", "refused")
    sandbox.publish("a post")
    rows = sandbox.ledger(platform="sms", accepted=1)
    assert [row["recipient"] for row in rows] == [f"+44770090000{n}" for n in range(7)]
    assert sandbox.ledger(platform="sms", accepted=1, after=rows[2]["id"], limit=2) == rows[3:5]
    assert [row["status"] for row in sandbox.ledger(accepted=0)] == [400]
    assert sandbox.ledger(after=10**9) == []


@pytest.mark.parametrize("query", [{"platform": "fax"}, {"accepted": "yes"}, {"limit": 0}, {"after": "x"}])
def test_a_wrong_question_is_told_so(sandbox, query):
    assert sandbox.get("/_sandbox/ledger", params=query).status_code == 400


def test_the_summary_counts_posts_and_their_repeats(sandbox):
    for text in ("one", "two", "one"):
        sandbox.publish(text)
    sandbox.tweet("one")
    assert sandbox.summary("facebook") == {
        "requests": 3,
        "accepted": 3,
        "recipients_distinct": 0,
        "duplicates": 1,
    }
    assert sandbox.summary("x") == {"requests": 1, "accepted": 1, "recipients_distinct": 0, "duplicates": 0}


def test_starting_afresh_forgets_rows_and_posts(sandbox):
    sandbox.publish("again")
    assert sandbox.delete("/_sandbox/ledger").status_code == 204
    assert sandbox.ledger() == []
    assert sandbox.summary("facebook")["requests"] == 0
    assert sandbox.publish("again").status_code == 200


def test_all_is_on_disk_after_sigterm_and_there_again_at_the_next_start(tmp_path):
    process = SandboxProcess(tmp_path)
    accounts = process.accounts
    for n in range(50):
        process.text(f"+4477009000{n:02d}", "the same for all")
    kept = process.publish("kept").json()["id"]
    hidden = process.publish("hidden", published="false").json()["id"]
    tweet = process.tweet("kept").json()["data"]["id"]
    token = {"access_token": accounts["facebook"]["access_token"]}
    gone = process.publish("gone").json()["id"]
    process.delete(f"/v26.0/{gone}", params=token)
    assert process.stop() == 0
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as db:
        assert db.execute("select count(*) from request where platform = 'sms' and accepted").fetchone() == (
            50,
        )

    process = SandboxProcess(tmp_path)
    try:
        assert process.accounts == accounts
        assert process.summary("sms")["recipients_distinct"] == 50
        listed = process.get(f"/v26.0/{accounts['facebook']['page_id']}/published_posts", params=token).json()
        assert [post["id"] for post in listed["data"]] == [kept]
        assert process.get(f"/v26.0/{hidden}", params=token).status_code == 200
        assert process.get(f"/2/tweets/{tweet}", auth=process.signature()).json()["data"]["text"] == "kept"
    finally:
        process.stop()


def test_accounts_are_made_once_and_for_the_owner_only(tmp_path):
    made = sandbox_accounts(tmp_path / "new")
    assert sandbox_accounts(tmp_path / "new") == made
    path = tmp_path / "new" / "accounts.json"
    assert json.loads(path.read_text()) == made
    assert path.stat().st_mode & 0o077 == 0
    assert [p.name for p in path.parent.iterdir()] == ["accounts.json"]
    assert sandbox_accounts(tmp_path / "other")["x"]["access_token"] != made["x"]["access_token"]
    assert set(made) == set(PLATFORMS) >= {"facebook", "x", "sms", "notify", "twilio"}


def test_a_sandbox_made_before_a_gateway_has_an_account_for_it_too(tmp_path):
    made = sandbox_accounts(tmp_path)
    older = {name: made[name] for name in ("facebook", "x", "sms")}
    (tmp_path / "accounts.json").write_text(json.dumps(older))
    assert sandbox_accounts(tmp_path) == made


def test_it_says_where_it_listens(sandbox):
    port = int((sandbox.data_dir / "port").read_text())
    assert sandbox.url == f"http://127.0.0.1:{port}"
    assert urlsplit(sandbox.url).hostname == "127.0.0.1"


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "::", "example.org"])
def test_it_refuses_every_host_but_loopback(tmp_path, host):
    command = [
        sys.executable,
        "-m",
        "channels.sandbox",
        "--port",
        "0",
        "--data",
        str(tmp_path),
        "--host",
        host,
    ]
    ended = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=30, check=False)
    assert ended.returncode == 2
    assert "--host" in ended.stderr


def test_two_requests_on_one_connection_are_two_rows(sandbox):
    host, port = sandbox.url.removeprefix("http://").split(":")
    request = b"GET /cgi-bin/sendsms HTTP/1.1\r\nHost: sandbox\r\n\r\n"
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(request * 2)
        received = b""
        while received.count(b"Authorization failed") < 2:
            received += connection.recv(65536)
    assert len(sandbox.ledger(platform="sms")) == 2

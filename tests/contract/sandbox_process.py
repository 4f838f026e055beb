"""The sandbox as a process of its own, for tests: real HTTP, real signals."""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from requests_oauthlib import OAuth1

REPOSITORY = Path(__file__).parents[2]
CONTRACTS = REPOSITORY.parent / "shared" / "contracts"
PATIENCE_S = 20.0


class SandboxProcess:
    """One running sandbox. `stop` sends SIGTERM; the data directory stays."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        command = [sys.executable, "-m", "channels.sandbox", "--port", "0", "--data", str(data_dir), *options]
        self._process = subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        line = self._process.stdout.readline().split()
        assert line[:1] == ["ready"], line
        self.url = line[1]
        self.http = requests.Session()
        self.http.trust_env = False
        self.accounts = self.get("/_sandbox/accounts").json()

    def get(self, path: str, **options) -> requests.Response:
        return self.http.get(self.url + path, timeout=PATIENCE_S, **options)

    def post(self, path: str, **options) -> requests.Response:
        return self.http.post(self.url + path, timeout=PATIENCE_S, **options)

    def delete(self, path: str, **options) -> requests.Response:
        return self.http.delete(self.url + path, timeout=PATIENCE_S, **options)

    def ledger(self, **query) -> list[dict]:
        return self.get("/_sandbox/ledger", params=query).json()

    def summary(self, platform: str) -> dict:
        return self.get("/_sandbox/ledger/summary").json()[platform]

    def fault(self, **order) -> None:
        answer = self.post("/_sandbox/faults", json=order)
        assert answer.status_code == 201, answer.text

    def set(self, **settings) -> None:
        answer = self.post("/_sandbox/settings", json=settings)
        assert answer.status_code == 200, answer.text

    def start_afresh(self) -> None:
        self.delete("/_sandbox/faults")
        self.delete("/_sandbox/ledger")
        self.set(
            x_posts_per_window=100,
            dlr_delay_s=0.05,
            dlr_final="delivered",
            dlr_copies=1,
            undelivered=[],
            notify_callback_url="",
            facebook_token_days=0,
            facebook_scopes=["pages_show_list", "pages_manage_posts", "pages_read_engagement"],
            facebook_speaks_for="",
            x_username="",
            x_access_level="read-write",
            x_credits=25.0,
            notify_template="((message))",
            twilio_status="active",
            twilio_balance="25.00",
            smpp_receipt_ids="same",
        )

    # one publishing call per platform, as its specification has it

    def publish(self, message: str, **parameters) -> requests.Response:
        facebook = self.accounts["facebook"]
        form = {"message": message, "access_token": facebook["access_token"], **parameters}
        return self.post(f"/v26.0/{facebook['page_id']}/feed", data=form)

    def tweet(self, text: str, **parameters) -> requests.Response:
        return self.post("/2/tweets", json={"text": text, **parameters}, auth=self.signature())

    def text(self, to: str, text: str, **parameters) -> requests.Response:
        query = {
            **self.accounts["sms"],
            "from": "WYRE",
            "to": to,
            "text": text,
            "charset": "UTF-8",
            **parameters,
        }
        return self.get("/cgi-bin/sendsms", params=query)

    def signature(self) -> OAuth1:
        x = self.accounts["x"]
        return OAuth1(x["consumer_key"], x["consumer_secret"], x["access_token"], x["access_token_secret"])

    def stop(self) -> int:
        self.http.close()
        self._process.terminate()
        status = self._process.wait(PATIENCE_S)
        self._process.stdout.close()
        return status


def contract(name: str):
    """A specification that nobody here wrote; the test is skipped where it is not at hand."""
    path = CONTRACTS / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return json.loads(path.read_text(encoding="utf-8"))


def eventually(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True

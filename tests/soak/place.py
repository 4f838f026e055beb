"""The installation that is soaked: everything that `broadcaster up` runs, with a gateway that brings callbacks it can prove."""

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from broadcaster.cli.sandbox_setup import MARK
from broadcaster.settings import Settings
from channels.sandbox.accounts import sandbox_accounts
from tests.bench.house import DURABLE
from tests.faults.databases import migrate_at
from tests.installation import Installation, installation
from tests.postgres import own_postgres

#: What the sandbox calls its gateways. Twilio signs callbacks; Kannel brings a token, and has us confirm a STOP.
GATEWAYS = {"twilio": "twilio", "kannel": "sms"}
TOKEN = "a-token-of-the-soak-only"
METRICS_TOKEN = "a-token-of-the-soak-for-figures"
SECRETS = ("account_sid", "api_key", "api_key_secret", "auth_token", "messaging_service_sid")
PUBLIC = ("website", "facebook", "x")


@dataclass(frozen=True, kw_only=True)
class Place:
    """`server` is PostgreSQL's first process, 0 on SQLite. `gateway` is what the sandbox calls it."""

    found: Installation
    gateway: str
    server: int

    @property
    def roots(self) -> Mapping[str, int]:
        """Process ids by name: the supervisor and its children."""
        return {"supervisor": self.found.supervisor.pid, **self.found.processes()}

    def hook(self, what: str) -> str:
        """Where the gateway brings receipts, or what people write."""
        token = f"?token={TOKEN}" if self.gateway == GATEWAYS["kannel"] else ""
        return f"{self.found.web}/hooks/live/sms/{what}{token}"


@contextmanager
def place(database: str, gateway: str, folder: Path) -> Iterator[Place]:
    """A running one, its settings those that somebody gets who sets none."""
    with ExitStack() as stack:
        server = 0
        if database == "postgres":
            options = [word for each in DURABLE for word in ("-c", each)]
            postgres = stack.enter_context(own_postgres(*options, data_in=tempfile.gettempdir()))
            url, server = postgres.address.format("postgres"), postgres._process.pid
        else:
            url = f"sqlite:///{folder / 'broadcaster.db'}"
        migrate_at(url)
        found = stack.enter_context(
            installation(
                folder / "data",
                url,
                prepare=_kannel if gateway == "kannel" else _twilio,
                metrics_token=METRICS_TOKEN,
                receipt_wait_s=Settings.model_fields["receipt_wait_s"].default,
            )
        )
        yield Place(found=found, gateway=GATEWAYS[gateway], server=server)


def _kannel(settings: Settings) -> None:
    """With a token, so that it may bring what people write."""
    file = _account(settings)
    file.write_text(f"{file.read_text()}callback_token = {json.dumps(TOKEN)}\n")


def _twilio(settings: Settings) -> None:
    """In Kannel's place: all accounts of a channel send, and nobody wants a text twice."""
    file, account = _account(settings), sandbox_accounts(settings.root / "sandbox")["twilio"]
    base_url = next(line for line in file.read_text().splitlines() if line.startswith("base_url"))
    hooks = f"http://{settings.web_host}:{settings.web_port}/hooks/live/sms"
    options = {
        "channel": "sms",
        "gateway": "twilio",
        "receipt_url": f"{hooks}/receipt",
        "heard_url": f"{hooks}/heard",
    }
    options |= {name: account[name] for name in SECRETS}
    lines = [base_url, *(f"{name} = {json.dumps(value)}" for name, value in options.items())]
    file.write_text(MARK + "\n".join(lines) + "\n")


def _account(settings: Settings) -> Path:
    return settings.credentials / "live" / "sms.toml"

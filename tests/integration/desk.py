"""A desk with the command line on it: an installation, its users, and commands run as one of them."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

from typer.testing import CliRunner

from broadcaster.bootstrap import build
from broadcaster.cli.main import app
from broadcaster.db.engine import Database
from broadcaster.db.tables import token
from broadcaster.domain.policy import Role
from broadcaster.settings import Settings
from channels.accounts import THIS_PROCESS
from tests.builders import one_administrator_is_enough

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("broadcaster")
FACTS = ROOT / "templates" / "examples" / "severe-weather.toml"
SECRET = "canary-secret-token"
USERS = {
    "admin": Role.ADMINISTRATOR,
    "officer": Role.OFFICER,
    "approver": Role.APPROVER,
    "auditor": Role.AUDITOR,
    "keeper": Role.DATA_KEEPER,
    "both": Role.APPROVER,
}


class Done(NamedTuple):
    returncode: int
    stdout: str
    stderr: str


class Desk:
    """An installation and its users; runs commands as one of them.

    Mostly inside this process (`run`), which saves a second per command; where it matters, as the real console script.
    """

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.data = folder / "var"
        self.url = url
        self.tokens: dict[str, str] = {}

    def script(self, *arguments: object, who: str = "", **variables: str) -> Done:
        """The real console script, in a process of its own."""
        environment = self._environment(who, variables)
        done = subprocess.run(
            [SCRIPT, *map(str, arguments)],
            capture_output=True,
            text=True,
            env={name: value for name, value in environment.items() if value is not None},
            cwd=self.folder,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def run(self, *arguments: object, who: str = "", **variables: str) -> Done:
        environment = self._environment(who, variables)
        words = [str(each) for each in arguments]
        THIS_PROCESS.mode = ""  # each command stands for a process of its own
        done = CliRunner().invoke(app, words, prog_name="broadcaster", env=environment)
        return Done(done.exit_code, done.stdout, done.stderr)

    def _environment(self, who: str, variables: dict[str, str]) -> dict[str, str | None]:
        """None takes a variable away."""
        others = {
            name: None if name.startswith("BROADCASTER_") else value for name, value in os.environ.items()
        }
        ours = {"BROADCASTER_DATA_DIR": str(self.data), "BROADCASTER_DATABASE_URL": self.url}
        ours["XDG_CONFIG_HOME"] = str(self.folder / "config")
        if who:
            ours["BROADCASTER_TOKEN"] = self.tokens.get(who, who)
        return {**others, **ours, **variables}

    def do(self, *arguments: object, who: str, **variables: str) -> str:
        """What it printed; it must have worked."""
        done = self.run(*arguments, who=who, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def data_of(self, *arguments: object, who: str):
        """What it printed as JSON; it must have worked and printed nothing else."""
        return json.loads(self.do(*arguments, "--json", who=who))

    def refused(self, *arguments: object, who: str = "", code: int = 1) -> str:
        """What it wrote about why not; nothing on standard output, and no traceback."""
        done = self.run(*arguments, who=who)
        assert done.returncode == code, done.stdout + done.stderr
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        return done.stderr

    def add_users(self) -> None:
        self.switch_to_one_administrator()
        with self._database() as database:
            people = build(
                Settings.load({"BROADCASTER_DATA_DIR": str(self.data)}), channels={}, database=database
            ).people
            people.add(None, name="admin", roles=[USERS["admin"]])
            self.tokens["admin"] = people.issue_token(None, name="admin", days=1).text
            admin = people.who(self.tokens["admin"])
            for name, role in USERS.items():
                if name != "admin":
                    people.add(admin, name=name, roles=[role, Role.OFFICER] if name == "both" else [role])
                    self.tokens[name] = people.issue_token(admin, name=name, days=1).text
        self.give_factors()

    def switch_to_one_administrator(self) -> None:
        with self._database() as database:
            one_administrator_is_enough(database)

    def give_factors(self) -> None:
        """All tokens so far are as if their users had just given a second factor, and stay so for this test."""
        with self._database() as database, database.write() as tx:
            tx.execute(token.update().values(factor="token", factor_at=tx.now() + timedelta(hours=1)))

    @contextmanager
    def _database(self) -> Iterator[Database]:
        database = Database(self.url)
        yield database
        database.close()

    def add_accounts(self, mode: str = "live") -> None:
        self._account(
            mode,
            "site",
            channel="website",
            site_dir=str(self.folder / "site"),
            base_url="http://127.0.0.1:9",
            site_name="Wyre",
        )
        self._account(mode, "page", channel="facebook", page_id="123", access_token=SECRET)
        self._account(
            mode,
            "texts",
            channel="sms",
            base_url="http://127.0.0.1:9",
            username="u",
            password=SECRET,
            sender="Wyre",
        )

    def _account(self, mode: str, name: str, **options: str) -> None:
        path = self.data / "credentials" / mode / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text("".join(f'{key} = "{value}"\n' for key, value in options.items()))

    def break_account(self, name: str) -> None:
        path = self.data / "credentials" / "live" / f"{name}.toml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text('channel = "facebook"\n')

    def import_audience(self, count: int = 3) -> None:
        path = self.folder / "residents.csv"
        path.write_text("mobile\n" + "".join(f"07700 900{i:03d}\n" for i in range(count)))
        self.do("audience", "import", path, "--name", "residents", who="officer")

    def draft(self, *channels: str, audience: str = "", who: str = "officer") -> str:
        """The reference of a new message."""
        return self.data_of(*drafting(*channels, audience=audience), who=who)["reference"]

    def submit(self, *channels: str, audience: str = "", who: str = "officer") -> tuple[str, str]:
        """Reference and hash of a message that waits for approval."""
        ref = self.draft(*channels, audience=audience, who=who)
        return ref, self.data_of("message", "submit", ref, who=who)["decision"]["manifest_sha256"]

    def state(self, ref: str) -> str:
        return self.data_of("message", "show", ref, who="auditor")["state"]


def drafting(*channels: str, audience: str = "") -> tuple[object, ...]:
    """The words of the command that drafts a message for these channels."""
    chosen = [word for channel in channels for word in ("--channel", channel)]
    to = ("--audience", audience) if audience else ()
    return ("message", "draft", "severe-weather", "--facts", FACTS, *chosen, *to)

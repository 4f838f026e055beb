"""The command line on both databases, without workers: who may do what, and what people and programs read.

Most tests run it inside this process, which saves a second per command; the way from draft to pending, errors, `up` and
`migrate` go through the real console script.
"""

import json
import os
import signal
import socket
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest
import structlog
from sqlalchemy import delete, text, update
from typer.testing import CliRunner

from broadcaster.bootstrap import build
from broadcaster.cli.main import app
from broadcaster.db.engine import Database
from broadcaster.db.tables import account, audit_event, delivery, recipient, submission
from broadcaster.domain.policy import Role
from broadcaster.settings import Settings

ROOT = Path(__file__).parents[2]
SCRIPT = Path(sys.executable).with_name("broadcaster")
FACTS = ROOT / "templates" / "examples" / "severe-weather.toml"
SECRET = "canary-secret-token"
PAST = datetime(2020, 1, 1, tzinfo=UTC)
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
    """An installation and its users; runs commands as one of them."""

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
        done = CliRunner().invoke(app, words, prog_name="broadcaster", env=environment)
        return Done(done.exit_code, done.stdout, done.stderr)

    def _environment(self, who: str, variables: dict[str, str]) -> dict[str, str | None]:
        """None takes a variable away."""
        others = {
            name: None if name.startswith("BROADCASTER_") else value for name, value in os.environ.items()
        }
        ours = {"BROADCASTER_DATA_DIR": str(self.data), "BROADCASTER_DATABASE_URL": self.url}
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
        database = Database(self.url)
        people = build(
            Settings.load({"BROADCASTER_DATA_DIR": str(self.data)}), modes=(), database=database
        ).people
        people.add(None, name="admin", roles=[USERS["admin"]])
        self.tokens["admin"] = people.issue_token(None, name="admin", days=1).text
        admin = people.who(self.tokens["admin"])
        for name, role in USERS.items():
            if name != "admin":
                people.add(admin, name=name, roles=[role, Role.OFFICER] if name == "both" else [role])
                self.tokens[name] = people.issue_token(admin, name=name, days=1).text
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

    def draft(self, *channels: str, who: str = "officer") -> str:
        """The reference of a new message."""
        chosen = [word for channel in channels for word in ("--channel", channel)]
        made = self.data_of("message", "draft", "severe-weather", "--facts", FACTS, *chosen, who=who)
        return made["reference"]

    def submit(self, *channels: str, who: str = "officer") -> tuple[str, str]:
        """Reference and hash of a message that waits for approval."""
        ref = self.draft(*channels, who=who)
        return ref, self.data_of("message", "submit", ref, who=who)["decision"]["manifest_sha256"]

    def state(self, ref: str) -> str:
        return self.data_of("message", "show", ref, who="auditor")["state"]


@pytest.fixture(autouse=True)
def _logging_as_it_was():
    yield
    structlog.reset_defaults()


@pytest.fixture
def bare(tmp_path, database_url) -> Desk:
    """Migrated, and nothing else."""
    return Desk(tmp_path, database_url)


@pytest.fixture
def desk(bare) -> Desk:
    bare.add_users()
    bare.add_accounts()
    return bare


# --- users ---------------------------------------------------------------------------------------------------


def test_the_first_user_is_an_administrator_and_gets_a_token_right_away(bare):
    assert "must be an administrator" in bare.refused("user", "add", "alice", "--role", "officer")
    first = json.loads(bare.run("user", "add", "alice", "--role", "administrator", "--json").stdout)
    assert first["roles"] == ["administrator"]
    bare.tokens["alice"] = first["token"]
    assert "not valid" in bare.refused("user", "add", "mallory", "--role", "administrator", who="bcr_other")
    assert "token" not in bare.data_of(
        "user", "add", "bob", "--role", "officer", "--role", "approver", who="alice"
    )
    bare.tokens["bob"] = bare.data_of("token", "issue", "bob", "--days", "5", who="alice")["token"]
    assert bare.data_of("user", "list", who="alice") == [
        {"name": "alice", "roles": ["administrator"]},
        {"name": "bob", "roles": ["approver", "officer"]},
    ]
    assert "Only an administrator" in bare.refused("user", "list", who="bob")
    assert "Only an administrator" in bare.refused("token", "issue", "alice", who="bob")


def test_nobody_adds_a_second_user(desk):
    assert "Only an administrator may add users" in desk.refused(
        "user", "add", "mallory", "--role", "administrator"
    )
    assert "Only an administrator may issue tokens" in desk.refused("token", "issue", "admin")


def test_a_mistyped_role_is_told_the_nearest(desk):
    assert 'Did you mean "officer"?' in desk.refused("user", "add", "eve", "--role", "oficer", who="admin")


READING = [
    ("status",),
    ("message", "list"),
    ("message", "show", "7F3K2M"),
    ("audit", "show"),
    ("account", "list"),
]
READING += [("audience", "list"), ("user", "list"), ("status", "7F3K2M"), ("stop", "7F3K2M", "--reason", "x")]


def test_everything_but_help_and_templates_needs_a_token(desk):
    for words in READING:
        assert "You are not signed in" in desk.refused(*words), words
    assert desk.run("template", "list").returncode == 0


def test_a_wrong_token_is_refused_and_never_repeated(desk):
    said = desk.refused("status", who="bcr_canary")
    assert "not valid" in said
    assert "canary" not in said


def test_each_role_may_do_its_own_only(desk):
    for who, words, may in (
        ("approver", ("message", "draft", "severe-weather", "--facts", FACTS), "an officer"),
        ("approver", ("audit", "show"), "an administrator or an auditor"),
        ("keeper", ("status",), "an officer"),
        ("auditor", ("audience", "list"), "an administrator or an officer"),
        ("officer", ("message", "approve", "7F3K2M", "--hash", "0"), "an approver"),
        ("officer", ("account", "resume", "page"), "an administrator"),
        ("auditor", ("stop", "7F3K2M", "--reason", "x"), "an officer"),
    ):
        assert may in desk.refused(*words, who=who), words


# --- schema and empty states ---------------------------------------------------------------------------------


def test_an_unmigrated_database_says_what_to_do_and_migrate_does_it(tmp_path, empty_database_url):
    desk = Desk(tmp_path, empty_database_url)
    desk.run = desk.script
    assert "broadcaster migrate" in desk.refused("user", "add", "alice", "--role", "administrator")
    assert "0001" in desk.do("migrate", who="")
    assert "Nothing to do" in desk.do("migrate", who="")
    assert desk.data_of("migrate", who="") == {"applied": []}
    assert "export BROADCASTER_TOKEN=bcr_" in desk.do(
        "user", "add", "alice", "--role", "administrator", who=""
    )


def test_empty_states_say_what_to_do_next(bare):
    bare.add_users()
    assert "broadcaster message draft" in bare.do("message", "list", who="officer")
    assert "broadcaster message draft" in bare.do("status", who="officer")
    assert "broadcaster audience import" in bare.do("audience", "list", who="officer")
    assert "broadcaster up --sandbox" in bare.do("account", "list", who="officer")


# --- audiences -----------------------------------------------------------------------------------------------


def test_an_import_counts_good_duplicate_and_bad_rows_and_names_the_bad(desk):
    path, problems = desk.folder / "a.csv", desk.folder / "problems.csv"
    bad = "".join(f"mistyped{i}\n" for i in range(14))
    path.write_text("mobile\n07700 900001\n07700 900001\n+44 7700 900002\n" + bad)
    shown = desk.run("audience", "import", path, "--name", "a", "--problems", problems, who="keeper")
    assert shown.returncode == 0
    for line in ("2 good", "1 duplicate", "14 bad", "row 3: the number ending in 001", "and 5 more"):
        assert line in shown.stdout
    assert shown.stdout.count("  row ") == 10
    assert "100 %: 17 rows read" in shown.stderr
    assert "900001" not in shown.stdout + shown.stderr
    assert len(problems.read_text().splitlines()) == 1 + 15
    listed = desk.data_of("audience", "list", who="keeper")
    assert [(each["name"], each["version"], each["count"]) for each in listed] == [("a", 1, 2)]


def test_an_import_with_json_prints_json_only(desk):
    path = desk.folder / "a.csv"
    path.write_text("mobile\n07700 900001\nx\n")
    done = desk.script("audience", "import", path, "--name", "a", "--json", who="officer")
    found = json.loads(done.stdout)
    assert (found["count"], found["problems"], found["examples"][0]["row"]) == (1, 1, 3)
    assert done.stderr == ""


def test_a_file_without_numbers_is_refused(desk):
    path = desk.folder / "a.csv"
    path.write_text("mobile\nx\n")
    assert "Nothing was imported" in desk.refused("audience", "import", path, "--name", "a", who="officer")
    assert desk.data_of("audience", "list", who="officer") == []


# --- from draft to release -----------------------------------------------------------------------------------


def test_a_message_goes_from_draft_to_pending(desk):
    desk.import_audience(3)
    desk.run = desk.script  # every step in a process of its own
    words = (
        "message",
        "draft",
        "severe-weather",
        "--facts",
        FACTS,
        "--set",
        "area=Cleveleys",
        "--audience",
        "residents",
    )
    drafted = desk.data_of(*words, "--channel", "website", "--channel", "sms", who="officer")
    ref = drafted["reference"]
    assert drafted["state"] == "draft"
    assert drafted["facts"]["area"] == "Cleveleys"
    assert {post["channel"] for post in drafted["posts"]} == {"website", "sms"}
    assert "nothing was sent" in desk.do("status", ref, who="officer")
    assert f"broadcaster message submit {ref}" in desk.do("message", "preview", ref, who="officer")
    submitted = desk.do("message", "submit", ref, who="officer")
    shown = desk.data_of("message", "show", ref, who="approver")
    digest = shown["decision"]["manifest_sha256"]
    assert f"message approve {ref} --hash {digest}" in submitted
    assert shown["decision"]["submitted_by"] == "officer"
    assert (shown["audience"]["name"], shown["audience"]["count"]) == ("residents", 3)
    released = desk.run("message", "approve", ref.lower(), "--hash", digest, "--json", who="approver")
    assert "broadcaster up" in released.stderr  # there is no broker here, and whoever approves should know
    assert json.loads(released.stdout)["recipients"] == 3
    status = desk.data_of("status", ref, who="auditor")
    assert (status["planned"], status["totals"], status["adds_up"]) == (4, {"pending": 4}, True)
    assert {t["channel"]: t["states"] for t in status["targets"]} == {
        "website": {"pending": 1},
        "sms": {"pending": 3},
    }
    text = desk.do("status", ref, who="officer")
    assert "4 planned = 4 pending. All are accounted for." in text
    assert "approved by approver" in desk.do("message", "show", ref, who="auditor")
    assert [m["state"] for m in desk.data_of("message", "list", who="officer")] == ["released"]


def test_what_is_shown_holds_the_exact_texts(desk):
    ref, _ = desk.submit("facebook")
    post = desk.data_of("message", "show", ref, who="approver")["posts"][0]
    shown = desk.do("message", "show", ref, who="approver")
    assert shown.startswith(" LIVE ")
    assert "".join(f"    {line}\n" if line else "\n" for line in post["text"].split("\n")) in shown


def test_no_secret_is_ever_shown(desk):
    ref, digest = desk.submit("facebook")
    printed = [
        desk.run(*words, ref, who="auditor")
        for words in (("message", "show"), ("audit", "show"), ("status",))
    ]
    printed += [desk.run("account", "list", who="admin"), desk.run("account", "list", "--json", who="admin")]
    printed.append(desk.run("--debug", "message", "approve", ref, "--hash", digest, who="approver"))
    assert not any(SECRET in done.stdout + done.stderr for done in printed)


def test_a_stale_hash_changes_nothing(desk):
    ref, _ = desk.submit("facebook")
    assert "another version" in desk.refused("message", "approve", ref, "--hash", "0" * 64, who="approver")
    assert desk.state(ref) == "submitted"


def test_nobody_approves_a_message_of_his_own(desk):
    ref, digest = desk.submit("facebook", who="both")
    assert "another person" in desk.refused("message", "approve", ref, "--hash", digest, who="both")
    assert desk.state(ref) == "submitted"


def test_a_message_is_approved_once(desk):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    assert "waits for no approval" in desk.refused("message", "approve", ref, "--hash", digest, who="both")
    assert desk.data_of("status", ref, who="officer")["planned"] == 1


def test_an_expired_submission_is_refused_and_shown_as_such(desk, database):
    ref, digest = desk.submit("facebook")
    with database.write() as tx:
        tx.execute(update(submission).values(expires_at=PAST))
    assert "expired" in desk.refused("message", "approve", ref, "--hash", digest, who="approver")
    shown = desk.do("message", "show", ref, who="approver")
    assert "not approved in time" in shown
    assert "--hash" not in shown


def test_texts_without_an_audience_cannot_be_submitted(desk):
    ref = desk.draft("sms")
    assert "need an audience" in desk.do("message", "preview", ref, who="officer")
    assert "need an audience" in desk.refused("message", "submit", ref, who="officer")
    assert desk.state(ref) == "draft"


def test_an_audience_that_was_emptied_is_refused(desk, database):
    desk.import_audience(2)
    words = (
        "message",
        "draft",
        "severe-weather",
        "--facts",
        FACTS,
        "--channel",
        "sms",
        "--audience",
        "residents",
    )
    ref = desk.data_of(*words, who="officer")["reference"]
    digest = desk.data_of("message", "submit", ref, who="officer")["decision"]["manifest_sha256"]
    with database.write() as tx:
        tx.execute(delete(recipient))
    assert "empty" in desk.refused("message", "approve", ref, "--hash", digest, who="approver")


def test_mistyped_names_are_told_the_nearest_and_nothing_is_kept(desk):
    desk.import_audience(1)
    facts = ("--facts", FACTS)
    for words, nearest in (
        (("severe-wether", *facts), "severe-weather"),
        (("severe-weather", *facts, "--set", "aera=x"), "area"),
        (("severe-weather", *facts, "--channel", "facebok"), "facebook"),
        (("severe-weather", *facts, "--channel", "sms", "--audience", "resident"), "residents"),
    ):
        assert f'Did you mean "{nearest}"?' in desk.refused("message", "draft", *words, who="officer")
    assert "no incident" in desk.refused(
        "message",
        "draft",
        "severe-weather",
        *facts,
        "--channel",
        "facebook",
        "--incident",
        "NOPE42",
        who="officer",
    )
    assert desk.data_of("message", "list", who="officer") == []


def test_all_problems_of_the_facts_are_named_at_once_as_json_too(desk):
    done = desk.script(
        "message", "draft", "severe-weather", "--set", "colour=Purple", "--json", who="officer"
    )
    assert done.returncode == 1
    assert done.stdout == ""
    details = json.loads(done.stderr)["details"]
    assert any(line.startswith("colour: must be one of") for line in details)
    assert any(line.startswith("area: is needed") for line in details)


def test_an_unknown_reference_is_told_the_nearest(desk):
    ref = desk.draft("facebook")
    near = ref[:5] + ("2" if ref[5] != "2" else "3")
    for words in (("status", near), ("message", "show", near), ("stop", near, "--reason", "x")):
        assert f'Did you mean "{ref}"?' in desk.refused(*words, who="officer")


def test_an_exercise_uses_its_own_accounts_and_says_so(desk):
    words = (
        "message",
        "draft",
        "severe-weather",
        "--facts",
        FACTS,
        "--channel",
        "facebook",
        "--mode",
        "exercise",
    )
    assert "No exercise account" in desk.refused(*words, who="officer")
    desk.add_accounts("exercise")
    shown = desk.do(*words, who="officer")
    assert shown.startswith(" EXERCISE ")
    assert "    EXERCISE - this is a drill" in shown


# --- edit, return, reject, stop ------------------------------------------------------------------------------


def test_an_edit_keeps_what_is_not_given_and_voids_the_submission(desk):
    desk.import_audience(2)
    words = ("message", "draft", "severe-weather", "--facts", FACTS, "--audience", "residents")
    ref = desk.data_of(*words, "--channel", "facebook", "--channel", "sms", who="officer")["reference"]
    before = desk.data_of("message", "submit", ref, who="officer")
    done = desk.do("message", "edit", ref, "--set", "area=Knott End", who="officer")
    assert "Counted from now again: starts=+2h, expires=+14h, next_update=+4h" in done
    after = desk.data_of("message", "show", ref, who="officer")
    assert (after["version"], after["state"], after["decision"]) == (2, "draft", None)
    assert after["facts"]["area"] == "Knott End"
    assert after["facts"]["instruction"] == before["facts"]["instruction"]
    assert after["audience"] == before["audience"]
    assert [p["account"] for p in after["posts"]] == [p["account"] for p in before["posts"]]
    digest = before["decision"]["manifest_sha256"]
    assert "waits for no approval" in desk.refused(
        "message", "approve", ref, "--hash", digest, who="approver"
    )


def test_an_edit_can_take_channels_and_audience_away(desk):
    desk.import_audience(2)
    words = ("message", "draft", "severe-weather", "--facts", FACTS, "--audience", "residents")
    ref = desk.data_of(*words, "--channel", "facebook", "--channel", "sms", who="officer")["reference"]
    made = desk.data_of("message", "edit", ref, "--channel", "facebook", "--audience", "", who="officer")
    assert [p["channel"] for p in made["posts"]] == ["facebook"]
    assert made["audience"] is None


def test_an_edit_refuses_to_drop_an_account_that_is_gone(desk):
    ref = desk.draft("facebook", "sms")
    (desk.data / "credentials" / "live" / "texts.toml").unlink()
    assert "texts" in desk.refused("message", "edit", ref, "--set", "area=x", who="officer")
    made = desk.data_of("message", "edit", ref, "--channel", "facebook", who="officer")
    assert [p["channel"] for p in made["posts"]] == ["facebook"]


def test_a_returned_message_tells_its_officer_why(desk):
    ref, _ = desk.submit("facebook")
    desk.do("message", "return", ref, "--reason", "Name the streets", who="approver")
    assert "Returned by approver" in desk.do("message", "show", ref, who="officer")
    assert desk.data_of("message", "show", ref, who="officer")["turned_down"]["reason"] == "Name the streets"
    desk.do("message", "submit", ref, who="officer")
    assert desk.data_of("message", "show", ref, who="officer")["turned_down"] is None


def test_a_rejected_message_stays_rejected(desk):
    ref, digest = desk.submit("facebook")
    made = desk.data_of("message", "reject", ref, "--reason", "Withdrawn", who="approver")
    assert made == {"reference": ref, "state": "rejected"}
    assert "rejected" in desk.refused("message", "approve", ref, "--hash", digest, who="approver")
    assert "was rejected: nothing was sent" in desk.do("status", ref, who="officer")


def test_an_empty_reason_is_no_reason(desk):
    ref, _ = desk.submit("facebook")
    assert "Give a reason" in desk.refused("message", "return", ref, "--reason", " ", who="approver")
    assert desk.state(ref) == "submitted"


def test_a_stopped_broadcast_sends_nothing_more_and_watching_it_ends(desk):
    ref, digest = desk.submit("facebook", "website")
    assert "nothing to stop" in desk.refused("stop", ref, "--reason", "x", who="officer")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    desk.do("stop", ref, "--reason", "The road is open", who="officer")
    watched = desk.do("status", ref, "--watch", who="officer")
    assert "2 planned = 2 cancelled. All are accounted for." in watched
    lines = desk.do("status", ref, "--watch", "--json", who="officer").splitlines()
    assert [json.loads(line)["state"] for line in lines] == ["stopped"]
    assert "Stopped by officer" in desk.do("message", "show", ref, who="officer")
    assert "already" in desk.refused("stop", ref, "--reason", "x", who="officer")


def test_stopping_and_looking_work_with_broken_accounts(desk):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    desk.break_account("page")
    assert desk.data_of("status", ref, who="officer")["planned"] == 1
    desk.do("stop", ref, "--reason", "x", who="officer")
    assert "page.toml" in desk.refused("message", "show", ref, who="officer")


def test_a_lost_delivery_is_an_alarm_and_a_failure(desk, database):
    ref, digest = desk.submit("facebook", "website")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    with database.write() as tx:
        first = tx.execute(delivery.select().order_by(delivery.c.id)).first()
        tx.execute(delete(delivery).where(delivery.c.id == first.id))
    for words in (("status", ref), ("status", ref, "--json")):
        done = desk.run(*words, who="officer")
        assert done.returncode == 1
    assert json.loads(done.stdout)["adds_up"] is False
    assert "ALARM" in desk.run("status", ref, who="officer").stdout


# --- accounts and audit --------------------------------------------------------------------------------------


def test_a_paused_account_is_listed_with_its_reason_and_resumed(desk, database):
    desk.submit("facebook")
    with database.write() as tx:
        tx.execute(update(account).values(paused_at=tx.now(), pause_reason="The token was revoked."))
    assert "The token was revoked." in desk.do("account", "list", who="officer")
    assert 'Did you mean "page"?' in desk.refused("account", "resume", "pag", who="admin")
    desk.do("account", "resume", "page", who="admin")
    assert [a["paused_at"] for a in desk.data_of("account", "list", who="officer")] == [None, None, None]
    assert "not paused" in desk.refused("account", "resume", "page", who="admin")


def test_broken_accounts_are_all_listed(desk):
    folder = desk.data / "credentials" / "live"
    desk.break_account("page")
    (folder / "other.toml").write_text('channel = "facebok"\n')
    said = desk.refused("account", "list", who="admin")
    assert all(
        word in said for word in ("page_id is missing", "access_token is missing", 'Did you mean "facebook"?')
    )


def test_the_audit_log_shows_who_did_what_and_that_it_is_whole(desk):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    found = desk.data_of("audit", "show", ref, who="auditor")
    assert [(e["actor"], e["act"]) for e in found["events"]] == [
        ("officer", "message_drafted"),
        ("officer", "message_submitted"),
        ("approver", "message_approved_and_released"),
    ]
    assert found["events"][1]["payload"]["manifest_sha256"] == digest
    assert (found["whole"], found["first_bad"]) == (True, None)
    shown = desk.do("audit", "show", who="auditor", BROADCASTER_TIMEZONE="Asia/Kathmandu")
    assert "+0545" in shown
    assert "message_approved_and_released" in shown
    assert "is whole" in shown


@pytest.mark.parametrize("damage", ["altered", "taken out", "cut off"])
def test_a_damaged_audit_log_is_an_alarm_with_the_number(desk, database, damage):
    ref = desk.draft("facebook")
    numbers = [e["no"] for e in desk.data_of("audit", "show", who="auditor")["events"]]
    bad = numbers[-1] if damage == "cut off" else numbers[2]
    row = audit_event.c.no == bad
    with database.write() as tx:
        change = (
            update(audit_event).where(row).values(payload="{")
            if damage == "altered"
            else delete(audit_event).where(row)
        )
        tx.execute(change)
    done = desk.run("audit", "show", who="auditor")
    assert done.returncode == 1
    assert f"ALARM: event {bad} " in done.stdout
    about_one = desk.run("audit", "show", ref, "--json", who="auditor")
    assert about_one.returncode == 1
    assert json.loads(about_one.stdout)["first_bad"] == bad


# --- up ------------------------------------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def fresh(tmp_path) -> Desk:
    """Nothing but a folder, and SQLite in it."""
    return Desk(tmp_path, "")


def test_a_taken_web_port_is_said_before_anything_starts(fresh):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = fresh.script("up", "--sandbox", BROADCASTER_WEB_PORT=port)
    assert done.returncode == 1
    assert f"127.0.0.1:{port} cannot be listened on" in done.stderr
    assert "BROADCASTER_WEB_PORT" in done.stderr
    assert not fresh.data.exists()


def test_up_passes_on_why_the_supervisor_did_not_start(fresh):
    fresh.break_account("page")
    done = fresh.script("up", BROADCASTER_WEB_PORT=str(free_port()))
    assert done.returncode == 1
    assert "page_id is missing" in done.stderr
    assert "is running" not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_up_says_where_it_is_and_stops_everything_when_asked(fresh, number):
    environment = {
        **os.environ,
        "BROADCASTER_DATA_DIR": str(fresh.data),
        "BROADCASTER_WEB_PORT": str(free_port()),
    }
    process = subprocess.Popen(
        [SCRIPT, "up", "--sandbox", "--sandbox-port", "0"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        cwd=fresh.folder,
    )
    lines = []
    for line in process.stdout:
        lines.append(line)
        if line.startswith("Ctrl-C"):
            break
    running = json.loads((fresh.data / "processes.json").read_text())
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)
    text = "".join(lines)
    assert process.returncode == 0, text + errors
    assert "Traceback" not in errors
    assert f"http://127.0.0.1:{environment['BROADCASTER_WEB_PORT']}/" in text
    assert "The broadcaster is running." in text
    assert all(
        f"To act as {who}: export BROADCASTER_TOKEN=bcr_" in text
        for who in ("officer", "approver", "auditor")
    )
    assert {"web", "sweeper", "sandbox", "broker"} <= running.keys()
    assert not any(is_alive(pid) for pid in running.values())


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_nothing_unknown_is_said_so(desk):
    assert "Nothing is unknown" in desk.do("unknown", "list", who="officer")
    assert desk.data_of("unknown", "list", who="officer") == []


def test_an_unknown_delivery_is_listed_and_decided(desk, database):
    ref, digest = desk.submit("facebook")
    desk.do("message", "approve", ref, "--hash", digest, who="approver")
    with database.write() as tx:
        tx.execute(text("UPDATE delivery SET state = 'unknown_final', operator_text = 'No answer.'"))
    listed = desk.data_of("unknown", "list", who="officer")
    page = next(each for each in listed if each["channel"] == "facebook")
    assert (page["ref"], page["operator_text"]) == (ref, "No answer.")
    shown = desk.do("unknown", "list", who="officer")
    assert page["uid"] in shown
    assert "look at the platform" in shown
    why = ("--reason", "seen there")
    assert "either" in desk.refused("unknown", "resolve", page["uid"], *why, who="officer", code=2)
    assert "Only" in desk.refused("unknown", "resolve", page["uid"], "--send-again", *why, who="auditor")
    desk.do("unknown", "resolve", page["uid"], "--sent", "https://facebook.com/1", *why, who="officer")
    assert page["uid"] not in desk.do("unknown", "list", who="officer")
    assert "seen there" in desk.do("audit", "show", ref, who="auditor")

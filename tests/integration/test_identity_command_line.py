"""Signing in, factors, users, tokens and proposals on the command line."""

import json
import re
import stat
import subprocess
import time

import pyotp
import pytest
from typer.testing import CliRunner

from broadcaster.cli.main import app
from broadcaster.db import proposals
from broadcaster.db.tables import token
from tests.integration.desk import SCRIPT, Desk, Done

DATABASES = ("sqlite",)

PASSWORD = "seven wet gulls at noon"


class Typist:
    """Types lines into commands of a desk."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def run(self, *words: str, typed: str = "", who: str = "") -> Done:
        environment = self.desk._environment(who, {})
        done = CliRunner().invoke(app, list(words), prog_name="broadcaster", env=environment, input=typed)
        return Done(done.exit_code, done.stdout, done.stderr)

    def do(self, *words: str, typed: str = "", who: str = "") -> str:
        done = self.run(*words, typed=typed, who=who)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def refused(self, *words: str, typed: str = "", who: str = "") -> str:
        done = self.run(*words, typed=typed, who=who)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def enrol(self) -> str:
        """The real command, which waits for a code of the secret that it has just printed; the secret."""
        environment = {k: v for k, v in self.desk._environment("", {}).items() if v is not None}
        with subprocess.Popen(
            [SCRIPT, "factor", "add", "--json"],
            env=environment,
            cwd=self.desk.folder,
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as process:
            secret = json.loads(process.stdout.readline())["secret"]
            told, _ = process.communicate(pyotp.TOTP(secret).now() + "\n", timeout=60)
        assert len(json.loads(told)["recovery_codes"]) == 10
        return secret


@pytest.fixture
def typist(desk):
    return Typist(desk)


def forget_factors(desk):
    """Nobody has given a second factor lately."""
    with desk._database() as database, database.write() as tx:
        tx.execute(token.update().values(factor="", factor_at=None))


def test_an_approver_signs_in_sets_a_factor_up_and_approves_with_it(typist):
    desk = typist.desk
    typist.do("password", typed=f"{PASSWORD}\n", who="approver")
    said = typist.do("login", "approver", typed=f"{PASSWORD}\n")
    assert "You are approver" in said
    assert "need a second factor" in said
    (file,) = (desk.folder / "config" / "broadcaster").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    ref, digest = desk.submit("website")
    approve = ("message", "approve", ref, "--hash", digest)
    assert "second factor" in typist.refused(*approve)
    assert "no second factor yet" in typist.refused(*approve, "--code", "123456")
    secret = typist.enrol()
    forget_factors(desk)
    assert "second factor" in typist.refused(*approve)
    assert "not right" in typist.refused(*approve, "--code", "abcdef")
    code = pyotp.TOTP(secret).at(int(time.time()) + 30)
    assert "was approved" in typist.do(*approve, "--code", "-", typed=f"{code}\n")
    assert "used before" in typist.refused("factor", "give", "--code", code)
    shown = typist.do("factor", "list")
    assert "Authenticator app" in shown
    assert "Recovery codes left: 10" in shown
    kept = file.read_text().strip()
    assert "signed out" in typist.do("logout")
    assert not file.exists()
    assert "broadcaster login" in typist.refused("status")
    assert "not valid" in typist.refused("status", who=kept)


def test_signing_in_says_nothing_about_who_there_is(typist):
    told = {typist.refused("login", name, typed="wrong\n") for name in ("officer", "nobody")}
    assert told == {"The name or the password is not right. Nothing was changed.\n"}
    typist.do("password", typed=f"{PASSWORD}\n", who="officer")
    printed = typist.do("login", "officer", "--print", typed=f"{PASSWORD}\n")
    assert typist.desk.do("message", "list", who=printed.strip().partition("=")[2])
    assert not (typist.desk.folder / "config").exists()
    assert "nothing was given" in typist.refused("login", "officer")


def test_two_administrators_decide_together(typist):
    desk = typist.desk
    first = desk.data_of("user", "add", "beth", "--role", "administrator", who="admin")
    assert first["done"] is True
    link = first["link"]
    assert re.fullmatch(r"http://localhost:8000/invitation/bci_\S{32}", link)
    typist.do("password", "--invitation", typed=f"{link}\n{PASSWORD}\n")
    typist.do("login", "beth", typed=f"{PASSWORD}\n")
    with desk._database() as database, database.write() as tx:
        proposals.set_switch(tx, "second-administrator", "on")
    desk.give_factors()
    assert "Nothing waits" in typist.do("proposal", "list")
    for words in (
        ("user", "add", "otto", "--role", "officer"),
        ("user", "disable", "keeper"),
        ("user", "roles", "both", "--role", "officer"),
        ("user", "invite", "officer"),
        ("user", "reset", "approver"),
        ("token", "issue", "auditor", "--scope", "audit", "--label", "pack"),
        ("policy", "set", "second-factor", "all"),
    ):
        made = json.loads(typist.do(*words, "--reason", "for a reason", "--json"))
        assert made["done"] is False, words
    assert "You proposed" in typist.refused("proposal", "confirm", made["ref"])
    waiting = desk.data_of("proposal", "list", who="admin")
    assert len(waiting) == 7
    assert "Change the policy" in typist.do("proposal", "list")
    told = [desk.data_of("proposal", "confirm", each["ref"], who="admin") for each in waiting]
    assert all(each["done"] for each in told)
    assert sum(bool(each["invitation"]) for each in told) == 3
    assert sum(bool(each["token"]) for each in told) == 1
    assert '"second-factor": "all"' in typist.do("policy", "list", "--json")
    shown = {u["name"]: u for u in desk.data_of("user", "list", who="admin")}
    assert shown["keeper"]["disabled_at"]
    assert shown["both"]["roles"] == ["officer"]
    typist.do("user", "enable", "keeper")
    ref = json.loads(typist.do("proposal", "list", "--json"))[0]["ref"]
    assert "Give a reason" in typist.refused("proposal", "decline", ref, who="admin")
    assert "will not be done" in desk.do("proposal", "decline", ref, "--reason", "no", who="admin")
    assert "declined by admin" in desk.do("proposal", "list", "--all", who="admin")


def test_tokens_are_listed_and_revoked(typist):
    desk = typist.desk
    made = desk.data_of("token", "issue", "officer", "--label", "script", "--scope", "read", who="officer")
    desk.do("message", "list", who=made["token"])
    assert "good for read only" in desk.refused("message", "submit", "7F3K2M", who=made["token"])
    mine = desk.data_of("token", "list", who="officer")
    newest = mine[0]
    assert (newest["name"], newest["scopes"], bool(newest["used_at"])) == ("script", ["read"], True)
    assert len(desk.data_of("token", "list", "--user", "*", who="admin")) == 7
    assert "may manage users" in desk.refused("token", "list", "--user", "admin", who="officer")
    assert "good for nothing" in desk.do("token", "revoke", mine[0]["id"], who="admin")
    assert "not valid" in desk.refused("status", who=made["token"])
    assert "0 sessions" in desk.do("user", "sign-out", "officer", who="admin")

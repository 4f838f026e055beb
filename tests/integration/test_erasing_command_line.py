"""`broadcaster audience find` and `erase`: nothing by accident, and never the number."""

import os
import pty
import shutil
import subprocess
from contextlib import suppress

import pytest
from typer.testing import CliRunner

from broadcaster.cli.main import app
from tests.integration.desk import SCRIPT, Desk

DATABASES = ("sqlite",)

NUMBER = "07700 900001"
END = "001"
REASON = ("--reason", "request DP-2026-014")


@pytest.fixture
def residents(desk):
    desk.import_audience(3)
    return desk


def typed(desk, text, *arguments):
    """Runs it with this on standard input, as the data keeper."""
    environment = desk._environment("keeper", {})
    return CliRunner().invoke(app, arguments, prog_name="broadcaster", env=environment, input=text)


def at_a_terminal(desk, answers, *arguments):
    """Runs the real script at a terminal, where each prompt gets its answer. Exit code and all that was shown."""
    ours, theirs = pty.openpty()
    environment = {
        name: value for name, value in desk._environment("keeper", {}).items() if value is not None
    }
    process = subprocess.Popen(
        [SCRIPT, *arguments],
        **dict.fromkeys(("stdin", "stdout", "stderr"), theirs),
        env=environment,
        cwd=desk.folder,
        start_new_session=True,  # or it would ask at the terminal in which the tests were started
    )
    os.close(theirs)
    shown = ""
    for prompt, answer in answers:
        while prompt not in shown:
            shown += os.read(ours, 4096).decode()
        os.write(ours, f"{answer}\n".encode())
    with suppress(OSError):  # Linux says so when the last one has closed its end
        while part := os.read(ours, 4096):
            shown += part.decode()
    os.close(ours)
    return process.wait(), shown


def holds(desk, number=NUMBER):
    return bool(desk.data_of("audience", "find", number, who="keeper")["audiences"])


def test_finding_shows_audiences_and_counts_and_never_the_number(residents):
    said = residents.do("audience", "find", NUMBER, who="keeper")
    assert said == f"The number ending in {END}:\n  in residents, version 1\n  0 texts in 30 days\n"
    data = residents.data_of("audience", "find", "+447700900001", who="admin")
    assert data["audiences"] == [{"audience": "residents", "versions": [1]}]
    assert (data["ending"], data["opt_outs"], data["deliveries"], data["days"]) == (END, [], {}, 30)
    nowhere = residents.do("audience", "find", "07700 900999", who="keeper")
    assert nowhere == (
        "No audience, no opt-out and nothing that was written to us holds the number ending in 999.\n"
    )


def test_erasing_asks_for_a_decision(residents):
    refused = residents.refused("audience", "erase", NUMBER, *REASON, who="keeper", code=2)
    assert "Add --yes" in refused
    assert "Only a data-keeper or an administrator" in residents.refused(
        "audience", "erase", NUMBER, *REASON, "--yes", who="officer"
    )
    tried = residents.do("audience", "erase", NUMBER, *REASON, "--dry-run", who="keeper")
    assert tried.endswith("Nothing was erased: this is what would go.\n")
    assert holds(residents)
    said = residents.do("audience", "erase", NUMBER, *REASON, "--yes", who="keeper")
    assert f"ending in {END} is erased: from 1 audience version, 0 opt-outs and 0 messages" in said
    assert not holds(residents)
    assert "holds this number" in residents.refused(
        "audience", "erase", NUMBER, *REASON, "--yes", who="keeper"
    )
    assert "2" in residents.do("audience", "list", who="keeper")


def test_a_number_can_be_given_without_leaving_it_in_the_history(residents):
    assert "The number ending in 001" in typed(residents, "07700900001\n", "audience", "find", "-").stdout
    two = typed(residents, "1\n2\n", "audience", "find", "-")
    assert (two.exit_code, two.stderr) == (1, "Standard input holds 2 lines. Give one number, on one line.\n")
    erased = typed(
        residents, f"{NUMBER}\n", "audience", "erase", "-", *REASON, "--yes", "--keep-out", "--json"
    )
    assert erased.exit_code == 0
    assert '"kept_out": true' in erased.stdout
    assert "stays out of imports" in residents.do("audience", "find", NUMBER, who="keeper")


def test_at_a_terminal_the_number_is_not_shown_and_one_is_asked_whether_it_is_meant(
    tmp_path, sqlite_template
):
    residents = Desk(tmp_path, f"sqlite:///{shutil.copy(sqlite_template, tmp_path / 'broadcaster.db')}")
    residents.add_users()
    residents.import_audience(3)
    answers = [("Number: ", NUMBER), ("Erase this number for good? [y/N]", "n")]
    code, shown = at_a_terminal(residents, answers, "audience", "erase", "-", *REASON)
    assert "in residents, version 1" in shown
    assert "900001" not in shown.replace(" ", "")
    assert (code, holds(residents)) == (1, True)


def test_a_review_date_that_has_passed_is_pointed_out(desk):
    for name, day in (("residents", "2020-01-31"), ("schools", "2999-01-31")):
        path = desk.folder / "list.csv"
        path.write_text("mobile\n07700 900001\n")
        desk.do("audience", "import", path, "--name", name, "--review-on", day, who="keeper")
    lines = desk.do("audience", "list", who="keeper").splitlines()
    assert ["past: look whether it is still needed" in line for line in lines] == [False, True, False]

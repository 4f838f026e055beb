"""Follows docs/adding-a-channel.md to the letter on a copy of the project: every block into its file, then what it says to run."""

import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "adding-a-channel.md"
COPIED = (
    *("broadcaster", "channels", "templates", "worker", "tests", "docs"),
    *("README.md", "CHANGELOG.md", "LICENSE", "Makefile", "pyproject.toml"),
)
NOT_COPIED = shutil.ignore_patterns("faults", "browser")

# "New file `x`:", or "In `x`, after the line that begins with `y`:"; inline code may have two backticks, to hold one.
STEP = re.compile(
    r"^(?:New file|In) `(?P<path>[^`]+)`(?:, (?P<how>after|instead of) the line that begins with (?P<line>.+))?:$"
)

#: Draft, submit, approve and deliver, all of it the product's own; the stand-in's ledger is the witness.
ALL_THE_WAY = """
import sys
from pathlib import Path
from broadcaster.bootstrap import build
from broadcaster.cli.sandbox_setup import ensure_people, prepare_sandbox
from broadcaster.db.engine import Database
from broadcaster.db.migrate import migrate
from broadcaster.domain.broadcast import Lane
from broadcaster.domain.message import Mode
from broadcaster.render.notices import shipped_example, shipped_notice
from broadcaster.settings import Settings
from tests.contract.sandbox_process import SandboxProcess
from tests.fakes import RecordingBells

folder, channel = Path(sys.argv[1]), sys.argv[2]
sandbox = SandboxProcess(folder / "sandbox")
try:
    settings = prepare_sandbox(Settings(data_dir=folder), port=int(sandbox.url.rpartition(":")[2]))
    database = Database(settings.database)
    migrate(database)
    parts = build(settings, mode=Mode.LIVE, database=database, bells=RecordingBells())
    tokens = ensure_people(parts)
    officer, approver = (parts.people.who(tokens[name]) for name in ("officer", "approver"))
    name = "severe-weather"
    notice, values = shipped_notice(name), shipped_example(name)
    draft = parts.compose.draft(officer, template=notice, values=values, channels=[channel])
    submitted = parts.compose.submit(officer, draft.ref)
    parts.approve.approve(approver, submitted.ref, submitted.manifest_sha256)
    assert parts.deliver.work(Mode.LIVE, Lane.PUBLIC, for_s=10) == 1
    status = parts.report.status(submitted.ref)
    assert {str(state): n for state, n in status.totals.items()} == {"accepted": 1}, status
    (row,) = sandbox.ledger(platform=channel, accepted=1)
    assert f"Ref {submitted.ref}" in row["text"] and "Keep off the seafront." in row["text"], row
    print("accepted", row["platform_id"])
finally:
    sandbox.stop()
"""


@dataclass(frozen=True, kw_only=True)
class Step:
    path: str
    how: str  # "after" or "instead of" a line, or nothing for a new file
    line: str
    block: str

    def follow(self, root: Path) -> None:
        file = root / self.path
        if not self.how:
            assert not file.exists(), f"{self.path} is there already"
            file.write_text(self.block)
            return
        lines = file.read_text().splitlines(keepends=True)
        (at,) = [n for n, line in enumerate(lines) if line.strip().startswith(self.line)]
        lines[at : at + 1] = [self.block] if self.how == "instead of" else [lines[at], self.block]
        file.write_text("".join(lines))


def steps_of(page: str) -> list[Step]:
    lines, found = page.splitlines(), []
    for number, line in enumerate(lines):
        if match := STEP.match(line):
            quoted = match["line"] or ""
            ticks = re.match("`*", quoted)[0]
            wanted = quoted.removeprefix(ticks).removesuffix(ticks)
            line_of = wanted.strip() if len(ticks) > 1 else wanted
            block = block_after(lines, number)
            found.append(Step(path=match["path"], how=match["how"] or "", line=line_of, block=block))
    return found


def block_after(lines: list[str], number: int) -> str:
    """The content of the next fenced block; a longer fence may hold a shorter one."""
    opening = next(n for n in range(number + 1, len(lines)) if lines[n].startswith("```"))
    assert not any(lines[number + 1 : opening]), f"something stands between line {number + 1} and its block"
    fence = re.match("`+", lines[opening])[0]
    closing = lines.index(fence, opening + 1)
    return "".join(f"{line}\n" for line in lines[opening + 1 : closing])


def commands_of(page: str) -> list[str]:
    lines = page.splitlines()
    return block_after(lines, lines.index("## Run it")).splitlines()


def copied(root: Path) -> Path:
    root.mkdir()
    for name in COPIED:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=NOT_COPIED)
        else:
            shutil.copy2(source, root / name)
    return root


def started(root: Path, command: list[str]) -> subprocess.Popen[str]:
    """With this interpreter and its tools, and with the copy in the place of the project."""
    tools = Path(sys.executable).parent
    command = (
        [sys.executable, *command[1:]] if command[0] == "python" else [str(tools / command[0]), *command[1:]]
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    environment |= {"PYTHONPATH": str(root), "COLUMNS": "200"}
    pipe = subprocess.PIPE
    return subprocess.Popen(
        command, cwd=root, env=environment, stdout=pipe, stderr=subprocess.STDOUT, text=True
    )


def ended_well(*processes: subprocess.Popen[str]) -> list[str]:
    """What each printed, once all have ended; the test fails with it where a process did."""
    said = [process.communicate(timeout=120)[0] for process in processes]
    for process, words in zip(processes, said, strict=True):
        assert process.returncode == 0, f"{process.args}\n{words[-4000:]}"
    return said


@pytest.fixture(scope="module")
def page() -> str:
    return PAGE.read_text()


@pytest.fixture(scope="module")
def followed(page, tmp_path_factory) -> Path:
    root = copied(tmp_path_factory.mktemp("adding") / "project")
    for step in steps_of(page):
        step.follow(root)
    return root


def test_what_it_says_to_run_passes_and_a_message_reaches_the_stand_in(page, followed, tmp_path) -> None:
    script = tmp_path / "all_the_way.py"
    script.write_text(ALL_THE_WAY)
    way = ["python", str(script), str(tmp_path / "var"), "mastodon"]
    running = [started(followed, command) for command in [way, *map(shlex.split, commands_of(page))]]
    way_said, *said = ended_well(*running)
    assert way_said.startswith("accepted 113")
    assert re.search(r"\b[12]\d\d passed", said[0])
    assert "skipped" not in said[0]
    assert " kept, 0 broken" in said[2]


def test_the_copy_is_what_was_run_and_the_page_says_all_that_it_changed(page, followed) -> None:
    where = ["python", "-c", "import channels, channels.mastodon; print(channels.mastodon.__file__)"]
    assert ended_well(started(followed, where))[0].strip() == str(followed / "channels" / "mastodon.py")
    assert len(steps_of(page)) == page.count("\nNew file `") + page.count("\nIn `") == 11

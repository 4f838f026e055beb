"""Every command and option that a document names exists: in code blocks, and between backticks."""

import re
import shlex
from pathlib import Path

import pytest
import typer

from broadcaster.cli.main import app, load

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
#: What may stand before it on a line: a prompt, `sudo -u broadcaster`, variables, a container.
BEFORE = r"(?:[$#] |sudo (?:-u \w+ )?|env |[A-Z_]+=\S* |docker compose (?:exec|run) |-\S+ |(?:web|sealer) |/\S+/bin/)*"
BLOCK = re.compile(r"^ *```\w*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_command_and_option_that_a_document_names_exists(document):
    named = commands_in(document.read_text())
    assert [command for command in named if not exists(words_of(command))] == []


def test_the_check_finds_what_does_not_exist():
    for right in (
        "status REF --watch",
        "audit show REF --json",
        "up --sandbox --sandbox-port=0",
        "--version",
        "GROUP x",
    ):
        assert exists(words_of(right))
    for wrong in (
        "statos REF",
        "status REF --wacht",
        "audit shwo",
        "up --sand",
        "alarms acknowledge --because x",
    ):
        assert not exists(words_of(wrong))
    text = "Try `broadcaster stop 7F3K2M` or\n\n```sh\n$ X=1 broadcaster audit \\\n    show | less\n# no broadcaster here\n```\n"
    assert sorted(commands_in(text)) == ["audit show", "stop 7F3K2M"]


def commands_in(text: str) -> list[str]:
    """What follows the word `broadcaster`, up to a pipe, a comment or the end of the line."""
    blocks = [re.sub(r"\s*\\\n\s*", " ", block) for block in BLOCK.findall(text)]
    code = [line.strip() for block in blocks for line in block.splitlines()]
    code += re.findall(r"`([^`\n]+)`", BLOCK.sub("", text))
    found = [re.match(rf"{BEFORE}broadcaster((?: (?!#)[^\s|;&<>]+)+)", line) for line in code]
    return [match[1].strip() for match in found if match]


def words_of(command: str) -> list[str]:
    try:
        return shlex.split(command)
    except ValueError:  # a quotation that goes on after a character at which the match ends
        return command.split()


def exists(words: list[str]) -> bool:
    """Capitals stand for what the reader fills in."""
    group = typer.main.get_command(app)
    options = {"--help"} | options_of(group)
    at = group
    for word in words:
        if word.startswith("-") and word != "-":
            if word.partition("=")[0] not in options:
                return False
        elif getattr(at, "commands", None):
            if word.isupper():
                return True
            if word not in at.commands:
                return False
            at = load(word) if at is group else at.commands[word]
            options |= options_of(at)
    return True


def options_of(command) -> set[str]:
    return {name for parameter in command.params for name in (*parameter.opts, *parameter.secondary_opts)}

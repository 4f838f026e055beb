"""What services say reads well in a page: a command is said by the command line alone, after it."""

import ast
import re
from pathlib import Path

from broadcaster.cli.main import COMMANDS
from broadcaster.domain.errors import NotFound

ROOT = Path(__file__).parents[2] / "broadcaster"
#: Read at a terminal only: no page reaches what these tell.
AT_A_TERMINAL = {
    *("db/backup.py", "db/key_files.py", "db/schema.py", "service/keys.py", "service/backup.py"),
    *(
        "service/backup_file.py",
        "service/restore.py",
        "service/restore_files.py",
        "service/anchor_mail.py",  # tells an auditor how to check a mail at his own terminal
        "service/pack.py",  # tells the reader of a paper the same
    ),
}
#: A command of ours, one of its options, or a variable that holds a setting.
COMMAND = re.compile(rf"\bbroadcaster (?:{'|'.join(COMMANDS)})\b|(?<!\S)--[a-z]|\bBROADCASTER_[A-Z]")


def files():
    found = [
        f for folder in ("domain", "service", "render", "db") for f in sorted((ROOT / folder).rglob("*.py"))
    ]
    return [f for f in found if str(f.relative_to(ROOT)) not in AT_A_TERMINAL and "migrations" not in f.parts]


def said(source):
    """Every text of a module but docstrings, and what is given as `command=` or kept in a `..._COMMAND`."""
    tree = ast.parse(source)
    left_out = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            left_out.add(id(node.value))
        about = [k.value for k in node.keywords if k.arg == "command"] if isinstance(node, ast.Call) else []
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "").endswith("_COMMAND"):
            about.append(node.value)
        left_out |= {id(inner) for each in about for inner in ast.walk(each)}
    texts = [n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
    return [n.value for n in texts if id(n) not in left_out]


def test_no_text_of_a_service_names_a_command():
    found = {f: [text for text in said(f.read_text()) if COMMAND.search(text)] for f in files()}
    assert len(found) > 100
    assert {f.name: texts for f, texts in found.items() if texts} == {}


def test_the_check_finds_a_command():
    found = said(
        '"""broadcaster up"""\nraise E("See broadcaster message list")\nA = ("or", f"give it {x} with --reason")\n'
        'E("x", command="broadcaster up")\nB_COMMAND = "broadcaster up"\nC = "put it into BROADCASTER_TOKEN"\n'
    )
    assert len([text for text in found if COMMAND.search(text)]) == 3


def test_a_terminal_says_the_command_after_the_text():
    problem = NotFound("There is none.", details=("a",), command="See: broadcaster token list")
    assert (problem.text, str(problem)) == (
        "There is none.",
        "There is none. See: broadcaster token list\n  - a",
    )

"""docs/audit.md names every act that the code writes into the audit log, and no other."""

import ast
import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parent.parent
AUDIT = (ROOT / "docs" / "audit.md").read_text()
#: f"deliveries_{state}" in service/ending.py.
ENDED = {"deliveries_cancelled", "deliveries_expired"}


def documented():
    section = AUDIT.split("## What is recorded")[1].split("\n## ")[0]
    rows = [line.split("|")[1] for line in section.splitlines() if line.startswith("| `")]
    return [act for cell in rows for act in re.findall(r"`([a-z_]+)`", cell)]


def acts_in(source):
    """Whatever is passed as `act`: by its name, or at its place to a function of this module or to `note`."""
    tree = ast.parse(source)
    places = {"note": 2} | {
        node.name: names.index("act") - ("self" in names)
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and "act" in (names := [a.arg for a in node.args.args])
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            place = places.get(called)
            yield from node.args[place : place + 1] if place is not None else ()
            for keyword in node.keywords:
                if keyword.arg == "act":
                    yield from either(keyword.value)
        elif isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [
            "act"
        ]:
            yield node.value


def either(value):
    """Both, where one of two is passed."""
    return [value.body, value.orelse] if isinstance(value, ast.IfExp) else [value]


@cache  # reading all of the code takes a second
def acts_of_the_code():
    files = [*(ROOT / "broadcaster").rglob("*.py"), *(ROOT / "worker").rglob("*.py")]
    found = [value for file in files for value in acts_in(file.read_text())]
    composed = [ast.unparse(value) for value in found if isinstance(value, ast.JoinedStr)]
    assert composed == ["f'deliveries_{state}'"]
    return {value.value for value in found if isinstance(value, ast.Constant)} | ENDED


def test_every_act_is_documented_once_and_no_other_is():
    acts = documented()
    assert sorted(acts) == sorted(acts_of_the_code())


def test_acts_are_found_however_they_are_passed():
    source = """
def _say(self, tx, act, more): append(tx, act=act)
self._say(tx, "one", 1)
note(tx, row, "two", {})
append(tx, actor="x", act="three")
act = "four"
append(tx, act="five" if own else "six")
"""
    found = {value.value for value in acts_in(source) if isinstance(value, ast.Constant)}
    assert found == {"one", "two", "three", "four", "five", "six"}

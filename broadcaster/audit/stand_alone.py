"""The verifier as the one file that an auditor reads, and runs wherever there is Python. From the source:
python -m broadcaster.audit.stand_alone > verify_audit.py"""

import ast
import sys
from collections import defaultdict
from pathlib import Path

NAME = "verify_audit.py"
FOLDER = Path(__file__).with_name("verifier")
PACKAGE = f"{__package__}.{FOLDER.name}."
#: In the order in which one reads them: each after those that it imports.
ROOMS = (
    "verdict",
    "tree",
    "ed25519",
    "notes",
    "events",
    "stamps",
    "chain",
    "outside",
    "log",
    "proof",
    "reading",
    "words",
    "command",
)
WIDTH = 110


def stand_alone() -> str:
    """The same to the byte each time. A room's docstring becomes a line above what was in it; that of the last room, the
    command, is the file's."""
    modules: set[str] = set()
    names: dict[str, set[str]] = defaultdict(set)
    head, parts = "", []
    for room in ROOMS:
        text = FOLDER.joinpath(f"{room}.py").read_text("utf-8")
        docstring, *rest = ast.parse(text).body
        imports = [each for each in rest if isinstance(each, ast.Import | ast.ImportFrom)]
        for each in imports:
            found = {ast.unparse(name) for name in each.names}
            if isinstance(each, ast.Import):
                modules |= found
            elif not str(each.module).startswith(PACKAGE):
                names[str(each.module)] |= found
        lines = text.splitlines()
        head = "\n".join(lines[: docstring.end_lineno])
        title = "The command" if room == ROOMS[-1] else head.strip('".')
        parts.append("\n".join([f"# --- {title} ".ljust(WIDTH, "-"), *lines[imports[-1].end_lineno :]]))
    future, *others = (f"from {module} import {', '.join(sorted(names[module]))}" for module in sorted(names))
    plain = (f"import {module}" for module in sorted(modules))
    return "\n".join([head, "", future, "", *plain, *others, "", "\n\n\n".join(parts), ""])


if __name__ == "__main__":
    sys.stdout.write(stand_alone())

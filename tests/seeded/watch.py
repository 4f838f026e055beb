"""A plugin for pytest: which test failed first and after how long, and from where the product was imported.

It is loaded from the copy that is tested, and writes into the file that SEEDED_REPORT names.
"""

import json
import os
import sys
import time
from pathlib import Path

import pytest

OURS = ("broadcaster", "channels", "worker", "tests")
BEGAN = time.monotonic()


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.failed:
        _tell(failed=report.nodeid, when=report.when, after_s=round(time.monotonic() - BEGAN, 1))


def pytest_sessionfinish() -> None:
    _tell(imported_from=sorted(places()))


def places() -> set[str]:
    """The folders above our packages, as this process has imported them."""
    found = set()
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if file and name.split(".")[0] in OURS:
            found.add(str(Path(file).parents[name.count(".") + (Path(file).name == "__init__.py")]))
    return found


def _tell(**what: object) -> None:
    """One line at once, since several processes may write into the same file."""
    with Path(os.environ["SEEDED_REPORT"]).open("a") as file:
        file.write(json.dumps(what) + "\n")

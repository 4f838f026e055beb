"""The seeded bugs: each patch applies still and names tests that there are; and who tries them tells a catch from a miss."""

import os
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from tests.installation import wait_for
from tests.seeded.copies import DoesNotApply, apply
from tests.seeded.patches import HERE, ROOT, bugs, named, read
from tests.seeded.running import Came, run
from tests.seeded.trying import OWN_TEST, Verdict, tried, tried_each, without_bug

BUGS = bugs()
#: RELIABILITY names twelve; another one may be added behind them.
STATED = [f"{no:02}" for no in range(1, 13)]

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed here")


def test_each_stated_bug_is_there_once():
    assert [bug.name[:2] for bug in BUGS] == STATED


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_patch_applies_still(bug):
    apply(bug.patch, ROOT, only_look=True)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_each_bug_is_in_the_product_and_its_tests_are_there(bug):
    touched = {line[6:].split("/")[0] for line in bug.patch.read_text().splitlines() if line[:4] == "+++ "}
    assert touched <= {"broadcaster", "channels", "worker"}
    for test in bug.tests:
        file, _, name = test.partition("::")
        function = name.split("::")[-1].partition("[")[0]
        assert f"def {function}" in (ROOT / file).read_text()


def test_who_tries_them_leaves_out_this_file():
    assert Path(__file__).relative_to(ROOT) == Path(OWN_TEST)


@pytest.mark.parametrize(
    "head",
    ["", "Bug: b\nCaught-by: t", "Bug: b\nBreaks: p", "Bug: b\nBug: c\nBreaks: p\nCaught-by: t", "Bgu: b"],
)
def test_a_head_that_is_not_whole_is_refused(tmp_path, head):
    patch = tmp_path / "01_it.patch"
    patch.write_text(f"{head}\n\ndiff --git a/x b/x\n")
    with pytest.raises(ValueError, match="01_it"):
        read(patch)


def test_bugs_are_chosen_by_how_their_names_begin():
    assert [bug.name[:2] for bug in named(["02", "11_emp"], BUGS)] == ["02", "11"]
    assert named([], BUGS) == BUGS
    with pytest.raises(ValueError, match="no bug 99"):
        named(["01", "99"], BUGS)


# --- on a tree of its own: one function, and tests of it ----------------------------------------------------

TREE = {
    "broadcaster/__init__.py": "def double(number):\n    return 2 * number\n",
    "tests/__init__.py": "",
    "tests/seeded/__init__.py": "",
    "tests/seeded/watch.py": (HERE / "watch.py").read_text(),
    "tests/test_double.py": "from broadcaster import double\n\n\ndef test_three():\n    assert double(3) == 6\n",
    "tests/test_zero.py": "from broadcaster import double\n\n\ndef test_zero():\n    assert double(0) == 0\n",
    "pyproject.toml": '[tool.pytest.ini_options]\naddopts = "-p xdist --import-mode=importlib"\n',
}
HEAD = "Bug: it is wrong\nBreaks: twice is twice\nCaught-by: tests/test_zero.py\n\n"
LINES = (
    "diff --git a/broadcaster/__init__.py b/broadcaster/__init__.py\n"
    "--- a/broadcaster/__init__.py\n+++ b/broadcaster/__init__.py\n"
    "@@ -1,2 +1,2 @@\n def double(number):\n-    return 2 * number\n+    {}\n"
)


@pytest.fixture
def root(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # which takes longer than these tests
    root = tmp_path / "root"
    for name, content in TREE.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(content)
    subprocess.run(["git", "init", "-q", root], check=True)
    return root


@pytest.fixture
def seed(root):
    def make(line, *, caught_by="tests/test_zero.py"):
        patch = root.parent / "01_it.patch"
        patch.write_text(HEAD + LINES.format(line))
        return replace(read(patch), caught_by=(caught_by,))

    return make


def test_what_a_named_test_finds_is_caught_and_the_tree_stays_as_it_is(root, seed):
    found = tried(seed("return 2 * number + 1"), root)
    assert (found.verdict, found.by, found.listed) == (
        Verdict.CAUGHT,
        "tests/test_zero.py::test_zero",
        True,
    )
    assert (root / "broadcaster/__init__.py").read_text() == TREE["broadcaster/__init__.py"]
    assert without_bug(["tests"], root).came is Came.PASSED


def test_what_only_another_test_finds_is_caught_and_said_to_be(root, seed):
    found = tried(seed("return 3 * number"), root, rest=("-n", "1"))
    assert (found.verdict, found.by, found.listed) == (
        Verdict.CAUGHT,
        "tests/test_double.py::test_three",
        False,
    )


def test_what_no_test_finds_is_missed(root, seed):
    assert tried(seed("return number + number"), root, rest=()).verdict is Verdict.MISSED


def test_a_test_that_fails_without_the_bug_too_proves_nothing(root, seed):
    (root / "tests/test_other.py").write_text("def test_other():\n    assert False\n")
    found = tried(seed("return number + number"), root, rest=())
    assert (found.verdict, found.by) == (Verdict.UNPROVED, "tests/test_other.py::test_other")
    assert without_bug(["tests/test_other.py"], root).came is Came.FAILED


def test_a_bug_that_nothing_can_be_run_with_proves_nothing(root, seed):
    assert tried(seed("return ("), root).verdict is Verdict.UNPROVED
    (root / "tests/test_server.py").write_text(
        "import pytest\n\n\n@pytest.fixture\ndef server():\n    raise OSError('it did not start')\n\n\n"
        "def test_it(server):\n    pass\n"
    )
    for test in ("tests/test_gone.py", "tests/test_server.py"):
        found = tried_each(seed("return 2 * number + 1", caught_by=test), root)
        assert [each.verdict for each in found] == [Verdict.UNPROVED]


def test_a_patch_that_does_not_apply_is_to_be_written_anew(root, seed):
    bug = seed("return 2 * number + 1")
    (root / "broadcaster/__init__.py").write_text("def double(number):\n    return number << 1\n")
    with pytest.raises(DoesNotApply, match="write it anew"):
        tried(bug, root)


def test_tests_of_the_installed_product_instead_of_the_copy_s_prove_nothing(root):
    (root / "tests/test_elsewhere.py").write_text(
        "import channels\n\n\ndef test_it():\n    assert channels\n"
    )
    session = run(root, ["tests/test_elsewhere.py"], within_s=60)
    assert session.came is Came.BROKEN
    assert f"not from {root}" in session.said


def test_a_session_that_lasts_too_long_is_ended_with_all_that_it_began(root):
    (root / "tests/test_long.py").write_text(
        "import subprocess, time\nfrom pathlib import Path\n\n\ndef test_it():\n"
        "    Path('pid').write_text(str(subprocess.Popen(['sleep', '60']).pid))\n    time.sleep(60)\n"
    )
    for within_s in (3, 30):  # on a machine that is busy, three seconds may not even begin it
        session = run(root, ["tests/test_long.py"], within_s=within_s)
        assert session.came is Came.TIMED_OUT
        if (root / "pid").exists():
            break
    pid = int((root / "pid").read_text())
    wait_for(lambda: not is_running(pid))


def is_running(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]

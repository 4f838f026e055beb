"""The verifier's rooms as the one file that an auditor gets: it reads as if written by hand, and needs nothing but Python."""

import ast
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from broadcaster.audit.stand_alone import NAME, stand_alone

ROOT = Path(__file__).parents[2]


def run(*command, **more):
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **more)


@pytest.mark.parametrize("rules", [("format", "--check"), ("check",)], ids=["format", "rules"])
def test_it_is_written_as_our_files_are(rules):
    name = f"broadcaster/audit/{NAME}"
    done = run(
        sys.executable, "-m", "ruff", *rules, "--stdin-filename", name, "-", input=stand_alone(), cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_it_imports_the_standard_library_only_and_is_python_3_9(tmp_path):
    (tmp_path / NAME).write_text(stand_alone())
    said = "import verify_audit; print(*{n.partition('.')[0] for n in sys.modules} - sys.stdlib_module_names)"
    script = f"import sys; sys.path.insert(0, {str(tmp_path)!r}); {said}"
    loaded = run(sys.executable, "-I", "-S", "-c", script)
    assert (set(loaded.stdout.split()) - {"__main__", "__mp_main__"}, loaded.stderr) == ({"verify_audit"}, "")
    ast.parse(stand_alone(), feature_version=(3, 9))


def test_no_room_takes_the_place_of_another_ones_names():
    named = [each.name for each in ast.parse(stand_alone()).body if hasattr(each, "name")]
    assert [name for name, times in Counter(named).items() if times > 1] == []


def test_it_is_the_same_to_the_byte_each_time():
    """The order of a set differs between processes."""
    command = [sys.executable, "-m", "broadcaster.audit.stand_alone"]
    for seed in ("1", "2", "3"):
        made = run(*command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": seed})
        assert made.stdout == stand_alone()

"""Files of an import that was killed: nothing of them stays, and nothing of one that goes on is touched."""

import os
import subprocess
import sys

from broadcaster.service.uploads import NEW_FOR_S, Uploads

DATABASES = ("sqlite",)

HOLDS = """
import sys
from pathlib import Path
from broadcaster.service.uploads import Uploads
upload = Uploads(Path(sys.argv[1])).begin()
(upload.folder / "list.csv").write_text("+447700900001")
print(upload.folder, flush=True)
sys.stdin.read()
"""


def grow_old(folder):
    os.utime(folder, (1, 1))


def test_what_a_killed_process_left_is_removed_and_what_is_worked_on_stays(tmp_path):
    uploads = Uploads(tmp_path)
    mine, new = uploads.begin(), uploads.begin()
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDS, tmp_path], **pipes) as other:
        theirs = tmp_path / "uploads" / other.stdout.readline().strip()
        for each in (mine.folder, theirs):
            grow_old(each)
        assert uploads.sweep() is False
        assert (theirs / "list.csv").exists()
        other.kill()
        other.wait(10)
    uploads.sweep()
    assert sorted((tmp_path / "uploads").iterdir()) == sorted([mine.folder, new.folder])
    mine.remove()
    mine.remove()
    assert [*(tmp_path / "uploads").iterdir()] == [new.folder]
    new.remove()


def test_a_folder_that_was_made_just_now_is_left_alone(tmp_path):
    folder = tmp_path / "uploads" / "tmpabc"  # its lock comes in a moment
    folder.mkdir(parents=True)
    Uploads(tmp_path).sweep()
    assert folder.exists()
    os.utime(folder, (folder.stat().st_mtime - NEW_FOR_S - 1,) * 2)
    Uploads(tmp_path).sweep()
    assert not folder.exists()


def test_the_sweeper_does_it(world):
    left = world.parts.settings.root / "uploads" / "tmpleft"
    left.mkdir(parents=True)
    grow_old(left)
    world.parts.leftovers.wipe_what_was_told()
    assert not left.exists()

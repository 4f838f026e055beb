"""Runs a program that stands alone, with these arguments, and prints its own peak of memory in MB behind what that said.

It imports nothing of ours, so that the peak is the program's. What the kernel tells about an ended child is no use: there
the peak of the process that forked it counts too.
"""

import runpy
import sys
from pathlib import Path

_, program, *arguments = sys.argv
sys.argv = [program, *arguments]
try:
    runpy.run_path(program, run_name="__main__")
finally:
    peak = next(
        line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")
    )
    print(int(peak.split()[1]) // 1024)  # noqa: T201

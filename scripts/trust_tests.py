#!/usr/bin/env python3
"""Runs the test suite again and again, on a quiet machine and on a loaded one: no test may ever fail.

    python scripts/trust_tests.py      five runs quiet, two beside 12 busy loops, one on one core
    python scripts/trust_tests.py --quiet 1 --loaded 0 --pinned 0

It clones the repository into a temporary folder, so that only what is committed is tested, and nothing beside it is.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
BUSY_LOOPS = 12


def main() -> int:
    """Run it; the exit code is 1 when a run failed."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quiet", type=int, default=5, help="runs with nothing beside them (default: 5)")
    parser.add_argument("--loaded", type=int, default=2, help=f"runs beside {BUSY_LOOPS} busy loops (default: 2)")
    parser.add_argument("--pinned", type=int, default=1, help="runs on one core (default: 1)")
    options = parser.parse_args()
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", ROOT, clone], check=True)
        subprocess.run(["make", ".venv/.ready"], cwd=clone, check=True)
        for _ in range(options.quiet):
            failed += not passes(clone, "quiet")
        for _ in range(options.loaded):
            with busy_loops():
                failed += not passes(clone, "loaded")
        for _ in range(options.pinned):
            failed += not passes(clone, "one core", on_one_core)
    print(f"{failed} of {options.quiet + options.loaded + options.pinned} runs failed")
    return 1 if failed else 0


def passes(clone: Path, condition: str, before: Callable[[], None] | None = None) -> bool:
    """Run ``make test`` once and print what came of it."""
    began = time.monotonic()
    run = subprocess.run(
        ["make", "test"], cwd=clone, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False,
        preexec_fn=before,
    )  # fmt: skip
    print(f"{condition:9} {time.monotonic() - began:6.0f} s  {run.stdout.strip().splitlines()[-1]}", flush=True)
    if run.returncode:
        print("\n".join(line for line in run.stdout.splitlines() if line.startswith(("FAILED", "ERROR", "E  "))))
    return run.returncode == 0


@contextlib.contextmanager
def busy_loops() -> Iterator[None]:
    """Processes that use all the time they can get."""
    loops = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(BUSY_LOOPS)]
    try:
        yield
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()


def on_one_core() -> None:
    """Let this process and what it starts run on one core only."""
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


if __name__ == "__main__":
    sys.exit(main())

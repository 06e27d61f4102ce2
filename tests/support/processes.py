"""Programs of this project as processes of their own, for tests: none outlives its test, and none is waited for for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

from waiting import PATIENCE

COMMAND = [sys.executable, "-m", "cryptotrader"]


@contextmanager
def running(*words: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for what it prints; it is killed in the end."""
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(list(map(str, words)), **{**pipes, **options})
    try:
        yield process
    finally:
        process.kill()
        process.wait(PATIENCE)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


def line_of(process: subprocess.Popen[str], pipe: IO[str]) -> str:
    """The next line that a process prints; empty when none ever comes, and the process is then killed."""
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    try:
        return pipe.readline()
    finally:
        watch.cancel()
        watch.join(PATIENCE)


def end_of(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    """Exit code, standard output and standard error of a process that ends by itself.

    Raises:
        TimeoutExpired: It does not.
    """
    out, err = process.communicate(timeout=PATIENCE)
    return process.returncode, out, err


def run(*words: object, **options: Any) -> tuple[int, str, str]:
    """Run a process to its end; its exit code, standard output and standard error."""
    with running(*words, **options) as process:
        return end_of(process)

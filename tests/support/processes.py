"""Programs of this project as processes of their own, for tests: none outlives its test, and none is waited for for ever."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from waiting import PATIENCE

COMMAND = [sys.executable, "-m", "cryptotrader"]


@contextmanager
def running(*words: object, **options: Any) -> Iterator[subprocess.Popen[str]]:
    """A process with pipes for what it prints; it is killed in the end, or when it has run for ``PATIENCE``.

    So reading from its pipes always ends: what is read is then not what was expected.
    """
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    process = subprocess.Popen(list(map(str, words)), **{**pipes, **options})
    watch = threading.Timer(PATIENCE, process.kill)
    watch.start()
    try:
        yield process
    finally:
        watch.cancel()
        watch.join(PATIENCE)
        process.kill()
        process.wait(PATIENCE)
        for pipe in (process.stdout, process.stderr):
            if pipe is not None:
                pipe.close()


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

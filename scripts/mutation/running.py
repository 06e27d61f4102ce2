"""Runs tests on mutants: each in a fork of one process that has loaded all but the package itself."""

from __future__ import annotations

import contextlib
import importlib
import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any

import hypothesis
import pytest

from mutation.measuring import PACKAGE, ROOT
from mutation.mutations import Replacement, mutated

_PRELOADED = ("msgspec", "picows", "cryptography.hazmat.primitives.asymmetric.rsa", "structlog", "pydantic", "typer")
"""Imported once for all forks; the package itself must not be among them, since each fork imports its own mutant."""

_CANNOT_BE_IMPORTED = 100

_PATIENCE = 20.0
_SLOWER = 5.0
"""A mutant's tests may take so many seconds, and so many times longer than without it; then it hangs and is killed."""


@dataclass(frozen=True)
class Trial:
    """A mutant and the tests that may notice it.

    Attributes:
        path: The module that is changed, below the package's folder.
        change: Which mutant of it; ``None`` for the module as it is.
        tests: Ids of tests, in the order in which they are run.
        seconds: How long they take without it.
    """

    path: str
    change: int | Replacement | None
    tests: tuple[str, ...]
    seconds: float


def run_all(trials: Iterable[Trial], *, workers: int) -> Iterator[tuple[Trial, str]]:
    """Run trials side by side; each comes with ``killed``, ``hangs`` or ``survived`` as it ends."""
    _preload()
    waiting = iter(trials)
    running: dict[int, tuple[Trial, float]] = {}
    while True:
        while len(running) < workers and (trial := next(waiting, None)) is not None:
            deadline = time.monotonic() + _PATIENCE + _SLOWER * trial.seconds
            running[_start(trial)] = trial, deadline
        if not running:
            return
        for process in list(running):
            trial, deadline = running[process]
            ended, status = os.waitpid(process, os.WNOHANG)
            if ended:
                del running[process]
                yield trial, _outcome(trial, os.waitstatus_to_exitcode(status))
            elif time.monotonic() > deadline:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process, signal.SIGKILL)
                os.waitpid(process, 0)
                del running[process]
                yield trial, "hangs"
        time.sleep(0.02)


def _outcome(trial: Trial, code: int) -> str:
    if code == pytest.ExitCode.OK:
        return "survived"
    if code in {pytest.ExitCode.TESTS_FAILED, pytest.ExitCode.INTERRUPTED, _CANNOT_BE_IMPORTED}:
        return "killed"
    raise SystemExit(f"pytest ended with {code} instead of running the tests: {trial}")


def _preload() -> None:
    hypothesis.settings.register_profile(
        "mutants",
        database=None,
        deadline=None,  # a slow machine must not be taken for a test that notices
        derandomize=True,
        phases=[hypothesis.Phase.explicit, hypothesis.Phase.generate],
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
    for name in _PRELOADED:
        importlib.import_module(name)
    if "cryptotrader" in sys.modules:
        raise SystemExit("the package is loaded already: no fork would see its mutant")


def _start(trial: Trial) -> int:
    process = os.fork()
    if process:
        return process
    code: int = _CANNOT_BE_IMPORTED
    try:
        os.setpgid(0, 0)
        os.chdir(ROOT)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, 1)
        os.dup2(nowhere, 2)
        if trial.change is not None:
            _load(trial.path, trial.change)
        code = pytest.ExitCode.INTERNAL_ERROR
        code = _run(trial.tests)
    finally:
        os._exit(code)


def _run(tests: Sequence[str]) -> int:
    files = list(dict.fromkeys(test.split("::")[0] for test in tests))
    arguments = ["-x", "--assert=plain", "-p", "no:xdist", "--hypothesis-profile=mutants"]
    return int(pytest.main([*arguments, *files], plugins=[_Chosen(tests)]))


class _Chosen:
    """A pytest plugin: only these tests, in this order; one without parameters stands for all of its cases."""

    def __init__(self, tests: Sequence[str]) -> None:
        self._places = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        chosen = [(self._place(item), item) for item in items if self._place(item) is not None]
        items[:] = [item for _, item in sorted(chosen, key=lambda each: each[0] or 0)]

    def _place(self, item: pytest.Item) -> int | None:
        return self._places.get(item.nodeid, self._places.get(item.nodeid.partition("[")[0]))


def _load(path: str, change: int | Replacement) -> None:
    """Import the mutant in place of the module, before pytest puts its own way of importing in front."""
    changed = PACKAGE / path
    original: Callable[[SourceFileLoader, str], CodeType | None] = SourceFileLoader.get_code

    def get_code(loader: SourceFileLoader, fullname: str) -> CodeType | None:
        if Path(loader.path) == changed:
            return compile(mutated(changed.read_text(), change), str(changed), "exec")
        return original(loader, fullname)

    replaced: Any = get_code
    SourceFileLoader.get_code = replaced  # type: ignore[method-assign]  # in this fork only
    name = ".".join((PACKAGE.name, *Path(path).with_suffix("").parts))
    importlib.import_module(name)

"""Measures which tests reach which lines, and how long each test takes."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import coverage
import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "cryptotrader"
CACHE = ROOT / ".cache" / "mutants"
PARTS = {"unit": ("tests/unit",), "pair": ("tests/pair", "tests/declarations")}
"""Tests on virtual time: quick, and in the process in which the mutant lives. The parts run side by side."""

_LOOK_UP = 40
"""Lines above a place among which the line stands that its statement begins with."""


@dataclass(frozen=True)
class Measured:
    """Tests by line.

    Attributes:
        stamp: What code they were measured on.
        seconds: How long each test took, by its id.
        lines: For each module, below the package's folder, the ids of the tests that reach each line.
    """

    stamp: str
    seconds: dict[str, float]
    lines: dict[str, dict[int, list[str]]]

    def tests_of(self, path: str, line: int) -> list[str]:
        """The tests that reach a place, the quickest first; those of the whole module where it runs at import."""
        by_line = self.lines.get(path, {})
        for near in range(line, max(line - _LOOK_UP, 0), -1):
            if tests := [test for test in by_line.get(near, ()) if test in self.seconds]:
                return self._quickest_first(tests)
            if "" in by_line.get(near, ()):
                break
        return self._quickest_first({test for tests in by_line.values() for test in tests if test in self.seconds})

    def _quickest_first(self, tests: Iterator[str] | Sequence[str] | set[str]) -> list[str]:
        return sorted(tests, key=lambda test: (self.seconds[test], test))


def measure() -> Measured:
    """Run the tests once, unless that was done for the same code already.

    Raises:
        SystemExit: A test failed.
    """
    stamp, done = _stamp(), CACHE / "measured.json"
    if not done.is_file() or json.loads(done.read_text())["stamp"] != stamp:
        CACHE.mkdir(parents=True, exist_ok=True)
        print("running the tests once, to see which of them reach which line …", flush=True)
        runs = [
            subprocess.Popen([sys.executable, __file__, part], cwd=ROOT, stdout=subprocess.PIPE, text=True)
            for part in PARTS
        ]
        shown = [run.communicate()[0] for run in runs]
        for run, text in zip(runs, shown, strict=True):
            if run.returncode:
                raise SystemExit(f"{text[-4000:]}\nthe tests fail without any mutant")
        done.write_text(json.dumps({"stamp": stamp}))
    return _read(stamp)


def _read(stamp: str) -> Measured:
    measured = Measured(stamp, {}, {})
    for part in PARTS:
        measured.seconds.update(json.loads((CACHE / f"{part}.json").read_text()))
        data = coverage.CoverageData(str(CACHE / f"{part}.coverage"))
        data.read()
        for file in data.measured_files():
            lines = measured.lines.setdefault(str(Path(file).relative_to(PACKAGE)), {})
            for line, tests in data.contexts_by_lineno(file).items():
                lines.setdefault(line, []).extend(tests)
    return measured


def _stamp() -> str:
    """What the sources and tests are, as one text."""
    digest = hashlib.sha256()
    for folder in ("src", "tests"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            digest.update(path.read_bytes())
    return digest.hexdigest()


class _Contexts:
    """A pytest plugin: lines are noted under the id of the test that runs."""

    def __init__(self, running: coverage.Coverage) -> None:
        self._running = running
        self.seconds: dict[str, float] = {}

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        self._running.switch_context(item.nodeid)
        result = yield
        self._running.switch_context("")
        return result

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.seconds[report.nodeid] = self.seconds.get(report.nodeid, 0.0) + report.duration


def _main(part: str) -> int:
    """In a process of its own: run a part of the tests and note what they reach."""
    running = coverage.Coverage(data_file=str(CACHE / f"{part}.coverage"), source=[str(PACKAGE)])
    running.erase()
    plugin = _Contexts(running)
    running.start()
    code = pytest.main(["-q", "-x", "-p", "no:xdist", "--hypothesis-seed=0", *PARTS[part]], plugins=[plugin])
    running.stop()
    running.save()
    seconds = {name: round(each, 4) for name, each in plugin.seconds.items()}
    (CACHE / f"{part}.json").write_text(json.dumps(seconds))
    return int(code)


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1]))

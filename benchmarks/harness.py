"""What the benchmarks share: CPU time of a run, interleaved rounds, processes that serve, and tables."""

from __future__ import annotations

import contextlib
import multiprocessing
import statistics
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

from measuring import cpu_seconds

COMMAND = [sys.executable, "-m", "cryptotrader"]


@dataclass
class Section:
    """One benchmark's result, as it goes into the document.

    Attributes:
        title: Heading.
        command: How to run it alone.
        text: What was measured.
        columns: Heading of the table.
        rows: Its rows.
        misses: Targets that were missed, in words.
    """

    title: str
    command: str
    text: str
    columns: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(default_factory=list)
    misses: list[str] = field(default_factory=list)

    def expect(self, name: str, value: float, bound: float, *, at_least: bool) -> str:
        """Note a missed target; returns the target's text."""
        if value < bound if at_least else value > bound:
            self.misses.append(f"{name}: {value:.3g}, target {'at least' if at_least else 'at most'} {bound:g}")
        return f"{'≥' if at_least else '≤'} {bound:,g}"

    def markdown(self) -> str:
        """The section as Markdown."""
        table = [self.columns, tuple("---" if place == 0 else "---:" for place in range(len(self.columns))), *self.rows]
        lines = "\n".join(f"| {' | '.join(row)} |" for row in table)
        return f"## {self.title}\n\n{self.text}\n\n```console\n$ {self.command}\n```\n\n{lines}\n"

    def print(self) -> None:
        """Show the section, and what it missed."""
        print(self.markdown())
        for miss in self.misses:
            print(f"MISSED {miss}")


def cpu_of(work: Callable[[], Any]) -> float:
    """CPU seconds that ``work`` takes in this process."""
    before = cpu_seconds()
    work()
    return cpu_seconds() - before


def interleaved(ways: dict[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Measure all ways in turns, so that a slow spell of the machine hits them alike; gives each way's values."""
    values: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, measure in ways.items():
            values[name].append(measure())
    return values


def medians(values: dict[str, list[float]]) -> dict[str, float]:
    """The median of each way."""
    return {name: statistics.median(each) for name, each in values.items()}


@contextlib.contextmanager
def serving(serve: Callable[..., None], *arguments: Any) -> Iterator[Any]:
    """Run ``serve(pipe, *arguments)`` in a process; it sends where it is through the pipe."""
    receiver, sender = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.Process(target=serve, args=(sender, *arguments), daemon=True)
    process.start()
    sender.close()  # so that a process that fails is noticed here
    try:
        yield receiver.recv()
    finally:
        process.terminate()
        process.join()


@contextlib.contextmanager
def exchange(*options: str) -> Iterator[int]:
    """The local exchange as a process on a free port."""
    process = subprocess.Popen([*COMMAND, "simulator", "--port", "0", *options], stderr=subprocess.PIPE)
    try:
        line = b"" if process.stderr is None else process.stderr.readline()
        if b"local exchange on" not in line:
            raise RuntimeError(f"the exchange did not start: {line.decode()}")
        yield int(line.split(b" trading")[0].rsplit(b":", 1)[1])
    finally:
        process.terminate()
        process.wait()


def versions(*packages: str) -> str:
    """Python's version and those of packages."""
    return ", ".join([f"Python {sys.version.split()[0]}", *(f"{name} {version(name)}" for name in packages)])

"""Finds, in the syntax trees of the tests, what makes a test lean on real time, or unable to fail.

From the shell: ``python tests/support/lint.py [paths]`` prints the findings in these files and folders (in all tests, if
none is named) and exits with 1 if there are any. Each finding says what to do instead.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from syntax_of_tests import Function, Source, is_decorated, is_number, last_name

TESTS = Path(__file__).parents[1]
WAITING = "support/waiting.py"
"""The one file that reads the clock and sleeps."""

CLOCKS = {f"time.{clock}" for clock in ("sleep", "time", "monotonic", "perf_counter", "process_time")}
CLOCKS |= {f"{clock}_ns" for clock in CLOCKS}
ASYNC_DEADLINES = {"asyncio.timeout": 0, "asyncio.timeout_at": 0, "asyncio.wait_for": 1, "asyncio.wait": None}
"""Where these take their delay, if not as ``timeout=``; it is real time only on a real loop."""
DEADLINES = {
    **dict.fromkeys(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output")),
    "socket.create_connection": 1,
    "urllib.request.urlopen": 2,
}
METHODS = {"wait": 0, "join": 0, "result": 0, "settimeout": 0, "communicate": None, "get": None, "put": None}
"""Methods of threads, events, futures, processes, sockets and queues; a number alone is a delay: ``join(5)``."""
ANY_TEXT = {"", ".", ".*", ".+"}
WITHOUT_TEXT = {"TimeoutError", "asyncio.CancelledError", "StopAsyncIteration"}
"""Errors that never say anything."""


@dataclass(frozen=True, order=True)
class Finding:
    """A line that breaks a rule."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


def findings(text: str, path: str, helpers: Iterable[str] = ()) -> list[Finding]:
    """What breaks a rule in one file.

    Args:
        text: Its source.
        path: Where it lies under ``tests``, as ``integration/test_tls.py``.
        helpers: Names of the functions elsewhere that assert, as ``helpers_that_assert`` gives them.
    """
    if path == WAITING:
        return []
    source, real_loop = Source(text, helpers), path.startswith("integration/")
    found = {*clocks(source, real_loop=real_loop), *deadlines(source, real_loop=real_loop), *answers(source)}
    found |= {*tests_without_asserts(source), *errors_of_any_kind(source), *certainties(source), *loops(source)}
    return sorted(Finding(path, line, what) for line, what in found)


def clocks(source: Source, *, real_loop: bool) -> Iterator[tuple[int, str]]:
    """Real clocks, and sleeps in real time."""
    for node in source.nodes:
        if isinstance(node, (ast.Name, ast.Attribute)) and source.dotted(node) in CLOCKS:
            yield node.lineno, f"{source.dotted(node)}: wait for a condition (eventually, until), never for a time"
        sleeps = real_loop and isinstance(node, ast.Call) and source.dotted(node.func) == "asyncio.sleep"
        if sleeps and [ast.unparse(item) for item in node.args[:1]] != ["0"]:
            yield node.lineno, "a sleep in real time: await until(…) what it waits for"


def deadlines(source: Source, *, real_loop: bool) -> Iterator[tuple[int, str]]:
    """Deadlines in real time other than PATIENCE."""
    for node in source.nodes:
        delay = delay_of(in_thread(node, source), source, real_loop=real_loop) if isinstance(node, ast.Call) else None
        if delay is not None and not ast.unparse(delay).endswith("PATIENCE"):
            yield node.lineno, f"a deadline of {ast.unparse(delay)}: PATIENCE, and fail when it has passed"


def delay_of(call: ast.Call, source: Source, *, real_loop: bool) -> ast.expr | None:
    """The real-time deadline that a call is given, if it is such a call; a delay of 0 is none."""
    name = source.dotted(call.func)
    if name.endswith("budget.wait"):  # it is told the time, and waits for nothing
        return None
    if name in ASYNC_DEADLINES and real_loop:
        place = ASYNC_DEADLINES[name]
    elif name in DEADLINES:
        place = DEADLINES[name]
    elif name not in ASYNC_DEADLINES and isinstance(call.func, ast.Attribute) and call.func.attr in METHODS:
        alone = len(call.args) == 1 and not call.keywords and is_number(call.args[0])  # not: ", ".join(names)
        place = METHODS[call.func.attr] if alone else None
    else:
        return None
    delays = [item.value for item in call.keywords if item.arg == "timeout"]
    delays += [] if place is None else call.args[place : place + 1]
    return delays[0] if delays and ast.unparse(delays[0]) not in {"0", "0.0"} else None


def in_thread(call: ast.Call, source: Source) -> ast.Call:
    """The call that a thread makes, if this one gives work to a thread; else the call itself."""
    name = source.dotted(call.func)
    start = 0 if name == "asyncio.to_thread" else 1 if name.endswith(".run_in_executor") else None
    if start is None or len(call.args) <= start:
        return call
    return ast.Call(call.args[start], call.args[start + 1 :], call.keywords)


def answers(source: Source) -> Iterator[tuple[int, str]]:
    """Waits for an event that may have come or not; a process that does not end raises by itself."""
    for node in source.nodes:
        value = node.value if isinstance(node, ast.Expr) else None
        call = value.value if isinstance(value, ast.Await) else value
        if not isinstance(call, ast.Call):
            continue
        call = in_thread(call, source)
        waits = isinstance(call.func, ast.Attribute) and call.func.attr == "wait"
        if (
            waits
            and len([*call.args, *call.keywords]) == 1
            and not ast.unparse(call.func).lower().endswith(("asyncio.wait", "process.wait"))
        ):
            yield node.lineno, "the answer of wait() is thrown away: assert it"


def tests_without_asserts(source: Source) -> Iterator[tuple[int, str]]:
    """Tests, state machines and invariants that assert nothing."""
    reasoned = {
        node.func
        for node in source.nodes
        if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value
    }
    for node in source.nodes:
        if isinstance(node, ast.Attribute) and node.attr == "raises_nothing" and node not in reasoned:
            yield node.lineno, 'raises_nothing without a reason: @pytest.mark.raises_nothing("why")'
        if not isinstance(node, (*Function.__args__, ast.ClassDef)) or source.asserts(node):
            continue
        if isinstance(node, ast.ClassDef):
            if "RuleBasedStateMachine" in map(last_name, node.bases):
                yield node.lineno, f"no rule and no invariant of {node.name} asserts anything"
        elif is_decorated(node, "invariant"):
            yield node.lineno, f"the invariant {node.name} asserts nothing"
        elif node.name.startswith("test_") and not is_decorated(node, "raises_nothing"):
            yield node.lineno, f'{node.name} asserts nothing: assert, or @pytest.mark.raises_nothing("why")'


def errors_of_any_kind(source: Source) -> Iterator[tuple[int, str]]:
    """Expected errors that are not told from others of their type."""
    for node in source.nodes:
        expects = isinstance(node, ast.Call) and source.dotted(node.func) in {"pytest.raises", "pytest.warns"}
        if expects and not (node.args and source.dotted(node.args[0]) in WITHOUT_TEXT):
            told = [item.value for item in node.keywords if item.arg in {"match", "check"}]
            if not told or (isinstance(told[0], ast.Constant) and told[0].value in ANY_TEXT):
                yield node.lineno, f"{source.dotted(node.func)} takes any of the type: match= what tells it from others"


def certainties(source: Source) -> Iterator[tuple[int, str]]:
    """Things compared to themselves; two calls alike may differ, and a test of determinism says so."""
    for node in source.nodes:
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.Is)):
            alike = ast.unparse(node.left) == ast.unparse(node.comparators[0])
            if alike and not any(isinstance(part, ast.Call) for part in ast.walk(node)):
                yield node.lineno, f"{ast.unparse(node)} compares a thing to itself"


def loops(source: Source) -> Iterator[tuple[int, str]]:
    """Loops of asserts that may run no round."""
    for loop, certain in source.loops():
        if not certain and isinstance(loop, ast.While):
            yield loop.lineno, "the asserts in this loop may never run: assert after it what it was for"
        elif not certain:
            yield loop.lineno, f"the asserts in this loop may never run: first assert {ast.unparse(loop.iter)}"


# ---------------------------------------------------------------------------------------------------------- whole files


@functools.cache
def helpers_that_assert() -> frozenset[str]:
    """The functions in ``tests/support`` that assert something, as ``waiting.until``."""
    texts = {
        ".".join(file.relative_to(TESTS / "support").with_suffix("").parts): file.read_text(encoding="utf-8")
        for file in files_under(TESTS / "support")
    }
    known: frozenset[str] = frozenset()
    while True:
        found = {f"{name}.{item}" for name, text in texts.items() for item in Source(text, known).asserting - known}
        if not found - known:
            return known
        known |= found


def findings_in(file: Path) -> list[Finding]:
    """What breaks a rule in a file under ``tests``."""
    return findings(file.read_text(encoding="utf-8"), file.relative_to(TESTS).as_posix(), helpers_that_assert())


def files_under(place: Path) -> list[Path]:
    """The Python files in a folder, or the file itself."""
    return sorted(place.rglob("*.py")) if place.is_dir() else [place]


def main(places: list[str]) -> int:
    """Print the findings in these files and folders."""
    files = [file for place in places or [TESTS] for file in files_under(Path(place).resolve())]
    found = [str(finding) for file in files for finding in findings_in(file)]
    sys.stdout.writelines(f"{finding}\n" for finding in found)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

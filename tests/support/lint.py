"""Finds, in the syntax trees of the tests, what makes a test lean on real time, or unable to fail.

From the shell: ``python tests/support/lint.py [paths]`` prints the findings of these files or folders (all tests, if none
is named) and exits with 1 if there are any. Each finding says what to do instead.
"""

from __future__ import annotations

import ast
import functools
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

TESTS = Path(__file__).parents[1]
WAITING = "support/waiting.py"
"""The one file that reads the clock and sleeps."""

CLOCKS = {
    *(f"time.{clock}{unit}" for clock in ("time", "monotonic", "perf_counter", "process_time") for unit in ("", "_ns")),
    "time.sleep",
}
ASYNC_DEADLINES = {"asyncio.timeout": 0, "asyncio.timeout_at": 0, "asyncio.wait_for": 1, "asyncio.wait": None}
"""Where these take their delay, if not as ``timeout=``; they count in real time only on a real loop."""
DEADLINES = {
    **dict.fromkeys(("subprocess.run", "subprocess.call", "subprocess.check_call", "subprocess.check_output")),
    "socket.create_connection": 1,
    "urllib.request.urlopen": 2,
}
METHODS = {"wait": 0, "join": 0, "result": 0, "settimeout": 0, "communicate": None, "get": None, "put": None}
"""Methods of threads, events, futures, processes, sockets and queues, and where they take nothing but their delay."""
CHECKS = {f"pytest.{name}" for name in ("raises", "warns", "fail", "xfail", "deprecated_call")}
PASSING_ON = {
    "enumerate",
    "reversed",
    "sorted",
    "list",
    "tuple",
    "set",
    "iter",
    "map",
    "chain",
    "cycle",
    "islice",
    "pairwise",
}
"""What is as long as its argument, or what is asked for."""
SIDE_BY_SIDE = {"zip", "product"}
"""What is empty if one of its arguments is."""

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While


@dataclass(frozen=True)
class Finding:
    """One line of a test that breaks a rule."""

    path: str
    line: int
    what: str

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.what}"


@dataclass
class Source:
    """One parsed file, and what its names stand for.

    Attributes:
        imported: The dotted name behind each imported one, however it was imported.
        functions: Every function of the file, at any depth.
        asserting: Dotted names of the functions, here and in the helpers, that assert something.
    """

    tree: ast.Module
    imported: dict[str, str] = field(default_factory=dict)
    functions: list[Function] = field(default_factory=list)
    asserting: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, text: str, asserting: Iterable[str] = ()) -> Source:
        """Read a file, given the helpers that assert."""
        source = cls(ast.parse(text), asserting=set(asserting))
        for node in ast.walk(source.tree):
            if isinstance(node, ast.Import):
                source.imported.update({name.asname: name.name for name in node.names if name.asname})
            elif isinstance(node, ast.ImportFrom):
                source.imported.update({name.asname or name.name: f"{node.module}.{name.name}" for name in node.names})
            elif isinstance(node, Function):
                source.functions.append(node)
        while new := {f.name for f in source.functions if source.asserts(f, narrowing=False)} - source.asserting:
            source.asserting |= new
        return source

    def dotted(self, node: ast.AST) -> str:
        """The full name of a function or value, as ``asyncio.sleep``; of ``self.check``, ``check``."""
        if isinstance(node, ast.Name):
            return self.imported.get(node.id, node.id)
        if isinstance(node, ast.Attribute):
            return f"{self.dotted(node.value)}.{node.attr}".removeprefix("self.")
        return ""

    def asserts(self, tree: ast.AST, *, narrowing: bool = True) -> bool:
        """Whether anything in it asserts, or calls what asserts; in a helper, an assert that only narrows is none."""
        return any(
            (isinstance(node, ast.Assert) and (narrowing or not narrows(node.test)))
            or (isinstance(node, ast.Call) and self.checks(node))
            or (isinstance(node, ast.Raise) and node.exc is not None and "AssertionError" in ast.dump(node.exc))
            for node in ast.walk(tree)
        )

    def checks(self, call: ast.Call) -> bool:
        """Whether a call asserts something."""
        name = self.dotted(call.func)
        last = call.func.attr if isinstance(call.func, ast.Attribute) else name.rpartition(".")[2]
        return name in self.asserting | CHECKS or last.startswith("assert_")


def narrows(test: ast.expr) -> bool:
    """Whether an assert tells type checkers what everybody knows."""
    return ast.unparse(test).startswith("isinstance(") or ast.unparse(test).endswith(" is not None")


# -------------------------------------------------------------------------------------------------------- the findings


def findings(text: str, path: str, helpers: Iterable[str] = ()) -> list[Finding]:
    """What breaks a rule in one file.

    Args:
        text: Its source.
        path: Where it lies under ``tests``, as ``integration/test_tls.py``.
        helpers: Dotted names of the helpers that assert, as ``helpers_that_assert`` gives them.
    """
    source = Source.of(text, helpers)
    real_loop = path.startswith("integration/")
    found = [*unable_to_fail(source), *asserting_nothing(source)]
    found += [*clocks(source, real_loop=real_loop), *deadlines(source, real_loop=real_loop)]
    if path == WAITING:
        return []
    return sorted((Finding(path, line, what) for line, what in set(found)), key=lambda finding: finding.line)


def clocks(source: Source, *, real_loop: bool) -> Iterator[tuple[int, str]]:
    """Real clocks, and sleeps in real time."""
    for node in ast.walk(source.tree):
        if isinstance(node, (ast.Name, ast.Attribute)) and source.dotted(node) in CLOCKS:
            yield (
                node.lineno,
                f"{source.dotted(node)}: wait for a condition (eventually, until), never look at the time",
            )
        if real_loop and isinstance(node, ast.Call) and source.dotted(node.func) == "asyncio.sleep":
            if not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == 0):
                yield node.lineno, "a sleep in real time: await until(…) what it waits for"


def deadlines(source: Source, *, real_loop: bool) -> Iterator[tuple[int, str]]:
    """Deadlines in real time other than PATIENCE, and waits whose answer is thrown away."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and (delay := delay_of(node, source, real_loop=real_loop)) is not None:
            if not source.dotted(delay).endswith("PATIENCE"):
                yield node.lineno, f"a deadline of {ast.unparse(delay)}: PATIENCE, and fail when it has passed"
        if isinstance(node, ast.Expr) and throws_answer_away(node, source):
            yield node.lineno, "the answer of wait() is thrown away: assert it"


def delay_of(call: ast.Call, source: Source, *, real_loop: bool) -> ast.expr | None:
    """The real-time deadline that a call is given, if it is such a call; a delay of 0 is none."""
    call = in_thread(call, source)
    name = source.dotted(call.func)
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
    if place is not None:
        delays += call.args[place : place + 1]
    return delays[0] if delays and ast.unparse(delays[0]) not in {"0", "0.0"} else None


def in_thread(call: ast.Call, source: Source) -> ast.Call:
    """The call that a thread makes, if this one gives work to a thread; else the call itself."""
    name = source.dotted(call.func)
    start = 0 if name == "asyncio.to_thread" else 1 if name.endswith(".run_in_executor") else None
    if start is None or len(call.args) <= start:
        return call
    return ast.Call(call.args[start], call.args[start + 1 :], call.keywords)


def throws_answer_away(statement: ast.Expr, source: Source) -> bool:
    """Whether it is ``event.wait(seconds)``, here or in a thread; a process that does not end raises by itself."""
    outer = statement.value.value if isinstance(statement.value, ast.Await) else statement.value
    if not isinstance(outer, ast.Call):
        return False
    call = in_thread(outer, source)
    waits = (
        isinstance(call.func, ast.Attribute) and call.func.attr == "wait" and source.dotted(call.func) != "asyncio.wait"
    )
    of_process = ast.unparse(call.func).lower().endswith("process.wait")
    return waits and bool(call.args or call.keywords) and not of_process


def is_number(node: ast.expr) -> bool:
    """Whether it is a number, or reckoned from numbers."""
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    if isinstance(node, ast.UnaryOp):
        return is_number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def asserting_nothing(source: Source) -> Iterator[tuple[int, str]]:
    """Tests, and state machines, that assert nothing."""
    for node in ast.walk(source.tree):
        if isinstance(node, Function) and node.name.startswith("test_") and not source.asserts(node):
            if not any("raises_nothing" in ast.unparse(decorator) for decorator in node.decorator_list):
                yield node.lineno, f"{node.name} asserts nothing: assert, or say why @pytest.mark.raises_nothing(…)"
        if isinstance(node, ast.Call) and source.dotted(node.func).endswith("mark.raises_nothing"):
            if not (node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value):
                yield node.lineno, "raises_nothing without a reason: say why it is enough that nothing is raised"
        if isinstance(node, ast.ClassDef) and "RuleBasedStateMachine" in map(last_name, node.bases):
            if not source.asserts(node):
                yield node.lineno, f"no rule or invariant of {node.name} asserts anything"
        if isinstance(node, Function) and any("invariant" in ast.unparse(item) for item in node.decorator_list):
            if not source.asserts(node):
                yield node.lineno, f"the invariant {node.name} asserts nothing"


def last_name(node: ast.expr) -> str:
    return ast.unparse(node).rpartition(".")[2]


def unable_to_fail(source: Source) -> Iterator[tuple[int, str]]:
    """Errors of any kind, things compared to themselves, and loops that may run no round."""
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Call) and source.dotted(node.func) in {"pytest.raises", "pytest.warns"}:
            told = [item.value for item in node.keywords if item.arg in {"match", "check"}]
            if not told or (isinstance(told[0], ast.Constant) and told[0].value in {"", ".", ".*", ".+"}):
                yield (
                    node.lineno,
                    f"{source.dotted(node.func)} takes any error of the type: match= what tells it from others",
                )
        if isinstance(node, ast.Compare) and isinstance(node.ops[0], (ast.Eq, ast.Is)):
            alike = ast.dump(node.left) == ast.dump(node.comparators[0])
            if alike and not any(
                isinstance(part, ast.Call) for part in ast.walk(node)
            ):  # determinism compares two calls
                yield node.lineno, f"{ast.unparse(node)} compares a thing to itself"
    at_module = bindings(item for item in source.tree.body if not isinstance(item, (*Function.__args__, ast.ClassDef)))
    for function in outermost_functions(source.tree):
        for loop in ast.walk(function):
            if isinstance(loop, Loop) and any(isinstance(node, ast.Assert) for node in ast.walk(loop)):
                if not Rounds(source, function, at_module).certain(loop):
                    what = "its condition" if isinstance(loop, ast.While) else ast.unparse(loop.iter)
                    yield loop.lineno, f"the asserts in this loop may never run: first assert that {what} is not empty"


# --------------------------------------------------------------------------------------------------- loops with asserts


def outermost_functions(tree: ast.AST) -> Iterator[Function]:
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield node
        else:
            yield from outermost_functions(node)


def bindings(statements: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """What each name is bound to by assignments."""
    bound: dict[str, list[ast.expr]] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                bound.setdefault(ast.unparse(target), []).append(node.value)
    return bound


class Rounds:
    """What is known, in one function, about whether its loops run at all.

    Args:
        source: The file.
        function: The function, with those inside of it.
        at_module: What the names of the module are bound to.
    """

    def __init__(self, source: Source, function: Function, at_module: Mapping[str, list[ast.expr]]) -> None:
        self._source = source
        self._function = function
        parameters = {node.arg: [] for node in ast.walk(function) if isinstance(node, ast.arg)}
        self._bound = {**at_module, **parameters, **bindings(function.body)}
        self._asserted: list[tuple[int, str]] = []
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and not says_empty(node.test):
                self._asserted += [(node.lineno, text) for text in parts(node.test)]
            elif isinstance(node, ast.Call) and source.checks(node):
                self._asserted += [(node.lineno, text) for argument in node.args for text in parts(argument)]

    def certain(self, loop: Loop) -> bool:
        """Whether the loop runs a round, or the test fails."""
        lines = range(loop.lineno, loop.end_lineno + 1)
        if isinstance(loop, ast.While):
            return any(line not in lines for line, _ in self._asserted)
        counted = {text for item in loop.body for text in bindings([item])} | {
            ast.unparse(node.target) for node in ast.walk(loop) if isinstance(node, ast.AugAssign)
        }
        after = {text for line, text in self._asserted if line > lines[-1]}
        return bool(counted & after) or self._filled(loop.iter, loop.lineno)

    def _filled(self, iterable: ast.expr, line: int) -> bool:
        """Whether it holds something for certain, at that line."""
        match iterable:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                known = any(not isinstance(item, ast.Starred) or self._filled(item.value, line) for item in items)
            case ast.Dict(keys=keys):
                known = any(keys)
            case ast.Constant(value=str() | bytes() as text):
                known = bool(text)
            case ast.BinOp(op=ast.Add()):
                known = self._filled(iterable.left, line) or self._filled(iterable.right, line)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                known = all(not part.ifs and self._filled(part.iter, line) for part in iterable.generators)
            case ast.Call(func=ast.Name(id="range"), args=arguments):
                known = self._rounds(arguments) > 0
            case ast.Call(func=ast.Attribute(value=value, attr="items" | "values" | "keys" | "split")):
                known = self._filled(value, line)
            case ast.Call(args=arguments) if last_name(iterable.func) in PASSING_ON:
                known = any(self._filled(item, line) for item in arguments)
            case ast.Call(args=arguments) if last_name(iterable.func) in SIDE_BY_SIDE:
                known = all(self._filled(item, line) for item in arguments)
            case _:
                values = self._bound.get(ast.unparse(iterable), [])
                known = bool(values) and all(self._filled(value, line) for value in values)
        return known or any(text == ast.unparse(iterable) and before < line for before, text in self._asserted)

    def _rounds(self, arguments: list[ast.expr]) -> int:
        """How many rounds a range of numbers has; 0 if that is not known."""
        numbers = [self._bound.get(ast.unparse(item), [item])[-1] for item in arguments]
        return len(range(*(eval(ast.unparse(item)) for item in numbers))) if all(map(is_number, numbers)) else 0


def says_empty(test: ast.expr) -> bool:
    """Whether an assert says that there is nothing."""
    return ast.unparse(test).startswith("not ") or ast.unparse(test).endswith((" == []", " == 0", " == {}", " == ()"))


def parts(node: ast.AST) -> Iterator[str]:
    """The text of every expression in it; what ``all(…)`` asks for may be empty."""
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "all":
        return
    if isinstance(node, ast.expr):
        yield ast.unparse(node)
    for part in ast.iter_child_nodes(node):
        yield from parts(part)


# ---------------------------------------------------------------------------------------------------------- whole files


@functools.cache
def helpers_that_assert() -> frozenset[str]:
    """Dotted names of the functions in ``tests/support`` that assert something, as ``waiting.until``."""
    known: frozenset[str] = frozenset()
    texts = {file.stem: file.read_text(encoding="utf-8") for file in (TESTS / "support").glob("*.py")}
    while True:
        found = {
            f"{name}.{function}"
            for name, text in texts.items()
            for function in Source.of(text, known).asserting
            if "." not in function
        }
        if found <= known:
            return known
        known |= found


def findings_in(file: Path) -> list[Finding]:
    """What breaks a rule in a file under ``tests``."""
    return findings(file.read_text(encoding="utf-8"), file.relative_to(TESTS).as_posix(), helpers_that_assert())


def files_under(folder: Path) -> list[Path]:
    """The Python files of a folder, or the file itself."""
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [folder]


def main(arguments: list[str]) -> int:
    """Print the findings in these files and folders."""
    files = [file for name in arguments or [TESTS] for file in files_under(Path(name).resolve())]
    found = [finding for file in files for finding in findings_in(file)]
    for finding in found:
        print(finding)
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

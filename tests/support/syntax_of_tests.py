"""Tells, of the syntax tree of a test file, what its names stand for, what asserts, and whether a loop runs at all."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator

Function = ast.FunctionDef | ast.AsyncFunctionDef
Loop = ast.For | ast.AsyncFor | ast.While

CHECKS = {f"pytest.{name}" for name in ("raises", "warns", "fail", "xfail", "deprecated_call")}
AS_LONG = {
    *("enumerate", "reversed", "sorted", "list", "tuple", "set", "iter", "map"),
    *("chain", "cycle", "islice", "pairwise"),
}
"""What holds something if its argument does."""
SIDE_BY_SIDE = {"zip", "product"}
"""What holds something if all of its arguments do."""


class Source:
    """One parsed file.

    Args:
        text: What it says.
        helpers: Dotted names of the functions in other files that assert something, as ``waiting.until``.

    Attributes:
        tree: Its syntax tree.
        nodes: Every node of it.
        asserting: Names of the functions, here and elsewhere, that assert something.
    """

    def __init__(self, text: str, helpers: Iterable[str] = ()) -> None:
        self.tree = ast.parse(text)
        self.nodes = list(ast.walk(self.tree))
        self._imported: dict[str, str] = {}
        for node in self.nodes:
            if isinstance(node, ast.Import):
                self._imported |= {name.asname: name.name for name in node.names if name.asname}
            elif isinstance(node, ast.ImportFrom):
                self._imported |= {name.asname or name.name: f"{node.module}.{name.name}" for name in node.names}
        self.asserting = set(helpers)
        functions = [node for node in self.nodes if isinstance(node, Function)]
        while more := {item.name for item in functions if self.asserts(item, narrowing=False)} - self.asserting:
            self.asserting |= more

    def dotted(self, node: ast.AST) -> str:
        """The full name of a value, however it was imported, as ``asyncio.sleep``; of ``self.check``, ``check``."""
        if isinstance(node, ast.Name):
            return self._imported.get(node.id, node.id)
        return f"{self.dotted(node.value)}.{node.attr}".removeprefix("self.") if isinstance(node, ast.Attribute) else ""

    def asserts(self, tree: ast.AST, *, narrowing: bool = True) -> bool:
        """Whether anything in it asserts, or calls what does; with ``narrowing``, an assert about a type counts too."""
        return any(
            (isinstance(node, ast.Assert) and (narrowing or not narrows(node.test)))
            or (isinstance(node, ast.Call) and self.checks(node))
            or (isinstance(node, ast.Raise) and node.exc is not None and "AssertionError" in ast.unparse(node.exc))
            for node in ast.walk(tree)
        )

    def checks(self, call: ast.Call) -> bool:
        """Whether a call asserts something."""
        return self.dotted(call.func) in self.asserting | CHECKS or last_name(call.func).startswith("assert_")

    def loops(self) -> Iterator[tuple[Loop, bool]]:
        """Every loop with asserts in it, and whether it certainly runs; an invariant holds of what is empty, too."""
        at_module = bindings(
            item for item in self.tree.body if not isinstance(item, (*Function.__args__, ast.ClassDef))
        )
        for function in outermost_functions(self.tree):
            rounds = Rounds(self, function, at_module)
            for loop in ast.walk(function):
                if isinstance(loop, Loop) and any(isinstance(node, ast.Assert) for node in ast.walk(loop)):
                    yield loop, rounds.certain(loop) or is_decorated(function, "invariant")


class Rounds:
    """What is known, in one function, about whether its loops run at all.

    Args:
        source: The file.
        function: The function, with those inside of it.
        at_module: What the names of the module are bound to.
    """

    def __init__(self, source: Source, function: Function, at_module: dict[str, list[ast.expr]]) -> None:
        parameters: dict[str, list[ast.expr]] = {
            node.arg: [] for node in ast.walk(function) if isinstance(node, ast.arg)
        }
        self._bound = {**at_module, **parameters, **bindings(function.body)}
        self._asserted: list[tuple[int, str]] = []  # the line, and an expression that is not empty from there on
        for node in ast.walk(function):
            if isinstance(node, ast.Assert) and not says_empty(node.test):
                self._asserted += [(node.lineno, text) for text in parts(node.test)]
            elif isinstance(node, ast.Call) and source.checks(node):
                self._asserted += [(node.lineno, text) for argument in node.args for text in parts(argument)]

    def certain(self, loop: Loop) -> bool:
        """Whether the loop runs, or else the test fails: also by an assert, after it, about what the loop has counted."""
        inside = range(loop.lineno, (loop.end_lineno or loop.lineno) + 1)
        if isinstance(loop, ast.While):
            return any(line not in inside for line, _ in self._asserted)
        counted = {ast.unparse(node.target) for node in ast.walk(loop) if isinstance(node, ast.AugAssign)}
        after = {text for line, text in self._asserted if line > inside[-1]}
        return bool((counted | set(bindings(loop.body))) & after) or self._holds(loop.iter, loop.lineno)

    def _holds(self, iterable: ast.expr, line: int) -> bool:
        """Whether it holds something at that line."""
        match iterable:
            case ast.List(elts=items) | ast.Tuple(elts=items) | ast.Set(elts=items):
                known = any(not isinstance(item, ast.Starred) or self._holds(item.value, line) for item in items)
            case ast.Dict(keys=keys):
                known = any(keys)
            case ast.Constant(value=str() | bytes() as text):
                known = bool(text)
            case ast.BinOp(op=ast.Add()):
                known = self._holds(iterable.left, line) or self._holds(iterable.right, line)
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                known = all(not part.ifs and self._holds(part.iter, line) for part in iterable.generators)
            case ast.Call(func=ast.Name(id="range"), args=arguments):
                known = self._rounds(arguments) > 0
            case ast.Call(func=ast.Attribute(value=value, attr="items" | "values" | "keys" | "split")):
                known = self._holds(value, line)
            case ast.Call(args=arguments) if last_name(iterable.func) in AS_LONG:
                known = any(self._holds(item, line) for item in arguments)
            case ast.Call(args=arguments) if last_name(iterable.func) in SIDE_BY_SIDE:
                known = all(self._holds(item, line) for item in arguments)
            case _:
                values = self._bound.get(ast.unparse(iterable), [])
                known = bool(values) and all(self._holds(value, line) for value in values)
        return known or any(text == ast.unparse(iterable) and before < line for before, text in self._asserted)

    def _rounds(self, arguments: list[ast.expr]) -> int:
        """How many rounds a range has; 0 if its ends are not numbers."""
        ends = [self._bound.get(ast.unparse(item), [item])[-1] for item in arguments]
        return len(range(*(eval(ast.unparse(item)) for item in ends))) if all(map(is_number, ends)) else 0


def bindings(statements: Iterable[ast.AST]) -> dict[str, list[ast.expr]]:
    """What each name is bound to by assignments."""
    bound: dict[str, list[ast.expr]] = {}
    for node in (node for statement in statements for node in ast.walk(statement)):
        if isinstance(node, (ast.Assign, ast.AnnAssign, ast.NamedExpr)) and node.value is not None:
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                bound.setdefault(ast.unparse(target), []).append(node.value)
    return bound


def outermost_functions(tree: ast.AST) -> Iterator[Function]:
    """Functions and methods, without those inside of them."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, Function):
            yield node
        else:
            yield from outermost_functions(node)


def parts(node: ast.AST) -> Iterator[str]:
    """The text of every expression in it; what ``all(…)`` asks for may be empty."""
    if isinstance(node, ast.Call) and last_name(node.func) == "all":
        return
    if isinstance(node, ast.expr):
        yield ast.unparse(node)
    for part in ast.iter_child_nodes(node):
        yield from parts(part)


def says_empty(test: ast.expr) -> bool:
    """Whether an assert says that there is nothing."""
    return ast.unparse(test).startswith("not ") or ast.unparse(test).endswith((" == []", " == 0", " == {}", " == ()"))


def narrows(test: ast.expr) -> bool:
    """Whether an assert only tells the type of something."""
    return ast.unparse(test).startswith("isinstance(") or ast.unparse(test).endswith(" is not None")


def is_number(node: ast.expr) -> bool:
    """Whether it is a number, or reckoned from numbers."""
    if isinstance(node, ast.BinOp):
        return is_number(node.left) and is_number(node.right)
    if isinstance(node, ast.UnaryOp):
        return is_number(node.operand)
    return isinstance(node, ast.Constant) and isinstance(node.value, (int, float))


def is_decorated(function: Function, name: str) -> bool:
    """Whether one of its decorators has that name, called or not."""
    return any(name in parts(decorator) or name == last_name(decorator) for decorator in function.decorator_list)


def last_name(node: ast.expr) -> str:
    """``wait`` of ``process.wait``; of a call, of what is called."""
    node = node.func if isinstance(node, ast.Call) else node
    return node.attr if isinstance(node, ast.Attribute) else ast.unparse(node)

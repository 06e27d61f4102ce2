"""Makes the mutants of a module: in each, one place of its syntax tree says something else."""

from __future__ import annotations

import ast
import textwrap
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import singledispatch
from typing import Any

_COMPARISONS: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
}
_ARITHMETIC: dict[type[ast.operator], type[ast.operator]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv,
    ast.FloorDiv: ast.Mult,
    ast.Div: ast.Mult,
    ast.Mod: ast.Mult,
}
_UNTOUCHED_FIELDS = frozenset({"annotation", "returns", "decorator_list", "bases", "type_params"})
_LONGEST = 120


@dataclass(frozen=True)
class Mutant:
    """One changed place.

    Attributes:
        path: The module, below the package's folder.
        index: Its place among the mutants of the module.
        line: Line of the change.
        name: What it is known by, whatever lines are added above it.
    """

    path: str
    index: int
    line: int
    name: str


@dataclass(frozen=True)
class Replacement:
    """A mutant that is given as text."""

    before: str
    after: str


@dataclass(frozen=True)
class _Change:
    """Another node in a field of its parent; ``shown`` are the texts before and after."""

    parent: ast.AST
    field: str
    position: int | None
    node: ast.AST
    where: str
    line: int
    shown: tuple[str, str]

    def apply(self) -> None:
        if self.position is None:
            setattr(self.parent, self.field, self.node)
        else:
            getattr(self.parent, self.field)[self.position] = self.node


def mutants_of(path: str, source: str) -> list[Mutant]:
    """All mutants of a module."""
    seen: Counter[str] = Counter()
    made = []
    for index, change in enumerate(_changes(ast.parse(source), "")):
        name = f"{path} {change.where}: {change.shown[0]} -> {change.shown[1]}"
        seen[name] += 1
        number = seen[name]
        made.append(Mutant(path, index, change.line, name if number == 1 else f"{name} (#{number})"))
    return made


def mutated(source: str, change: int | Replacement) -> ast.Module:
    """The syntax tree of one mutant: the one of this index, or another text in place of the one that stands there.

    Raises:
        ValueError: The text does not stand there exactly once.
        IndexError: There is no such mutant.
    """
    if isinstance(change, Replacement):
        if source.count(change.before) != 1:
            raise ValueError(f"stands there {source.count(change.before)} times: {change.before!r}")
        return ast.parse(source.replace(change.before, change.after))
    tree = ast.parse(source)
    for index, place in enumerate(_changes(tree, "")):
        if index == change:
            place.apply()
            return ast.fix_missing_locations(tree)
    raise IndexError(f"there is no mutant {change}")


def _changes(parent: ast.AST, where: str) -> Iterator[_Change]:
    """Every change below a node, in the order of the source."""
    for field, value in ast.iter_fields(parent):
        if field in _UNTOUCHED_FIELDS:
            continue
        several = isinstance(value, list)
        for position, child in enumerate(value if several else [value]):
            if not isinstance(child, ast.AST) or _is_untouched(child):
                continue
            for node, shown in _alternatives(child, parent):
                line = getattr(child, "lineno", 0)
                yield _Change(parent, field, position if several else None, node, where or "module", line, shown)
            if not _is_negative_number(child):
                yield from _changes(child, _inside(where, child))


def _inside(where: str, node: ast.AST) -> str:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return f"{where}.{node.name}".lstrip(".")
    return where


def _is_untouched(node: ast.AST) -> bool:
    """Whether tests need not tell: logs, texts, assertions, types, and the constants of a module."""
    match node:
        case (
            ast.Expr(value=ast.Constant())
            | ast.JoinedStr()
            | ast.Assert()
            | ast.Call(func=ast.Attribute(value=ast.Name(id="logger")))
            | ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id="logger"))))
            | ast.If(test=ast.Name(id="TYPE_CHECKING"))
            | ast.FunctionDef(name="__repr__" | "__str__")
        ):
            return True
        case ast.Assign(targets=[target]):  # facts are held against the documents; the rest is tuning
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            return all(isinstance(name, ast.Name) and name.id.isupper() for name in names)
    return False


Alternative = tuple[ast.AST, tuple[str, str]]
"""What may stand in place of a node, with the texts before and after."""


@singledispatch
def _alternatives(node: ast.AST, parent: ast.AST) -> Iterator[Alternative]:
    """What may stand in place of a node below ``parent``."""
    yield from _negated(node, parent)


@_alternatives.register
def _(node: ast.Compare, _: ast.AST) -> Iterator[Alternative]:
    for place, operator in enumerate(node.ops):
        ops = [*node.ops[:place], _COMPARISONS[type(operator)](), *node.ops[place + 1 :]]
        yield _shown(node, ast.Compare(node.left, ops, node.comparators))


@_alternatives.register
def _(node: ast.BoolOp, _: ast.AST) -> Iterator[Alternative]:
    yield _shown(node, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values))


@_alternatives.register
def _(node: ast.UnaryOp, parent: ast.AST) -> Iterator[Alternative]:
    if isinstance(node.op, ast.Not):
        yield _shown(node, node.operand)
    elif _is_negative_number(node) and isinstance(node.operand, ast.Constant):
        for number, shown in _alternatives(node.operand, parent):
            yield ast.UnaryOp(node.op, number), shown  # type: ignore[arg-type]  # another constant


@_alternatives.register
def _(node: ast.BinOp, _: ast.AST) -> Iterator[Alternative]:
    other = _ARITHMETIC.get(type(node.op))
    if other is not None and not _is_text(node.left) and not _is_text(node.right):
        yield _shown(node, ast.BinOp(node.left, other(), node.right))


@_alternatives.register
def _(node: ast.AugAssign, _: ast.AST) -> Iterator[Alternative]:
    other = _ARITHMETIC.get(type(node.op))
    if other is not None and not _is_text(node.value):
        yield _shown(node, ast.AugAssign(node.target, other(), node.value))


@_alternatives.register
def _(node: ast.Constant, parent: ast.AST) -> Iterator[Alternative]:
    if isinstance(node.value, bool):
        yield _constant(node, parent, not node.value)
    elif isinstance(node.value, int | float):
        yield _constant(node, parent, node.value + 1)


@_alternatives.register(ast.Raise)
@_alternatives.register(ast.Expr)
def _(node: ast.Raise | ast.Expr, _: ast.AST) -> Iterator[Alternative]:
    if isinstance(node, ast.Raise) or isinstance(node.value, ast.Call | ast.Await):
        yield ast.Pass(), (_text(node), "removed")


@_alternatives.register
def _(node: ast.Continue, _: ast.AST) -> Iterator[Alternative]:
    yield _shown(node, ast.Break())


def _negated(node: ast.AST, parent: ast.AST) -> Iterator[Alternative]:
    """A condition that is a plain name or call, the other way round."""
    if isinstance(parent, ast.If | ast.While | ast.IfExp) and isinstance(node, ast.expr) and node is parent.test:
        yield _shown(node, ast.UnaryOp(ast.Not(), node))


def _shown(before: ast.AST, after: ast.AST) -> Alternative:
    return after, (_text(before), _text(after))


def _constant(node: ast.Constant, parent: ast.AST, value: Any) -> Alternative:
    """Another constant, shown within the expression that it is part of."""
    before, old = _text(parent), node.value
    node.value = value
    after = _text(parent)
    node.value = old
    return ast.Constant(value), (before, after)


def _is_negative_number(node: ast.AST) -> bool:
    return isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub) and isinstance(node.operand, ast.Constant)


def _is_text(node: ast.AST) -> bool:
    return isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str))


def _text(node: ast.AST) -> str:
    """A node as one line."""
    text = " ".join(ast.unparse(ast.fix_missing_locations(node)).split())
    return textwrap.shorten(text, _LONGEST, placeholder=" …")

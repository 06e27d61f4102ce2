"""Types and docstrings of declarations as plain values.

A fact is a dict of JSON values in the order in which it is to be read.
"""

from __future__ import annotations

import ast
import inspect
import re
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import msgspec
from msgspec import inspect as types

from cryptotrader.models.base_models import snake_name

Fact = dict[str, Any]

_NAMES: dict[type[types.Type], str] = {
    types.AnyType: "any",
    types.BoolType: "boolean",
    types.DecimalType: "decimal",
    types.FloatType: "number",
    types.IntType: "integer",
    types.NoneType: "null",
    types.RawType: "any",
    types.StrType: "string",
}
_BOUNDS = {
    "ge": "minimum",
    "gt": "more_than",
    "le": "maximum",
    "lt": "less_than",
    "min_length": "minimum_length",
    "max_length": "maximum_length",
    "pattern": "pattern",
}


def describe_type(kind: types.Type) -> Fact:
    """Name, bounds, default and allowed values of a type; that it may be absent is told elsewhere.

    Raises:
        TypeError: A kind of type that no declaration has used so far.
    """
    if isinstance(kind, types.Metadata):
        return describe_type(kind.type) | (kind.extra_json_schema or {})
    if isinstance(kind, types.UnionType):
        return _describe_union(kind)
    fact: Fact = {"type": type_name(kind)}
    fact |= {name: value for bound, name in _BOUNDS.items() if (value := getattr(kind, bound, None)) is not None}
    if isinstance(kind, types.EnumType):
        fact["values"] = [member.value for member in kind.cls]
    elif isinstance(kind, types.LiteralType):
        fact["values"] = list(kind.values)
    return fact


def _describe_union(kind: types.UnionType) -> Fact:
    choices = [describe_type(choice) for choice in kind.types if not isinstance(choice, types.NoneType)]
    if len(choices) == 1:
        return choices[0]
    names = [choice.pop("type") for choice in choices]
    fact: Fact = {"type": " or ".join(names)}
    for choice in choices:
        fact |= choice
    return fact


def type_name(kind: types.Type) -> str:
    """A type in words, such as ``list of Kline``.

    Raises:
        TypeError: A kind of type that no declaration has used so far.
    """
    match kind:
        case types.Metadata():
            name = type_name(kind.type)
        case types.UnionType():
            name = _describe_union(kind)["type"]
        case types.ListType() | types.VarTupleType():
            name = f"list of {type_name(kind.item_type)}"
        case types.TupleType():
            name = f"[{', '.join(type_name(item) for item in kind.item_types)}]"
        case types.DictType():
            name = f"object of {type_name(kind.value_type)}"
        case types.StructType() | types.EnumType() | types.NamedTupleType():
            name = kind.cls.__name__
        case types.LiteralType():
            name = "string" if all(isinstance(value, str) for value in kind.values) else "integer"
        case _ if type(kind) in _NAMES:
            name = _NAMES[type(kind)]
        case _:
            raise TypeError(f"no words for {kind}")
    return name


def result_name(kind: Any) -> str:
    """The type of a result in words; some are one of several Structs that msgspec cannot tell apart by itself."""
    if get_origin(kind) is list:
        return f"list of {result_name(get_args(kind)[0])}"
    if get_origin(kind) in {Union, UnionType}:
        return " or ".join(result_name(choice) for choice in get_args(kind))
    return type_name(types.type_info(kind))


def may_be_null(kind: types.Type) -> bool:
    """Whether ``null`` is one of the type's values."""
    return isinstance(kind, types.UnionType) and kind.includes_none


def plain_value(value: Any) -> Any:
    """A declared value as JSON: enums by their value, decimals as text, Structs and tuples by their content."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, msgspec.Struct):
        content = {key: item for key, item in msgspec.structs.asdict(value).items() if item is not None and item != ()}
        return {"kind": snake_name(type(value).__name__), **plain_value(content)}
    if isinstance(value, dict):
        return {str(plain_value(key)): plain_value(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        items = sorted(value) if isinstance(value, (set, frozenset)) else value
        return [plain_value(item) for item in items]
    return value


# ----------------------------------------------------------------------------------------------------- what is written


def summary(thing: object) -> str:
    """The first paragraph of a docstring in one line.

    Raises:
        ValueError: There is no docstring.
    """
    text = inspect.getdoc(thing)
    if not text:
        raise ValueError(f"{thing} has no docstring")
    return " ".join(text.split("\n\n")[0].split())


def module_summary(file: Path) -> str:
    """The first paragraph of a module's docstring, read without importing the module."""
    text = ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split())


def attribute_notes(kind: type) -> dict[str, str]:
    """What the ``Attributes`` section of a class's own docstring says."""
    section = re.search(r"^Attributes:\n((?:    .*\n|\n)+)", inspect.cleandoc(kind.__doc__ or "") + "\n", re.MULTILINE)
    notes: dict[str, str] = {}
    for entry in re.split(r"\n(?=    \w)", section[1].rstrip()) if section else ():
        name, _, text = entry.strip().partition(":")
        notes[name] = " ".join(text.split())
    return notes


def member_notes(kind: type[Enum]) -> dict[str, str]:
    """The comments behind the members of an enum."""
    return dict(re.findall(r'^    (\w+) = "\w+"  # (.+)$', inspect.getsource(kind), re.MULTILINE))

"""Messages, their enums and the errors, as facts."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from enum import Enum
from types import ModuleType
from typing import Any

import msgspec

import cryptotrader.models
from cryptotrader import errors
from cryptotrader.models.base_models import Model, OpenEnum
from structure.types import Fact, attribute_notes, describe_type, may_be_null, plain_value, summary

_MARK = "Next: "


def model_modules() -> Iterator[ModuleType]:
    """The modules that hold messages."""
    for module in pkgutil.iter_modules(cryptotrader.models.__path__, "cryptotrader.models."):
        yield importlib.import_module(module.name)


def _declared(kind: type[Any]) -> Iterator[type[Any]]:
    """The subclasses of ``kind`` in the order in which the modules declare them."""
    for module in model_modules():
        for value in vars(module).values():
            if inspect.isclass(value) and issubclass(value, kind) and value.__module__ == module.__name__:
                yield value


def models() -> dict[str, Fact]:
    """Every message by its class's name."""
    return {
        kind.__name__: _model(kind) for kind in _declared(Model) if kind.__struct_fields__ or not kind.__subclasses__()
    }


def _model(kind: type[Model]) -> Fact:
    info = msgspec.inspect.type_info(kind)
    if not isinstance(info, msgspec.inspect.StructType):
        raise TypeError(f"{kind.__name__} is no Struct")
    fact: Fact = {"module": kind.__module__, "summary": summary(kind)}
    if info.tag_field is not None and info.tag is not None:
        fact["tag"] = {info.tag_field: info.tag}
    if info.array_like:
        fact["array"] = True
    notes = attribute_notes(kind)
    fact["properties"] = [
        _property(field, notes, position if info.array_like else None) for position, field in enumerate(info.fields)
    ]
    derived = [
        {"attribute": name, "summary": summary(value)}
        for owner in reversed(kind.__mro__)
        for name, value in vars(owner).items()
        if isinstance(value, property) and owner.__module__.startswith("cryptotrader")
    ]
    return fact | ({"derived": derived} if derived else {})


def _property(field: msgspec.inspect.Field, notes: dict[str, str], position: int | None) -> Fact:
    fact: Fact = {"attribute": field.name, "wire": field.encode_name if position is None else position}
    fact |= describe_type(field.type)
    fact["optional"] = not field.required
    if may_be_null(field.type) and field.required:
        fact["null"] = True
    if not field.required and field.default is not None and field.default is not msgspec.NODEFAULT:
        fact["default"] = plain_value(field.default)
    if field.name in notes:
        fact["note"] = notes[field.name]
    return fact


def enums() -> dict[str, Fact]:
    """Every enum by its name; an open one keeps values that Binance adds later."""
    return {
        kind.__name__: {
            "module": kind.__module__,
            "summary": summary(kind),
            "open": issubclass(kind, OpenEnum),
            "values": [member.value for member in kind],
        }
        for kind in _declared(Enum)
        if kind.__members__
    }


def events(streamed: set[str]) -> dict[str, Fact]:
    """The events that come without a market stream's name, by the ``e`` that tells them.

    Args:
        streamed: The models that market streams carry.
    """
    return {
        fact["tag"]["e"]: {"model": name, "summary": fact["summary"]}
        for name, fact in models().items()
        if "e" in fact.get("tag", {}) and name not in streamed
    }


def error_tree(kind: type[BaseException] = errors.BinanceError) -> Fact:
    """An error with all that descend from it."""
    children = [child for child in kind.__subclasses__() if child.__module__ == errors.__name__]
    fact: Fact = {"summary": summary(kind), "next": _what_next(kind)}
    if attributes := attribute_notes(kind):
        fact["attributes"] = attributes
    if children:
        fact["children"] = {child.__name__: error_tree(child) for child in children}
    return fact


def _what_next(kind: type[BaseException]) -> str:
    """What the docstring, or that of the nearest base, tells the caller to do.

    Raises:
        ValueError: Neither says so.
    """
    for owner in kind.__mro__:
        for paragraph in (owner.__doc__ or "").split("\n\n"):
            if paragraph.strip().startswith(_MARK):
                return " ".join(paragraph.split()).removeprefix(_MARK)
    raise ValueError(f"{kind.__name__} does not say what to do next")

"""A valid example of each request, found by what the declaration itself demands."""

from __future__ import annotations

import re
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect as types

from cryptotrader.errors import RequestInvalid
from cryptotrader.protocol.request import Request

_TELLING = {
    "symbol": "BTCUSDT",
    "interval": "1m",
    "price": "50000",
    "quantity": "0.001",
    "new_qty": "0.001",
    "stop_price": "49000",
    "above_type": "STOP_LOSS",
    "above_stop_price": "51000",
    "below_type": "LIMIT_MAKER",
    "below_price": "49000",
    "working_price": "50000",
    "working_quantity": "0.001",
    "pending_side": "SELL",
    "pending_price": "51000",
    "pending_quantity": "0.001",
    "pending_above_type": "LIMIT_MAKER",
    "pending_above_price": "51000",
    "pending_below_type": "STOP_LOSS",
    "pending_below_stop_price": "48000",
    "pending_stop_price": "48000",
    "cancel_order_id": 1,
    "order_id": 1,
}
"""Values that say more than the least value of a type; by attribute."""


def example(kind: type[Request[Any]]) -> Request[Any]:
    """A request with its symbol, what else is mandatory, and what the rules between parameters demand besides.

    Raises:
        RequestInvalid: The declaration refuses every attempt; ``_TELLING`` lacks a value for one of its parameters.
    """
    info = msgspec.inspect.type_info(kind)
    if not isinstance(info, types.StructType):
        raise TypeError(f"{kind.__name__} is no Struct")
    fields = {field.name: field for field in info.fields}
    given = {name: _value(field) for name, field in fields.items() if field.required or name == "symbol"}
    while True:
        request = kind(**given)
        try:
            request.params()
        except RequestInvalid as error:
            name = _first_named(str(error), [field for field in info.fields if field.name not in given])
            if name is None:
                raise
            given[name] = _value(fields[name])
        else:
            return request


def _first_named(message: str, fields: list[types.Field]) -> str | None:
    """The parameter that an error message mentions first, in our spelling or Binance's."""
    names = {spelling: field.name for field in fields for spelling in (field.name, field.encode_name)}
    return next((names[word] for word in re.findall(r"\w+", message) if word in names), None)


def _value(field: types.Field) -> Any:
    choices = field.type.types if isinstance(field.type, types.UnionType) else (field.type,)
    kind = next(choice for choice in choices if not isinstance(choice, types.NoneType))
    if isinstance(kind, types.Metadata):
        kind = kind.type
    if isinstance(kind, types.EnumType):
        return kind.cls(_TELLING[field.name]) if field.name in _TELLING else next(iter(kind.cls))
    if isinstance(kind, types.DecimalType):
        return Decimal(str(_TELLING.get(field.name, "0.001")))
    if field.name in _TELLING:
        return _TELLING[field.name]
    if isinstance(kind, types.IntType):
        return kind.ge or 1
    if isinstance(kind, types.BoolType):
        return True
    return "my-order-1"


def as_python(request: Request[Any]) -> str:
    """The request as a user writes it."""
    given = ", ".join(
        f"{name}={_literal(value)}"
        for name in request.__struct_fields__
        if (value := getattr(request, name)) is not None
    )
    return f"{type(request).__name__}({given})"


def _literal(value: Any) -> str:
    if isinstance(value, Enum):
        return f"{type(value).__name__}.{value.name}"
    return f'"{value}"' if isinstance(value, str) else repr(value).replace("'", '"')


def as_command(request: Request[Any]) -> str:
    """The request as one writes it for the command line."""
    words = [f"{name}={_word(value)}" for name, value in request.params().items()]
    return " ".join(["cryptotrader call", request.api.name, *words])


def _word(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(value) if isinstance(value, list) else str(value)

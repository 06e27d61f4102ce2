"""Requests of the WebSocket API: from a frame to a ``Request``, and from a result to a frame.

Source: Binance Spot documentation, "Request format", "Response format" and "Errors".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Annotated, Any, get_args, get_origin

import msgspec

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.models.base_models import Model, OrderType, plain
from cryptotrader.protocol.request import (
    LARGEST,
    LEAST_STRATEGY_TYPE,
    REGISTRY,
    ClientOrderId,
    Request,
    StrategyType,
    form_of,
)
from cryptotrader.simulator.api_errors import ApiError, bad, illegal, invalid, mandatory

_NOT_OF_REQUESTS = frozenset({"apiKey", "signature", "timestamp", "recvWindow", "returnRateLimits"})
_VERSION = re.compile(r"^v\d+/")
_EXPONENT = re.compile(rb'"-?\d[\d.]*E[+-]?\d+"')
AMOUNT = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_FLAGS: dict[object, bool] = {True: True, False: False, "true": True, "false": False}
_OWN_ERRORS = {
    "interval": (-1120, "Invalid interval."),
    "symbolStatus": (-1122, "Invalid symbolStatus."),
    "type": (-1139, "Invalid ticker type."),
}
"""Parameters whose wrong values have an error of their own."""


class Written(str):
    """A number with a point or an exponent as it was written: so it is signed, and so it is judged."""

    __slots__ = ()


_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Written)


@dataclass(frozen=True)
class Range:
    """What the text of a parameter may be.

    Attributes:
        shown: As errors tell it: a Java regular expression.
        fits: Finds a text that is in the range, all of it.
    """

    shown: str
    fits: Callable[[str], re.Match[str] | None]


_AMOUNT = Range(AMOUNT, re.compile(AMOUNT).fullmatch)
_INTEGER = Range("^[0-9]{1,20}$", re.compile("[0-9]{1,20}").fullmatch)
_SYMBOL = Range(r"^[\w\-._&&[^a-z]]{1,50}$", re.compile(r"(?:(?![a-z])[\w\-.]){1,50}").fullmatch)
_NEW_ID: str = get_args(ClientOrderId)[1].pattern
_CLIENT_ORDER_ID = Range(_NEW_ID.replace(r"\Z", "$"), re.compile(_NEW_ID).fullmatch)


@dataclass(frozen=True)
class Envelope:
    """What came.

    Attributes:
        id: Comes back with the reply; ``None`` when it could not be read.
        request: The request, or what is wrong with it.
        return_rate_limits: Whether the reply tells the limits; ``None`` leaves it to the connection.
        method: Which request it is; ``None`` when that could not be read.
        params: Its parameters as they came, those of authentication included.
    """

    id: int | str | None
    request: Request[Any] | ApiError
    return_rate_limits: bool | None = None
    method: type[Request[Any]] | None = None
    params: dict[str, Any] = field(default_factory=dict)


def parse(payload: bytes) -> Envelope:
    """Read one frame of a client."""
    try:
        content = _decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Envelope(None, bad(-1135, "Invalid JSON Request"))
    number = content.get("id")
    if not _is_id(number):
        return Envelope(None, illegal("id", _CLIENT_ORDER_ID.shown))
    flag, method, params = None, None, content.get("params", {})
    try:
        method = _method(content.get("method"))
        if not isinstance(params, dict):
            raise bad(-1135, "Invalid 'params' in JSON request; expected an object.")
        _check_names(payload, len(content) + len(params))
        flag = _flag(params)
        request: Request[Any] | ApiError = decode_request(method, params)
    except ApiError as error:
        request = error
    return Envelope(number, request, flag, method, params if isinstance(params, dict) else {})


def _method(name: object) -> type[Request[Any]]:
    if not isinstance(name, str) or not name:
        raise mandatory("method")
    method = REGISTRY.get(_VERSION.sub("", name))
    if method is None:
        raise bad(-1020, "This operation is not supported.")
    return method


def _check_names(payload: bytes, names: int) -> None:
    """Check that no name comes twice; each has a colon, so only a frame with more colons than names is looked at.

    Raises:
        ApiError: One does.
    """
    if payload.count(b":") <= names:
        return
    try:
        json.loads(payload, object_pairs_hook=_without_duplicates, parse_float=str, parse_int=str)
    except RecursionError as error:
        raise bad(-1135, "Invalid JSON Request") from error


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise bad(-1101, "Duplicate values for a parameter detected.")
    return found


def _flag(params: dict[str, Any]) -> bool | None:
    if "returnRateLimits" not in params:
        return None
    flag = params["returnRateLimits"]
    if not isinstance(flag, (bool, str)) or flag not in _FLAGS:
        raise invalid("returnRateLimits")
    return _FLAGS[flag]


def _is_id(number: object) -> bool:
    if isinstance(number, str):
        return not isinstance(number, Written) and _CLIENT_ORDER_ID.fits(number) is not None
    return number is None or (isinstance(number, int) and not isinstance(number, bool))


def decode_request(kind: type[Request[Any]], sent: dict[str, Any]) -> Request[Any]:
    """The request with its parameters, checked.

    Args:
        kind: Which request.
        sent: Its parameters as they came, those of authentication included.

    Raises:
        ApiError: A parameter is missing, unknown, malformed, or does not go with another.
    """
    params = {name: value for name, value in sent.items() if name not in _NOT_OF_REQUESTS}
    known = _fields(kind)
    if unknown := params.keys() - known.keys():
        count = len(params)
        text = f"Not all sent parameters were read; read '{count - len(unknown)}' parameter(s) but was sent '{count}'."
        raise bad(-1104, text)
    for name in _required(kind):
        if params.get(name) in (None, ""):
            raise mandatory(name)
    ranges = _ranges(kind)
    for name, value in params.items():
        if value in (None, ""):
            raise bad(-1105, f"Parameter '{name}' was empty.")
        legal = ranges.get(name)
        if type(value) is not str:
            _check_number(known[name], value, legal)
        elif legal is not None and legal.fits(value) is None:
            raise illegal(name, legal.shown)
    request = _convert(kind, params)
    if broken := request.violation(params):
        raise bad(broken.code, broken.text)
    return request


@cache
def _fields(kind: type[Request[Any]]) -> dict[str, msgspec.structs.FieldInfo]:
    """The parameters of a request by their names on the wire."""
    return {item.encode_name: item for item in msgspec.structs.fields(kind)}


@cache
def _required(kind: type[Request[Any]]) -> tuple[str, ...]:
    """The parameters that must be sent."""
    return tuple(name for name, item in _fields(kind).items() if item.required)


@cache
def _ranges(kind: type[Request[Any]]) -> dict[str, Range]:
    """The legal ranges of a request's parameters, by their names on the wire."""
    found = {name: _AMOUNT for _, name in form_of(kind).amounts}
    for name, item in _fields(kind).items():
        if ClientOrderId in _kinds(item):
            found[name] = _CLIENT_ORDER_ID
        elif _is_integer(item):
            found[name] = _INTEGER
    if "symbol" in _fields(kind):
        found["symbol"] = _SYMBOL
    return found


def _check_number(item: msgspec.structs.FieldInfo, value: Any, legal: Range | None) -> None:
    """Check a number as it was written; other values are left to the conversion.

    Raises:
        ApiError: It is none for this parameter, or out of range.
    """
    if type(value) is Written and legal not in (_AMOUNT, _INTEGER):
        raise _malformed(item, value)
    if legal is not None and type(value) in (int, Written) and legal.fits(str(value)) is None:
        raise illegal(item.encode_name, legal.shown)


def _convert(kind: type[Request[Any]], params: dict[str, Any]) -> Request[Any]:
    try:
        request: Request[Any] = msgspec.convert(params, kind, strict=False)
    except msgspec.ValidationError as error:
        for name, item in _fields(kind).items():
            if name in params and not _converts(params[name], item.type):
                raise _malformed(item, params[name]) from error
        raise
    return request


def _converts(value: Any, kind: Any) -> bool:
    try:
        msgspec.convert(value, kind, strict=False)
    except msgspec.ValidationError:
        return False
    return True


def _malformed(item: msgspec.structs.FieldInfo, value: Any) -> ApiError:
    """The documented error for a value that a parameter cannot take."""
    name = item.encode_name
    if name in _OWN_ERRORS and OrderType not in _kinds(item):
        return bad(*_OWN_ERRORS[name])
    if _is_integer(item) and _converts(value, int):
        if int(value) > LARGEST:
            return bad(-1108, f"Parameter '{name}' overflowed.")
        if StrategyType in _kinds(item):
            return bad(-1134, f"`{name}` was less than {LEAST_STRATEGY_TYPE}.")
    return mandatory(name) if item.required else invalid(name)


def _is_integer(item: msgspec.structs.FieldInfo) -> bool:
    """Whether a parameter is a whole number."""
    return int in [get_args(kind)[0] if get_origin(kind) is Annotated else kind for kind in _kinds(item)]


def _kinds(item: msgspec.structs.FieldInfo) -> tuple[Any, ...]:
    """The type of a parameter, and those of its union."""
    return (item.type, *get_args(item.type))


def encode_result(result: Model | list[Any]) -> bytes:
    """A result as JSON, decimals without an exponent."""
    encoded = msgspec.json.encode(result)
    if _EXPONENT.search(encoded) is None:
        return encoded
    return msgspec.json.encode(plain(msgspec.to_builtins(result, builtin_types=(Decimal,))))


def encode_reply(number: int | str | None, status: int, name: bytes, body: bytes, rate_limits: bytes | None) -> bytes:
    """A reply; ``name`` is ``result`` or ``error``."""
    tail = b"" if rate_limits is None else b',"rateLimits":' + rate_limits
    return b'{"id":%b,"status":%d,"%b":%b%b}' % (msgspec.json.encode(number), status, name, body, tail)

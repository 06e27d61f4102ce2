"""Requests of the WebSocket API: from a frame to a ``Request``, and from a result to a frame.

Source: Binance Spot documentation, "Request format", "Response format" and "Errors".
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from typing import Any, get_args

import msgspec

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.models.base_models import Model, OrderType, plain
from cryptotrader.protocol.request import LEAST_STRATEGY_TYPE, REGISTRY, Request, form_of
from cryptotrader.simulator.api_errors import ApiError, bad, illegal, invalid, mandatory

_NOT_OF_REQUESTS = frozenset({"apiKey", "signature", "timestamp", "recvWindow", "returnRateLimits"})
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_VERSION = re.compile(r"^v\d+/")
_EXPONENT = re.compile(rb'"-?\d[\d.]*E[+-]?\d+"')
_INTEGER = re.compile(r"-?[0-9]{1,20}")
AMOUNT = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"
_AMOUNT = re.compile(AMOUNT)
_decoder = msgspec.json.Decoder(dict[str, Any], float_hook=Decimal)  # numbers are signed as they are written
_FLAGS: dict[object, bool] = {True: True, False: False, "true": True, "false": False}
_OWN_ERRORS = {
    "interval": (-1120, "Invalid interval."),
    "symbolStatus": (-1122, "Invalid symbolStatus."),
    "type": (-1139, "Invalid ticker type."),
}
"""Parameters whose wrong values have an error of their own."""


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
        return Envelope(None, illegal("id", "^[a-zA-Z0-9-_]{1,36}$"))
    flag, method, params = None, None, content.get("params", {})
    try:
        method = _method(content.get("method"))
        if not isinstance(params, dict):
            raise bad(-1135, "Invalid 'params' in JSON request; expected an object.")
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


def _flag(params: dict[str, Any]) -> bool | None:
    if "returnRateLimits" not in params:
        return None
    flag = params["returnRateLimits"]
    if not isinstance(flag, (bool, str)) or flag not in _FLAGS:
        raise invalid("returnRateLimits")
    return _FLAGS[flag]


def _is_id(number: object) -> bool:
    if isinstance(number, str):
        return _TEXT_ID.fullmatch(number) is not None
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
    for name, value in params.items():
        if value in (None, ""):
            raise bad(-1105, f"Parameter '{name}' was empty.")
    request = _convert(kind, params)
    for _, name in form_of(kind).amounts:
        if name in params:
            _check_amount(name, params[name])
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


def _check_amount(name: str, value: Any) -> None:
    text = format(value, "f") if isinstance(value, Decimal) else str(value)
    if _AMOUNT.fullmatch(text) is None:
        raise illegal(name, AMOUNT)


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
    if name.lower().endswith("strategytype") and _INTEGER.fullmatch(str(value)) is not None:
        return bad(-1134, f"`{name}` was less than {LEAST_STRATEGY_TYPE}.")
    if name in _OWN_ERRORS and OrderType not in _kinds(item):
        return bad(*_OWN_ERRORS[name])
    if isinstance(value, str) and Decimal in _kinds(item):
        return illegal(name, AMOUNT)
    is_number = any(_converts(number, item.type) for number in (1, LEAST_STRATEGY_TYPE))
    if isinstance(value, str) and is_number and _INTEGER.fullmatch(value) is None:
        return illegal(name, "^[0-9]{1,20}$")
    return mandatory(name) if item.required else invalid(name)


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

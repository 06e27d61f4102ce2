"""Requests of the WebSocket API: from a frame to a ``Request``, and from a result to a frame.

Source: Binance Spot documentation, "Request format", "Response format" and "Errors".
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.models.base_models import Model, plain
from cryptotrader.protocol.request import REGISTRY, Request
from cryptotrader.simulator.handlers import ApiError

BAD_REQUEST = 400
_AUTHENTICATION = ("apiKey", "signature", "timestamp", "recvWindow")
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_VERSION = re.compile(r"^v\d+/")
_EXPONENT = re.compile(rb'"-?\d[\d.]*E[+-]?\d+"')
_INTEGER = re.compile(r"-?[0-9]{1,20}")
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
    """

    id: int | str | None
    request: Request[Any] | ApiError
    return_rate_limits: bool | None = None


def parse(payload: bytes) -> Envelope:
    """Read one frame of a client."""
    try:
        content = msgspec.json.decode(payload, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return Envelope(None, _bad(-1135, "Invalid JSON Request"))
    number = content.get("id")
    if not _is_id(number):
        return Envelope(None, _illegal("id", "^[a-zA-Z0-9-_]{1,36}$"))
    flag = None
    try:
        method = _method(content.get("method"))
        params = content.get("params", {})
        if not isinstance(params, dict):
            raise _bad(-1135, "Invalid 'params' in JSON request; expected an object.")
        flag = _take_flag(params)
        return Envelope(number, decode_request(method, params), flag)
    except ApiError as error:
        return Envelope(number, error, flag)


def _method(name: object) -> type[Request[Any]]:
    if not isinstance(name, str) or not name:
        raise _mandatory("method")
    method = REGISTRY.get(_VERSION.sub("", name))
    if method is None:
        raise _bad(-1020, "This operation is not supported.")
    return method


def _take_flag(params: dict[str, Any]) -> bool | None:
    if "returnRateLimits" not in params:
        return None
    flag = params.pop("returnRateLimits")
    if not isinstance(flag, (bool, str)) or flag not in _FLAGS:
        raise _invalid("returnRateLimits")
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
    params = {name: value for name, value in sent.items() if name not in _AUTHENTICATION}
    known = msgspec.structs.fields(kind)
    names = {item.encode_name for item in known}
    if unknown := params.keys() - names:
        count = len(params)
        text = f"Not all sent parameters were read; read '{count - len(unknown)}' parameter(s) but was sent '{count}'."
        raise _bad(-1104, text)
    for item in known:
        if item.required and params.get(item.encode_name) in (None, ""):
            raise _mandatory(item.encode_name)
        if item.encode_name in params and params[item.encode_name] in (None, ""):
            raise _bad(-1105, f"Parameter '{item.encode_name}' was empty.")
    request = _convert(kind, params)
    if broken := request.violation():
        raise _bad(broken.code, broken.text)
    return request


def _convert(kind: type[Request[Any]], params: dict[str, Any]) -> Request[Any]:
    try:
        request: Request[Any] = msgspec.convert(params, kind, strict=False)
    except msgspec.ValidationError as error:
        for item in msgspec.structs.fields(kind):
            if item.encode_name in params and not _converts(params[item.encode_name], item.type):
                raise _malformed(item, params[item.encode_name]) from error
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
    if name in _OWN_ERRORS:
        return _bad(*_OWN_ERRORS[name])
    if isinstance(value, str) and _converts(1, item.type) and _INTEGER.fullmatch(value) is None:
        return _illegal(name, "^[0-9]{1,20}$")
    return _mandatory(name) if item.required else _invalid(name)


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


def _bad(code: int, message: str) -> ApiError:
    return ApiError(BAD_REQUEST, code, message)


def _mandatory(name: str) -> ApiError:
    return _bad(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def _illegal(name: str, legal: str) -> ApiError:
    return _bad(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{legal}'.")


def _invalid(name: str) -> ApiError:
    return _bad(-1130, f"Data sent for parameter '{name}' is not valid.")

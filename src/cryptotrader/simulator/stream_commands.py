"""The five commands of a market stream connection, and the answers to those that are wrong.

Source: Binance Spot documentation, "Live Subscribing/Unsubscribing to streams" and its error messages.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import msgspec

from cryptotrader.simulator.target import is_stream_name

METHODS = ("SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY")
_METHOD_VALUE = re.compile(r'"method"\s*:\s*("(?:[^"\\]|\\.)*"|[^,}\s]+)')
_TEXT_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_ID_RANGE = range(-(2**63), 2**63)


@dataclass(frozen=True)
class Command:
    """A well-formed command.

    Attributes:
        method: One of ``METHODS``.
        streams: What to subscribe or unsubscribe.
        id: Comes back with the answer.
        combined: The new value of the property ``combined``; ``None`` unless it is set.
    """

    method: str
    id: int | str | None
    streams: tuple[str, ...] = ()
    combined: bool | None = None


class CommandRejected(Exception):
    """A command is wrong.

    Attributes:
        answer: Binance's error object.
    """

    def __init__(self, code: int, message: str, **identity: int | str | None) -> None:
        super().__init__(message)
        self.answer = msgspec.json.encode({"code": code, "msg": message, **identity})


def answer(result: Any, number: int | str | None) -> bytes:
    """The answer to a command."""
    return msgspec.json.encode({"result": result, "id": number})


def parse_command(payload: bytes) -> Command:
    """Read a command.

    Raises:
        CommandRejected: It is not JSON, or not a command.
    """
    content = _read_json(payload)
    if not isinstance(content, dict) or "method" not in content:
        raise CommandRejected(2, f"Invalid request: missing field `method` at {_place(payload, len(payload))}")
    method = content["method"]
    if method not in METHODS:
        raise CommandRejected(2, f"Invalid request: {_unknown_method(payload, method)}")
    number = content.get("id", ...)
    if not _is_id(number):
        raise CommandRejected(2, "Invalid request: request ID must be an unsigned integer")
    params = content.get("params")
    if method in {"SUBSCRIBE", "UNSUBSCRIBE"}:
        return Command(method, number, streams=_streams(params))
    if method == "LIST_SUBSCRIPTIONS":
        if params:
            raise CommandRejected(2, "Invalid request: too many parameters")
        return Command(method, number)
    return _property_command(method, params, number)


def _read_json(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise CommandRejected(3, f"Invalid JSON: expected value at {_error_place(payload)}") from None


def _error_place(payload: bytes) -> str:
    """Where the standard library, which tells the place, stops reading; the end where it is more lenient."""
    try:
        json.loads(payload, parse_int=str)  # a number of any length
    except json.JSONDecodeError as error:
        return f"line {error.lineno} column {error.colno}"
    except UnicodeDecodeError as error:
        return _place(payload, error.start + 1)
    except RecursionError:
        pass
    return _place(payload, len(payload))


def _place(payload: bytes, end: int) -> str:
    """Line and column of the last of the first ``end`` bytes, counted from 1."""
    before = payload[:end]
    return f"line {before.count(10) + 1} column {len(before) - before.rfind(10) - 1}"


def _unknown_method(payload: bytes, method: object) -> str:
    found = _METHOD_VALUE.search(payload.decode())
    end = len(payload) if found is None else len(payload.decode()[: found.end()].encode())
    shown = method if isinstance(method, str) else json.dumps(method)
    known = ", ".join(f"`{name}`" for name in METHODS)
    return f"unknown variant {shown}, expected one of {known} at {_place(payload, end)}"


def _is_id(number: object) -> bool:
    if isinstance(number, str):
        return _TEXT_ID.fullmatch(number) is not None
    return number is None or (isinstance(number, int) and not isinstance(number, bool) and number in _ID_RANGE)


def _streams(params: object) -> tuple[str, ...]:
    if not isinstance(params, list) or not all(is_stream_name(name) for name in params):
        raise CommandRejected(2, "Invalid request: invalid stream")
    return tuple(params)


def _property_command(method: str, params: object, number: int | str | None) -> Command:
    takes = 2 if method == "SET_PROPERTY" else 1
    if not isinstance(params, list) or not params or not isinstance(params[0], str):
        raise CommandRejected(2, "Invalid request: property name must be a string")
    if len(params) > takes:
        raise CommandRejected(2, "Invalid request: too many parameters")
    if params[0] != "combined":
        raise CommandRejected(0, "Unknown property", id=number)
    if method == "GET_PROPERTY":
        return Command(method, number)
    value = params[1] if len(params) == takes else None
    if not isinstance(value, bool):
        raise CommandRejected(1, "Invalid value type: expected Boolean")
    return Command(method, number, combined=value)

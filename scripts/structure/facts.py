"""Everything that the structure document says, read from the declarations.

No fact stands here: what is missing is added to the declaration it belongs to.
"""

from __future__ import annotations

import inspect
import itertools
from dataclasses import fields
from enum import Enum
from pathlib import Path
from typing import Any

import msgspec

import cryptotrader
import cryptotrader.requests
from cryptotrader.base_operations import ConnectionState
from cryptotrader.config import ENDPOINTS, MAX_FRAME_BYTES, Backoff, Endpoint, Timeouts, TimeUnit
from cryptotrader.protocol import codec
from cryptotrader.protocol.api_session import CONNECT_WEIGHT, ApiSession
from cryptotrader.protocol.channel import CHANNELS, PLACEHOLDERS, RETIRED, Channel
from cryptotrader.protocol.limits import WeightBudget, connection_budget, message_budget
from cryptotrader.protocol.request import REGISTRY, Request, SecurityType, Tiers
from cryptotrader.protocol.stream_session import MAX_STREAMS, StreamSession
from cryptotrader.simulator.faults import FaultKind
from cryptotrader.simulator.limits import ExchangeLimits
from structure.examples import as_command, as_python, example
from structure.models import enums, error_tree, events, models
from structure.types import (
    Fact,
    attribute_notes,
    describe_type,
    member_notes,
    module_summary,
    plain_value,
    result_name,
    summary,
)

PACKAGE = Path(cryptotrader.__file__).parent
SOURCE = "https://github.com/binance/binance-spot-api-docs"


def gather() -> Fact:
    """All facts."""
    streams = {channel.name: _stream(channel) for channel in CHANNELS}
    return {
        "sources": {
            "publisher": SOURCE,
            "methods": f"{SOURCE}/blob/master/web-socket-api.md",
            "streams": f"{SOURCE}/blob/master/web-socket-streams.md",
            "events": f"{SOURCE}/blob/master/user-data-stream.md",
        },
        "endpoints": {endpoint.name: _endpoint(endpoint) for endpoint in (*ENDPOINTS.values(), Endpoint.local())},
        "connection_rules": _connection_rules(),
        "dependencies": _dependencies(),
        "methods": {name: _method(kind) for name, kind in REGISTRY.items()},
        "streams": streams,
        "retired_streams": RETIRED,
        "events": events({stream["event"] for stream in streams.values()}),
        "models": models(),
        "enums": enums(),
        "errors": {"BinanceError": error_tree()},
        "connection_states": _notes(ConnectionState),
        "faults": _notes(FaultKind),
        "diagnostics": _diagnostics(),
        "modules": {str(file.relative_to(PACKAGE)): module_summary(file) for file in _modules(PACKAGE)},
    }


# --------------------------------------------------------------------------------------------------------- connections


def _endpoint(endpoint: Endpoint) -> Fact:
    def nothing(*_: object) -> None:
        """What these sessions tell their owners; none of them is ever opened."""

    def stream_url(unit: TimeUnit, *, combined: bool) -> str:
        session = StreamSession(
            time_unit=unit, combined=combined, on_shutdown=nothing, on_confirmed=nothing, on_problem=nothing
        )
        session.add("btcusdt@trade")
        return session.url(endpoint.stream_url)

    def api_url(unit: TimeUnit) -> str:
        session = ApiSession(weights=WeightBudget(), time_unit=unit, on_shutdown=nothing, on_problem=nothing)
        return session.url(endpoint.api_url)

    return {
        "combined_streams": stream_url(TimeUnit.MILLISECOND, combined=True),
        "combined_streams_in_microseconds": stream_url(TimeUnit.MICROSECOND, combined=True),
        "raw_streams": stream_url(TimeUnit.MILLISECOND, combined=False),
        "requests": api_url(TimeUnit.MILLISECOND),
        "requests_in_microseconds": api_url(TimeUnit.MICROSECOND),
    }


def _connection_rules() -> Fact:
    """The numbers that the client keeps to, those that may be set, and those that the exchange holds clients to."""
    messages, connections = message_budget(), connection_budget()
    weight = inspect.signature(WeightBudget).parameters
    return {
        "client": {
            "streams_of_a_connection": MAX_STREAMS,
            "longest_control_frame_or_url_bytes": codec.MAX_CONTROL_BYTES,
            "largest_frame_bytes": MAX_FRAME_BYTES,
            "messages": {"limit": messages.limit, "seconds": messages.window, "summary": summary(message_budget)},
            "connection_attempts": {
                "limit": connections.limit,
                "seconds": connections.window,
                "summary": summary(connection_budget),
            },
            "request_weight": {
                "limit": weight["limit"].default,
                "seconds": weight["window"].default,
                "summary": summary(WeightBudget),
            },
            "weight_of_connecting": CONNECT_WEIGHT,
        },
        "timeouts": _settings(Timeouts),
        "backoff": _settings(Backoff),
        "exchange": _settings(ExchangeLimits),
    }


def _dependencies() -> Fact:
    """What each security type asks for, and the methods that have it; market streams ask for nothing."""
    notes = _notes(SecurityType)
    return {
        security.value: {
            "needs": notes[security.value],
            "methods": [name for name, kind in REGISTRY.items() if kind.api.security is security],
        }
        for security in SecurityType
    }


def _settings(kind: type[Any]) -> Fact:
    notes = attribute_notes(kind)
    return {item.name: {"value": plain_value(item.default), "summary": notes[item.name]} for item in fields(kind)}


def _notes(kind: type[Enum]) -> Fact:
    """The members of an enum with the comments behind them.

    Raises:
        KeyError: A member has no comment.
    """
    notes = member_notes(kind)
    return {member.value: notes[member.name] for member in kind}


# ------------------------------------------------------------------------------------------------------------- methods


_SPELT_OUT = {"name", "weight", "rules"}


def _method(kind: type[Request[Any]]) -> Fact:
    api = kind.api
    info = msgspec.inspect.type_info(kind)
    if not isinstance(info, msgspec.inspect.StructType):
        raise TypeError(f"{kind.__name__} is no Struct")
    wire = {field.name: field.encode_name for field in info.fields}
    shown = example(kind)
    file = Path(inspect.getfile(kind)).relative_to(PACKAGE)
    return {
        "request": kind.__name__,
        "file": str(file),
        "group": file.parts[1],
        "summary": summary(kind),
        **{name: plain_value(value) for name, value in msgspec.structs.asdict(api).items() if name not in _SPELT_OUT},
        "weight": _in_wire_names(plain_value(api.weight), wire),
        "parameters": [_parameter(field, kind) for field in info.fields],
        "rules": [{**_in_wire_names(plain_value(rule), wire), "summary": summary(type(rule))} for rule in api.rules],
        "result": result_name(kind.result_type),
        "errors": _errors(kind),
        "example": {"python": as_python(shown), "command": as_command(shown), "weight": shown.weight},
    }


def _errors(kind: type[Request[Any]]) -> list[str]:
    """The classes of the errors that a call can end in: before sending, and by each kind of error reply."""
    refusals = [(400, 0), *((400, code) for code in codec.ENGINE_CODES), (429, 0), (418, 0), (500, 0)]
    names = [
        type(codec.rejection(kind.api, 0, status, codec.ErrorBody(code, ""))).__name__ for status, code in refusals
    ]
    return list(dict.fromkeys([*(["RequestInvalid"] if kind.__struct_fields__ else []), *names]))


def _parameter(field: msgspec.inspect.Field, kind: type[Request[Any]]) -> Fact:
    fact: Fact = {"name": field.encode_name, "attribute": field.name}
    fact |= describe_type(field.type)
    weight = kind.api.weight
    if isinstance(weight, Tiers) and weight.by == field.name:
        fact["default"] = weight.default
    return {**fact, "mandatory": field.required}


def _in_wire_names(value: Any, wire: dict[str, str]) -> Any:
    """A rule or weight with the names of parameters as they are on the wire."""
    if isinstance(value, dict):
        return {name: _in_wire_names(item, wire) for name, item in value.items()}
    if isinstance(value, list):
        return [_in_wire_names(item, wire) for item in value]
    return wire.get(value, value) if isinstance(value, str) else value


# ------------------------------------------------------------------------------------------------------------- streams


def _stream(channel: Channel[Any]) -> Fact:
    values = {
        name: PLACEHOLDERS[name].split("|")
        for name in PLACEHOLDERS
        if f"{{{name}}}" in channel.pattern and name != "symbol"
    }
    fact: Fact = {
        "pattern": channel.pattern.replace("{", "<").replace("}", ">"),
        "example": _example_stream(channel, values),
        "summary": summary(channel.event).partition(": ")[2],
        "source": channel.source,
        "event": channel.event.__name__,
        "event_types": _event_types(channel, values),
        "list": channel.many,
        "interval_ms": channel.speed_ms or "real time",
    }
    if values:
        fact["placeholders"] = values
    return fact | ({"note": channel.note} if channel.note else {})


def _example_stream(channel: Channel[Any], values: dict[str, list[str]]) -> str:
    return channel.stream("btcusdt", **{name: choices[0] for name, choices in values.items()})


def _event_types(channel: Channel[Any], values: dict[str, list[str]]) -> list[str]:
    if not channel.event_type:
        return []
    choices = itertools.product(*values.values())
    found = [channel.event_type.format(**dict(zip(values, choice, strict=True))) for choice in choices]
    return list(dict.fromkeys(found))


# --------------------------------------------------------------------------------------------------------------- files


def _modules(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*.py") if file.name != "__init__.py")


def _diagnostics() -> Fact:
    return {file.stem: module_summary(file) for file in _modules(PACKAGE / "diagnostics") if "diagnostic" in file.stem}

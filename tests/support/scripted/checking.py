"""What a request must look like, by Binance's documentation; what is wrong with it is told in words."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from scripted.parameters import (
    ALWAYS_SIGNED,
    AT_LEAST_ONE,
    AT_MOST_ONE,
    BOOL,
    DECIMAL,
    INT,
    METHODS,
    MILLISECONDS,
    NEEDED_BY_TYPE,
    ONLY_TOGETHER,
    SECURITY_PARAMETERS,
    SIGNED,
    STRING,
    STRING_OR_STRINGS,
    STRINGS,
    kind_of,
    without_leg,
)

PublicHalf = str | Ed25519PublicKey | RSAPublicKey
_DECIMAL = re.compile(r"[0-9]+(\.[0-9]+)?")
_ID = re.compile(r"[A-Za-z0-9_-]{1,36}")
_MOST_RECV_WINDOW = 60_000
_AHEAD = 1_000
_INTERVAL = "1s|1m|3m|5m|15m|30m|1h|2h|4h|6h|8h|12h|1d|3d|1w|1M"
_OF_SYMBOL = (
    "referencePrice|aggTrade|trade|blockTrade|miniTicker|ticker|bookTicker|avgPrice|depth|depth@100ms"
    rf"|kline_({_INTERVAL})(@\+08:00)?|ticker_(1h|4h|1d)|depth(5|10|20)(@100ms)?"
)
_STREAM = re.compile(rf"(?P<symbol>[^\s@!/]+)@({_OF_SYMBOL})|!miniTicker@arr|!ticker_(1h|4h|1d)@arr")
STREAM_COMMANDS = {"SUBSCRIBE", "UNSUBSCRIBE", "LIST_SUBSCRIPTIONS", "SET_PROPERTY", "GET_PROPERTY"}
MOST_STREAMS = 1024


class Number(str):
    """A number of a JSON text that is no integer, as it was written."""

    __slots__ = ()


@dataclass(frozen=True)
class Asked:
    """One message of a client.

    Attributes:
        method: What was asked for.
        params: With what.
        id: Its id.
        connection: On which connection, counted from 1.
    """

    method: str
    params: Any = field(default_factory=dict)
    id: Any = None
    connection: int = 0


class Malformed(Exception):
    """A message is none that is documented."""


def parsed(text: str) -> Any:
    """A JSON text, its numbers as they were written, and no name twice."""

    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            raise Malformed(f"a name stands twice in {text}")
        return dict(pairs)

    try:
        return json.loads(text, parse_float=Number, object_pairs_hook=once)
    except ValueError as error:
        raise Malformed(f"not JSON: {text}") from error


def request_of(text: str, connection: int) -> Asked:
    """A request of the WebSocket API, or a stream command.

    Raises:
        Malformed: It is neither.
    """
    frame = parsed(text)
    if (
        not isinstance(frame, dict)
        or not isinstance(frame.get("method"), str)
        or frame.keys()
        - {
            "id",
            "method",
            "params",
        }
    ):
        raise Malformed(f"not a request: {text}")
    number = frame.get("id")
    if isinstance(number, (bool, Number)) or not isinstance(number, (int, str, type(None))):
        raise Malformed(f"an id of no documented type: {text}")
    if isinstance(number, str) and _ID.fullmatch(number) is None:
        raise Malformed(f"an id that is empty, too long, or of other characters: {text}")
    if isinstance(number, int) and not -(2**63) <= number < 2**63:
        raise Malformed(f"an id of more than 64 bits: {text}")
    return Asked(frame["method"], frame.get("params", {}), number, connection)


# ------------------------------------------------------------------------------------------------- WebSocket API


def wrong_parameters(asked: Asked) -> Iterator[str]:
    """What is wrong with the parameters of a request, signature and time apart."""
    if asked.method not in METHODS:
        yield f"{asked.method} is not documented"
        return
    if not isinstance(asked.params, dict):
        yield f"{asked.method}: params is no object"
        return
    params, takes = asked.params, set()
    for word in METHODS[asked.method].split():
        name = word.rstrip("!")
        takes.add(name)
        if word.endswith("!") and name not in params:
            yield f"{asked.method}: {name} is mandatory"
    takes |= {"returnRateLimits"} | (SECURITY_PARAMETERS if asked.method in SIGNED else set())
    yield from (f"{asked.method}: {name} is not documented" for name in params.keys() - takes)
    for name in params.keys() & takes:
        if why := _wrong_value(kind_of(asked.method, name), params[name]) or _out_of_range(name, asked):
            yield f"{asked.method}: {name} {params[name]!r} {why}"
    yield from _wrong_combination(asked)
    for leg in _legs(params):
        yield from _missing_of_leg(asked, leg)


def _wrong_value(kind: str | frozenset[str], value: Any) -> str:
    is_text = isinstance(value, str) and not isinstance(value, Number) and bool(value)
    is_whole = type(value) is int and 0 <= value < 2**63
    is_decimal = is_text and _DECIMAL.fullmatch(value) is not None  # a number would lose digits on its way
    is_array = isinstance(value, list) and bool(value) and all(isinstance(each, str) for each in value)
    if isinstance(kind, frozenset):
        return "" if is_text and value in kind else "is none of its values"
    is_right = {
        STRING: is_text,
        INT: is_whole,
        DECIMAL: is_decimal,
        MILLISECONDS: is_decimal or is_whole,
        BOOL: type(value) is bool,
        STRINGS: is_array,
        STRING_OR_STRINGS: is_text or is_array,
    }
    return "" if is_right[kind] else f"is no {kind}"


def _out_of_range(name: str, asked: Asked) -> str:
    value, plain = asked.params[name], without_leg(name)
    if name in {"symbol", "symbols"}:
        return "" if str(value).upper() == str(value) or name == "symbols" else "is not in upper case"
    if plain.endswith("lientOrderId") and "rig" not in plain:
        return "" if _ID.fullmatch(value) else "is no client order id"
    if name == "limit":
        return "" if 1 <= value <= (5000 if asked.method == "depth" else 1000) else "is out of range"
    if name == "recvWindow":
        return "" if float(value) <= _MOST_RECV_WINDOW else "is longer than a minute"
    if plain.endswith("trategyType"):
        return "" if value >= 1_000_000 else "is less than 1000000"
    return "is more than 100" if plain == "pegOffsetValue" and value > 100 else ""


def _wrong_combination(asked: Asked) -> Iterator[str]:
    method, names = asked.method, asked.params.keys()
    if len(names & set(AT_MOST_ONE.get(method, "").split())) > 1:
        yield f"{method}: more than one of {AT_MOST_ONE[method]}"
    if method in AT_LEAST_ONE and not names & set(AT_LEAST_ONE[method].split()):
        yield f"{method}: none of {AT_LEAST_ONE[method]}"
    if method in ONLY_TOGETHER:
        optional = names - SECURITY_PARAMETERS - {"symbol", "limit", "returnRateLimits"}
        if optional not in [set(each.split()) for each in ONLY_TOGETHER[method]]:
            yield f"{method}: {sorted(optional)} do not go together"


def _legs(params: dict[str, Any]) -> list[str]:
    """What the names of each order's parameters begin with, for all orders that are placed."""
    return [name[:-4] for name in params if without_leg(name) == "type"]


def _missing_of_leg(asked: Asked, leg: str) -> Iterator[str]:
    def names(plain: str) -> set[str]:
        own = leg + plain[0].upper() + plain[1:] if leg else plain
        shared = {"pendingQuantity"} if leg.startswith("pending") else set()
        return {own, *(({"quantity"} | shared) if plain == "quantity" else set())}

    kind = asked.params[f"{leg}Type" if leg else "type"]
    gets_its_quantity = leg.startswith("pending") and asked.method in {"orderList.place.opo", "orderList.place.opoco"}
    for group in NEEDED_BY_TYPE.get(kind, []):
        if group[0] == "quantity" and gets_its_quantity:
            continue
        if not any(names(plain) & asked.params.keys() for plain in group):
            yield f"{asked.method}: {leg or 'the order'} of type {kind} needs {' or '.join(group)}"


# ---------------------------------------------------------------------------------------------- signature and time


class Keys:
    """The keys that an exchange knows, each by its API key: a secret (HMAC), or the public half of a key."""

    def __init__(self, known: dict[str, PublicHalf] | None = None) -> None:
        self._known = known or {}

    def wrong_signature(self, asked: Asked, logged_on_as: str | None) -> str:
        """What is wrong with who signed a request; empty where nothing is."""
        params = asked.params
        if "signature" not in params and "apiKey" not in params:
            if logged_on_as is not None and asked.method not in ALWAYS_SIGNED:
                return ""
            return f"{asked.method}: apiKey and signature are mandatory"
        if not {"signature", "apiKey"} <= params.keys():
            return f"{asked.method}: apiKey and signature go together"
        half = self._known.get(params["apiKey"])
        if half is None:
            return f"{asked.method}: an API key that is not known"
        if asked.method == "session.logon" and not isinstance(half, Ed25519PublicKey):
            return f"{asked.method}: Ed25519 keys only"
        is_right = verifies(half, payload_of(params), params["signature"])
        return "" if is_right else f"{asked.method}: the signature is wrong"


def payload_of(params: dict[str, Any]) -> bytes:
    """What is signed: all parameters but the signature, by name, as ``name=value`` joined with ``&``."""
    pairs = []
    for name in sorted(params.keys() - {"signature"}, key=str.encode):
        value = params[name]
        pairs.append(f"{name}={str(value).lower() if isinstance(value, bool) else value}")
    return "&".join(pairs).encode()


def verifies(half: PublicHalf, payload: bytes, signature: str) -> bool:
    """Whether a signature is that of a payload."""
    if isinstance(half, str):
        return hmac.compare_digest(hmac.new(half.encode(), payload, hashlib.sha256).hexdigest(), signature.lower())
    try:
        raw = base64.b64decode(signature, validate=True)
        if isinstance(half, Ed25519PublicKey):
            half.verify(raw, payload)
        else:
            half.verify(raw, payload, PKCS1v15(), SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


def wrong_time(params: dict[str, Any], server_ms: int) -> str:
    """The documented refusal of a request that is too old or too early, if it is; ``timestamp`` may be in µs."""
    timestamp = params["timestamp"] if params["timestamp"] < 10**14 else params["timestamp"] // 1000
    if timestamp >= server_ms + _AHEAD:
        return "Timestamp for this request was 1000ms ahead of the server's time."
    if server_ms - timestamp > float(params.get("recvWindow", 5000)):
        return "Timestamp for this request is outside of the recvWindow."
    return ""


# --------------------------------------------------------------------------------------------------- market streams


def wrong_streams(names: list[Any]) -> Iterator[str]:
    """What is wrong with the names of streams."""
    for name in names:
        found = _STREAM.fullmatch(name) if isinstance(name, str) else None
        if found is None:
            yield f"{name!r} is no documented stream"
        elif (symbol := found["symbol"]) is not None and symbol != symbol.lower():
            yield f"{name!r}: symbols of streams are in lower case"


def wrong_command(asked: Asked) -> Iterator[str]:
    """What is wrong with a stream command."""
    if asked.method not in STREAM_COMMANDS:
        yield f"{asked.method} is no stream command"
    elif asked.method in {"SUBSCRIBE", "UNSUBSCRIBE"}:
        if not isinstance(asked.params, list) or not asked.params:
            yield f"{asked.method}: params is no array of streams"
        else:
            yield from wrong_streams(asked.params)

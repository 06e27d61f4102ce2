"""Between frames and envelopes; payloads are decoded by the decoder of their row (see ``channel`` and ``request``).

Source: Binance Spot documentation, "Request format", "Response format" and "Live subscribing to streams".
"""

from __future__ import annotations

from typing import Any

import msgspec

from cryptotrader.errors import (
    SUBSCRIPTIONS_USED_UP,
    Banned,
    BinanceError,
    DecodeFailed,
    OrderRejected,
    OutcomeUnknown,
    PartiallyApplied,
    RateLimited,
    RequestRejected,
    TooManySubscriptions,
)
from cryptotrader.models.base_models import RateLimit
from cryptotrader.protocol.request import Method, SecurityType

COMBINED_PREFIX = b'{"stream":"'
MAX_CONTROL_BYTES = 3_999
"""Longer control frames and URLs get no answer from Binance."""

SERVER_SHUTDOWN_STREAM = "!serverShutdown"
EXECUTION_UNKNOWN_CODES = frozenset({-1006, -1007})
ENGINE_CODES = frozenset({-1010, -1013, -2010, -2011, -2038})
"""Refusals by a filter or by the matching engine."""
SUBSCRIPTION_CODES = frozenset({-1191, SUBSCRIPTIONS_USED_UP})
"""Too many subscriptions to user data at a time, and in the life of a connection."""

_PARTLY_DONE = -2021
_STATUS_PARTIAL = 409
_STATUS_BANNED = 418
_STATUS_LIMITED = 429
_STATUS_SERVER_ERROR = 500


class ErrorBody(msgspec.Struct, frozen=True):
    """Binance's error object."""

    code: int
    msg: str
    data: Any = None


class StreamFrame(msgspec.Struct, frozen=True):
    """Any text frame of a market stream connection: an event in its envelope, or a reply to a command.

    Errors come in two forms: flat ``{"code", "msg", "id"?}`` and nested ``{"error": {"code", "msg"}, "id"}``.
    """

    stream: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    id: int | str | None = None
    result: msgspec.Raw = msgspec.Raw(b"")
    error: ErrorBody | None = None
    code: int | None = None
    msg: str = ""
    event_type: str | None = msgspec.field(name="e", default=None)

    @property
    def failure(self) -> ErrorBody | None:
        """The error, in whichever form it came."""
        if self.error is not None:
            return self.error
        return None if self.code is None else ErrorBody(self.code, self.msg)


class ApiFrame(msgspec.Struct, frozen=True):
    """Any frame of the WebSocket API: the reply to a request, or an event."""

    id: int | str | None = None
    status: int = 0
    result: msgspec.Raw = msgspec.Raw(b"")
    error: ErrorBody | None = None
    rate_limits: tuple[RateLimit, ...] = msgspec.field(name="rateLimits", default=())
    event: msgspec.Raw = msgspec.Raw(b"")
    subscription_id: int | None = msgspec.field(name="subscriptionId", default=None)


class EventHead(msgspec.Struct, frozen=True):
    """What tells an event's kind."""

    type: str = msgspec.field(name="e", default="")


_stream_decoder = msgspec.json.Decoder(StreamFrame)
_api_decoder = msgspec.json.Decoder(ApiFrame)
_head_decoder = msgspec.json.Decoder(EventHead)


def decode_stream_frame(payload: bytes) -> StreamFrame:
    """Decode the envelope of a market stream frame.

    Raises:
        DecodeFailed: It is not JSON, or not an object of the documented form.
    """
    try:
        return _stream_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DecodeFailed("not a market stream frame", payload) from error


def decode_api_frame(payload: bytes) -> ApiFrame:
    """Decode the envelope of a WebSocket API frame.

    Raises:
        DecodeFailed: It is not JSON, or not an object of the documented form.
    """
    try:
        return _api_decoder.decode(payload)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise DecodeFailed("not a WebSocket API frame", payload) from error


def event_type(event: bytes | msgspec.Raw) -> str:
    """The ``e`` of an event; empty where it has none."""
    return _head_decoder.decode(event).type


def encode_control(method: str, streams: list[str], number: int) -> bytes:
    """A stream command, such as ``SUBSCRIBE``."""
    return msgspec.json.encode({"method": method, "params": streams, "id": number})


def chunk_streams(method: str, streams: list[str], number: int) -> list[list[str]]:
    """Split stream names so that each command stays within ``MAX_CONTROL_BYTES``; ``number`` is the highest id used."""
    room = MAX_CONTROL_BYTES - len(encode_control(method, [], number))
    chunks: list[list[str]] = [[]]
    used = 0
    for stream in streams:
        size = len(msgspec.json.encode(stream)) + 1
        if used + size > room and chunks[-1]:
            chunks.append([])
            used = 0
        chunks[-1].append(stream)
        used += size
    return [chunk for chunk in chunks if chunk]


def encode_request(number: int | str, method: str, params: dict[str, Any]) -> bytes:
    """A WebSocket API request."""
    if params:
        return msgspec.json.encode({"id": number, "method": method, "params": params})
    return msgspec.json.encode({"id": number, "method": method})


def rejection(method: Method, number: int | str, status: int, error: ErrorBody) -> BinanceError:
    """The exception that says what an error reply means for the caller."""
    if status >= _STATUS_SERVER_ERROR or error.code in EXECUTION_UNKNOWN_CODES:
        return OutcomeUnknown(method.name, number, f"{error.msg} (code {error.code}, status {status})")
    kind: type[RequestRejected] = RequestRejected
    if error.code == _PARTLY_DONE or status == _STATUS_PARTIAL:
        kind = PartiallyApplied  # with status 429, too, where the order limit kept the new order away
    elif status == _STATUS_BANNED:
        kind = Banned
    elif status == _STATUS_LIMITED:
        kind = RateLimited
    elif error.code in SUBSCRIPTION_CODES:
        kind = TooManySubscriptions
    elif method.security is SecurityType.TRADE and error.code in ENGINE_CODES:
        kind = OrderRejected
    return kind(method.name, status, error.code, error.msg, error.data)

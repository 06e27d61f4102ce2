"""What a client asks for with the path and query of its handshake.

Source: Binance Spot documentation, "WebSocket Streams" and "WebSocket API", general information.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

import msgspec

from cryptotrader.config import TimeUnit
from cryptotrader.simulator.faults import ConnectionKind
from cryptotrader.simulator.limits import ExchangeLimits
from cryptotrader.transport.serving import Refusal

API_PATH = "/ws-api/v3"
_STREAM_NAME = re.compile(r"(![A-Za-z]\w*(@\w+)?|[^\s@!/?&,\"\\]+@[A-Za-z]\w*(@[\w+:]+)?)")
_UNITS = {
    "MILLISECOND": TimeUnit.MILLISECOND,
    "millisecond": TimeUnit.MILLISECOND,
    "MICROSECOND": TimeUnit.MICROSECOND,
    "microsecond": TimeUnit.MICROSECOND,
}
_FLAGS = {"true": True, "false": False}


@dataclass(frozen=True)
class Target:
    """A connection that is wanted.

    Attributes:
        kind: Market streams, or requests.
        unit: Unit of timestamps sent.
        combined: Whether events come in an envelope that names their stream.
        streams: What is subscribed from the start.
        return_rate_limits: Whether replies tell the limits, unless a request says otherwise.
    """

    kind: ConnectionKind
    unit: TimeUnit
    combined: bool = False
    streams: tuple[str, ...] = ()
    return_rate_limits: bool = True


def is_stream_name(name: object) -> bool:
    """Whether a name has the form of a stream's, such as ``btcusdt@trade``, known or not."""
    return isinstance(name, str) and _STREAM_NAME.fullmatch(name) is not None


def parse_target(raw: bytes, limits: ExchangeLimits) -> Target | Refusal:
    """The connection that a path with its query asks for, percent-encoded or not; or why there is none."""
    if len(raw) >= limits.control_bytes:
        return Refusal(None)
    path, _, query = raw.decode(errors="replace").partition("?")
    path = unquote(path).rstrip("/")
    parameters = {
        unquote(name): unquote(value) for name, _, value in (part.partition("=") for part in query.split("&"))
    }
    unit = _UNITS.get(parameters.get("timeUnit", TimeUnit.MILLISECOND))
    if unit is None:
        return _refused(-1194, "Invalid value for time unit; expected either MICROSECOND or MILLISECOND.")
    if path == API_PATH:
        return _api_target(parameters, unit)
    if path == "/stream":
        return _stream_target(parameters.get("streams", ""), unit, combined=True, limits=limits)
    if path == "/ws" or path.startswith("/ws/"):
        # a client in wide use (ccxt) numbers its connections in the path, /ws/0, and subscribes later
        names = [name for name in path.removeprefix("/ws").split("/") if not name.isdecimal()]
        return _stream_target("/".join(names), unit, combined=False, limits=limits)
    return Refusal(404)


def _api_target(parameters: dict[str, str], unit: TimeUnit) -> Target | Refusal:
    if parameters.get("responseFormat", "json") != "json":
        return _refused(-1155, "SBE is not enabled.")
    return_rate_limits = _FLAGS.get(parameters.get("returnRateLimits", "true"))
    if return_rate_limits is None:
        return _refused(-1130, "Data sent for parameter 'returnRateLimits' is not valid.")
    return Target("api", unit, return_rate_limits=return_rate_limits)


def _stream_target(names: str, unit: TimeUnit, *, combined: bool, limits: ExchangeLimits) -> Target | Refusal:
    streams = tuple(dict.fromkeys(name for name in names.split("/") if name))
    if not all(is_stream_name(name) for name in streams):
        return _refused(2, "Invalid request: invalid stream")
    if len(streams) > limits.streams:
        return _refused(2, "Invalid request: too many streams")
    return Target("stream", unit, combined=combined, streams=streams)


def _refused(code: int, message: str) -> Refusal:
    return Refusal(400, msgspec.json.encode({"code": code, "msg": message}))

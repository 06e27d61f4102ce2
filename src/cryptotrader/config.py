"""Where to connect and how patiently: frozen value objects, and the library's logger."""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Literal
from urllib.parse import urlsplit

from cryptotrader.errors import ConfigurationError

PATIENCE_SECONDS = 61.0
"""How long is waited for request weight and order budget unless told otherwise: longer than any window of weight."""

MAX_FRAME_BYTES = 64 * 1024 * 1024
"""Largest message read; ``exchangeInfo`` of all symbols is about 10 MB today."""


LONGEST_WINDOW_MS = 60_000
"""Longest ``recvWindow`` that Binance takes."""


class TimeUnit(StrEnum):
    """Unit of the timestamps that a connection receives (the ``timeUnit`` URL parameter)."""

    MILLISECOND = "MILLISECOND"
    MICROSECOND = "MICROSECOND"


@dataclass(frozen=True)
class Endpoint:
    """One Binance environment.

    Attributes:
        name: Shown in logs and errors.
        stream_url: Base of the market streams, without path, such as ``wss://stream.binance.com:9443``.
        api_url: The WebSocket API with its path, such as ``wss://ws-api.binance.com:443/ws-api/v3``.
        time_unit: Unit of received timestamps.
        ca: PEM file with the certificate authority of a private endpoint; the system's otherwise.
    """

    name: str
    stream_url: str
    api_url: str
    time_unit: TimeUnit = TimeUnit.MILLISECOND
    ca: str | None = None

    def __post_init__(self) -> None:
        for url in (self.stream_url, self.api_url):
            parts = urlsplit(url)
            if parts.scheme not in {"ws", "wss"} or not parts.hostname:
                raise ConfigurationError(f"{url!r} is not a ws:// or wss:// address")

    @classmethod
    def local(
        cls, port: int = 9443, *, host: str = "127.0.0.1", scheme: Literal["ws", "wss"] = "ws", ca: str | None = None
    ) -> Endpoint:
        """The local exchange, which serves streams and requests on one port."""
        base = f"{'wss' if ca else scheme}://{host}:{port}"
        return cls("local", base, f"{base}/ws-api/v3", ca=ca)

    @classmethod
    def from_url(cls, url: str) -> Endpoint:
        """An endpoint at any ``ws://`` or ``wss://`` address that serves streams and requests on one port.

        Raises:
            ConfigurationError: The address is not a WebSocket URL.
        """
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}"
        return cls(url, base, f"{base}/ws-api/v3")

    @property
    def is_live(self) -> bool:
        """Whether orders there may cost money: anywhere but on the testnet, in demo mode or on this machine."""
        host = urlsplit(self.api_url).hostname or ""
        try:
            is_here = ipaddress.ip_address(host).is_loopback
        except ValueError:
            is_here = host == "localhost"
        return not is_here and self.api_url not in {TESTNET.api_url, DEMO.api_url}

    def with_time_unit(self, time_unit: TimeUnit) -> Endpoint:
        """The same environment with timestamps in another unit."""
        return replace(self, time_unit=time_unit)


# Source: Binance Spot documentation, general connection information of each interface.
LIVE = Endpoint("live", "wss://stream.binance.com:9443", "wss://ws-api.binance.com:443/ws-api/v3")
TESTNET = Endpoint("testnet", "wss://stream.testnet.binance.vision", "wss://ws-api.testnet.binance.vision/ws-api/v3")
DEMO = Endpoint("demo", "wss://demo-stream.binance.com", "wss://demo-ws-api.binance.com/ws-api/v3")

ENDPOINTS = {endpoint.name: endpoint for endpoint in (LIVE, TESTNET, DEMO)}


def endpoint_named(name: str, ca: str | None = None) -> Endpoint:
    """The endpoint that a user names.

    Args:
        name: ``live``, ``testnet``, ``demo``, ``local`` (127.0.0.1:9443), or a ``ws://`` or ``wss://`` address.
        ca: PEM file with the certificate authority to trust; ``local`` is then reached over TLS.

    Raises:
        ConfigurationError: Neither a known name nor a WebSocket address.
    """
    if name == "local":
        return Endpoint.local(ca=ca)
    known = ENDPOINTS.get(name)
    if known is None and "://" not in name:
        raise ConfigurationError(f"unknown endpoint {name!r}: use live, testnet, demo, local or a ws:// address")
    endpoint = known or Endpoint.from_url(name)
    return endpoint if ca is None else replace(endpoint, ca=ca)


@dataclass(frozen=True)
class Backoff:
    """Capped exponential back-off with full jitter.

    Attributes:
        initial: Upper bound of the first delay, in seconds.
        factor: Growth from one attempt to the next.
        maximum: Cap of the upper bound, in seconds.
        healthy_after: A connection that lived this long, in seconds, starts the series anew.
        attempts: Failed attempts in a row before giving up; ``None`` never gives up.
        jitter: Draw the delay evenly from zero to its bound; without it the bound itself is the delay.
    """

    initial: float = 1.0
    factor: float = 2.0
    maximum: float = 60.0
    healthy_after: float = 60.0
    attempts: int | None = None
    jitter: bool = True

    def __post_init__(self) -> None:
        if self.initial <= 0 or self.factor < 1 or self.maximum < self.initial:
            raise ConfigurationError("back-off needs initial > 0, factor >= 1 and maximum >= initial")
        if self.attempts is not None and self.attempts < 1:
            raise ConfigurationError("back-off needs at least one attempt")

    def bound(self, attempt: int) -> float:
        """Upper bound of the delay before attempt number ``attempt`` (the first is 1), in seconds."""
        exponent = min(attempt - 1, 64)  # 2**64 seconds is past any cap
        return min(self.maximum, self.initial * self.factor**exponent)


@dataclass(frozen=True)
class Timeouts:
    """How long to wait, in seconds.

    Attributes:
        open: For TCP, TLS and the WebSocket handshake together.
        request: For the reply to a request, or the acknowledgement of a stream command.
        stale: With no byte from the server, pings included (it pings every 20 s), the connection is dead.
        silence: With no market event on a subscribed connection, it is replaced; ``None`` allows any silence,
            as quiet symbols need.
        close: For the closing handshake.
    """

    open: float = 10.0
    request: float = 10.0
    stale: float = 50.0
    silence: float | None = None
    close: float = 0.5

    def __post_init__(self) -> None:
        given = [self.open, self.request, self.stale, self.close, 1.0 if self.silence is None else self.silence]
        if min(given) <= 0:
            raise ConfigurationError("timeouts must be positive")


def checked_recv_window(milliseconds: Any) -> float | None:
    """The milliseconds for which signed requests are good, if they can be.

    Raises:
        ConfigurationError: They cannot.
    """
    if milliseconds is None:
        return None
    is_number = isinstance(milliseconds, (int, float)) and not isinstance(milliseconds, bool)
    if is_number and 0 < milliseconds <= LONGEST_WINDOW_MS:  # false for NaN
        return milliseconds  # type: ignore[no-any-return]  # it was looked at
    wanted = f"a number of milliseconds above 0, and at most {LONGEST_WINDOW_MS}"
    raise ConfigurationError(f"recv_window {milliseconds!r}: give {wanted}")


def get_logger(name: str) -> logging.Logger:
    """The logger for ``name`` under ``cryptotrader``."""
    return logging.getLogger(name if name.split(".", 1)[0] == "cryptotrader" else f"cryptotrader.{name}")

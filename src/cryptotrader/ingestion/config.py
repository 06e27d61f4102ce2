"""Settings of ingestion, from arguments or from ``BINANCE_*`` environment variables; never keys."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import urlsplit

import msgspec
from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

LIVE_STREAM_URL = "wss://stream.binance.com:9443/stream"
DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT")

_SYMBOL = re.compile(r"[\w.-]+")  # in any script: there are symbols with Chinese names


class BinanceConfig(BaseSettings):
    """What to stream and how to come back.

    Attributes:
        enabled: Whether a platform should start this stream.
        websocket_url: The combined stream.
        symbols: Which symbols; in the environment a JSON list or names with commas.
        reconnect_delay: First delay between attempts in seconds; it doubles up to a minute.
        max_reconnect_attempts: Failed attempts in a row before giving up.
    """

    model_config = SettingsConfigDict(env_prefix="BINANCE_", frozen=True, extra="forbid")

    enabled: bool = False
    websocket_url: str = LIVE_STREAM_URL
    symbols: Annotated[list[str], NoDecode] = Field(default_factory=lambda: list(DEFAULT_SYMBOLS), min_length=1)
    reconnect_delay: float = Field(default=5, gt=0, le=3600)
    max_reconnect_attempts: int = Field(default=10, ge=1)

    @field_validator("websocket_url")
    @classmethod
    def _is_websocket(cls, value: str) -> str:
        parts = urlsplit(value)
        if parts.scheme not in {"ws", "wss"} or not parts.hostname or parts.port == 0:  # a port that is none raises
            raise ValueError("must be a ws:// or wss:// address")
        if parts.path.rstrip("/") not in {"", "/stream"} or parts.query:
            raise ValueError("must be the address of the combined stream, which ends in /stream")
        return value

    @field_validator("symbols", mode="before")
    @classmethod
    def _split(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        return msgspec.json.decode(value) if value.lstrip().startswith("[") else value.split(",")

    @field_validator("symbols")
    @classmethod
    def _normalise(cls, value: list[str]) -> list[str]:
        symbols = [symbol.strip().upper() for symbol in value]
        if not all(_SYMBOL.fullmatch(symbol) for symbol in symbols):
            raise ValueError("symbols are names such as BTCUSDT")
        return list(dict.fromkeys(symbols))


class CaptureConfig(BaseModel):
    """How trades are stored.

    Attributes:
        commit_seconds: Longest time between two commits.
        commit_rows: Rows that make a commit due at once; rejected trades count as rows.
        most_rows_waiting: Rows in memory at which capture stops with an error, since the sink does not keep up; a
            million or four times ``commit_rows`` by default. Rejected trades count as rows.
        future_tolerance_seconds: How far a trade may lie ahead of the receive clock.
        drain_seconds: How long stopping waits for open holes to be filled.
        silence_seconds: With no trade of any symbol for so long the connection is replaced.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    commit_seconds: float = Field(default=10.0, gt=0)
    commit_rows: int = Field(default=250_000, ge=1)
    most_rows_waiting: int | None = Field(default=None, ge=1)
    future_tolerance_seconds: float = Field(default=300.0, ge=0)
    drain_seconds: float = Field(default=30.0, ge=0)
    silence_seconds: float = Field(default=60.0, gt=0)

    @property
    def waiting_limit(self) -> int:
        """``most_rows_waiting`` or its default."""
        return max(1_000_000, 4 * self.commit_rows) if self.most_rows_waiting is None else self.most_rows_waiting

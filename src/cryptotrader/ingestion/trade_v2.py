"""The platform's trade record, version 2: fifteen fields, exact. ``trade_v2.avsc`` beside this file is its Avro schema.

Decimals are decimal(38, 18): twenty digits before the point, where the earlier decimal(18, 8) overflowed at 10^10.
"""

from __future__ import annotations

from binascii import hexlify
from collections.abc import Mapping
from decimal import Decimal
from hashlib import sha1
from pathlib import Path
from typing import Any, TypedDict
from uuid import NAMESPACE_URL, uuid5

import msgspec

from cryptotrader.errors import IngestionError
from cryptotrader.ingestion.symbols import ParsedSymbol, parse_binance_symbol
from cryptotrader.models.base_models import to_micros
from cryptotrader.models.market_models import TradeEvent

EXCHANGE = "BINANCE"
ASSET_CLASS = "crypto"
SCHEMA_FILE = Path(__file__).with_name("trade_v2.avsc")
FUTURE_TOLERANCE_SECONDS = 300.0
DECIMAL_PRECISION, DECIMAL_SCALE = 38, 18
"""Digits of prices and quantities, and how many of them stand after the point."""

_TOO_LARGE = 10 ** (DECIMAL_PRECISION - DECIMAL_SCALE)
_TOO_MANY_TRADES = 2**63

_NAMESPACE = uuid5(NAMESPACE_URL, "https://github.com/cryptotrader/trade-v2").bytes
_TEXT = {True: "true", False: "false"}
_SIDE = {True: "SELL", False: "BUY"}


class TradeV2(TypedDict):
    """One trade. Timestamps are microseconds of Unix time."""

    message_id: str
    trade_id: str
    symbol: str
    exchange: str
    asset_class: str
    timestamp: int
    price: Decimal
    quantity: Decimal
    currency: str
    side: str
    trade_conditions: list[str]
    source_sequence: int | None
    ingestion_timestamp: int
    platform_sequence: int | None
    vendor_data: dict[str, str] | None


class RejectedTrade(IngestionError):
    """A trade that cannot be true; it goes to the dead letters and its id stays known.

    Attributes:
        symbol: Its symbol.
        trade_id: Its id.
        why: What is wrong with it.
    """

    def __init__(self, symbol: str, trade_id: int, why: str) -> None:
        super().__init__(f"{symbol} trade {trade_id}: {why}")
        self.symbol = symbol
        self.trade_id = trade_id
        self.why = why


def convert_binance_trade_to_v2(
    trade: TradeEvent | Mapping[str, Any],
    *,
    received_us: int,
    assets: ParsedSymbol | None = None,
    future_tolerance_seconds: float = FUTURE_TOLERANCE_SECONDS,
) -> TradeV2:
    """One Binance trade as a v2 record.

    Args:
        trade: The typed event, or the parsed message: the event's object, or ``{"stream": …, "data": …}``.
        received_us: When it was received, in microseconds of Unix time.
        assets: Base and quote asset; found from the symbol when not given.
        future_tolerance_seconds: How far it may lie ahead of ``received_us``.

    Raises:
        RejectedTrade: Price or quantity is not positive, or the time lies too far ahead.
        UnknownSymbol: The symbol cannot be split into assets.
        msgspec.ValidationError: A required field (e, E, s, t, p, q, T, m) is missing or wrong.
    """
    event = trade if isinstance(trade, TradeEvent) else _event_of(trade)
    time_us = to_micros(event.trade_time)
    if problem := problem_of(event, time_us, received_us, future_tolerance_seconds):
        raise RejectedTrade(event.symbol, event.trade_id, problem)
    pair = assets or parse_binance_symbol(event.symbol)
    return {
        "message_id": message_id(event.symbol, event.trade_id),
        "trade_id": f"{EXCHANGE}-{event.trade_id}",
        "symbol": event.symbol,
        "exchange": EXCHANGE,
        "asset_class": ASSET_CLASS,
        "timestamp": time_us,
        "price": event.price,
        "quantity": event.quantity,
        "currency": pair.quote,
        "side": _SIDE[event.is_buyer_maker],
        "trade_conditions": [],
        "source_sequence": event.trade_id,
        "ingestion_timestamp": received_us,
        "platform_sequence": None,
        "vendor_data": dict(zip(VENDOR_KEYS, vendor_values(event, pair), strict=True)),
    }


def _event_of(message: Mapping[str, Any]) -> TradeEvent:
    data = message.get("data", message)
    if isinstance(data, Mapping) and "e" not in data:  # msgspec takes a missing tag for the right one
        raise msgspec.ValidationError("Object missing required field `e`")
    return msgspec.convert(data, TradeEvent)


VENDOR_KEYS = (
    "is_buyer_maker",
    "event_type",
    "event_time",
    "trade_time",
    "base_asset",
    "quote_asset",
    "is_best_match",
)


def vendor_values(event: TradeEvent, pair: ParsedSymbol) -> tuple[str, ...]:
    """The texts of ``VENDOR_KEYS``; times as Binance sent them."""
    return (
        _TEXT[event.is_buyer_maker],
        "trade",
        str(event.event_time),
        str(event.trade_time),
        pair.base,
        pair.quote,
        _TEXT[event.is_best_match],
    )


def problem_of(event: TradeEvent, time_us: int, received_us: int, tolerance_seconds: float) -> str | None:
    """Why a trade cannot be true, if it cannot."""
    if problem := _problem_of_number(event.price):
        return f"price {event.price} {problem}"
    if problem := _problem_of_number(event.quantity):
        return f"quantity {event.quantity} {problem}"
    if not 0 <= event.trade_id < _TOO_MANY_TRADES:
        return "the id is out of range"
    if time_us < 0:
        return "the trade time is negative"
    if time_us - received_us > tolerance_seconds * 1e6:
        return f"trade time lies {(time_us - received_us) / 1e6:.0f} s ahead of the receive clock"
    return None


def _problem_of_number(number: Decimal) -> str | None:
    """Why a price or quantity cannot be stored exactly, if it cannot."""
    if not number.is_finite() or number <= 0:
        return "is not positive"
    exponent = number.as_tuple().exponent
    if number >= _TOO_LARGE or (isinstance(exponent, int) and exponent < -DECIMAL_SCALE):
        return f"does not fit decimal({DECIMAL_PRECISION}, {DECIMAL_SCALE})"
    return None


def message_id(symbol: str, trade_id: int) -> str:
    """UUIDv5 of exchange, symbol and trade id: the same for the same trade, so that it can deduplicate."""
    digest = bytearray(
        sha1(_NAMESPACE + f"{EXCHANGE}:{symbol}:{trade_id}".encode(), usedforsecurity=False).digest()[:16]
    )
    digest[6] = digest[6] & 0x0F | 0x50
    digest[8] = digest[8] & 0x3F | 0x80
    text = hexlify(digest).decode()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"

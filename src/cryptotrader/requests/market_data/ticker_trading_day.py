"""``ticker.tradingDay``: ask for statistics of a trading day."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter, TickerType
from cryptotrader.models.market_models import Ticker
from cryptotrader.protocol.request import Method, PerSymbol, Request, TimeZone
from cryptotrader.protocol.rules import ExactlyOne


class TickerTradingDayRequest(Request[Ticker | list[Ticker]], frozen=True, kw_only=True):
    """Ask for statistics of a trading day."""

    api = Method(
        "ticker.tradingDay",
        weight=PerSymbol(all=200, each=4, cap=200),
        rules=(ExactlyOne(("symbol", "symbols")),),
        source="Market data requests > Trading Day Ticker",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    time_zone: TimeZone | None = None
    type: Annotated[TickerType, Meta(extra_json_schema={"default": "FULL"})] | None = None
    symbol_status: SymbolStatusFilter | None = None

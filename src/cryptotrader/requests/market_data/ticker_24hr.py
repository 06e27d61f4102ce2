"""``ticker.24hr``: ask for statistics of the last 24 hours."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter, TickerType
from cryptotrader.models.market_models import Ticker24hr
from cryptotrader.protocol.request import Method, PerSymbol, Request
from cryptotrader.protocol.rules import AtMostOne


class Ticker24hrRequest(Request[Ticker24hr | list[Ticker24hr]], frozen=True, kw_only=True):
    """Ask for statistics of the last 24 hours."""

    api = Method(
        "ticker.24hr",
        weight=PerSymbol(all=80, steps=((20, 2), (100, 40), (10**9, 80))),
        rules=(AtMostOne(("symbol", "symbols")),),
        source="Market data requests > 24hr ticker price change statistics",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    type: Annotated[TickerType, Meta(extra_json_schema={"default": "FULL"})] | None = None
    symbol_status: SymbolStatusFilter | None = None

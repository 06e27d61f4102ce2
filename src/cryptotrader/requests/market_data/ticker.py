"""``ticker``: ask for statistics of a rolling window."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter, TickerType
from cryptotrader.models.market_models import Ticker
from cryptotrader.protocol.request import Method, PerSymbol, Request, WindowSize
from cryptotrader.protocol.rules import ExactlyOne


class TickerRequest(Request[Ticker | list[Ticker]], frozen=True, kw_only=True):
    """Ask for statistics of a rolling window."""

    api = Method(
        "ticker",
        weight=PerSymbol(all=200, each=4, cap=200),
        rules=(ExactlyOne(("symbol", "symbols")),),
        source="Market data requests > Rolling window price change statistics",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1, max_length=200)] | None = None
    type: Annotated[TickerType, Meta(extra_json_schema={"default": "FULL"})] | None = None
    window_size: WindowSize | None = None
    symbol_status: SymbolStatusFilter | None = None

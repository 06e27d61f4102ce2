"""``ticker.book``: ask for best prices."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.market_models import BookTicker
from cryptotrader.protocol.request import Method, PerSymbol, Request
from cryptotrader.protocol.rules import AtMostOne


class TickerBookRequest(Request[BookTicker | list[BookTicker]], frozen=True, kw_only=True):
    """Ask for best prices."""

    api = Method(
        "ticker.book",
        weight=PerSymbol(all=4, one=2, each=4, cap=4),
        rules=(AtMostOne(("symbol", "symbols")),),
        source="Market data requests > Symbol order book ticker",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    symbol_status: SymbolStatusFilter | None = None

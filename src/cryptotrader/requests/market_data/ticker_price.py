"""``ticker.price``: ask for latest prices."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.market_models import PriceTicker
from cryptotrader.protocol.request import Method, PerSymbol, Request
from cryptotrader.protocol.rules import AtMostOne


class TickerPriceRequest(Request[PriceTicker | list[PriceTicker]], frozen=True, kw_only=True):
    """Ask for latest prices."""

    api = Method(
        "ticker.price",
        weight=PerSymbol(all=4, one=2, each=4, cap=4),
        rules=(AtMostOne(("symbol", "symbols")),),
        source="Market data requests > Symbol price ticker",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    symbol_status: SymbolStatusFilter | None = None

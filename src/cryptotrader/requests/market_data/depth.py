"""``depth``: ask for an order book snapshot."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.market_models import OrderBookSnapshot
from cryptotrader.protocol.request import Method, Request, Tiers


class DepthRequest(Request[OrderBookSnapshot], frozen=True, kw_only=True):
    """Ask for an order book snapshot."""

    api = Method(
        "depth",
        weight=Tiers(by="limit", default=100, steps=((100, 5), (500, 25), (1000, 50), (5000, 250))),
        source="Market data requests > Order book",
    )

    symbol: str
    limit: Annotated[int, Meta(ge=1, le=5000)] | None = None
    symbol_status: SymbolStatusFilter | None = None

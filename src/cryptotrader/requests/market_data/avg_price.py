"""``avgPrice``: ask for the current average price."""

from __future__ import annotations

from cryptotrader.models.market_models import AveragePrice
from cryptotrader.protocol.request import Method, Request


class AvgPriceRequest(Request[AveragePrice], frozen=True, kw_only=True):
    """Ask for the current average price."""

    api = Method("avgPrice", weight=2, source="Market data requests > Current average price")

    symbol: str

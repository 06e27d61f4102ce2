"""``referencePrice``: ask for a reference price."""

from __future__ import annotations

from cryptotrader.models.market_models import ReferencePrice
from cryptotrader.protocol.request import Method, Request


class ReferencePriceRequest(Request[ReferencePrice], frozen=True, kw_only=True):
    """Ask for a reference price."""

    api = Method("referencePrice", weight=2, source="Market data requests > Query Reference Price")

    symbol: str

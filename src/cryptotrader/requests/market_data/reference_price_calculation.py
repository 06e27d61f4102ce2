"""``referencePrice.calculation``: ask how a reference price is made."""

from __future__ import annotations

from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.market_models import ReferencePriceCalculation
from cryptotrader.protocol.request import Method, Request


class ReferencePriceCalculationRequest(Request[ReferencePriceCalculation], frozen=True, kw_only=True):
    """Ask how a reference price is made."""

    api = Method(
        "referencePrice.calculation", weight=2, source="Market data requests > Query Reference Price Calculation"
    )

    symbol: str
    symbol_status: SymbolStatusFilter | None = None

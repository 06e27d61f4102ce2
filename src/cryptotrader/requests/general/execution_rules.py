"""``executionRules``: ask for the price bounds of takers."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.market_models import ExecutionRules
from cryptotrader.protocol.request import Method, PerSymbol, Request
from cryptotrader.protocol.rules import AtMostOne


class ExecutionRulesRequest(Request[ExecutionRules], frozen=True, kw_only=True):
    """Ask for the price bounds of takers."""

    api = Method(
        "executionRules",
        weight=PerSymbol(all=40, each=2, cap=40),
        rules=(AtMostOne(("symbol", "symbols", "symbol_status")),),
        source="General requests > Query Execution Rules",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    symbol_status: SymbolStatusFilter | None = None

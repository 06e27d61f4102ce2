"""``exchangeInfo``: ask for rules, limits and symbols."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from cryptotrader.models.base_models import SymbolStatusFilter
from cryptotrader.models.market_models import ExchangeInfo
from cryptotrader.protocol.request import Method, Request
from cryptotrader.protocol.rules import AtMostOne, NotWith


class ExchangeInfoRequest(Request[ExchangeInfo], frozen=True, kw_only=True):
    """Ask for rules, limits and symbols."""

    api = Method(
        "exchangeInfo",
        weight=20,
        rules=(AtMostOne(("symbol", "symbols", "permissions")), NotWith("symbol_status", ("symbol", "symbols"))),
        source="General requests > Exchange information",
    )

    symbol: str | None = None
    symbols: Annotated[tuple[str, ...], Meta(min_length=1)] | None = None
    permissions: str | tuple[str, ...] | None = None
    show_permission_sets: Annotated[bool, Meta(extra_json_schema={"default": True})] | None = None
    symbol_status: SymbolStatusFilter | None = None

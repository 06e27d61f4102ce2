"""``myFilters``: ask for the trading rules that hold for the account."""

from __future__ import annotations

from cryptotrader.models.account_models import AccountFilters
from cryptotrader.protocol.request import Method, Request, SecurityType


class MyFiltersRequest(Request[AccountFilters], frozen=True, kw_only=True):
    """Ask for the trading rules that hold for the account."""

    api = Method("myFilters", security=SecurityType.USER_DATA, weight=40, source="Account requests")

    symbol: str

"""``account.rateLimits.orders``: ask for the account's unfilled order counts."""

from __future__ import annotations

from cryptotrader.models.base_models import RateLimit
from cryptotrader.protocol.request import Method, Request, SecurityType


class AccountRateLimitsOrdersRequest(Request[list[RateLimit]], frozen=True, kw_only=True):
    """Ask for the account's unfilled order counts."""

    api = Method("account.rateLimits.orders", security=SecurityType.USER_DATA, weight=40, source="Account requests")

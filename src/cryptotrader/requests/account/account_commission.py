"""``account.commission``: ask for the commission rates of a symbol."""

from __future__ import annotations

from cryptotrader.models.account_models import AccountCommission
from cryptotrader.protocol.request import Method, Request, SecurityType


class AccountCommissionRequest(Request[AccountCommission], frozen=True, kw_only=True):
    """Ask for the commission rates of a symbol."""

    api = Method("account.commission", security=SecurityType.USER_DATA, weight=20, source="Account requests")

    symbol: str

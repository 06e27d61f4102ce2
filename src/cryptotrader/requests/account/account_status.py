"""``account.status``: ask for the account's permissions and balances."""

from __future__ import annotations

from cryptotrader.models.account_models import AccountStatus
from cryptotrader.protocol.request import Method, Request, SecurityType


class AccountStatusRequest(Request[AccountStatus], frozen=True, kw_only=True):
    """Ask for the account's permissions and balances."""

    api = Method("account.status", security=SecurityType.USER_DATA, weight=20, source="Account requests")

    omit_zero_balances: bool | None = None

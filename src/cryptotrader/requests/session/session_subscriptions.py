"""``session.subscriptions``: ask for the connection's user data subscriptions."""

from __future__ import annotations

from cryptotrader.models.account_models import UserDataSubscription
from cryptotrader.protocol.request import Method, Request


class SessionSubscriptionsRequest(Request[list[UserDataSubscription]], frozen=True, kw_only=True):
    """Ask for the connection's user data subscriptions."""

    api = Method("session.subscriptions", weight=2, source="Authentication requests")

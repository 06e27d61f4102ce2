"""``userDataStream.subscribe``: subscribe to the user data of the session that is logged on."""

from __future__ import annotations

from cryptotrader.models.account_models import UserDataSubscription
from cryptotrader.protocol.request import Method, Request, SecurityType, Signing


class UserDataStreamSubscribeRequest(Request[UserDataSubscription], frozen=True, kw_only=True):
    """Subscribe to the user data of the session that is logged on."""

    api = Method(
        "userDataStream.subscribe",
        security=SecurityType.USER_STREAM,
        weight=2,
        signing=Signing.NEVER,
        source="User Data Stream requests",
    )

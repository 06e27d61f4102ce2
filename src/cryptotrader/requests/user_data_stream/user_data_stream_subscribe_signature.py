"""``userDataStream.subscribe.signature``: subscribe to the user data of the key that signs."""

from __future__ import annotations

from cryptotrader.models.account_models import UserDataSubscription
from cryptotrader.protocol.request import Method, Request, SecurityType, Signing


class UserDataStreamSubscribeSignatureRequest(Request[UserDataSubscription], frozen=True, kw_only=True):
    """Subscribe to the user data of the key that signs."""

    api = Method(
        "userDataStream.subscribe.signature",
        security=SecurityType.USER_STREAM,
        weight=2,
        signing=Signing.ALWAYS,
        source="User Data Stream requests",
    )

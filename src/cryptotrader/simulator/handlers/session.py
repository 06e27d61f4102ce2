"""Answers to the session requests and to subscriptions of user data."""

from __future__ import annotations

from cryptotrader.config import TimeUnit
from cryptotrader.models.account_models import SessionStatus, UserDataSubscription
from cryptotrader.models.market_models import Empty
from cryptotrader.requests import (
    SessionLogonRequest,
    SessionLogoutRequest,
    SessionStatusRequest,
    SessionSubscriptionsRequest,
    UserDataStreamSubscribeRequest,
    UserDataStreamSubscribeSignatureRequest,
    UserDataStreamUnsubscribeRequest,
)
from cryptotrader.simulator.conversation import Conversation
from cryptotrader.simulator.encoding import stamp
from cryptotrader.simulator.handlers.registry import handles_conversation
from cryptotrader.simulator.keys import ApiKey
from cryptotrader.simulator.security import rejected_key


@handles_conversation(SessionLogonRequest)
def session_logon(conversation: Conversation, request: SessionLogonRequest, unit: TimeUnit) -> SessionStatus:
    """``session.logon``: the key that signed stands for the requests that follow."""
    conversation.security.log_on(_proven(conversation), conversation.now_us)
    return _status(conversation, unit)


@handles_conversation(SessionStatusRequest)
def session_status(conversation: Conversation, request: SessionStatusRequest, unit: TimeUnit) -> SessionStatus:
    """``session.status``."""
    return _status(conversation, unit)


@handles_conversation(SessionLogoutRequest)
def session_logout(conversation: Conversation, request: SessionLogoutRequest, unit: TimeUnit) -> SessionStatus:
    """``session.logout``: nothing happens when no key is logged on."""
    conversation.log_out()
    return _status(conversation, unit)


@handles_conversation(SessionSubscriptionsRequest)
def session_subscriptions(
    conversation: Conversation, request: SessionSubscriptionsRequest, unit: TimeUnit
) -> list[UserDataSubscription]:
    """``session.subscriptions``."""
    return [UserDataSubscription(subscription_id=number) for number in conversation.subscription_ids]


@handles_conversation(UserDataStreamSubscribeRequest)
def subscribe(
    conversation: Conversation, request: UserDataStreamSubscribeRequest, unit: TimeUnit
) -> UserDataSubscription:
    """``userDataStream.subscribe``: the events of the account that is logged on."""
    number = conversation.subscribe(_proven(conversation).uid, by_logon=True)
    return UserDataSubscription(subscription_id=number)


@handles_conversation(UserDataStreamSubscribeSignatureRequest)
def subscribe_signature(
    conversation: Conversation, request: UserDataStreamSubscribeSignatureRequest, unit: TimeUnit
) -> UserDataSubscription:
    """``userDataStream.subscribe.signature``: the events of the account whose key signed."""
    number = conversation.subscribe(_proven(conversation).uid, by_logon=False)
    return UserDataSubscription(subscription_id=number)


@handles_conversation(UserDataStreamUnsubscribeRequest)
def unsubscribe(conversation: Conversation, request: UserDataStreamUnsubscribeRequest, unit: TimeUnit) -> Empty:
    """``userDataStream.unsubscribe``."""
    conversation.unsubscribe(request.subscription_id)
    return Empty()


def _proven(conversation: Conversation) -> ApiKey:
    if conversation.proven is None:
        raise rejected_key()
    return conversation.proven


def _status(conversation: Conversation, unit: TimeUnit) -> SessionStatus:
    security = conversation.security
    since_us = security.authorized_us
    return SessionStatus(
        api_key=None if security.key is None else security.key.api_key,
        authorized_since=None if since_us is None else stamp(since_us, unit),
        connected_since=stamp(conversation.connected_us, unit),
        return_rate_limits=conversation.return_rate_limits,
        server_time=stamp(conversation.now_us, unit),
        user_data_stream=bool(conversation.subscription_ids),
    )

"""Requests of the group ``user_data_stream``, one file each."""

from cryptotrader.requests.user_data_stream.user_data_stream_subscribe import UserDataStreamSubscribeRequest
from cryptotrader.requests.user_data_stream.user_data_stream_subscribe_signature import (
    UserDataStreamSubscribeSignatureRequest,
)
from cryptotrader.requests.user_data_stream.user_data_stream_unsubscribe import UserDataStreamUnsubscribeRequest

__all__ = [
    "UserDataStreamSubscribeRequest",
    "UserDataStreamSubscribeSignatureRequest",
    "UserDataStreamUnsubscribeRequest",
]

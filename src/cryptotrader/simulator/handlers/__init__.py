"""One function for each request; importing this package registers all of them."""

from cryptotrader.simulator.api_errors import ApiError
from cryptotrader.simulator.handlers import account, general, market_data, order_lists, own_fills, session, trading
from cryptotrader.simulator.handlers.registry import (
    HANDLERS,
    OF_ACCOUNT,
    OF_CONVERSATION,
    Caller,
    answer,
    answer_caller,
    handles,
)

__all__ = [
    "HANDLERS",
    "OF_ACCOUNT",
    "OF_CONVERSATION",
    "ApiError",
    "Caller",
    "account",
    "answer",
    "answer_caller",
    "general",
    "handles",
    "market_data",
    "order_lists",
    "own_fills",
    "session",
    "trading",
]

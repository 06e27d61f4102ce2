"""One function for each request; importing this package registers all of them."""

from cryptotrader.simulator.handlers import general, market_data
from cryptotrader.simulator.handlers.errors import ApiError
from cryptotrader.simulator.handlers.registry import HANDLERS, answer, handles

__all__ = ["HANDLERS", "ApiError", "answer", "general", "handles", "market_data"]

"""The market itself, Sans-I/O: matching, participants and history under a clock that is told."""

from cryptotrader.models.order_models import OrderStatus
from cryptotrader.simulator.venue.exchange import Exchange
from cryptotrader.simulator.venue.market import Market, OrderResult
from cryptotrader.simulator.venue.trade_log import VenueTrade

__all__ = ["Exchange", "Market", "OrderResult", "OrderStatus", "VenueTrade"]

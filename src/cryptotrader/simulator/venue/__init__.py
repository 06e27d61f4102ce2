"""The market itself, Sans-I/O: matching, participants and history under a clock that is told."""

from cryptotrader.simulator.venue.exchange import Exchange
from cryptotrader.simulator.venue.market import Market, OrderResult, OrderStatus
from cryptotrader.simulator.venue.trade_log import VenueTrade

__all__ = ["Exchange", "Market", "OrderResult", "OrderStatus", "VenueTrade"]

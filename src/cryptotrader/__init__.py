"""Async, typed Binance Spot WebSocket client.

::

    from cryptotrader import LIVE, Binance

    async with Binance(LIVE) as binance:
        async for trade in binance.market.trades("BTCUSDT"):
            print(trade.price, trade.quantity)
"""

from cryptotrader.base_operations import ApiConnection, BinanceWebSocketConnection, ConnectionState, Environment
from cryptotrader.client import Binance
from cryptotrader.config import DEMO, LIVE, TESTNET, Backoff, Endpoint, Timeouts, TimeUnit, get_logger
from cryptotrader.errors import (
    Banned,
    BinanceError,
    BookOutOfSync,
    ConfigurationError,
    ConnectFailed,
    ConnectionLost,
    ConsumerTooSlow,
    DecodeFailed,
    GapUnfilled,
    IngestionError,
    OrderRejected,
    OutcomeUnknown,
    PartiallyApplied,
    ProtocolError,
    QueryFailed,
    RateLimited,
    RequestInvalid,
    RequestRejected,
    SinkFailed,
    SinkLocked,
    TransportError,
    UnexpectedFrame,
    UnknownSymbol,
)
from cryptotrader.live_book import LiveOrderBook
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.control_models import Gap, Reconnected, ServerShutdown
from cryptotrader.protocol.request import SecurityType
from cryptotrader.subscription import Subscription

__all__ = [
    "DEMO",
    "LIVE",
    "TESTNET",
    "ApiConnection",
    "Backoff",
    "Banned",
    "Binance",
    "BinanceError",
    "BinanceWebSocketConnection",
    "BookOutOfSync",
    "ConfigurationError",
    "ConnectFailed",
    "ConnectionLost",
    "ConnectionState",
    "ConsumerTooSlow",
    "DecodeFailed",
    "Endpoint",
    "Environment",
    "Gap",
    "GapUnfilled",
    "IngestionError",
    "LiveOrderBook",
    "MarketStream",
    "OrderRejected",
    "OutcomeUnknown",
    "PartiallyApplied",
    "ProtocolError",
    "QueryFailed",
    "RateLimited",
    "Reconnected",
    "RequestInvalid",
    "RequestRejected",
    "SecurityType",
    "ServerShutdown",
    "SinkFailed",
    "SinkLocked",
    "Subscription",
    "TimeUnit",
    "Timeouts",
    "TransportError",
    "UnexpectedFrame",
    "UnknownSymbol",
    "get_logger",
]

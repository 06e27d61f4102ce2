"""Async, typed Binance Spot WebSocket client.

::

    from cryptotrader import LIVE, Binance

    async with Binance(LIVE) as binance:
        async for trade in binance.market.trades("BTCUSDT"):
            print(trade.price, trade.quantity)

    async with Binance(LIVE, Ed25519Key.from_file("key.pem", api_key=KEY)) as binance:
        order = await binance.orders.place_limit("BTCUSDT", Side.BUY, quantity="0.001", price="50000")
        await order.filled(timeout=5)
"""

from cryptotrader.base_operations import ApiConnection, BinanceWebSocketConnection, ConnectionState, Environment
from cryptotrader.client import Binance
from cryptotrader.config import DEMO, LIVE, TESTNET, Backoff, Endpoint, Timeouts, TimeUnit, get_logger
from cryptotrader.credentials import Ed25519Key, HmacKey, RsaKey, from_environment, from_keyring
from cryptotrader.errors import (
    BalanceUnexplained,
    Banned,
    BinanceError,
    BookOutOfSync,
    ConfigurationError,
    ConnectFailed,
    ConnectionLost,
    ConsumerTooSlow,
    DecodeFailed,
    FilterViolated,
    GapUnfilled,
    IngestionError,
    OrderNotFilled,
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
    TooManySubscriptions,
    TransportError,
    UnexpectedFrame,
    UnknownSymbol,
)
from cryptotrader.live_book import LiveOrderBook
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.control_models import Gap, Reconnected, ServerShutdown
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.models.placed_models import OrderFill, OrderReport
from cryptotrader.models.recovered_models import RecoveredAllocation, RecoveredOrder, RecoveredTrade
from cryptotrader.order_outcomes import (
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    ReplaceOutcomeUnknown,
    ReplacePartiallyApplied,
)
from cryptotrader.order_stream import OrderOptions, OrderStream
from cryptotrader.placed_order import PlacedOrder, PlacedOrderList, Replacement
from cryptotrader.protocol.request import SecurityType
from cryptotrader.subscription import Subscription
from cryptotrader.user_stream import UserStream

__all__ = [
    "DEMO",
    "LIVE",
    "TESTNET",
    "ApiConnection",
    "Backoff",
    "BalanceUnexplained",
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
    "Ed25519Key",
    "Endpoint",
    "Environment",
    "FilterViolated",
    "Gap",
    "GapUnfilled",
    "HmacKey",
    "IngestionError",
    "LiveOrderBook",
    "MarketStream",
    "OrderFill",
    "OrderListOutcomeUnknown",
    "OrderNotFilled",
    "OrderOptions",
    "OrderOutcomeUnknown",
    "OrderRejected",
    "OrderReport",
    "OrderStatus",
    "OrderStream",
    "OrderType",
    "OutcomeUnknown",
    "PartiallyApplied",
    "PlacedOrder",
    "PlacedOrderList",
    "ProtocolError",
    "QueryFailed",
    "RateLimited",
    "Reconnected",
    "RecoveredAllocation",
    "RecoveredOrder",
    "RecoveredTrade",
    "ReplaceOutcomeUnknown",
    "ReplacePartiallyApplied",
    "Replacement",
    "RequestInvalid",
    "RequestRejected",
    "RsaKey",
    "SecurityType",
    "ServerShutdown",
    "Side",
    "SinkFailed",
    "SinkLocked",
    "Subscription",
    "TimeInForce",
    "TimeUnit",
    "Timeouts",
    "TooManySubscriptions",
    "TransportError",
    "UnexpectedFrame",
    "UnknownSymbol",
    "UserStream",
    "from_environment",
    "from_keyring",
    "get_logger",
]

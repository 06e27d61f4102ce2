"""One object for everything: it owns the connections and closes them."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, TypeVar

from cryptotrader.base_operations import ApiConnection, Environment, api_connection
from cryptotrader.config import LIVE, PATIENCE_SECONDS, Backoff, Endpoint, Timeouts
from cryptotrader.errors import ConfigurationError
from cryptotrader.market_stream import MarketStream
from cryptotrader.order_stream import OrderOptions, OrderStream
from cryptotrader.protocol.api_session import Key
from cryptotrader.protocol.request import Request
from cryptotrader.user_stream import UserStream

R = TypeVar("R")


class Binance:
    """A client of one Binance environment; an async context manager.

    Connections are opened when first needed.

    ::

        async with Binance(LIVE) as binance:
            async for trade in binance.market.trades("BTCUSDT", "ETHUSDT"):
                print(trade.symbol, trade.price, trade.quantity)

        async with Binance(LIVE, Ed25519Key.from_file("key.pem", api_key=KEY)) as binance:
            order = await binance.orders.place_limit("BTCUSDT", Side.BUY, quantity="0.001", price="50000")
            await order.filled(timeout=5)

    Args:
        endpoint: ``LIVE``, ``TESTNET``, ``DEMO`` or ``Endpoint.local(port=9443)``.
        key: Whose account trades and is listened to; without one only public data is there.
        recv_window: Milliseconds for which signed requests are good, 60,000 at most; Binance's 5,000 by default.
        order_options: How orders are placed.
        backoff: Delays between connection attempts.
        timeouts: Deadlines.
        environment: Dialer, budgets, randomness and clock.

    Attributes:
        market: The market streams.

    Raises:
        ConfigurationError: A key would be shown on a connection that is neither encrypted nor on this machine,
            ``recv_window`` is none, or no event loop is running.
    """

    def __init__(
        self,
        endpoint: Endpoint = LIVE,
        key: Key | None = None,
        *,
        recv_window: float | None = None,
        order_options: OrderOptions | None = None,
        backoff: Backoff | None = None,
        timeouts: Timeouts | None = None,
        environment: Environment | None = None,
    ) -> None:
        self._api = api_connection(
            endpoint, key=key, recv_window=recv_window, backoff=backoff, timeouts=timeouts, environment=environment
        )
        self.market = MarketStream(endpoint, backoff=backoff, timeouts=timeouts, api=self._api, environment=environment)
        self._user: UserStream | None = None
        self._orders: OrderStream | None = None
        if key is not None:
            self._user = UserStream(
                endpoint, key, recv_window=recv_window, backoff=backoff, timeouts=timeouts, environment=environment
            )
            self._orders = OrderStream(self._api, self._user, order_options)

    @property
    def user(self) -> UserStream:
        """The account's events.

        Raises:
            ConfigurationError: The client was given no key.
        """
        if self._user is None:
            raise ConfigurationError("the user stream needs a key: Binance(endpoint, key)")
        return self._user

    @property
    def orders(self) -> OrderStream:
        """The account's orders.

        Raises:
            ConfigurationError: The client was given no key.
        """
        if self._orders is None:
            raise ConfigurationError("orders need a key: Binance(endpoint, key)")
        return self._orders

    async def call(
        self,
        request: Request[R],
        *,
        key: Key | None = None,
        timeout: float | None = None,
        patience: float = PATIENCE_SECONDS,
    ) -> R:
        """Send a request of the WebSocket API, such as ``DepthRequest(symbol="BTCUSDT")``, and wait for its result.

        Args:
            request: What to ask.
            key: Sign this request with another key than the client's.
            timeout: Seconds for the reply once sent.
            patience: Seconds to wait for request weight before ``RateLimited`` is raised.

        Raises:
            RequestInvalid: The request breaks a documented rule; nothing was sent.
            ConnectFailed: No connection, or the client was closed; nothing was sent.
            RequestRejected: The exchange refused; ``RateLimited`` and ``Banned`` say when to try again.
            OutcomeUnknown: Sent, and no answer.
        """
        return await self._api.call(request, key=key, timeout=timeout, patience=patience)

    async def close(self) -> None:
        """Close all connections, in under a second; may be called twice. It is final.

        From the first moment nothing is sent any more. Each part is closed even when another fails to, or when who
        closes is cancelled.
        """
        connected: list[ApiConnection | MarketStream | UserStream] = [self._api, self.market]
        if self._user is not None:
            connected.append(self._user)
        for part in connected:
            part.shut()
        if self._orders is not None:
            await self._orders.close()
        for end in await asyncio.gather(*(part.close() for part in connected), return_exceptions=True):
            if isinstance(end, BaseException):
                raise end

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

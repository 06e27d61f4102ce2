"""One object for everything: it owns the connections and closes them."""

from __future__ import annotations

from types import TracebackType
from typing import Self, TypeVar

from cryptotrader.base_operations import Environment, api_connection
from cryptotrader.config import LIVE, Backoff, Endpoint, Timeouts
from cryptotrader.market_stream import MarketStream
from cryptotrader.protocol.request import Request

R = TypeVar("R")


class Binance:
    """A client of one Binance environment; an async context manager.

    Connections are opened when first needed.

    ::

        async with Binance(LIVE) as binance:
            async for trade in binance.market.trades("BTCUSDT", "ETHUSDT"):
                print(trade.symbol, trade.price, trade.quantity)

    Args:
        endpoint: ``LIVE``, ``TESTNET``, ``DEMO`` or ``Endpoint.local(port=9443)``.
        backoff: Delays between connection attempts.
        timeouts: Deadlines.
        environment: Dialer, budgets, randomness and clock.

    Attributes:
        market: The market streams.
    """

    def __init__(
        self,
        endpoint: Endpoint = LIVE,
        *,
        backoff: Backoff | None = None,
        timeouts: Timeouts | None = None,
        environment: Environment | None = None,
    ) -> None:
        self._api = api_connection(endpoint, backoff=backoff, timeouts=timeouts, environment=environment)
        self.market = MarketStream(endpoint, backoff=backoff, timeouts=timeouts, api=self._api, environment=environment)

    async def call(self, request: Request[R], *, timeout: float | None = None, patience: float = 60.0) -> R:
        """Send a request of the WebSocket API, such as ``DepthRequest(symbol="BTCUSDT")``, and wait for its result.

        Args:
            request: What to ask.
            timeout: Seconds for the reply once sent.
            patience: Seconds to wait for request weight before ``RateLimited`` is raised.

        Raises:
            RequestInvalid: The request breaks a documented rule; nothing was sent.
            ConnectFailed: No connection; nothing was sent.
            RequestRejected: The exchange refused; ``RateLimited`` and ``Banned`` say when to try again.
            OutcomeUnknown: Sent, and no answer.
        """
        return await self._api.call(request, timeout=timeout, patience=patience)

    async def close(self) -> None:
        """Close all connections, in under a second; may be called twice."""
        await self.market.close()
        await self._api.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

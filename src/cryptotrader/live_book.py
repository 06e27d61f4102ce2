"""An order book that keeps itself current: diffs as they come, a snapshot whenever it has to start anew."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cryptotrader.config import get_logger
from cryptotrader.errors import BinanceError, BookOutOfSync, RateLimited, RequestRejected
from cryptotrader.models.base_models import PriceLevel
from cryptotrader.models.control_models import Reconnected, ServerShutdown
from cryptotrader.models.market_models import DepthUpdateEvent, OrderBookSnapshot
from cryptotrader.protocol.order_book import OrderBook
from cryptotrader.subscription import Subscription

logger = get_logger(__name__)

RETRY_DELAY = 0.5
"""Seconds before the next snapshot when one could not be used."""


class LiveOrderBook:
    """One symbol's order book, in step with the exchange or known not to be.

    Args:
        symbol: Which one.
        snapshot: Asks for a snapshot.
    """

    def __init__(self, symbol: str, snapshot: Callable[[], Awaitable[OrderBookSnapshot]]) -> None:
        self._book = OrderBook(symbol)
        self._snapshot = snapshot
        self._subscription: Subscription[DepthUpdateEvent] | None = None
        self._synchronised = asyncio.Event()
        self._was_synchronised = False
        self._task: asyncio.Task[None] | None = None

    @property
    def symbol(self) -> str:
        """In upper case."""
        return self._book.symbol

    @property
    def is_synchronised(self) -> bool:
        """Whether the book is in step with the exchange; after a loss it is not until a new snapshot fits."""
        return self._synchronised.is_set()

    @property
    def update_id(self) -> int | None:
        """Last update that the book contains."""
        return self._book.update_id

    @property
    def best_bid(self) -> PriceLevel | None:
        """Highest bid; ``None`` while out of step or empty."""
        return self._book.best_bid

    @property
    def best_ask(self) -> PriceLevel | None:
        """Lowest ask; ``None`` while out of step or empty."""
        return self._book.best_ask

    def levels(self, count: int) -> tuple[list[PriceLevel], list[PriceLevel]]:
        """The best ``count`` bids and asks, best first; empty while out of step."""
        return self._book.levels(count)

    async def wait_synchronised(self) -> None:
        """Wait until the book is in step.

        Raises:
            ConnectFailed: The stream was not confirmed in time.
            RequestRejected: The first snapshot was refused, as for an unknown symbol.
            BookOutOfSync: The book was closed.
        """
        while not self._synchronised.is_set():
            task = self._task
            if task is not None:
                await asyncio.wait([task])  # who waits is not cancelled together with it
            if task is None or task.cancelled():
                raise BookOutOfSync(self.symbol, 0, 0)
            task.result()

    async def close(self) -> None:
        """Stop following the exchange."""
        if self._subscription is not None:
            self._subscription.close()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def follow(self, subscription: Subscription[DepthUpdateEvent]) -> None:
        """Own the subscription that feeds this book, and come into step."""
        self._subscription = subscription
        self._restart()

    # what the subscription tells

    def on_event(self, event: DepthUpdateEvent, received_ns: int) -> None:  # noqa: ARG002 - a Consumer
        """Take one diff."""
        try:
            self._book.apply(event)
        except BookOutOfSync as error:
            logger.warning("%s", error)
            self._restart()

    def on_control(self, event: Reconnected | ServerShutdown) -> None:
        """After a reconnect diffs are missing."""
        if isinstance(event, Reconnected):
            self._book.reset()
            self._restart()

    def on_error(self, error: Exception) -> None:
        """A lost frame shows as a hole in the update ids, so only tell."""
        logger.warning("%s: %s", self.symbol, error)

    def _restart(self) -> None:
        self._synchronised.clear()
        if self._task is None or self._task.done():
            loop = asyncio.get_running_loop()
            self._task = loop.create_task(self._synchronise(), name=f"order book {self.symbol}")

    async def _synchronise(self) -> None:
        """Fetch snapshots until one fits the diffs at hand."""
        if self._subscription is None:
            raise RuntimeError("nothing to follow")
        while True:
            try:
                await self._subscription.confirmed()
                if self._book.restore(await self._snapshot()):
                    self._was_synchronised = True
                    self._synchronised.set()
                    return
            except BinanceError as error:
                if (
                    not self._was_synchronised
                    and isinstance(error, RequestRejected)
                    and not isinstance(error, RateLimited)
                ):
                    raise
                logger.info("%s: no usable snapshot yet (%s)", self.symbol, error)
            await asyncio.sleep(RETRY_DELAY)

"""Fills that nothing has told: an order has ended, and some of its fills came neither by reply nor by event.

Source: Binance Spot documentation: "myTrades" is answered from a database that may be behind what has been answered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from cryptotrader.config import get_logger
from cryptotrader.errors import BinanceError
from cryptotrader.placed_order import PlacedOrder

logger = get_logger(__name__)

_PAUSES = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0)


class LateFills:
    """Reads the fills of orders that have ended without all of them, after about a second and then ever more rarely.

    Args:
        learn: Asks for an order's fills, and takes them.
    """

    def __init__(self, learn: Callable[[PlacedOrder], Awaitable[None]]) -> None:
        self._learn = learn
        self._tasks: dict[PlacedOrder, asyncio.Task[None]] = {}

    def look_after(self, order: PlacedOrder) -> None:
        """An order has ended, and fills of it are missing: their events are mostly on their way."""
        if order not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._read(order), name="late fills")
            self._tasks[order] = task
            task.add_done_callback(lambda _: self._tasks.pop(order, None))

    def close(self) -> None:
        """Ask no more."""
        for task in self._tasks.values():
            task.cancel()

    async def _read(self, order: PlacedOrder) -> None:
        for pause in _PAUSES:
            await asyncio.sleep(pause)
            if order.is_done:
                return
            try:
                await self._learn(order)
            except BinanceError as error:
                logger.debug("the fills of %r were not told: %s", order, error)
        if not order.life.has_all_fills:
            logger.warning("%r has executed more than its fills tell", order)

"""Filling holes with past trades, one symbol at a time, beside the live stream."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from cryptotrader.config import get_logger
from cryptotrader.errors import BinanceError
from cryptotrader.ingestion.ledger import Absence
from cryptotrader.models.market_models import Trade
from cryptotrader.protocol.continuity import IdIntervals, Interval

logger = get_logger(__name__)

MAX_TRADES = 1000
"""Trades that one request may ask for."""

CONFIRMATIONS = 4
"""Answers without an id before it counts as absent: Binance's database runs behind its streams."""

CONFIRMATION_SECONDS = 0.25
"""Least time between two answers that count as such."""

RETRY_DELAYS = (0.25, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Seconds before the next round when one brought nothing."""

Fetch = Callable[[str, int, int], Awaitable[list[Trade]]]
"""Symbol, first id and count to past trades, ascending."""


@dataclass
class _Doubt:
    """How often ids were not in an answer that went beyond them."""

    answers: int = 0
    next_answer_at: float = 0.0


class Backfill:
    """Fills the holes of one symbol for as long as there are any.

    Args:
        symbol: Which symbol.
        seen: Its known ids; what lies between them and is missing is fetched.
        fetch: Asks for past trades.
        store: Takes a fetched trade that was missing; its id is in ``seen`` already.
        declare_absent: Told of ids that the source does not have; they are in ``seen`` afterwards.
        now_us: Unix time in microseconds.
        on_error: Told of an error that ends the filling, which no error of the exchange does.
    """

    def __init__(
        self,
        symbol: str,
        seen: IdIntervals,
        *,
        fetch: Fetch,
        store: Callable[[Trade], None],
        declare_absent: Callable[[Absence], None],
        now_us: Callable[[], int],
        on_error: Callable[[Exception], None],
    ) -> None:
        self._symbol = symbol
        self._seen = seen
        self._fetch = fetch
        self._store = store
        self._declare_absent = declare_absent
        self._now_us = now_us
        self._on_error = on_error
        self._doubts: dict[Interval, _Doubt] = {}
        self._task: asyncio.Task[None] | None = None
        self.last_error: str | None = None

    @property
    def is_idle(self) -> bool:
        """Whether nothing is being filled."""
        return self._task is None or self._task.done()

    def wake(self) -> None:
        """There may be holes."""
        if self.is_idle and len(self._seen) > 1:
            self._task = asyncio.get_running_loop().create_task(self._run(), name=f"backfill {self._symbol}")

    async def wait_idle(self) -> None:
        """Wait until all holes are filled or declared absent.

        Raises:
            Exception: What ended the filling, if it was not meant to end.
        """
        if self._task is not None:
            await self._task

    async def close(self) -> None:
        """Stop filling; open holes stay open."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        try:
            await self._fill_holes()
        except Exception as error:
            self._on_error(error)
            raise

    async def _fill_holes(self) -> None:
        fruitless = 0
        while holes := self._seen.holes():
            progress = False
            for first, last in holes:
                progress |= await self._fill(first, last)
            if progress:
                fruitless = 0
            else:
                await asyncio.sleep(RETRY_DELAYS[min(fruitless, len(RETRY_DELAYS) - 1)])
                fruitless += 1

    async def _fill(self, first: int, last: int) -> bool:
        """One request for a hole; returns whether it became smaller. One trade beyond the hole is evidence."""
        count = min(MAX_TRADES, last - first + 2)
        try:
            trades = await self._fetch(self._symbol, first, count)
        except BinanceError as error:
            self.last_error = str(error)
            logger.warning("%s: trades from %d on not fetched: %s", self._symbol, first, error)
            return False
        before = self._seen.count
        for trade in trades:
            if first <= trade.id <= last and trade.id not in self._seen:
                self._seen.add(trade.id)
                self._store(trade)
        if trades:
            self._judge(first, last, trades, f"trades.historical fromId={first} limit={count}")
        return self._seen.count > before

    def _judge(self, first: int, last: int, trades: list[Trade], request: str) -> None:
        """Ids that an answer passed over are absent once enough answers did so."""
        highest = max(trade.id for trade in trades)
        now = asyncio.get_running_loop().time()
        for missing in self._seen.holes(first, min(last, highest - 1)):
            doubt = self._doubts.setdefault(missing, _Doubt())
            if now < doubt.next_answer_at:
                continue
            doubt.answers += 1
            doubt.next_answer_at = now + CONFIRMATION_SECONDS
            if doubt.answers >= CONFIRMATIONS:
                del self._doubts[missing]
                next_id = min(trade.id for trade in trades if trade.id > missing[1])
                self._declare_absent(Absence(*missing, request, next_id, self._now_us()))

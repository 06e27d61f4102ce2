"""Trades in order and without holes: what a broken connection swallowed is fetched and put in its place.

A symbol's live trades are held while its hole is being filled; other symbols go on. Ingestion does not use this: it
stores live trades at once and fills holes beside them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from cryptotrader.config import get_logger
from cryptotrader.errors import BinanceError
from cryptotrader.models.control_models import Gap
from cryptotrader.models.market_models import Trade, TradeEvent

logger = get_logger(__name__)

MAX_FETCH = 1000
"""Trades that one request may ask for."""

RETRY_DELAYS = (0.2, 0.5, 1.0, 2.0, 4.0)
"""Seconds between tries; Binance's database runs a little behind its streams."""

Fetch = Callable[[str, int, int], Awaitable[list[Trade]]]
"""Symbol, first id and count to past trades, ascending."""


@dataclass
class _Symbol:
    next_id: int
    last: TradeEvent
    held: dict[int, tuple[TradeEvent, int]] = field(default_factory=dict)


class TradeHealer:
    """A ``Consumer`` of trade events that passes them on dense by id.

    Args:
        fetch: Asks for past trades.
        deliver: Takes the trades, in order.
        on_gap: Told of trades that could not be fetched, in order with the others.
        hold: Most live trades of one symbol to hold while its hole is filled.
    """

    def __init__(
        self,
        fetch: Fetch,
        *,
        deliver: Callable[[TradeEvent, int], None],
        on_gap: Callable[[Gap, int], None],
        hold: int,
    ) -> None:
        self._fetch = fetch
        self._deliver = deliver
        self._on_gap = on_gap
        self._hold = hold
        self._symbols: dict[str, _Symbol] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}

    def put(self, event: TradeEvent, received_ns: int) -> None:
        """Take one live trade."""
        state = self._symbols.get(event.symbol)
        if state is not None and state.next_id == event.trade_id and not state.held:
            state.next_id += 1
            state.last = event
            self._deliver(event, received_ns)
        else:
            self._put_out_of_order(state, event, received_ns)

    def close(self) -> None:
        """Stop fetching."""
        for task in self._tasks.values():
            task.cancel()

    async def wait_closed(self) -> None:
        """Wait until nothing is being fetched any more."""
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    def _put_out_of_order(self, state: _Symbol | None, event: TradeEvent, received_ns: int) -> None:
        if state is None or _starts_anew(state, event):
            self._symbols[event.symbol] = _Symbol(event.trade_id + 1, event)
            self._deliver(event, received_ns)
            return
        if event.trade_id < state.next_id:
            return  # a double, as after a reconnect
        state.held[event.trade_id] = (event, received_ns)
        self._release(state)
        if not state.held:
            return
        if len(state.held) >= self._hold:
            self._skip(event.symbol, state, "too many live trades meanwhile")
        elif event.symbol not in self._tasks:
            task = asyncio.get_running_loop().create_task(self._heal(event.symbol, state), name=f"heal {event.symbol}")
            self._tasks[event.symbol] = task

    async def _heal(self, symbol: str, state: _Symbol) -> None:
        try:
            failures = 0
            while state.held and self._symbols.get(symbol) is state:
                first, missing = state.next_id, min(state.held) - state.next_id
                why = await self._fetch_some(symbol, state, first, min(missing, MAX_FETCH))
                if why is None:
                    failures = 0
                elif failures < len(RETRY_DELAYS):
                    await asyncio.sleep(RETRY_DELAYS[failures])
                    failures += 1
                else:
                    self._skip(symbol, state, why)
                    failures = 0
        finally:
            del self._tasks[symbol]

    async def _fetch_some(self, symbol: str, state: _Symbol, first: int, count: int) -> str | None:
        """Fetch and pass on; returns why nothing could be passed on, if so."""
        try:
            trades = await self._fetch(symbol, first, count)
        except BinanceError as error:
            logger.info("%s: trades from %d on not fetched: %s", symbol, first, error)
            return str(error)
        for trade in trades:
            if trade.id not in state.held and trade.id >= state.next_id:
                state.held[trade.id] = (_event_of(symbol, trade), state.held[min(state.held)][1])
        self._release(state)
        return None if state.next_id > first or not state.held else f"the exchange has no trade {first}"

    def _release(self, state: _Symbol) -> None:
        """Pass on what has its turn."""
        while held := state.held.pop(state.next_id, None):
            state.next_id += 1
            state.last = held[0]
            self._deliver(*held)

    def _skip(self, symbol: str, state: _Symbol, why: str) -> None:
        after = min(state.held)
        self._on_gap(Gap(symbol=symbol, first=state.next_id, last=after - 1, why=why), state.held[after][1])
        state.next_id = after
        self._release(state)


def _starts_anew(state: _Symbol, event: TradeEvent) -> bool:
    """Whether ids began again below, as the testnet does each month: a lower id with a later time is no double."""
    return event.trade_id < state.next_id and event.trade_time > state.last.trade_time


def _event_of(symbol: str, trade: Trade) -> TradeEvent:
    return TradeEvent(
        event_time=trade.time,
        symbol=symbol,
        trade_id=trade.id,
        price=trade.price,
        quantity=trade.quantity,
        trade_time=trade.time,
        is_buyer_maker=trade.is_buyer_maker,
        is_best_match=trade.is_best_match,
    )

"""All markets together under one clock that is told, never read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal
from math import inf, log
from random import Random
from typing import ClassVar
from zlib import crc32

from cryptotrader.errors import ConfigurationError, UnknownSymbol
from cryptotrader.models.base_models import OrderType, RateLimit, Side, TimeInForce
from cryptotrader.simulator.venue.desk import Desk
from cryptotrader.simulator.venue.market import Market, OrderResult
from cryptotrader.simulator.venue.participants import Crowd
from cryptotrader.simulator.venue.state import VenueState
from cryptotrader.simulator.venue.symbols import UNIT, list_symbol
from cryptotrader.simulator.venue.trade_log import VenueTrade
from cryptotrader.simulator.venue.trading import Trading

TRADES_PER_ARRIVAL = 1.1
"""Measured: most takers meet one order, some several."""

WARM_UP_US = 60_000_000
_WARM_UP_RATE = 20.0
_RANDOM_VERSION = 3  # of the generator's state, as Python's documentation of ``random`` has it
_ORDERS_AT_START, _SHALLOWEST, _DEEPEST = 20_000, 12, 200


class Exchange:
    """Markets whose participants act as time is told to pass.

    The same symbols, seed, rate and start give the same trades, however time is cut into steps.

    Args:
        symbols: What to list, in any case.
        seed: Of the participants' decisions.
        rate: Trades a second, all symbols together, on average; 0 for markets without participants.
        start_us: Unix time at which to begin, in microseconds; a minute of trading lies before it.

    Attributes:
        has_accounts: Whether anybody can have an account.
        now_us: The time told last.
        next_us: When a participant acts next; infinite without participants.
        markets: Markets by symbol, in the order given.
        trade_listeners: Told of every trade, in order.
        desk: Orders of accounts, balances and history.
        trading: Commands of accounts.
        rate_limits: What ``exchangeInfo`` says of limits; set by who enforces them.

    Raises:
        UnknownSymbol: A name does not end in a known quote asset.
        ConfigurationError: No symbol, or a negative rate.
    """

    has_accounts: ClassVar[bool] = True

    def __init__(self, symbols: Sequence[str], *, seed: int = 0, rate: float = 50.0, start_us: int) -> None:
        names = list(dict.fromkeys(symbol.upper() for symbol in symbols))
        if not names or rate < 0:
            raise ConfigurationError("an exchange needs at least one symbol and a rate of 0 or more")
        self._random = Random(seed)
        self.trade_listeners: list[Callable[[VenueTrade], None]] = []
        self.markets: dict[str, Market] = {}
        self.desk = Desk(self.markets, seed)
        self.trading = Trading(self.desk, lambda: self.now_us)
        for name in names:
            first_id = 1_000_000 + crc32(name.encode()) % 9_000_000
            self.markets[name] = Market(list_symbol(name), first_id, self.desk)
        self.rate_limits: list[RateLimit] = []
        self.now_us = start_us - (WARM_UP_US if rate else 0)
        self._interval = self.next_us = inf
        self._crowds: list[Crowd] = []
        if rate:
            depth = max(_SHALLOWEST, min(_DEEPEST, _ORDERS_AT_START // len(names)))
            self._crowds = [Crowd(market, self._random, depth) for market in self.markets.values()]
            for crowd in self._crowds:
                crowd.begin(self.now_us)
            self._set_rate(min(rate, _WARM_UP_RATE))
            self.advance(start_us)
            self._set_rate(rate)

    def listen(self) -> None:
        """Begin to tell ``trade_listeners``; the trades of the warm-up are history and not told."""
        for market in self.markets.values():
            market.on_trade.append(self._tell)

    def _tell(self, trade: VenueTrade) -> None:
        for tell in self.trade_listeners:
            tell(trade)

    @property
    def rate(self) -> float:
        """Trades a second, all symbols together, on average."""
        return 1e6 * TRADES_PER_ARRIVAL / self._interval

    def _set_rate(self, rate: float) -> None:
        self._interval = 1e6 * TRADES_PER_ARRIVAL / rate
        self.next_us = self.now_us + self._pause()

    def _pause(self) -> float:
        return -log(1.0 - self._random.random()) * self._interval

    def advance(self, now_us: int) -> None:
        """Let the participants act until ``now_us``; time that lies back is ignored."""
        crowds, count = self._crowds, len(self._crowds)
        while self.next_us <= now_us:
            self.now_us = int(self.next_us)
            # the earlier a symbol is listed, the more it is traded
            crowds[int(self._random.random() ** 2 * count)].step(self.now_us)
            self.next_us += self._pause()
        self.now_us = max(self.now_us, now_us)

    def skip_to(self, now_us: int) -> None:
        """Let time pass in which nobody acts."""
        skipped = max(0, now_us - self.now_us)
        self.now_us += skipped
        self.next_us += skipped

    def market(self, symbol: str) -> Market:
        """The market of a symbol.

        Raises:
            UnknownSymbol: It is not listed.
        """
        market = self.markets.get(symbol)
        if market is None:
            raise UnknownSymbol(symbol, "not listed")
        return market

    def place(
        self,
        symbol: str,
        side: Side,
        type: OrderType,  # noqa: A002 - Binance's word
        quantity: Decimal,
        *,
        price: Decimal = Decimal(0),
        time_in_force: TimeInForce = TimeInForce.GTC,
    ) -> OrderResult:
        """Send in an order by hand, at the current time.

        Raises:
            UnknownSymbol: The symbol is not listed.
            ConfigurationError: Price or quantity is not positive or not on its step.
        """
        market = self.market(symbol)
        return market.place(
            is_buy=side is Side.BUY,
            type=type,
            quantity=_on_step("quantity", quantity, market.listing.lot),
            price=0 if type is OrderType.MARKET else _on_step("price", price, market.listing.tick),
            now_us=self.now_us,
            time_in_force=time_in_force,
        )

    def cancel(self, symbol: str, order_id: int) -> bool:
        """Cancel an order; ``False`` when it rests no more.

        Raises:
            UnknownSymbol: The symbol is not listed.
        """
        return self.market(symbol).cancel(order_id)

    def dump(self) -> VenueState:
        """All that the exchange remembers; call it between commands."""
        _, numbers, _ = self._random.getstate()
        return VenueState(
            now_us=self.now_us,
            next_us=self.next_us if self._crowds else None,
            interval_us=self._interval if self._crowds else None,
            random=list(numbers),
            markets={name: market.dump() for name, market in self.markets.items()},
            crowds=[crowd.dump() for crowd in self._crowds],
            desk=self.desk.dump(),
        )

    @classmethod
    def load(cls, state: VenueState) -> Exchange:
        """An exchange that goes on from a state exactly as the one that it was taken from."""
        exchange = cls(list(state.markets), rate=0, start_us=state.now_us)
        exchange.desk.load(state.desk)
        for name, market in exchange.markets.items():
            market.load(state.markets[name], exchange.desk.history.orders_on(name))
        exchange._random.setstate((_RANDOM_VERSION, tuple(state.random), None))
        exchange._interval, exchange.next_us = state.interval_us or inf, state.next_us or inf
        for market, crowd_state in zip(exchange.markets.values(), state.crowds, strict=False):
            crowd = Crowd(market, exchange._random, crowd_state.depth)
            crowd.load(crowd_state)
            exchange._crowds.append(crowd)
        return exchange


def _on_step(name: str, value: Decimal, step: int) -> int:
    amount = value * UNIT
    if amount <= 0 or amount % step:
        raise ConfigurationError(f"{name} {value} is not a positive multiple of {Decimal(step) / UNIT}")
    return int(amount)

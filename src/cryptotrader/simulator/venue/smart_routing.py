"""Smart order routing: one order takes from several books of the same base asset and interchangeable quote assets.

Fills in the order's own book are trades; what other books give is allocated, at their price, in the quote asset of the
order's symbol. Source: Binance Spot documentation, "Smart order routing".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from cryptotrader.models.market_models import SorGroup
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.offers import offers
from cryptotrader.simulator.venue.orders import AccountOrder

if TYPE_CHECKING:
    from cryptotrader.simulator.venue.desk import Desk

INTERCHANGEABLE = frozenset({"USDT", "USDC", "FDUSD", "TUSD", "USDP", "DAI", "BUSD", "USD1"})
"""Quote assets that are worth the same."""


class Router:
    """Takes for orders that use smart order routing.

    Args:
        desk: Who settles the fills.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def groups(self) -> list[SorGroup]:
        """The books that are routed over, by base asset."""
        by_base: dict[str, list[str]] = {}
        for market in self._desk.markets.values():
            if market.listing.quote in INTERCHANGEABLE:
                by_base.setdefault(market.listing.base, []).append(market.listing.symbol)
        return [SorGroup(base_asset=base, symbols=symbols) for base, symbols in by_base.items() if len(symbols) > 1]

    def markets_of(self, symbol: str) -> list[Market]:
        """The books over which orders of a symbol are routed; none when it is not routed."""
        names = next((group.symbols for group in self.groups() if symbol in group.symbols), [])
        return [self._desk.markets[name] for name in names]

    def take(self, order: AccountOrder, reach: int | None, now_us: int) -> None:
        """Match an order level by level, always in the book with the best price."""
        while order.remaining and (offer := next(offers(order, self._desk, reach), None)):
            offer.market.match(order, offer.price, now_us)
            offer.market.tell_change()

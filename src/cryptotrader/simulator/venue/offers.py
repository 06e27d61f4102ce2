"""What an order can take from the books: read off them, in the order in which matching comes to it.

Whoever asks beforehand what an order will cost, whether it can be filled at once, or in which book it trades next, asks
here.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING, NamedTuple

from cryptotrader.models.base_models import SelfTradePreventionMode as Mode
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.self_trade import are_one

if TYPE_CHECKING:
    from cryptotrader.simulator.venue.desk import Desk


class Offer(NamedTuple):
    """A resting order, or a slice of an iceberg order, that an order meets.

    Attributes:
        market: In which book it rests.
        price: Its price.
        quantity: What it gives, or what the order loses to it; 0 where self-trade prevention takes it away.
        is_prevented: Whether self-trade prevention keeps the two from trading with each other.
    """

    market: Market
    price: int
    quantity: int
    is_prevented: bool


def offers(order: AccountOrder, desk: Desk, reach: int | None) -> Iterator[Offer]:
    """All that an order meets up to and including the price ``reach``, best first; ``None`` stands for any price."""
    own = desk.markets[order.symbol]
    books = [own]
    if order.used_sor:  # at one price the own book comes first
        books += [market for market in desk.router.markets_of(order.symbol) if market is not own]
    sign = 1 if order.is_buy else -1
    found = [_in_book(order, desk, market) for market in books]
    for offer in found[0] if len(found) == 1 else merge(*found, key=lambda offer: sign * offer.price):
        if reach is not None and sign * offer.price > sign * reach:
            return
        yield offer


def can_fill(order: AccountOrder, desk: Desk, reach: int | None) -> bool:
    """Whether an order would be filled at once and whole; what self-trade prevention takes away fills nothing."""
    left = order.remaining
    for offer in offers(order, desk, reach):
        if offer.is_prevented and offer.quantity:
            return False
        left -= offer.quantity
        if left <= 0:
            return True
    return False


def _in_book(order: AccountOrder, desk: Desk, market: Market) -> Iterator[Offer]:
    accounts, mode = desk.treasury.accounts, order.self_trade_prevention_mode
    trader = accounts[order.uid]
    for price, level in market.book.side(not order.is_buy).by_price():
        # what icebergs do not show yet queues behind all that shows
        slices: deque[tuple[AccountOrder, int, bool]] = deque()
        for resting in level.orders:
            owner = resting.owner
            if not resting.remaining:
                continue
            if owner is None:
                yield Offer(market, price, resting.remaining, is_prevented=False)
                continue
            is_prevented = mode is not Mode.NONE and are_one(trader, accounts[owner.uid])
            if is_prevented and mode is Mode.EXPIRE_MAKER:
                yield Offer(market, price, 0, is_prevented)
                continue
            yield Offer(market, price, resting.remaining, is_prevented)
            if owner.hidden:
                slices.append((owner, owner.hidden, is_prevented))
        while slices:
            owner, hidden, is_prevented = slices.popleft()
            shown = min(owner.iceberg_quantity, hidden)
            yield Offer(market, price, shown, is_prevented)
            if hidden > shown:
                slices.append((owner, hidden - shown, is_prevented))

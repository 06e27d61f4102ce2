"""What an order at market will cost, or how much its quote amount is worth: read off the book before it is matched."""

from __future__ import annotations

from collections.abc import Iterator
from heapq import merge
from typing import TYPE_CHECKING

from cryptotrader.models.base_models import SelfTradePreventionMode
from cryptotrader.simulator.venue.accounts import quote_amount
from cryptotrader.simulator.venue.execution_rules import taker_bound
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.rejections import order_rejected
from cryptotrader.simulator.venue.self_trade import are_one
from cryptotrader.simulator.venue.symbols import UNIT

if TYPE_CHECKING:
    from cryptotrader.simulator.venue.desk import Desk


def fund(order: AccountOrder, market: Market, desk: Desk, now_us: int) -> None:
    """Set the budget of a buy order at market, and the quantity of an order by quote amount.

    Raises:
        Rejection: The quote amount does not buy or sell the least quantity.
    """
    rules = desk.rulebook.of(market)
    bound = taker_bound(market, now_us, is_buy=order.is_buy)
    left = order.quote_quantity or order.remaining
    quantity = cost = 0
    for price, available in _offers(order, market, desk, bound):
        wanted = left * UNIT // price // rules.market_lot * rules.market_lot if order.quote_quantity else left
        taken = min(wanted, available)
        quantity += taken
        cost += quote_amount(price, taken)
        left -= quote_amount(price, taken) if order.quote_quantity else taken
        if taken < available:
            break
    if order.quote_quantity:
        if quantity < max(rules.least, 1):
            raise order_rejected("Order book liquidity is less than LOT_SIZE filter minimum quantity.")
        order.quantity = quantity
    order.budget = cost if order.is_buy else 0


def _offers(order: AccountOrder, market: Market, desk: Desk, bound: int | None) -> Iterator[tuple[int, int]]:
    """Prices and quantities that the order can take, best first; ``EXPIRE_MAKER`` passes by its own."""
    accounts = desk.treasury.accounts
    goes_on = order.self_trade_prevention_mode is SelfTradePreventionMode.EXPIRE_MAKER
    markets = desk.router.markets_of(order.symbol) if order.used_sor else [market]
    sign = 1 if order.is_buy else -1
    books = [other.book.side(not order.is_buy).orders() for other in markets]
    for resting in merge(*books, key=lambda offer: sign * offer.price):
        if bound is not None and sign * resting.price > sign * bound:
            break
        owner = resting.owner
        if owner is None:
            yield resting.price, resting.remaining
        elif not (goes_on and are_one(accounts[order.uid], accounts[owner.uid])):
            yield resting.price, resting.remaining + owner.hidden

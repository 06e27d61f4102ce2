"""What an order at market will cost, or how much its quote amount is worth: read off the book before it is matched."""

from __future__ import annotations

from collections import defaultdict
from itertools import accumulate
from typing import TYPE_CHECKING

from cryptotrader.simulator.venue.accounts import quote_amount
from cryptotrader.simulator.venue.execution_rules import taker_bound
from cryptotrader.simulator.venue.market import Market
from cryptotrader.simulator.venue.offers import offers
from cryptotrader.simulator.venue.orders import AccountOrder
from cryptotrader.simulator.venue.rejections import order_rejected
from cryptotrader.simulator.venue.rulebook import SymbolRules
from cryptotrader.simulator.venue.symbols import UNIT

if TYPE_CHECKING:
    from cryptotrader.simulator.venue.desk import Desk


def fund(order: AccountOrder, market: Market, desk: Desk, now_us: int) -> None:
    """Set the budget of a buy order at market, and the quantity of an order by quote amount.

    What the book does not give counts at the last price: it expires, but its owner must be able to pay for it.

    Raises:
        Rejection: The quote amount does not buy or sell the least quantity.
    """
    bound = taker_bound(market, now_us, is_buy=order.is_buy)
    if order.quote_quantity:
        order.quantity = _worth(order, market, desk, bound)
        order.budget = order.quote_quantity if order.is_buy else 0
    elif order.is_buy:
        order.budget = _cost(order, market, desk, bound)


def _cost(order: AccountOrder, market: Market, desk: Desk, bound: int | None) -> int:
    """The most that a quantity can cost.

    Each price is rounded once: its fills, however they divide the quantity, are rounded down one by one.
    """
    left = order.remaining
    taken: defaultdict[int, int] = defaultdict(int)
    for offer in offers(order, desk, bound):
        taken[offer.price] += min(left, offer.quantity)
        left -= min(left, offer.quantity)
        if not left:
            break
    return sum(quote_amount(price, quantity) for price, quantity in taken.items()) + quote_amount(
        market.last_price, left
    )


def _worth(order: AccountOrder, market: Market, desk: Desk, bound: int | None) -> int:
    """The quantity that a quote amount buys or sells."""
    rules = desk.rulebook.of(market)
    left, quantity = order.quote_quantity, 0
    for offer in offers(order, desk, bound):
        taken = min(_lots(left, offer.price, rules), offer.quantity)
        quantity += taken
        left -= quote_amount(offer.price, taken)
        if taken < offer.quantity:
            break
    else:
        quantity += _lots(left, market.last_price, rules)
    if quantity < rules.least or not _has_least(order, desk, rules.least):
        raise order_rejected("Order book liquidity is less than LOT_SIZE filter minimum quantity.")
    return quantity


def _has_least(order: AccountOrder, desk: Desk, least: int) -> bool:
    found = accumulate(offer.quantity for offer in offers(order, desk, None))
    return any(quantity >= least for quantity in found)


def _lots(quote: int, price: int, rules: SymbolRules) -> int:
    return quote * UNIT // price // rules.market_lot * rules.market_lot

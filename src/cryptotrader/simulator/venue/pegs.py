"""Pegged orders: their limit is read from the book once, when they come to it.

Source: Binance Spot documentation, "Pegged orders".
"""

from __future__ import annotations

from cryptotrader.models.order_models import PegPriceType
from cryptotrader.simulator.venue.book import Book
from cryptotrader.simulator.venue.orders import AccountOrder, NewOrder
from cryptotrader.simulator.venue.rejections import order_rejected


def pegged_price(order: NewOrder | AccountOrder, book: Book) -> int:
    """The price that the peg selects now; a price of the order's own is its limit.

    Raises:
        Rejection: The book has no level so deep.
    """
    own_side = order.peg_price_type is PegPriceType.PRIMARY_PEG
    side = book.side(order.is_buy if own_side else not order.is_buy)
    price = side.price_at(order.peg_offset_value or 0)
    if price is None:
        raise order_rejected("Order book liquidity is too low for this pegged order.")
    if not order.price:
        return price
    return min(price, order.price) if order.is_buy else max(price, order.price)

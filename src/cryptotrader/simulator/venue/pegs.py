"""Pegged orders: their limit is read from the book once, when they come to it.

Source: Binance Spot documentation, "Pegged orders".
"""

from __future__ import annotations

from cryptotrader.models.base_models import OrderType, TimeInForce
from cryptotrader.models.order_models import PegOffsetType, PegPriceType
from cryptotrader.simulator.venue.book import Book
from cryptotrader.simulator.venue.orders import AccountOrder, NewOrder
from cryptotrader.simulator.venue.rejections import Rejection, order_rejected, refused

_DEEPEST_OFFSET = 100
_LIMIT_TYPES = frozenset(
    {OrderType.LIMIT, OrderType.LIMIT_MAKER, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT}
)


def check_peg(new: NewOrder) -> None:
    """Check that an order may be pegged the way it asks for.

    Raises:
        Rejection: -1210, -1211, or an engine text, as documented.
    """
    if new.peg_price_type is None:
        if new.peg_offset_type is not None or new.peg_offset_value is not None:
            raise Rejection(-1210, "Invalid pegPriceType.")
        return
    if new.peg_price_type not in (PegPriceType.PRIMARY_PEG, PegPriceType.MARKET_PEG):
        raise Rejection(-1210, "Invalid pegPriceType.")
    offset = new.peg_offset_value
    if (offset is None) != (new.peg_offset_type is None) or new.peg_offset_type not in (
        None,
        PegOffsetType.PRICE_LEVEL,
    ):
        raise Rejection(-1211, "Invalid pegOffsetType.")
    if offset is not None and not 0 <= offset <= _DEEPEST_OFFSET:
        raise Rejection(-1130, "Data sent for parameter 'pegOffsetValue' is not valid.")
    if new.type not in _LIMIT_TYPES:
        raise refused("This order type may not use pegged price.")
    joins = new.peg_price_type is PegPriceType.PRIMARY_PEG
    waits = new.time_in_force in (None, TimeInForce.GTC)
    if (new.type is OrderType.LIMIT_MAKER and not joins) or (new.type is OrderType.LIMIT and joins and not waits):
        raise refused("This price peg cannot be used with this order type.")


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

"""What must hold for anything that is told of an account: orders, trades, balances, commissions, limits."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from decimal import Decimal
from itertools import pairwise

from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.trial import TEST_SYMBOL
from cryptotrader.models.account_models import (
    AccountStatus,
    AccountTrade,
    Allocation,
    Amendment,
    Balance,
    CommissionRates,
)
from cryptotrader.models.base_models import OrderType, RateLimit, RateLimitType, Side, is_documented
from cryptotrader.models.order_models import ListOrderStatus, Order, OrderDetails, OrderList, OrderStatus

OPEN = frozenset({OrderStatus.NEW, OrderStatus.PENDING_NEW, OrderStatus.PARTIALLY_FILLED, OrderStatus.PENDING_CANCEL})
SMALLEST = Decimal("0.00000001")
NO_LIST = -1

_LIMITS = frozenset({OrderType.LIMIT, OrderType.LIMIT_MAKER})
_BASIS_POINTS = 10_000
_COMMON = (
    "symbol", "order_id", "order_list_id", "client_order_id", "price", "original_quantity", "executed_quantity",
    "cumulative_quote_quantity", "status", "time_in_force", "type", "side", "stop_price", "iceberg_quantity",
)  # fmt: skip
"""What two answers tell of one order alike."""


def require_balances(balances: Sequence[Balance]) -> None:
    """Each asset is told once, and nothing is negative."""
    twice = [asset for asset, count in Counter(each.asset for each in balances).items() if count > 1]
    require(not twice, f"told twice: {', '.join(twice)}")
    below = [each.asset for each in balances if each.free < 0 or each.locked < 0]
    require(not below, f"negative: {', '.join(below)}")


def require_account(status: AccountStatus) -> None:
    """Balances and commissions are possible, and the commissions agree with each other."""
    require_balances(status.balances)
    require_rates(status.commission_rates, "commission rates")
    exact = status.commission_rates
    rounded = {
        "maker": (status.maker_commission, exact.maker),
        "taker": (status.taker_commission, exact.taker),
        "buyer": (status.buyer_commission, exact.buyer),
        "seller": (status.seller_commission, exact.seller),
    }
    for role, (points, rate) in rounded.items():
        require(abs(rate * _BASIS_POINTS - points) < 1, f"{role}: {points} basis points and a rate of {rate:f}")


def require_rates(rates: CommissionRates, what: str) -> None:
    """No rate is negative, and no trade costs as much as it is worth."""
    require(min(rates.maker, rates.taker, rates.buyer, rates.seller) >= 0, f"{what}: a rate is negative")
    dearest = max(rates.maker, rates.taker) + max(rates.buyer, rates.seller)
    require(dearest < 1, f"{what}: {dearest:f} of a trade")


def require_order(order: OrderDetails) -> None:
    """What an order says of itself is possible."""
    wanted, done = order.original_quantity, order.executed_quantity
    number = f"order {order.order_id}"
    require(order.symbol == TEST_SYMBOL, f"{number} is of {order.symbol}")
    require(order.status is not None and is_documented(order.status), f"{number} is {order.status}")
    if wanted is None or done is None:  # a pending order of an OPO list, whose quantity is not known yet
        require(order.status is OrderStatus.PENDING_NEW, f"{number} is {order.status} and tells no quantity")
        return
    require(0 <= done <= wanted, f"{number}: {done:f} of {wanted:f} are executed")
    require(order.status is not OrderStatus.FILLED or done == wanted, f"{number} is FILLED with {done:f} of {wanted:f}")
    require(order.status is not OrderStatus.NEW or not done, f"{number} is NEW with {done:f} executed")
    price, worth = order.price, order.cumulative_quote_quantity
    if order.type in _LIMITS and price and worth is not None and worth >= 0 and order.peg_price_type is None:
        most, is_buy = price * done, order.side is Side.BUY
        # each trade's worth is rounded
        near = abs(worth - most) <= max(SMALLEST * 1000, most / _BASIS_POINTS / _BASIS_POINTS)
        require(near or (worth < most) == is_buy, f"{number}: {done:f} at {price:f} or better, for {worth:f}")


def require_orders(orders: Sequence[Order]) -> None:
    """Orders are possible, and in order of their ids and times."""
    for order in orders:
        require_order(order)
        require(order.time <= order.update_time, f"order {order.order_id} was changed before it was placed")
    require(all(one.order_id < two.order_id for one, two in pairwise(orders)), "order ids do not ascend")


def require_same_order(one: OrderDetails, other: OrderDetails, what: str) -> None:
    """Two answers tell the same of one order; an amount that is not told is zero."""
    for name in _COMMON:
        told, seen = getattr(one, name), getattr(other, name)
        require((told or None) == (seen or None), f"order {one.order_id}: {name} is {told}, and {seen} {what}")


def require_list(orders: OrderList) -> None:
    """What an order list says of itself is possible."""
    number = f"list {orders.order_list_id}"
    require(orders.order_list_id >= 0, f"{number} has no id")
    require(is_documented(orders.list_order_status), f"{number} is {orders.list_order_status}")
    require(len(orders.orders) in {2, 3}, f"{number} has {len(orders.orders)} orders")
    ids = {each.order_id for each in orders.orders}
    require(len(ids) == len(orders.orders), f"{number} names an order twice")
    strange = [each.symbol for each in orders.orders if each.symbol != orders.symbol]
    require(not strange, f"{number} of {orders.symbol} has orders of {', '.join(strange)}")


def require_executing(lists: Iterable[OrderList]) -> None:
    """Order lists that are said to be open are."""
    done = [each.order_list_id for each in lists if each.list_order_status is not ListOrderStatus.EXECUTING]
    require(not done, f"lists {done} are told as open, and are not executing")


def require_fills(fills: Sequence[AccountTrade | Allocation]) -> None:
    """Fills are possible, and worth what price and quantity make."""
    for fill in fills:
        name = f"the fill of order {fill.order_id} at {fill.time}"
        require(fill.symbol == TEST_SYMBOL, f"{name} is of {fill.symbol}")
        require(fill.price > 0 and fill.quantity > 0, f"{name}: a price or quantity is not positive")
        worth = fill.price * fill.quantity
        require(abs(worth - fill.quote_quantity) <= SMALLEST, f"{name}: its worth is not {worth:f}")
        require(fill.commission >= 0 and fill.commission_asset, f"{name}: its commission is not possible")


def require_sum(fills: Sequence[AccountTrade | Allocation], order: Order) -> None:
    """The fills of an order sum up to what it says."""
    quantity = sum((fill.quantity for fill in fills), Decimal(0))
    worth = sum((fill.quote_quantity for fill in fills), Decimal(0))
    number = f"order {order.order_id}"
    require(quantity == order.executed_quantity, f"{number} executed {order.executed_quantity}, its fills {quantity}")
    told = order.cumulative_quote_quantity
    require(told is None or told < 0 or told == worth, f"{number} cost {told}, its fills {worth}")


def require_amendments(amendments: Sequence[Amendment], order: Order) -> None:
    """Each amendment reduces the order, from where the one before left it to what it is now."""
    for each in amendments:
        require(each.order_id == order.order_id, f"an amendment of order {each.order_id}")
        less = f"from {each.original_quantity:f} to {each.new_quantity:f}"
        require(0 < each.new_quantity < each.original_quantity, f"amended {less}")
    for one, two in pairwise(amendments):
        require(one.execution_id < two.execution_id, "execution ids do not ascend")
        require(one.new_quantity == two.original_quantity, "the amendments do not join")
    last = amendments[-1].new_quantity
    require(last == order.original_quantity, f"amended to {last:f}, and the order is of {order.original_quantity}")


def require_order_limits(counted: Sequence[RateLimit], public: Sequence[RateLimit]) -> None:
    """Order counts have the windows that ``exchangeInfo`` tells, at least its limits, and keep to them."""
    windows = {
        (each.interval, each.interval_num): each.limit
        for each in public
        if each.rate_limit_type is RateLimitType.ORDERS
    }
    told = {(each.interval, each.interval_num) for each in counted}
    require(told == windows.keys(), "the windows are not those of exchangeInfo")
    for each in counted:
        what = f"{each.interval_num} {each.interval}"
        require(each.rate_limit_type is RateLimitType.ORDERS, f"{what}: counts {each.rate_limit_type}")
        require(each.count is not None and 0 <= each.count <= each.limit, f"{what}: {each.count} of {each.limit}")
        public_limit = windows[each.interval, each.interval_num]
        require(each.limit >= public_limit, f"{what}: {each.limit}, and {public_limit} in exchangeInfo")

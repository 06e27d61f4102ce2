"""What the checks of accounts let pass, and what they do not."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from msgspec.structs import replace

from cryptotrader.diagnostics import account_plausibility as plausibility
from cryptotrader.models.account_models import (
    AccountStatus,
    AccountTrade,
    Amendment,
    Balance,
    CommissionRates,
)
from cryptotrader.models.base_models import OrderType, RateLimit, RateLimitInterval, RateLimitType, Side, TimeInForce
from cryptotrader.models.order_models import (
    ContingencyType,
    ListedOrder,
    ListOrderStatus,
    ListStatusType,
    Order,
    OrderList,
    OrderStatus,
)

TENTH = Decimal("0.1")


def rates(maker="0.001", taker="0.002", buyer="0", seller="0"):
    return CommissionRates(maker=Decimal(maker), taker=Decimal(taker), buyer=Decimal(buyer), seller=Decimal(seller))


def balance(asset, free="1", locked="0"):
    return Balance(asset=asset, free=Decimal(free), locked=Decimal(locked))


ACCOUNT = AccountStatus(
    maker_commission=10,
    taker_commission=20,
    buyer_commission=0,
    seller_commission=0,
    commission_rates=rates(),
    can_trade=True,
    can_withdraw=True,
    can_deposit=True,
    brokered=False,
    require_self_trade_prevention=False,
    prevent_sor=False,
    update_time=0,
    account_type="SPOT",
    balances=[balance("BTC"), balance("USDT", "0", "5")],
    permissions=["SPOT"],
    uid=1,
)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"balances": [balance("BTC"), balance("BTC")]}, "told twice: BTC"),
        ({"balances": [balance("BTC", "-1")]}, "negative: BTC"),
        ({"balances": [balance("BTC", "1", "-1")]}, "negative: BTC"),
        ({"commission_rates": rates(seller="-0.001")}, "a rate is negative"),
        ({"commission_rates": rates(taker="0.5", buyer="0.5")}, r"1\.0 of a trade"),
        ({"taker_commission": 21}, r"taker: 21 basis points and a rate of 0\.002"),
    ],
)
def test_an_account_that_cannot_be(changed, text):
    plausibility.require_account(ACCOUNT)
    with pytest.raises(AssertionError, match=text):
        plausibility.require_account(replace(ACCOUNT, **changed))


ORDER = Order(
    symbol="BTCUSDT",
    order_id=7,
    order_list_id=-1,
    client_order_id="a",
    price=Decimal(100),
    original_quantity=Decimal(2),
    executed_quantity=Decimal(1),
    original_quote_quantity=Decimal(0),
    cumulative_quote_quantity=Decimal(99),
    status=OrderStatus.PARTIALLY_FILLED,
    time_in_force=TimeInForce.GTC,
    type=OrderType.LIMIT,
    side=Side.BUY,
    time=1,
    update_time=2,
    is_working=True,
)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"symbol": "ETHUSDT"}, "is of ETHUSDT"),
        ({"status": OrderStatus("NEWER")}, "is NEWER"),
        ({"status": None}, "is None"),
        ({"executed_quantity": Decimal(3)}, "3 of 2 are executed"),
        ({"executed_quantity": Decimal(-1)}, "-1 of 2 are executed"),
        ({"status": OrderStatus.FILLED}, "is FILLED with 1 of 2"),
        ({"status": OrderStatus.NEW}, "is NEW with 1 executed"),
        ({"original_quantity": None}, "tells no quantity"),
        ({"cumulative_quote_quantity": Decimal(101)}, "1 at 100 or better, for 101"),
        ({"side": Side.SELL}, "1 at 100 or better, for 99"),
        ({"update_time": 0}, "changed before it was placed"),
    ],
)
def test_an_order_that_cannot_be(changed, text):
    plausibility.require_orders([ORDER, replace(ORDER, order_id=8)])
    with pytest.raises(AssertionError, match=text):
        plausibility.require_orders([replace(ORDER, **changed)])


@pytest.mark.parametrize(
    ("unusual", "too_much", "text"),
    [
        # an order of an OPO list has no quantity until it works
        ({"status": OrderStatus.PENDING_NEW}, {"status": OrderStatus.NEW}, "tells no quantity"),
        # the worth of an old order is not known
        ({"cumulative_quote_quantity": Decimal(-1)}, {"cumulative_quote_quantity": Decimal(101)}, "for 101"),
        # what is paid is rounded
        (
            {"cumulative_quote_quantity": Decimal("100.00000001")},
            {"cumulative_quote_quantity": Decimal("100.0001")},
            "for 100.0001",
        ),
        # an order at market is bound to no price
        ({"type": OrderType.MARKET, "price": Decimal(50)}, {"price": Decimal(50)}, "1 at 50 or better, for 99"),
    ],
)
def test_an_order_that_is_unusual(unusual, too_much, text):
    """It is let pass, and what goes one step further is not."""
    order = ORDER if "status" not in unusual else replace(ORDER, original_quantity=None)
    plausibility.require_order(replace(order, **unusual))
    with pytest.raises(AssertionError, match=re.escape(text)):
        plausibility.require_order(replace(order, **too_much))


def test_orders_that_do_not_ascend():
    with pytest.raises(AssertionError, match="order ids do not ascend"):
        plausibility.require_orders([ORDER, ORDER])


def test_two_answers_of_one_order():
    plausibility.require_same_order(ORDER, replace(ORDER, stop_price=Decimal(0), update_time=9), "elsewhere")
    with pytest.raises(AssertionError, match="order 7: price is 100, and 99 elsewhere"):
        plausibility.require_same_order(ORDER, replace(ORDER, price=Decimal(99)), "elsewhere")


def listed(number, symbol="BTCUSDT"):
    return ListedOrder(symbol=symbol, order_id=number, client_order_id="a")


LIST = OrderList(
    order_list_id=0,
    contingency_type=ContingencyType.OCO,
    list_order_status=ListOrderStatus.EXECUTING,
    list_client_order_id="a",
    symbol="BTCUSDT",
    orders=[listed(1), listed(2)],
    list_status_type=ListStatusType.EXEC_STARTED,
    transaction_time=0,
)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"order_list_id": -1}, "has no id"),
        ({"list_order_status": ListOrderStatus("PAUSED")}, "is PAUSED"),
        ({"orders": [listed(1)]}, "has 1 orders"),
        ({"orders": [listed(1), listed(1)]}, "names an order twice"),
        ({"orders": [listed(1), listed(2, "ETHUSDT")]}, "has orders of ETHUSDT"),
    ],
)
def test_a_list_that_cannot_be(changed, text):
    plausibility.require_list(LIST)
    with pytest.raises(AssertionError, match=text):
        plausibility.require_list(replace(LIST, **changed))


def test_an_open_list_that_is_done():
    plausibility.require_executing([LIST])
    with pytest.raises(AssertionError, match=r"lists \[0\] are told as open"):
        plausibility.require_executing([replace(LIST, list_order_status=ListOrderStatus.ALL_DONE)])


FILL = AccountTrade(
    symbol="BTCUSDT",
    id=1,
    order_id=7,
    order_list_id=-1,
    price=Decimal(99),
    quantity=Decimal(1),
    quote_quantity=Decimal(99),
    commission=TENTH,
    commission_asset="BTC",
    time=0,
    is_buyer=True,
    is_maker=False,
    is_best_match=True,
)


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({"symbol": "ETHUSDT"}, "is of ETHUSDT"),
        ({"price": Decimal(0)}, "not positive"),
        ({"quantity": Decimal(-1)}, "not positive"),
        ({"quote_quantity": Decimal(98)}, "its worth is not 99"),
        ({"commission": -TENTH}, "its commission is not possible"),
        ({"commission_asset": ""}, "its commission is not possible"),
    ],
)
def test_a_fill_that_cannot_be(changed, text):
    plausibility.require_fills([FILL])
    with pytest.raises(AssertionError, match=text):
        plausibility.require_fills([replace(FILL, **changed)])


def test_fills_that_do_not_make_their_order():
    plausibility.require_sum([FILL], ORDER)
    with pytest.raises(AssertionError, match="order 7 executed 1, its fills 0"):
        plausibility.require_sum([], ORDER)
    with pytest.raises(AssertionError, match="order 7 cost 98, its fills 99"):
        plausibility.require_sum([FILL], replace(ORDER, cumulative_quote_quantity=Decimal(98)))


def amendment(number, before, after, order_id=7):
    return Amendment(
        symbol="BTCUSDT",
        order_id=order_id,
        execution_id=number,
        original_client_order_id="a",
        new_client_order_id="b",
        original_quantity=Decimal(before),
        new_quantity=Decimal(after),
        time=0,
    )


@pytest.mark.parametrize(
    ("amendments", "text"),
    [
        ([amendment(1, 4, 2, order_id=8)], "of order 8"),
        ([amendment(1, 1, 2)], "from 1 to 2"),
        ([amendment(2, 4, 3), amendment(1, 3, 2)], "execution ids do not ascend"),
        ([amendment(1, 5, 4), amendment(2, 3, 2)], "do not join"),
        ([amendment(1, 4, 3)], "amended to 3, and the order is of 2"),
    ],
)
def test_amendments_that_cannot_be(amendments, text):
    plausibility.require_amendments([amendment(1, 4, 3), amendment(2, 3, 2)], ORDER)
    with pytest.raises(AssertionError, match=text):
        plausibility.require_amendments(amendments, ORDER)


def limit(most=50, count=None, seconds=10, kind=RateLimitType.ORDERS):
    return RateLimit(
        rate_limit_type=kind, interval=RateLimitInterval.SECOND, interval_num=seconds, limit=most, count=count
    )


@pytest.mark.parametrize(
    ("counted", "text"),
    [
        ([], "not those of exchangeInfo"),
        ([limit(count=0, seconds=5)], "not those of exchangeInfo"),
        ([limit(count=0, kind=RateLimitType.RAW_REQUESTS)], "counts RAW_REQUESTS"),
        ([limit()], "None of 50"),
        ([limit(count=51)], "51 of 50"),
        ([limit(most=49, count=0)], "49, and 50 in exchangeInfo"),
    ],
)
def test_order_limits_that_cannot_be(counted, text):
    public = [limit(), limit(seconds=60, kind=RateLimitType.REQUEST_WEIGHT)]
    plausibility.require_order_limits([limit(most=60, count=60)], public)
    with pytest.raises(AssertionError, match=text):
        plausibility.require_order_limits(counted, public)

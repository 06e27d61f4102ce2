from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import ConfigurationError, UnknownSymbol
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.simulator.venue import Exchange, OrderStatus

START = 1_700_000_000_000_000
STEP = Decimal("0.01")


def quiet():
    """An exchange without participants."""
    return Exchange(["BTCUSDT"], rate=0, start_us=START)


def limit(exchange, side, price, quantity, time_in_force=TimeInForce.GTC, *, kind=OrderType.LIMIT):
    return exchange.place("BTCUSDT", side, kind, Decimal(quantity), price=Decimal(price), time_in_force=time_in_force)


def test_the_better_price_comes_first_and_then_the_older_order():
    exchange = quiet()
    market = exchange.markets["BTCUSDT"]
    worse = limit(exchange, Side.SELL, "101", "1")
    older = limit(exchange, Side.SELL, "100", "1")
    newer = limit(exchange, Side.SELL, "100", "1")
    result = exchange.place("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal("1.5"))

    assert result.status is OrderStatus.FILLED
    assert [market.log.trade(number).price for number in result.trade_ids] == [100 * 10**8, 100 * 10**8]
    assert older.order_id not in market.book
    assert newer.order_id in market.book
    assert worse.order_id in market.book
    assert market.book.asks.quantity(100 * 10**8) == 5 * 10**7


def test_a_taker_gets_the_makers_price():
    exchange = quiet()
    limit(exchange, Side.BUY, "99", "1")
    result = limit(exchange, Side.SELL, "90", "2")

    trade = exchange.markets["BTCUSDT"].log.trade(result.trade_ids[0])
    assert (trade.price, trade.is_buyer_maker) == (99 * 10**8, True)
    assert (result.status, result.executed) == (OrderStatus.PARTIALLY_FILLED, 10**8)
    assert exchange.markets["BTCUSDT"].book.asks.best == 90 * 10**8


def test_fill_or_kill_takes_all_or_nothing():
    exchange = quiet()
    limit(exchange, Side.SELL, "100", "1")
    limit(exchange, Side.SELL, "101", "1")

    assert limit(exchange, Side.BUY, "100", "2", TimeInForce.FOK).status is OrderStatus.EXPIRED
    assert exchange.markets["BTCUSDT"].book.asks.quantity(100 * 10**8) == 10**8
    assert limit(exchange, Side.BUY, "101", "2", TimeInForce.FOK).status is OrderStatus.FILLED


def test_immediate_or_cancel_never_rests():
    exchange = quiet()
    limit(exchange, Side.SELL, "100", "1")
    result = limit(exchange, Side.BUY, "100", "3", TimeInForce.IOC)

    assert (result.status, result.executed) == (OrderStatus.EXPIRED, 10**8)
    assert len(exchange.markets["BTCUSDT"].book.bids) == 0


def test_a_limit_maker_that_would_take_is_rejected():
    exchange = quiet()
    limit(exchange, Side.SELL, "100", "1")

    assert limit(exchange, Side.BUY, "100", "1", kind=OrderType.LIMIT_MAKER).status is OrderStatus.REJECTED
    assert limit(exchange, Side.BUY, "99", "1", kind=OrderType.LIMIT_MAKER).status is OrderStatus.NEW


def test_a_market_order_on_an_empty_book_expires():
    assert quiet().place("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal(1)).status is OrderStatus.EXPIRED


def test_a_cancelled_order_is_gone_and_cannot_be_cancelled_again():
    exchange = quiet()
    order = limit(exchange, Side.BUY, "99", "1")

    assert exchange.cancel("BTCUSDT", order.order_id)
    assert not exchange.cancel("BTCUSDT", order.order_id)
    assert exchange.markets["BTCUSDT"].book.bids.best is None


def test_cancelled_orders_do_not_pile_up_behind_one_that_stays():
    exchange = quiet()
    first = limit(exchange, Side.SELL, "100", "1")
    for _ in range(1000):
        exchange.cancel("BTCUSDT", limit(exchange, Side.SELL, "100", "1").order_id)
    kept = [limit(exchange, Side.SELL, "100", "1").order_id for _ in range(20)]
    for number in kept[::2]:
        exchange.cancel("BTCUSDT", number)
    book = exchange.markets["BTCUSDT"].book
    (level,) = book.asks.levels.values()
    assert len(level.orders) <= 2 * 11 + 1
    assert [order.id for order in book.asks.orders()] == [first.order_id, *kept[1::2]]
    exchange.place("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal(11))
    assert book.asks.best is None


def test_fills_of_one_taker_at_one_price_are_one_aggregate():
    exchange = quiet()
    log = exchange.markets["BTCUSDT"].log
    for price in ("100", "100", "101"):
        limit(exchange, Side.SELL, price, "1")
    before = len(log.aggregate_ids)
    exchange.place("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal(3))
    limit(exchange, Side.SELL, "101", "1")
    exchange.place("BTCUSDT", Side.BUY, OrderType.MARKET, Decimal(1))
    aggregates = [log.aggregate(number) for number in log.aggregate_ids[before:]]

    assert [(a.price // 10**8, a.quantity // 10**8, a.last_id - a.first_id + 1) for a in aggregates] == [
        (100, 2, 2), (101, 1, 1), (101, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(("quantity", "price"), [("0", "1"), ("-1", "1"), ("1", "0.001"), ("0.0000000001", "1")])
def test_amounts_off_their_step_are_refused(quantity, price):
    with pytest.raises(ConfigurationError, match="not a positive multiple"):
        limit(quiet(), Side.BUY, price, quantity)


def test_unknown_symbols_are_refused():
    with pytest.raises(UnknownSymbol, match="NOPE: not listed"):
        quiet().place("NOPE", Side.BUY, OrderType.MARKET, Decimal(1))
    with pytest.raises(UnknownSymbol, match="no quote asset that this name ends in"):
        Exchange(["NOPE"], start_us=START)
    with pytest.raises(ConfigurationError, match="at least one symbol and a rate of 0 or more"):
        Exchange([], start_us=START)


orders = st.lists(
    st.tuples(
        st.sampled_from([Side.BUY, Side.SELL]),
        st.sampled_from([OrderType.LIMIT, OrderType.MARKET, OrderType.LIMIT_MAKER]),
        st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
        st.integers(95, 105),
        st.integers(1, 5),
        st.booleans(),
    ),
    max_size=60,
)


@given(orders)
def test_whatever_is_ordered_quantity_is_conserved_and_the_book_never_crosses(sequence):
    exchange = quiet()
    market = exchange.markets["BTCUSDT"]
    told = []
    exchange.trade_listeners.append(told.append)
    exchange.listen()
    entered, executed, cancelled, placed = 0, 0, 0, []
    for side, kind, force, price, quantity, cancels in sequence:
        result = exchange.place("BTCUSDT", side, kind, Decimal(quantity), price=Decimal(price), time_in_force=force)
        executed += result.executed
        if result.order_id in market.book:
            entered += quantity * 10**8 - result.executed
            placed.append(result.order_id)
        if cancels and placed:
            order = market.book._orders.get(placed[0])
            remaining = order.remaining if order else 0
            if exchange.cancel("BTCUSDT", placed.pop(0)):
                cancelled += remaining
        bid, ask = market.book.bids.best, market.book.asks.best
        assert bid is None or ask is None or bid < ask
    resting = sum(total for book_side in (market.book.bids, market.book.asks) for _, total in book_side)

    assert entered == executed + cancelled + resting  # what rested was filled by takers, cancelled, or is there
    assert sum(trade.quantity for trade in told) == executed
    assert [trade.id for trade in told] == list(range(market.log.first_id, market.log.next_id))
    for side in (market.book.bids, market.book.asks):
        queued = [(price, sum(order.remaining for order in side.levels[price].orders)) for price, _ in side]
        assert list(side) == queued
        assert all(remaining > 0 for _, remaining in queued)

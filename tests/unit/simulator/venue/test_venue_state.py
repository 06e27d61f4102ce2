"""A restored exchange goes on exactly as the one that was saved, crowd and all."""

from __future__ import annotations

import msgspec
import pytest

from cryptotrader.models import base_models as models
from cryptotrader.models.base_models import OrderType, Side
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.events import ListKind
from cryptotrader.simulator.venue.list_placement import NewOrderList
from cryptotrader.simulator.venue.orders import NewOrder
from cryptotrader.simulator.venue.state import VenueState
from cryptotrader.simulator.venue.symbols import UNIT
from venue_bench import START, Bench


def busy():
    """An exchange with a crowd, in which an account has orders of each kind."""
    exchange = Exchange(["BTCUSDT", "BTCUSDC"], rate=200, start_us=START, seed=3)
    exchange.trading.open_account(Account(uid=1), {"BTC": 100 * UNIT, "USDT": 10_000_000 * UNIT})
    exchange.desk.rulebook.exchange_filters = (models.ExchangeMaxNumOrdersFilter(max_num_orders=100),)
    price = exchange.market("BTCUSDT").last_price // 10**6 * 10**6

    def new(side, kind, **more):
        return NewOrder(symbol="BTCUSDT", side=Side(side), type=OrderType(kind), quantity=UNIT // 10, **more)

    place = exchange.trading.place
    place(1, new("BUY", "LIMIT", price=price - 10**9, iceberg_quantity=UNIT // 20))
    place(1, new("SELL", "TAKE_PROFIT_LIMIT", price=price + 2 * 10**9, stop_price=price + 10**9))
    place(1, new("SELL", "STOP_LOSS", trailing_delta=10))
    place(1, new("BUY", "MARKET"))
    pair = new("SELL", "LIMIT_MAKER", price=price + 5 * 10**9), new("SELL", "STOP_LOSS", stop_price=price - 5 * 10**9)
    exchange.trading.place_list(1, NewOrderList(kind=ListKind.OTOCO, legs=(new("BUY", "LIMIT", price=price), *pair)))
    return exchange


def watch(exchange, seconds):
    """What is told in a time: trades and account events."""
    told = []
    exchange.trade_listeners.append(told.append)
    exchange.listen()
    exchange.desk.listeners.append(told.append)
    exchange.advance(exchange.now_us + seconds * 1_000_000)
    return told


def test_a_restored_exchange_tells_the_same_from_then_on():
    exchange = busy()
    exchange.advance(exchange.now_us + 3_000_000)
    saved = exchange.dump().to_bytes()
    restored = Exchange.load(VenueState.from_bytes(saved))

    assert restored.dump().to_bytes() == saved
    told = watch(exchange, 30)
    assert len(told) > 3000
    assert watch(restored, 30) == told
    assert restored.dump().to_bytes() == exchange.dump().to_bytes()


def test_candles_and_past_trades_are_restored():
    exchange = busy()
    restored = Exchange.load(VenueState.from_bytes(exchange.dump().to_bytes()))
    assert exchange.markets
    for name, market in exchange.markets.items():
        other = restored.markets[name]
        assert other.log.newest(500) == market.log.newest(500)
        assert [other.log.aggregate(n) for n in other.log.aggregate_ids[-50:]] == [
            market.log.aggregate(n) for n in market.log.aggregate_ids[-50:]
        ]
        start = START // 60_000_000 * 60_000_000
        assert other.buckets.minutes(start - 60_000_000, start + 60_000_000) == market.buckets.minutes(
            start - 60_000_000, start + 60_000_000
        )
        assert list(other.book.bids) == list(market.book.bids)


def test_what_is_no_state_is_refused():
    with pytest.raises(msgspec.ValidationError, match="missing required field `next_us`"):
        VenueState.from_bytes(b'{"now_us":1}')


def test_an_exchange_that_has_seen_nothing_can_be_saved():
    saved = Bench().exchange.dump()
    assert Exchange.load(saved).next_us == float("inf")

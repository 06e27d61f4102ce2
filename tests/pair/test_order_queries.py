"""The facade of orders: every method of trading and every query about orders, typed."""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.api_connection import ApiConnection
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import OrderStatus
from cryptotrader.protocol.request import REGISTRY, SecurityType
from cryptotrader.requests import (
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
)
from trading_pair import SYMBOL, desk

ELSEWHERE = {
    "orderList.place",  # deprecated for orderList.place.oco
    "account.rateLimits.orders",
    "myFilters",
}
WORKING = {
    "symbol": SYMBOL, "working_type": OrderType.LIMIT, "working_side": Side.BUY, "working_price": "90000",
    "working_quantity": "0.1", "working_time_in_force": TimeInForce.GTC, "pending_side": Side.SELL,
}  # fmt: skip
SINGLE = {"pending_type": OrderType.LIMIT_MAKER, "pending_price": "99000"}
LEGS = {"above_type": OrderType.LIMIT_MAKER, "above_price": "99000", "below_type": OrderType.STOP_LOSS, "below_stop_price": "91000"}  # fmt: skip
PAIR = {f"pending_{name}": value for name, value in LEGS.items()} | {"pending_below_stop_price": "80000"}
LISTS = [
    OrderListPlaceOcoRequest(symbol=SYMBOL, side=Side.SELL, quantity="0.1", **LEGS),
    OrderListPlaceOtoRequest(**WORKING, **SINGLE, pending_quantity="0.1"),
    OrderListPlaceOtocoRequest(**WORKING, **PAIR, pending_quantity="0.1"),
    OrderListPlaceOpoRequest(**WORKING, **SINGLE),
    OrderListPlaceOpocoRequest(**WORKING, **PAIR),
]


async def test_every_method_of_trading_and_every_query_is_there_and_typed(monkeypatch):
    asked, call = set(), ApiConnection.call

    async def noting(self, request, **options):
        asked.add(request.api.name)
        return await call(self, request, **options)

    monkeypatch.setattr(ApiConnection, "call", noting)

    async with desk(SYMBOL, "BTCUSDC", rate=0) as at, at.client() as binance:
        orders, venue = binance.orders, at.exchange.venue
        venue.place("BTCUSDC", Side.SELL, OrderType.LIMIT, Decimal(1), price=Decimal(95_000))
        tested = {"quantity": "0.1", "price": "90000", "time_in_force": TimeInForce.GTC}
        rates = await orders.test(SYMBOL, Side.BUY, OrderType.LIMIT, compute_commission_rates=True, **tested)
        routed_rates = await orders.test_routed(
            SYMBOL, Side.BUY, OrderType.LIMIT, compute_commission_rates=True, **tested
        )
        assert rates.standard_commission_for_order == routed_rates.standard_commission_for_order
        assert (await orders.test_routed(SYMBOL, Side.BUY, OrderType.LIMIT, **tested)).discount is None

        routed = await orders.place_routed(SYMBOL, Side.BUY, OrderType.MARKET, quantity="0.5")
        (allocation,) = await orders.allocations(SYMBOL, order_id=routed.order_id)
        assert allocation.quantity == routed.fills[0].quantity
        assert await orders.allocations(SYMBOL, from_id=allocation.allocation_id) == [allocation]

        order = await orders.place_limit(SYMBOL, Side.SELL, quantity="0.5", price="96000")
        await order.amend("0.4")
        (amendment,) = await orders.amendments(SYMBOL, order.order_id)
        assert (amendment.original_quantity, amendment.new_quantity) == (Decimal("0.5"), Decimal("0.4"))
        crossing = await orders.place_limit(
            SYMBOL,
            Side.BUY,
            quantity="0.1",
            price="96000",
            self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_TAKER,
        )
        (match,) = await orders.prevented_matches(SYMBOL, order_id=crossing.order_id)
        found = await orders.prevented_matches(SYMBOL, prevented_match_id=match.prevented_match_id)
        assert found == [match]

        async with at.client(1) as buyer:
            await buyer.orders.place_market(SYMBOL, Side.BUY, quantity="0.1")
        (trade,) = await orders.trades(SYMBOL, order_id=order.order_id)
        assert await orders.trades(SYMBOL, start_time=trade.time, end_time=trade.time, limit=1) == [trade]

        replaced = await order.replace(price="97000", quantity="0.3")
        lists = [await orders.place_list(request) for request in LISTS]
        assert {each.order_list_id for each in await orders.open_lists()} == {each.order_list_id for each in lists}
        await lists[0].cancel()
        assert [each.order_list_id for each in await orders.all_lists(limit=1)] == [lists[-1].order_list_id]
        ended = await orders.list_status(list_client_order_id=lists[0].list_client_order_id)
        assert ended == await orders.list_status(order_list_id=lists[0].order_list_id)

        last = await orders.follow(SYMBOL, order_id=replaced.placed.order_id)
        await last.cancel()
        assert (await orders.status(SYMBOL, order_id=last.order_id)).status is OrderStatus.CANCELED
        everything = await orders.all_orders(SYMBOL)
        assert await orders.all_orders(SYMBOL, order_id=everything[-1].order_id) == everything[-1:]
        assert await orders.all_orders(SYMBOL, start_time=everything[0].time, limit=1) == everything[:1]
        await orders.cancel_all(SYMBOL)
        assert await orders.open_orders(SYMBOL) == []
        assert (await orders.commission(SYMBOL)).symbol == SYMBOL

    wanted = {
        name for name, kind in REGISTRY.items() if kind.api.security in {SecurityType.TRADE, SecurityType.USER_DATA}
    }
    assert wanted - asked == ELSEWHERE

"""What is concluded, and what is not, while the user stream is down; calls that were cancelled; halves of a replacement."""

from __future__ import annotations

import asyncio
import gc

import pytest

from cryptotrader.errors import ConnectFailed, PartiallyApplied, RateLimited, RequestInvalid, RequestRejected
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import CancelReplaceResult, OrderRateLimitExceededMode, OrderStatus
from cryptotrader.order_outcomes import (
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    ReplaceOutcomeUnknown,
    ReplacePartiallyApplied,
)
from cryptotrader.requests import OrderPlaceRequest
from paper_exchange import SYMBOL, Refused, Silence
from paper_trading import (
    buy,
    done_in_silence,
    oco,
    raising,
    silent,
    trading,
    trading_again,
    unknown_and_not_done,
    unknown_but_done,
)
from trading_pair import desk
from virtual_clock import running_loop

UNKNOWN_ORDER = Refused(-2013, "Order does not exist.")
BUSY = Refused(-1008, "Server is currently overloaded with other requests.", 503)


def cut_user_stream(exchange):
    (listener,) = [peer for peer in exchange.peers if peer.subscriptions]
    exchange.drop(listener)


# ------------------------------------------------------------------------------------------- the user stream is down


async def test_nothing_is_concluded_while_the_user_stream_is_down():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.fault("order.place", done_in_silence)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 12)  # the database is behind
        exchange.fault("userDataStream.subscribe", *[raising(BUSY)] * 100)
        cut_user_stream(exchange)
        with pytest.raises(OrderOutcomeUnknown, match="no reply in time") as caught:
            await buy(binance)
        assert (await caught.value.resolve()).order_id == 2


async def test_that_there_is_no_order_is_not_said_while_the_user_stream_is_down():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.fault("order.place", unknown_and_not_done)
        exchange.fault("userDataStream.subscribe", *[raising(BUSY)] * 20)
        cut_user_stream(exchange)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await buy(binance)
        with pytest.raises(TimeoutError):
            await caught.value.resolve(timeout=30)
        assert exchange.asked["allOrders"] == 0

        assert await caught.value.resolve(timeout=3600) is None
        assert exchange.asked["allOrders"] == 1


@pytest.mark.parametrize("is_listed", [True, False])
async def test_after_an_interruption_all_orders_are_looked_through(is_listed):
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.on_placed = exchange.fill  # placed and filled while no events come: it is not open afterwards
        exchange.fault("order.place", done_in_silence)
        exchange.fault("order.status", *[raising(UNKNOWN_ORDER)] * 9)
        if not is_listed:
            exchange.on_allOrders = lambda peer, account, params: []
        cut_user_stream(exchange)
        with pytest.raises(OrderOutcomeUnknown, match="no reply in time") as caught:
            await buy(binance)
        found = await caught.value.resolve(timeout=120)
        assert exchange.asked["allOrders"] > 0
        assert (found and found.order_id) == (2 if is_listed else None)


async def test_nothing_is_concluded_of_a_list_while_the_user_stream_is_down():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.fault("orderList.place.oco", done_in_silence)
        exchange.fault("orderList.status", *[raising(UNKNOWN_ORDER)] * 9)
        cut_user_stream(exchange)
        for order in exchange.account.orders:
            order["name"] += "-"
        exchange.on_openOrders_status = lambda peer, account, params: []  # as if both had ended meanwhile
        with pytest.raises(OrderListOutcomeUnknown, match="no reply in time") as caught:
            await binance.orders.place_list(oco())
        assert (await caught.value.resolve(timeout=120)).order_list_id == 1


async def test_asking_ends_with_the_client():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.fault("order.place", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await buy(binance)
        exchange.refuses_dials = True
        waiting = asyncio.ensure_future(caught.value.resolve(timeout=None))
        await asyncio.sleep(1)
        await binance.close()
        with pytest.raises(ConnectFailed, match="closed by its owner"):
            await waiting


# --------------------------------------------------------------------------------------------- calls that are cancelled


def late(seconds):
    def fault(peer, method, params, do):
        running_loop().call_later(seconds, do)
        raise Silence

    return fault


@pytest.mark.parametrize("is_kept", [True, False])
async def test_the_order_of_a_cancelled_call_is_resolved_by_its_client_id(is_kept):
    async with trading() as (binance, exchange):
        await (await buy(binance, new_client_order_id="mine")).cancel()
        exchange.fault("order.place", late(4.0))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await buy(binance, new_client_order_id="mine")
        gc.collect()
        if not is_kept:
            await asyncio.sleep(10)
        order = await binance.orders.resolve(SYMBOL, "mine")
        assert (order.order_id, order.status) == (2, OrderStatus.NEW)
        assert await binance.orders.resolve(SYMBOL, "mine") is order
        exchange.fill(exchange.account, exchange.account.orders[1])
        await order.filled(timeout=5)


async def test_a_cancelled_call_that_placed_nothing_is_resolved_to_nothing():
    async with trading() as (binance, exchange):
        await (await buy(binance, new_client_order_id="mine")).cancel()
        exchange.fault("order.place", silent)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await buy(binance, new_client_order_id="mine")
        with pytest.raises(RequestInvalid, match="resolve it first"):
            await buy(binance, new_client_order_id="mine")
        begun = running_loop().time()
        assert await binance.orders.resolve(SYMBOL, "mine") is None
        assert running_loop().time() - begun < 20
        assert (await buy(binance, new_client_order_id="mine")).order_id == 2


async def test_the_new_order_of_a_cancelled_replacement_is_resolved():
    async with trading() as (binance, exchange):
        first = await buy(binance)
        exchange.fault("order.cancelReplace", late(3.0))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await first.replace(price="49000", quantity="0.5", new_client_order_id="mine")
        assert (await binance.orders.resolve(SYMBOL, "mine")).order_id == 2
        assert first.status is OrderStatus.CANCELED


async def test_an_order_of_an_earlier_run_is_resolved():
    async with trading() as (binance, exchange):
        name = (await buy(binance)).client_order_id
        async with trading_again(exchange) as later:
            order = await later.orders.resolve(SYMBOL, name)
            assert (order.order_id, order.status) == (1, OrderStatus.NEW)
            assert await later.orders.resolve(SYMBOL, "never") is None
            assert exchange.asked["allOrders"] == 1


async def test_following_an_order_in_doubt_is_following_that_order():
    async with trading() as (binance, exchange):
        exchange.fault("order.place", unknown_but_done)
        await binance.user.wait_subscribed()
        exchange.tell = lambda account, event: None
        with pytest.raises(OrderOutcomeUnknown, match="code -1007") as caught:
            await buy(binance, new_client_order_id="mine")
        followed = await binance.orders.follow(SYMBOL, client_order_id="mine")
        assert await caught.value.resolve() is followed


# ------------------------------------------------------------------------------------------------------ cancelling by id


async def test_cancelling_by_id_needs_no_user_stream():
    async with trading() as (first, exchange):
        orders = [await buy(first) for _ in range(2)]
        exchange.fault("userDataStream.subscribe", *[raising(BUSY)] * 100)
        async with trading_again(exchange) as binance:
            report = await binance.orders.cancel(SYMBOL, order_id=1)
            assert (report.status, report.original_client_order_id) == ("CANCELED", orders[0].client_order_id)
            report = await binance.orders.cancel(SYMBOL, client_order_id=orders[1].client_order_id)
            assert (report.status, report.order_id) == ("CANCELED", 2)
            with pytest.raises(RequestRejected, match="code -2011"):
                await binance.orders.cancel(SYMBOL, order_id=1)
            with pytest.raises(RequestInvalid, match="one of order_id, orig_client_order_id is required"):
                await binance.orders.cancel(SYMBOL)
            assert exchange.asked["userDataStream.subscribe"] == 1
        await asyncio.sleep(1)
        assert [order.status for order in orders] == [OrderStatus.CANCELED] * 2


@pytest.mark.parametrize("ids", [{"order_id": 1}, {"client_order_id": "mine"}])
@pytest.mark.parametrize(
    ("fault", "status"), [(unknown_but_done, OrderStatus.CANCELED), (unknown_and_not_done, OrderStatus.NEW)]
)
async def test_cancelling_by_id_without_an_answer_is_resolved(ids, fault, status):
    async with trading() as (first, exchange):
        await buy(first, new_client_order_id="mine")
        async with trading_again(exchange) as binance:
            exchange.fault("order.cancel", fault)
            with pytest.raises(OrderOutcomeUnknown, match=r"code -1006|code -1007") as caught:
                await binance.orders.cancel(SYMBOL, **ids)
            order = await caught.value.resolve()
            assert (order.order_id, order.status) == (1, status)


async def test_an_order_is_named_in_one_way():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        with pytest.raises(RequestInvalid, match="name the order by itself, or by its symbol and ids"):
            await binance.orders.cancel(order, order_id=1)
        assert exchange.asked["order.cancel"] == 0


async def test_cancelling_all_where_nothing_is_open_gives_nothing():
    async with trading() as (binance, exchange):
        exchange.fault("openOrders.cancelAll", raising(Refused(-2011, "Unknown order sent.")))
        assert await binance.orders.cancel_all(SYMBOL) == []
        exchange.fault("openOrders.cancelAll", raising(Refused(-2015, "Invalid API-key.", 401)))
        with pytest.raises(RequestRejected, match="code -2015"):
            await binance.orders.cancel_all(SYMBOL)


# ------------------------------------------------------------------------------------------------ halves of a replacement


async def test_a_cancellation_that_the_order_limit_left_alone_is_told():
    async with desk() as at, at.client() as binance, at.client() as elsewhere:
        bid = (await binance.market.order_book(SYMBOL)).best_bid.price
        order = await buy(binance, "0.01", bid - 500)
        with pytest.raises(RateLimited, match="by this library's own count"):
            for _ in range(60):  # another program uses the account's orders up
                request = OrderPlaceRequest(
                    symbol=SYMBOL,
                    side=Side.BUY,
                    type=OrderType.LIMIT,
                    time_in_force=TimeInForce.GTC,
                    quantity="0.01",
                    price=bid - 600,
                )
                await elsewhere.call(request, patience=0)
        mode = OrderRateLimitExceededMode.CANCEL_ONLY
        with pytest.raises(ReplacePartiallyApplied, match="code -2021") as caught:
            await order.replace(price=bid - 700, quantity="0.01", order_rate_limit_exceeded_mode=mode)
        error = caught.value
        assert (error.status, error.cancelled, error.placed) == (429, order, None)
        assert error.outcome.new_order_response.code == -1015
        assert order.status is OrderStatus.CANCELED
        with pytest.raises(
            RateLimited, match="by this library's own count"
        ):  # learnt from the reply: nothing more is sent
            await binance.call(request, patience=0)


async def test_a_partial_success_that_cannot_be_read_is_resolved():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        partly = Refused(-2021, "Order cancel-replace partially failed.", 409, {"cancelResult": "SUCCESS"})

        def cancelled_only(peer, method, params, do):
            by = {"orderId": params["cancelOrderId"], "newClientOrderId": "gone"}
            exchange.on_order_cancel(peer, peer.account, by)
            raise partly

        exchange.fault("order.cancelReplace", cancelled_only)
        with pytest.raises(ReplaceOutcomeUnknown, match="code -2021") as caught:
            await order.replace(price="49000", quantity="0.4")
        assert isinstance(caught.value.__cause__, PartiallyApplied)
        both = await caught.value.resolve()
        assert (both.cancelled.status, both.placed) == (OrderStatus.CANCELED, None)


async def test_a_refusal_that_says_that_one_half_took_effect_is_told_as_such():
    async with trading() as (binance, exchange):
        order = await buy(binance)

        def refused_by_limit(peer, method, params, do):
            try:
                do()
            except Refused as error:
                error.status, error.body["code"] = 429, -1015
                raise

        exchange.fault("order.cancelReplace", refused_by_limit)
        with pytest.raises(ReplacePartiallyApplied, match="code -1015") as caught:
            await order.replace(price="1000", quantity="2000")
        assert caught.value.outcome.cancel_result is CancelReplaceResult.SUCCESS
        assert order.status is OrderStatus.CANCELED

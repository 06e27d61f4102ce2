from __future__ import annotations

import asyncio
import re
from decimal import Decimal

import pytest

from cryptotrader.client import Binance
from cryptotrader.config import Endpoint
from cryptotrader.credentials import HmacKey
from cryptotrader.errors import (
    Banned,
    ConfigurationError,
    ConnectFailed,
    FilterViolated,
    OrderNotFilled,
    OrderRejected,
    OutcomeUnknown,
    RateLimited,
    RequestInvalid,
    RequestRejected,
)
from cryptotrader.models.base_models import Side
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelReplaceResponse,
    CancelReplaceResult,
    ListOrderStatus,
    OrderStatus,
    PegPriceType,
)
from cryptotrader.models.recovered_models import RecoveredOrder, RecoveredTrade
from cryptotrader.order_outcomes import (
    OrderListOutcomeUnknown,
    OrderOutcomeUnknown,
    ReplaceOutcomeUnknown,
    ReplacePartiallyApplied,
)
from cryptotrader.order_stream import OrderOptions
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
from virtual_clock import running_loop


async def test_an_order_is_placed_followed_and_filled():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        assert order.status is OrderStatus.NEW
        assert order.client_order_id.startswith("ct-")
        assert len(order.client_order_id) == 23
        placed = exchange.account.orders[0]
        running_loop().call_later(1.0, exchange.fill, exchange.account, placed, "0.2")
        running_loop().call_later(2.0, exchange.fill, exchange.account, placed, None, "49000")
        reports = [report async for report in order]
        await order.filled(timeout=5)

        assert [report.status for report in reports] == ["NEW", "PARTIALLY_FILLED", "FILLED"]
        assert [fill.quantity for fill in order.fills] == [Decimal("0.2"), Decimal("0.3")]
        assert order.cumulative_quote_quantity == Decimal(24700)
        assert order.average_price == Decimal(49400)


# ------------------------------------------------------------------------------------------------ unknown outcomes


@pytest.mark.parametrize("fault", [unknown_but_done, done_in_silence])
async def test_an_order_whose_reply_is_missing_is_found(fault):
    async with trading() as (binance, exchange):
        exchange.fault("order.place", fault)
        with pytest.raises(OrderOutcomeUnknown, match=r"code -1007|no reply in time") as caught:
            await buy(binance)
        assert caught.value.client_order_id == exchange.account.orders[0]["name"]
        order = await caught.value.resolve(timeout=5)

        assert (order.order_id, order.status) == (1, OrderStatus.NEW)
        exchange.fill(exchange.account, exchange.account.orders[0])
        await order.filled(timeout=5)
        assert exchange.asked["order.place"] == 1


@pytest.mark.parametrize("fault", [unknown_and_not_done, silent])
async def test_not_placed_is_concluded_only_when_nothing_can_come_any_more(fault):
    async with trading() as (binance, exchange):
        await binance.user.wait_subscribed()
        exchange.fault("order.place", fault)
        with pytest.raises(OrderOutcomeUnknown, match=r"code -1006|no reply in time") as caught:
            await buy(binance)
        given_up = running_loop().time()

        assert await caught.value.resolve() is None
        assert 15.0 <= running_loop().time() - given_up < 20.0
        assert exchange.asked["order.status"] > 3
        assert exchange.asked["order.place"] == 1


async def test_an_order_that_takes_effect_late_is_found():
    async def main():
        async with trading() as (binance, exchange):
            exchange.fault("order.place", late)
            with pytest.raises(OrderOutcomeUnknown, match="code -1007") as caught:
                await buy(binance)
            order = await caught.value.resolve()

            assert order.status is OrderStatus.NEW
            assert len(exchange.account.orders) == 1

    def late(peer, method, params, do):
        running_loop().call_later(14.0, peer.exchange.on_order_place, peer, peer.account, params)
        raise Refused(-1007, "Timeout waiting for response from backend server.", 500)

    await main()


async def test_an_earlier_order_of_the_same_client_order_id_is_not_taken_for_the_new_one():
    async with trading() as (binance, exchange):
        first = await binance.orders.place_limit(
            SYMBOL, Side.BUY, quantity="0.5", price="50000", new_client_order_id="mine"
        )
        exchange.fill(exchange.account, exchange.account.orders[0])
        await first.filled(timeout=5)
        await asyncio.sleep(10)
        exchange.fault("order.place", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await binance.orders.place_limit(
                SYMBOL, Side.BUY, quantity="0.5", price="50000", new_client_order_id="mine"
            )

        assert await caught.value.resolve() is None
        assert first.status is OrderStatus.FILLED


async def test_resolving_ends_with_its_timeout_and_may_be_asked_again():
    async with trading() as (binance, exchange):
        exchange.fault("order.place", unknown_and_not_done)
        with pytest.raises(OrderOutcomeUnknown, match="code -1006") as caught:
            await buy(binance)
        with pytest.raises(TimeoutError):
            await caught.value.resolve(timeout=3)
        assert await caught.value.resolve() is None


async def test_events_that_come_before_the_reply_are_joined():
    async with trading() as (binance, exchange):
        exchange.on_placed = exchange.fill
        replies = []

        def held_back(peer, method, params, do):
            result = do()
            running_loop().call_later(2.0, peer.send, {"id": replies[0], "status": 200, "result": result})
            raise Silence

        receive = exchange.receive
        exchange.receive = lambda peer, frame: (replies.insert(0, frame["id"]), receive(peer, frame))
        exchange.fault("order.place", held_back)
        order = await buy(binance)

        assert order.status is OrderStatus.FILLED
        assert [report.status for report in order.reports] == ["NEW", "FILLED"]
        assert len(order.fills) == 1


@pytest.mark.parametrize(("happens", "status"), [("fill", OrderStatus.FILLED), ("expire", OrderStatus.EXPIRED)])
async def test_an_order_that_lived_while_its_events_were_cut_off_is_known_afterwards(happens, status):
    async with trading() as (binance, exchange):
        heard = []
        binance.user.subscribe(callback=lambda event, _: heard.append(event))
        await binance.orders.open_orders()  # connects
        await binance.user.wait_subscribed()
        (listener,) = [peer for peer in exchange.peers if peer.subscriptions]
        exchange.refuses_dials = True
        exchange.drop(listener)
        order = await buy(binance)
        getattr(exchange, happens)(exchange.account, exchange.account.orders[-1])
        await asyncio.sleep(5)
        assert order.status is OrderStatus.NEW
        exchange.refuses_dials = False
        await order.done(timeout=60)

        assert order.status is status
        assert [type(event) for event in heard if isinstance(event, RecoveredTrade | RecoveredOrder)] == (
            [RecoveredTrade, RecoveredOrder] if happens == "fill" else [RecoveredOrder]
        )


async def test_a_fill_is_told_though_neither_reply_nor_events_of_its_order_came():
    async def main():
        async with trading() as (binance, exchange):
            heard = []
            binance.user.subscribe(callback=lambda event, _: heard.append(event))
            await binance.user.wait_subscribed()
            exchange.on_placed = exchange.fill
            exchange.fault("order.place", done_and_all_killed)
            with pytest.raises(OrderOutcomeUnknown, match="dropped by the server"):
                await buy(binance)
            await asyncio.sleep(10)

            assert [event.trade.id for event in heard if isinstance(event, RecoveredTrade)] == [1]

    def done_and_all_killed(peer, method, params, do):
        peer.exchange.kill()
        do()
        raise Silence

    await main()


# ---------------------------------------------------------------------------------------------------- refusals


async def test_a_clock_ten_seconds_off_costs_one_look_and_one_more_attempt():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.ahead = -10.0
        looks = exchange.asked["time"]
        order = await buy(binance)

        assert order.status is OrderStatus.NEW
        assert exchange.asked["order.place"] == 3  # the first order, the refused attempt, the second order
        assert exchange.asked["time"] == looks + 1
        assert len(exchange.account.orders) == 2


async def test_a_refusal_for_its_time_stands_when_the_clock_cannot_be_looked_at():
    async with trading() as (binance, exchange):
        await buy(binance)
        exchange.ahead = -10.0
        exchange.fault("time", silent)
        with pytest.raises(RequestRejected, match="code -1021") as caught:
            await buy(binance)
        assert type(caught.value.__cause__) is OutcomeUnknown
        assert caught.value.code == -1021
        assert len(exchange.account.orders) == 1


async def test_a_log_on_whose_answer_is_missing_is_tried_again():
    async with trading() as (binance, exchange):
        exchange.fault("session.logon", silent)
        await binance.user.wait_subscribed(timeout=30)

        assert exchange.asked["userDataStream.subscribe"] == 1
        assert exchange.killed == 0


async def test_an_answer_that_cannot_be_read_leaves_the_outcome_unknown():
    async with trading() as (binance, exchange):
        exchange.fault("order.place", lambda peer, method, params, do: {"symbol": do()["symbol"]})
        with pytest.raises(OrderOutcomeUnknown, match="the answer cannot be read") as caught:
            await buy(binance)
        assert (await caught.value.resolve()).status is OrderStatus.NEW


async def test_filters_that_cannot_be_read_leave_no_doubt_that_nothing_was_sent():
    async with trading() as (binance, exchange):
        exchange.fault("exchangeInfo", silent, silent, silent)
        with pytest.raises(ConnectFailed, match="filters"):
            await buy(binance)
        assert exchange.asked["order.place"] == 0


@pytest.mark.parametrize(
    ("refusal", "kind"),
    [
        (Refused(-2015, "Invalid API-key, IP, or permissions for action.", 401), RequestRejected),
        (Refused(-2010, "Account has insufficient balance for requested action."), OrderRejected),
        (Refused(-2010, "Duplicate order sent."), OrderRejected),
        (Refused(-1013, "Filter failure: PERCENT_PRICE_BY_SIDE"), OrderRejected),
    ],
)
async def test_a_refused_order_says_why_and_is_followed_no_more(refusal, kind):
    async with trading() as (binance, exchange):
        exchange.fault("order.place", raising(refusal))
        with pytest.raises(kind, match=re.escape(refusal.body["msg"])) as caught:
            await binance.orders.place_limit(
                SYMBOL, Side.BUY, quantity="0.5", price="50000", new_client_order_id="mine"
            )
        assert type(caught.value) is kind
        assert (caught.value.code, caught.value.message) == (refusal.body["code"], refusal.body["msg"])
        again = await binance.orders.place_limit(
            SYMBOL, Side.BUY, quantity="0.5", price="50000", new_client_order_id="mine"
        )
        assert again.status is OrderStatus.NEW


async def test_nothing_is_sent_into_a_ban():
    async with trading() as (binance, exchange):
        until = exchange.now_ms() + 300_000
        banned = Refused(-1003, "Way too much request weight used; IP banned.", 418, {"retryAfter": until})
        exchange.fault("order.place", raising(banned))
        with pytest.raises(Banned, match="code -1003") as caught:
            await buy(binance)
        assert caught.value.until == until
        with pytest.raises(RateLimited, match="by this library's own count") as refused:
            await buy(binance)
        assert refused.value.retry_after == pytest.approx(until, abs=2)
        assert exchange.asked["order.place"] == 1

        await asyncio.sleep(300)
        assert (await buy(binance)).status is OrderStatus.NEW


@pytest.mark.parametrize(
    ("quantity", "price", "name"),
    [
        ("0.5", "50000.001", "PRICE_FILTER"),
        ("0.000001", "50000", "LOT_SIZE"),
        ("0.00001", "50000", "NOTIONAL"),
    ],
)
async def test_a_broken_filter_is_named_and_nothing_is_sent(quantity, price, name):
    async with trading() as (binance, exchange):
        with pytest.raises(FilterViolated, match=name) as caught:
            await buy(binance, quantity, price)
        assert (caught.value.filter, caught.value.symbol) == (name, SYMBOL)
        assert exchange.asked["order.place"] == 0
        assert exchange.asked["exchangeInfo"] == 1


async def test_prices_and_quantities_are_rounded_when_asked_for():
    options = OrderOptions(round_to_filters=True, id_prefix="bot_")
    async with trading(order_options=options) as (binance, exchange):
        order = await buy(binance, Decimal("0.1234567"), Decimal("50000.006"))

        assert (order.quantity, order.price) == (Decimal("0.12345"), Decimal("50000.01"))
        assert order.client_order_id.startswith("bot_")


@pytest.mark.parametrize("amount", [{"quantity": 0.5, "price": "50000"}, {"quantity": "0.5", "price": 50000.0}])
async def test_floats_are_refused(amount):
    async with trading() as (binance, exchange):
        with pytest.raises(RequestInvalid, match="not float"):
            await binance.orders.place_limit(SYMBOL, Side.BUY, **amount)
        assert exchange.asked["order.place"] == 0


async def test_a_client_order_id_that_is_on_its_way_is_not_sent_again():
    async with trading() as (binance, exchange):
        await buy(binance)
        both = [
            binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.5", price="50000", new_client_order_id="mine")
            for _ in range(2)
        ]
        first, second = await asyncio.gather(*both, return_exceptions=True)
        assert first.status is OrderStatus.NEW
        assert isinstance(second, RequestInvalid)
        assert exchange.asked["order.place"] == 2


# ------------------------------------------------------------------------------------------- changing and ending


async def test_cancelling_ends_an_order_and_a_filled_one_cannot_be_cancelled():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        name = order.client_order_id
        assert (await order.cancel()).status is OrderStatus.CANCELED
        assert order.client_order_id == name
        with pytest.raises(OrderNotFilled, match="CANCELED with 0 executed") as caught:
            await order.filled(timeout=5)
        assert caught.value.status == "CANCELED"

        other = await buy(binance)
        exchange.fill(exchange.account, exchange.account.orders[1])
        with pytest.raises(OrderRejected, match="code -2011") as refused:
            await other.cancel()
        assert refused.value.reason == "Unknown order sent."
        await other.filled(timeout=5)


@pytest.mark.parametrize(
    ("fault", "status", "seconds"),
    [(unknown_but_done, OrderStatus.CANCELED, 0), (unknown_and_not_done, OrderStatus.NEW, 15)],
)
async def test_a_cancellation_without_an_answer_resolves_to_the_order_as_it_stands(fault, status, seconds):
    async with trading() as (binance, exchange):
        order = await buy(binance)
        exchange.fault("order.cancel", fault)
        with pytest.raises(OrderOutcomeUnknown, match=r"code -1006|code -1007") as caught:
            await order.cancel()
        begun = running_loop().time()
        assert await caught.value.resolve() is order
        assert order.status is status
        assert seconds <= running_loop().time() - begun < seconds + 5
        assert exchange.asked["order.cancel"] == 1


@pytest.mark.parametrize("fault", [None, unknown_but_done, unknown_and_not_done])
async def test_an_amendment_keeps_the_client_order_id(fault):
    async with trading() as (binance, exchange):
        order = await buy(binance)
        name = order.client_order_id
        if fault is None:
            await order.amend("0.3")
        else:
            exchange.fault("order.amend.keepPriority", fault)
            with pytest.raises(OrderOutcomeUnknown, match=r"code -1006|code -1007") as caught:
                await order.amend("0.3")
            assert await caught.value.resolve() is order
        assert order.quantity == (Decimal("0.5") if fault is unknown_and_not_done else Decimal("0.3"))
        assert order.client_order_id == name
        exchange.fill(exchange.account, exchange.account.orders[0])
        await order.filled(timeout=5)


async def test_an_order_is_replaced_by_another():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        both = await order.replace(price="49000", quantity="0.4")

        assert both.cancelled is order
        assert (order.status, both.placed.status) == (OrderStatus.CANCELED, OrderStatus.NEW)
        assert (both.placed.price, both.placed.quantity) == (Decimal(49000), Decimal("0.4"))
        exchange.fill(exchange.account, exchange.account.orders[1])
        await both.placed.filled(timeout=5)


async def test_halves_of_a_replacement_are_told_apart():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        with pytest.raises(ReplacePartiallyApplied, match="code -2021") as caught:
            await order.replace(price="1000", quantity="2000")
        error = caught.value
        assert (error.status, error.cancelled, error.placed) == (409, order, None)
        assert error.outcome.new_order_response.code == -2010
        assert order.status is OrderStatus.CANCELED

        with pytest.raises(ReplacePartiallyApplied, match="code -2021") as caught:
            await order.replace(price="49000", quantity="0.4", cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE)
        assert caught.value.cancelled is None
        assert caught.value.placed.status is OrderStatus.NEW

        with pytest.raises(RequestRejected, match="code -2022") as refused:
            await order.replace(price="49000", quantity="0.4")
        outcome = CancelReplaceResponse.from_error(refused.value.data)
        assert outcome.new_order_result is CancelReplaceResult.NOT_ATTEMPTED


@pytest.mark.parametrize("fault", [unknown_but_done, unknown_and_not_done, silent, done_in_silence])
async def test_a_replacement_without_an_answer_resolves_to_both_orders(fault):
    async with trading() as (binance, exchange):
        order = await buy(binance)
        exchange.fault("order.cancelReplace", fault)
        with pytest.raises(ReplaceOutcomeUnknown, match=r"code -1006|code -1007|no reply in time") as caught:
            await order.replace(price="49000", quantity="0.4")
        both = await caught.value.resolve()

        assert both.cancelled is order
        if fault in (unknown_but_done, done_in_silence):
            assert (order.status, both.placed.status) == (OrderStatus.CANCELED, OrderStatus.NEW)
        else:
            assert (order.status, both.placed) == (OrderStatus.NEW, None)
        assert exchange.asked["order.cancelReplace"] == 1


@pytest.mark.parametrize("fault", [None, unknown_but_done, done_in_silence])
async def test_the_orders_of_a_list_are_followed(fault):
    async with trading() as (binance, exchange):
        if fault is None:
            placed = await binance.orders.place_list(oco())
        else:
            exchange.fault("orderList.place.oco", fault)
            with pytest.raises(OrderListOutcomeUnknown, match=r"code -1007|no reply in time") as caught:
                await binance.orders.place_list(oco())
            placed = await caught.value.resolve()
        assert (placed.order_list_id, placed.status) == (1, ListOrderStatus.EXECUTING)
        assert [order.order_id for order in placed.orders] == [1, 2]
        assert len({order.client_order_id for order in placed.orders} | {placed.list_client_order_id}) == 3

        above, below = exchange.account.orders
        exchange.expire(exchange.account, below)
        exchange.fill(exchange.account, above)
        await placed.done(timeout=5)
        assert [order.status for order in placed.orders] == [OrderStatus.FILLED, OrderStatus.EXPIRED]


async def test_a_list_that_was_not_placed_is_known_to_be_none():
    async with trading() as (binance, exchange):
        exchange.fault("orderList.place.oco", unknown_and_not_done)
        with pytest.raises(OrderListOutcomeUnknown, match="code -1006") as caught:
            await binance.orders.place_list(oco())
        assert await caught.value.resolve() is None


# ------------------------------------------------------------------------------------------------------- waiting


async def test_waiting_ends_with_the_timeout_or_with_the_client():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        with pytest.raises(TimeoutError):
            await order.filled(timeout=1)
        waiting = asyncio.ensure_future(order.filled(timeout=None))
        await asyncio.sleep(1)
        await binance.close()
        with pytest.raises(ConnectFailed, match="closed"):
            await waiting


async def test_an_order_of_an_earlier_run_is_followed():
    async with trading() as (binance, exchange):
        name = (await buy(binance)).client_order_id
        exchange.fill(exchange.account, exchange.account.orders[0], "0.2")
        async with trading_again(exchange) as other:
            order = await other.orders.follow(SYMBOL, client_order_id=name)
            assert (order.executed_quantity, len(order.fills)) == (Decimal("0.2"), 1)
            exchange.fill(exchange.account, exchange.account.orders[0])
            await order.filled(timeout=5)
            assert await other.orders.follow(SYMBOL, order_id=order.order_id) is order


async def test_orders_and_events_need_a_key():
    async with Binance(Endpoint.local(port=9443)) as binance:
        with pytest.raises(ConfigurationError, match="orders need a key"):
            _ = binance.orders
        with pytest.raises(ConfigurationError, match="the user stream needs a key"):
            _ = binance.user


async def test_a_key_that_cannot_log_on_signs_each_request():
    async with trading(HmacKey("paper", "secret")) as (binance, exchange):
        order = await buy(binance)
        exchange.fill(exchange.account, exchange.account.orders[0])
        await order.filled(timeout=5)

        assert exchange.asked["session.logon"] == 0
        assert exchange.asked["userDataStream.subscribe.signature"] == 1


async def test_a_pegged_order_needs_no_price():
    async with trading() as (binance, exchange):
        fields = {"quantity": "0.5", "peg_price_type": PegPriceType.PRIMARY_PEG}
        await binance.orders.place_limit(SYMBOL, Side.BUY, **fields)
        await binance.orders.place_limit_maker(SYMBOL, Side.BUY, **fields)
        assert exchange.asked["order.place"] == 2
        with pytest.raises(RequestInvalid, match="price is required"):
            await binance.orders.place_limit(SYMBOL, Side.BUY, quantity="0.5")


async def test_the_orders_of_a_list_are_found_by_their_client_ids():
    async with trading() as (binance, _):
        placed = await binance.orders.place_list(oco(above_client_order_id="A"))
        assert placed.order("A") is placed.orders[0]
        with pytest.raises(KeyError, match="B"):
            placed.order("B")

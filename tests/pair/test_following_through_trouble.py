"""Whatever happens, an account is followed again as soon as that can be, and else who listens is told why not."""

from __future__ import annotations

import asyncio
import gc
from contextlib import asynccontextmanager

import pytest

from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Endpoint, Timeouts
from cryptotrader.credentials import Ed25519Key, HmacKey
from cryptotrader.errors import ConnectFailed, DecodeFailed, RequestRejected
from cryptotrader.models.control_models import Reconnected
from cryptotrader.models.order_models import NewOrderRespType, OrderStatus
from cryptotrader.models.user_models import ExecutionReportEvent
from cryptotrader.user_stream import UserStream
from paired import machine
from paper_exchange import SYMBOL, PaperExchange, Refused, Silence
from paper_trading import buy, listen, silent
from virtual_clock import running_loop

FIRST, SECOND = Ed25519Key.generate("first"), HmacKey("second", "secret")
PATIENT = Timeouts(stale=1e6)  # the paper exchange sends no pings


@asynccontextmanager
async def listening(*keys, backoff=None):
    keys = keys or (FIRST,)
    exchange = PaperExchange(*(key.api_key for key in keys))
    endpoint, environment = Endpoint.local(port=9443), machine(exchange.dial)
    user = UserStream(endpoint, *keys, timeouts=PATIENT, backoff=backoff, environment=environment)
    try:
        yield user, exchange
    finally:
        await user.close()


@asynccontextmanager
async def trading(key=FIRST, **options):
    exchange = PaperExchange(key.api_key)
    environment = machine(exchange.dial)
    async with Binance(Endpoint.local(port=9443), key, timeouts=PATIENT, environment=environment, **options) as binance:
        yield binance, exchange


def of(told, kind):
    return [event for event in told if isinstance(event, kind)]


def refusing(code, text="text", status=400, data=None):
    def refuse(peer, method, params, do):
        raise Refused(code, text, status, data)

    return refuse


def place(exchange, name="a", account=None):
    order = {"symbol": SYMBOL, "newClientOrderId": name, "side": "BUY", "type": "LIMIT", "price": "50000"}
    return exchange.new_order(account or exchange.account, order | {"quantity": "1"})


# ------------------------------------------------------------------------------------------------- consumers that fail


async def test_a_callback_that_fails_on_reconnected_fails_alone():
    async with listening() as (user, exchange):
        errors = []

        def fails(event, received_ns):
            assert not isinstance(event, Reconnected)  # a bug of the caller's

        def fails_too(error):
            errors.append(error)
            raise RuntimeError("another one")

        user.subscribe(callback=fails, control=True, on_error=fails_too)
        told = listen(user, control=True)
        await user.wait_subscribed()
        exchange.kill()
        await asyncio.sleep(30)
        place(exchange)
        await asyncio.sleep(1)

        assert [type(event) for event in told] == [Reconnected, ExecutionReportEvent]
        assert [type(error) for error in errors] == [AssertionError]


async def test_an_iteration_that_is_left_is_fed_no_more():
    async with listening() as (user, exchange):
        await user.wait_subscribed()
        told = []
        for number in range(5):
            running_loop().call_later(1, place, exchange, f"order-{number}")
            async for event in user:
                told.append(event.client_order_id)
                break
        assert told == [f"order-{number}" for number in range(5)]
        gc.collect()
        assert user._accounts["first"].subscribers._entries == ()

        async with user.subscribe() as events:
            assert len(user._accounts["first"].subscribers._entries) == 1
        assert [event async for event in events] == []


# ------------------------------------------------------------------------------------------------------ log-on, reading


@pytest.mark.parametrize(
    "troubles",
    [
        [refusing(-1003, "Too much request weight used", 429)],
        [refusing(-1008, "Server is currently overloaded", 400)] * 3,
        [silent] * 2,
        [refusing(-1021)] * 3,
    ],
    ids=["limited", "overloaded", "silent", "late"],
)
async def test_a_log_on_that_fails_for_a_while_is_tried_again(troubles):
    async with listening() as (user, exchange):
        exchange.fault("session.logon", *troubles)
        told = listen(user)
        await user.wait_subscribed(timeout=60)
        place(exchange)
        await asyncio.sleep(1)

        assert [type(event) for event in told] == [ExecutionReportEvent]
        assert exchange.asked["session.logon"] == len(troubles) + 1
        assert exchange.killed == 0


async def test_who_waits_in_vain_is_told_what_the_matter_is():
    async with listening() as (user, exchange):
        exchange.fault("session.logon", *[refusing(-1008, "Server is currently overloaded")] * 20)
        with pytest.raises(ConnectFailed, match="Server is currently overloaded"):
            await user.wait_subscribed(timeout=15)


@pytest.mark.parametrize("method", ["userDataStream.subscribe", "openOrders.status", "account.status", "myTrades"])
@pytest.mark.parametrize("code", [-1008, -1001, -1000])
async def test_an_account_is_read_again_after_a_refusal_that_passes(method, code):
    async with listening() as (user, exchange):
        told = listen(user)
        await user.wait_subscribed()
        order = place(exchange)
        await asyncio.sleep(1)
        exchange.fault(method, *[refusing(code)] * 3)
        exchange.kill()
        exchange.fill(exchange.account, order)
        await asyncio.sleep(1)
        await user.wait_subscribed(timeout=60)
        place(exchange, "b")
        await asyncio.sleep(1)

        assert of(told, Exception) == []
        assert of(told, ExecutionReportEvent)[-1].client_order_id == "b"
        assert user.state().open_orders.keys() == {(SYMBOL, 2)}


async def test_a_subscription_whose_answer_was_lost_is_ended_and_made_again():
    async with listening() as (user, exchange):

        def done_in_silence(peer, method, params, do):
            do()
            raise Silence

        def subscribe_once(peer, account, params):
            if account in peer.subscriptions.values():
                raise Refused(-2035, "User Data Stream subscription already active.")
            return subscribe(peer, account, params)

        subscribe, exchange.on_userDataStream_subscribe = exchange.on_userDataStream_subscribe, subscribe_once
        exchange.on_session_subscriptions = lambda peer, account, params: [
            {"subscriptionId": number} for number in peer.subscriptions
        ]
        exchange.fault("userDataStream.subscribe", done_in_silence)
        told = listen(user)
        await user.wait_subscribed(timeout=60)
        place(exchange)
        await asyncio.sleep(1)

        assert [type(event) for event in told] == [ExecutionReportEvent]


async def test_one_account_that_cannot_log_on_keeps_no_other_waiting():
    async with listening(FIRST, SECOND) as (user, exchange):
        exchange.fault("session.logon", *[silent] * 10)
        await user.wait_subscribed(timeout=5, key=SECOND)
        with pytest.raises(ConnectFailed, match=r"user data of firs…: .*not logged on"):
            await user.wait_subscribed(timeout=15)


# ----------------------------------------------------------------------------------------------------- keys not taken


async def test_a_refused_key_is_remembered_and_told_at_once_and_other_accounts_go_on():
    async with listening(FIRST, SECOND) as (user, exchange):
        del exchange.accounts["second"]
        for _ in range(2):
            started = running_loop().time()
            with pytest.raises(RequestRejected, match="-2015"):
                await user.wait_subscribed()
            await user.wait_subscribed(key=FIRST)
            with pytest.raises(RequestRejected, match="-2015"):
                await anext(user.subscribe(SECOND))
            assert [error.code for error in listen(user, SECOND)] == [-2015]
            assert running_loop().time() - started < 1


async def test_a_refused_key_is_tried_again_on_the_next_connection():
    async with listening() as (user, exchange):
        account = exchange.accounts.pop("first")
        exchange.accounts["other"] = account
        with pytest.raises(RequestRejected, match="-2015"):
            await user.wait_subscribed()
        exchange.accounts["first"] = account
        told = listen(user)
        exchange.kill()
        await asyncio.sleep(5)
        await user.wait_subscribed()
        place(exchange)
        await asyncio.sleep(1)

        assert [type(event) for event in told] == [RequestRejected, ExecutionReportEvent]


async def test_orders_go_on_once_a_stream_that_gave_up_is_back():
    async with trading(backoff=Backoff(attempts=2)) as (binance, exchange):
        order = await buy(binance)
        exchange.refuses_dials = True
        exchange.kill()
        with pytest.raises(ConnectFailed, match="gave up"):
            await order.done()
        exchange.refuses_dials = False
        await buy(binance)
        await binance.user.wait_subscribed()
        with pytest.raises(TimeoutError):
            await order.done(1)
        exchange.fill(exchange.account, exchange.account.orders[0])
        await order.filled(1)


# ------------------------------------------------------------------------------------------------- what cannot be read


async def test_an_order_whose_event_cannot_be_decoded_is_read_back():
    async with trading() as (binance, exchange):
        order = await buy(binance)
        told = listen(binance.user, control=True)
        tell = exchange.tell
        exchange.tell = lambda account, event: tell(account, event | ({"z": None} if event["e"][0] == "e" else {}))
        exchange.fill(exchange.account, exchange.account.orders[0])
        exchange.tell = tell
        await order.filled(1)

        assert [type(error) for error in of(told, Exception)] == [DecodeFailed]
        assert len(of(told, Reconnected)) == 1


async def test_an_account_none_of_whose_events_can_be_decoded_is_read_now_and_then():
    async with listening() as (user, exchange):
        told = listen(user)
        await user.wait_subscribed()
        for _ in range(600):
            exchange.tell(exchange.account, {"e": "executionReport"})
            await asyncio.sleep(0.1)

        assert len(of(told, DecodeFailed)) == 600
        assert 6 <= exchange.asked["openOrders.status"] <= 8
        assert exchange.asked["userDataStream.subscribe"] == 1


async def test_a_symbol_that_is_not_traded_does_not_keep_the_others_from_being_read():
    async with listening() as (user, exchange):
        info = exchange.on_exchangeInfo

        def exchange_info(peer, account, params):
            if "GONE" in (*params.get("symbols", ()), params.get("symbol")):
                raise Refused(-1121, "Invalid symbol.")
            return info(peer, account, params)

        exchange.on_exchangeInfo = exchange_info
        told = listen(user)
        await user.wait_subscribed()
        order = place(exchange)
        await asyncio.sleep(1)
        user.state().expect("GONE", 7)
        exchange.kill()
        exchange.fill(exchange.account, order)
        await asyncio.sleep(1)
        await user.wait_subscribed(timeout=60)

        assert of(told, Exception) == []
        assert user.state().symbols == {SYMBOL}
        assert user.state().open_orders == {}


# ------------------------------------------------------------------------------------------------------ trades that lag


def lagging(exchange, seconds):
    """Own trades are answered with so many seconds' delay, counted from the first question."""
    since, answer = [], exchange.on_myTrades

    def my_trades(peer, account, params):
        since.append(running_loop().time())
        return answer(peer, account, params) if since[-1] - since[0] >= seconds else []

    exchange.on_myTrades = my_trades


@pytest.mark.parametrize("seconds", [1.0, 20.0])
async def test_fills_that_are_answered_late_after_an_outage_are_learnt(seconds):
    async with trading() as (binance, exchange):
        order = await buy(binance)
        lagging(exchange, seconds)
        exchange.kill()
        exchange.fill(exchange.account, exchange.account.orders[0])
        await order.filled(60)

        assert [fill.trade_id for fill in order.fills] == [1]


async def test_fills_that_neither_reply_nor_events_told_are_asked_for():
    async with trading() as (binance, exchange):
        await binance.user.wait_subscribed()
        lagging(exchange, 2.0)
        exchange.on_placed = exchange.fill
        exchange.tell = lambda account, event: None
        place_order = exchange.on_order_place

        def without_fills(peer, account, params):
            return {key: value for key, value in place_order(peer, account, params).items() if key != "fills"}

        exchange.on_order_place = without_fills
        order = await buy(binance, new_order_resp_type=NewOrderRespType.RESULT)
        assert (order.status, order.is_done) == (OrderStatus.FILLED, False)
        await order.filled(30)
        asked = exchange.asked["myTrades"]
        await asyncio.sleep(600)
        assert exchange.asked["myTrades"] == asked

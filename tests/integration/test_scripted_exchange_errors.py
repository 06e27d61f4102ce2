"""Documented error replies of an exchange that knows nothing of this library: which error, and nothing sent twice."""

from __future__ import annotations

import pytest

from cryptotrader.errors import (
    Banned,
    OrderRejected,
    OutcomeUnknown,
    PartiallyApplied,
    RateLimited,
    RequestInvalid,
    RequestRejected,
    TooManySubscriptions,
)
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import CancelReplaceMode, CancelReplaceResponse, Refusal
from cryptotrader.requests import (
    AccountStatusRequest,
    DepthRequest,
    MyFiltersRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderPlaceRequest,
    PingRequest,
    ReferencePriceRequest,
    TimeRequest,
    UserDataStreamSubscribeRequest,
    UserDataStreamSubscribeSignatureRequest,
)
from scripted import replies
from waiting import soon
from witnessed import EXCHANGE_MS, HMAC, witnessed

DEPTH = DepthRequest(symbol="BTCUSDT")
ORDER = OrderPlaceRequest(
    symbol="BTCUSDT",
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    quantity="0.002",
    price="63000",
)
CANCEL = OrderCancelRequest(symbol="BTCUSDT", order_id=501)
REPLACE = OrderCancelReplaceRequest(
    symbol="BTCUSDT",
    cancel_replace_mode=CancelReplaceMode.STOP_ON_FAILURE,
    cancel_order_id=501,
    side=Side.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    quantity="0.002",
    price="63000",
)
SUBSCRIBE = UserDataStreamSubscribeSignatureRequest()
UNTIL = EXCHANGE_MS * 2  # far away
LIMITED = replies.TOO_MUCH_WEIGHT.replace("$retryAfter", str(UNTIL))
BANNED = replies.BANNED.replace("$retryAfter", str(UNTIL))


async def know_the_time(binance):
    """Learn the exchange's time, without which the first signed request is refused for its own."""
    await soon(binance.call(MyFiltersRequest(symbol="BTCUSDT")))


def refused(code, message, status=400):
    return replies.refused(status, code, message)


REFUSALS = [
    (DEPTH, LIMITED, RateLimited, 429, -1003),
    (DEPTH, BANNED, Banned, 418, -1003),
    (ORDER, replies.TOO_MANY_ORDERS, RateLimited, 429, -1015),
    (DEPTH, refused(-1121, "Invalid symbol."), RequestRejected, 400, -1121),
    (DEPTH, refused(-1000, "Forbidden.", 403), RequestRejected, 403, -1000),
    (AccountStatusRequest(), replies.BAD_SIGNATURE, RequestRejected, 400, -1022),
    (AccountStatusRequest(), replies.NO_SUCH_KEY, RequestRejected, 401, -2015),
    (ORDER, replies.NO_FUNDS, OrderRejected, 400, -2010),
    (ORDER, refused(-1013, "Filter failure: LOT_SIZE"), OrderRejected, 400, -1013),
    (ORDER, refused(-1111, "Parameter 'price' has too much precision."), RequestRejected, 400, -1111),
    (CANCEL, replies.UNKNOWN_ORDER, OrderRejected, 400, -2011),
    (CANCEL, refused(-1145, "Invalid cancelRestrictions"), RequestRejected, 400, -1145),
    (REPLACE, replies.HALF_DONE, PartiallyApplied, 409, -2021),
    (REPLACE, replies.NOTHING_DONE, RequestRejected, 400, -2022),
    (REPLACE, replies.TOO_MANY_ORDERS, RateLimited, 429, -1015),
    (SUBSCRIBE, refused(-2035, "User Data Stream subscription already active."), RequestRejected, 400, -2035),
    (SUBSCRIBE, refused(-1191, "Too many subscriptions."), TooManySubscriptions, 400, -1191),
    (ReferencePriceRequest(symbol="BTCUSDT"), replies.NO_REFERENCE_PRICE, RequestRejected, 400, -2043),
]


@pytest.mark.parametrize(("request_", "reply", "kind", "status", "code"), REFUSALS)
async def test_a_documented_refusal(request_, reply, kind, status, code):
    async with witnessed(HMAC) as (exchange, binance):
        await know_the_time(binance)
        exchange.answers(request_.api.name, reply)
        with pytest.raises(RequestRejected, match=rf"code {code}, status") as caught:
            await soon(binance.call(request_))
        assert (type(caught.value), caught.value.status, caught.value.code) == (kind, status, code)
        assert len(exchange.requests(request_.api.name)) == 1, "a refused request was sent again"


@pytest.mark.parametrize("reply", [LIMITED, BANNED], ids=["429", "418"])
async def test_after_too_much_weight_nothing_is_sent_before_its_time(reply):
    async with witnessed() as (exchange, binance):
        exchange.answers("depth", reply)
        with pytest.raises(RateLimited, match="request weight") as caught:
            await soon(binance.call(DEPTH))
        assert caught.value.retry_after == UNTIL
        assert EXCHANGE_MS < caught.value.data["serverTime"] < UNTIL
        with pytest.raises(RateLimited, match="nothing was sent"):
            await soon(binance.call(PingRequest()))
        assert not exchange.requests("ping")


UNCERTAIN = [replies.INTERNAL, replies.BUSY, replies.TIMED_OUT, replies.ODD_REPLY]
UNCERTAIN += [refused(-1007, "Timeout waiting for response from backend server.", 504)]
UNCERTAIN += [refused(-1006, "An unexpected response was received from the message bus.", 400)]


@pytest.mark.parametrize("reply", UNCERTAIN)
@pytest.mark.parametrize("request_", [ORDER, CANCEL, REPLACE], ids=lambda request_: request_.api.name)
async def test_what_may_have_taken_effect_is_told_so_and_not_sent_again(request_, reply):
    async with witnessed(HMAC) as (exchange, binance):
        await know_the_time(binance)
        exchange.answers(request_.api.name, reply)
        with pytest.raises(OutcomeUnknown, match=r"outcome unknown \(.*code -10") as caught:
            await soon(binance.call(request_))
        assert caught.value.method == request_.api.name
        assert len(exchange.requests(request_.api.name)) == 1


async def test_a_request_out_of_time_is_sent_once_more_after_a_look_at_the_clock():
    async with witnessed(HMAC) as (exchange, binance):
        await know_the_time(binance)
        begun = len(exchange.asked)
        exchange.answers("order.place", replies.OUT_OF_TIME)
        order = await soon(binance.call(ORDER))
        assert order.order_id == 501
        assert [asked.method for asked in exchange.asked[begun:]] == ["order.place", "time", "order.place"]


async def test_a_request_that_is_out_of_time_again_is_refused():
    async with witnessed(HMAC) as (exchange, binance):
        await know_the_time(binance)
        begun = len(exchange.asked)
        exchange.answers("order.place", replies.OUT_OF_TIME, replies.OUT_OF_TIME)
        with pytest.raises(RequestRejected, match="outside of the recvWindow") as caught:
            await soon(binance.call(ORDER))
        assert (type(caught.value), caught.value.code) == (RequestRejected, -1021)
        assert [asked.method for asked in exchange.asked[begun:]] == ["order.place", "time", "order.place"]


async def test_requests_are_signed_with_the_time_of_the_exchange():
    async with witnessed(HMAC) as (exchange, binance):
        await soon(binance.call(AccountStatusRequest()))
        *_, last = exchange.requests("account.status")
        assert last.params["timestamp"] >= EXCHANGE_MS, "signed by our clock, which is ten minutes behind"


async def test_both_halves_of_a_replacement_are_told():
    async with witnessed(HMAC) as (exchange, binance):
        exchange.answers("order.cancelReplace", replies.HALF_DONE, replies.NOTHING_DONE)
        with pytest.raises(PartiallyApplied, match="partially failed") as caught:
            await soon(binance.call(REPLACE))
        half = CancelReplaceResponse.from_error(caught.value.data)
        assert half.cancel_response.order_id == 501
        assert half.new_order_response == Refusal(code=-2010, message="Order would immediately match and take.")
        with pytest.raises(RequestRejected, match="cancel-replace failed") as caught:
            await soon(binance.call(REPLACE))
        none = CancelReplaceResponse.from_error(caught.value.data)
        assert (none.cancel_response, none.new_order_response) == (
            Refusal(code=-2011, message="Unknown order sent."),
            None,
        )


STRANGE = [
    "",
    "[]",
    "null",
    "{",
    '{"id":"of-nobody","status":200,"result":{}}',
    '{"id":4711,"status":200,"result":{}}',
    '{"id":null,"status":400,"error":{"code":-1135,"msg":"Invalid JSON Request"}}',
    '{"subscriptionId":7,"event":{"e":"unheardOf","E":1}}',
    '{"event":{"e":"unheardOf","E":1}}',
    '{"news":true}',
]


@pytest.mark.parametrize("frame", STRANGE)
async def test_a_frame_that_no_document_knows_touches_no_request(frame):
    async with witnessed() as (exchange, binance):
        await soon(binance.call(PingRequest()))
        (api,) = exchange.apis
        await exchange.send(api, frame)
        assert (await soon(binance.call(DEPTH))).last_update_id == 7000
        assert exchange.apis == [api]


async def test_an_answer_with_new_parts_and_without_limits_is_taken():
    async with witnessed() as (exchange, binance):
        more = '{"new":{"x":1},"status":200,"result":{"serverTime":12,"zz":[]},"id":$id,"rateLimits":[]}'
        exchange.answers("time", more)
        assert (await soon(binance.call(TimeRequest()))).server_time == 12


async def test_a_key_is_needed_before_anything_is_sent():
    async with witnessed(HMAC) as (exchange, binance):
        with pytest.raises(RequestInvalid, match="nobody is logged on"):
            await soon(binance.call(UserDataStreamSubscribeRequest()))
        assert not exchange.requests("userDataStream.subscribe")

"""What the exchange answers to trading and account requests: documented shapes, codes and texts."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader.protocol.request import REGISTRY, SecurityType
from cryptotrader.simulator import ExchangeAccount, ExchangeLimits
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.symbols import UNIT
from trader_client import LIMIT, Trader, error_of, now_ms, signed, trading

ACK = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
DETAILS = {"price", "origQty", "executedQty", "origQuoteOrderQty", "cummulativeQuoteQty", "status", "timeInForce", "type", "side", "selfTradePreventionMode"}  # fmt: skip
RESULT = ACK | DETAILS | {"workingTime"}
FULL = RESULT | {"fills"}
CANCEL = ACK | DETAILS | {"origClientOrderId"}
ORDER = (RESULT - {"transactTime"}) | {"stopPrice", "icebergQty", "time", "updateTime", "isWorking"}
LIST = {"orderListId", "contingencyType", "listStatusType", "listOrderStatus", "listClientOrderId", "transactionTime", "symbol", "orders"}  # fmt: skip
FILL = {"price", "qty", "commission", "commissionAsset", "tradeId"}
STOP = {"stopPrice"}

TOO_MUCH = {**LIMIT, "symbol": "ETHUSDT", "side": "SELL", "price": "3400", "quantity": "2000"}
OCO = {"symbol": "BTCUSDT", "side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER", "abovePrice": "99000", "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "91000", "belowPrice": "90000", "belowTimeInForce": "GTC"}  # fmt: skip
WORKING = {"symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "90000", "workingQuantity": "0.5", "workingTimeInForce": "GTC"}  # fmt: skip
PENDING = {"pendingType": "LIMIT", "pendingSide": "SELL", "pendingPrice": "99000", "pendingTimeInForce": "GTC"}
PAIR = {"pendingSide": "SELL", "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "99000", "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "80000"}  # fmt: skip
OLDER_PAIR = {"symbol": "BTCUSDT", "side": "SELL", "price": "99000", "quantity": "0.5", "stopPrice": "91000", "stopLimitPrice": "90000", "stopLimitTimeInForce": "GTC"}  # fmt: skip
ROUTED = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "price": "90000", "quantity": "0.5"}  # fmt: skip


def two_sided(test, **settings):
    """Run ``test(trader, other)``: two accounts on one exchange."""

    async def run(exchange):
        trader = await Trader.dial(exchange, 0, log_on=True, subscribe=True)
        other = await Trader.dial(exchange, 1)
        await test(trader, other)

    trading(run, **settings)


def life_of_an_exchange():
    """Replies of one exchange's life in which each method of accounts and sessions has its turn."""
    replies = {}

    async def test(trader, other):
        async def ask(method, **params):
            reply = await trader.call(method, **params)
            assert reply["status"] == 200, (method, reply)
            replies.setdefault(method, reply["result"])
            return reply["result"]

        symbol = {"symbol": "BTCUSDT"}
        resting = await ask("order.place", **LIMIT)
        await ask("order.test", **LIMIT, computeCommissionRates=True)
        await ask("order.status", **symbol, orderId=resting["orderId"])
        await ask("order.amend.keepPriority", **symbol, orderId=resting["orderId"], newQty="0.4")
        await ask("order.amendments", **symbol, orderId=resting["orderId"])
        await ask("order.cancelReplace", **LIMIT, cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=resting["orderId"])
        await ask("openOrders.status")
        await trader.do("orderList.place.oco", **OCO)
        await ask("openOrders.cancelAll", **symbol)
        again = await ask("order.place", **LIMIT)
        await ask("order.cancel", **symbol, orderId=again["orderId"])
        await other.place(symbol="BTCUSDC", side="SELL", price="90000")
        await ask("sor.order.place", **ROUTED)
        await ask("sor.order.test", **ROUTED, computeCommissionRates=True)
        pair = await ask("orderList.place.oco", **OCO)
        await ask("orderList.status", orderListId=pair["orderListId"])
        await ask("openOrderLists.status")
        await ask("orderList.cancel", **symbol, orderListId=pair["orderListId"])
        await ask("orderList.place", **OLDER_PAIR)
        await ask("orderList.place.oto", **WORKING, **PENDING, pendingQuantity="0.5")
        await ask("orderList.place.otoco", **WORKING, **PAIR, pendingQuantity="0.5")
        await ask("orderList.place.opo", **WORKING, **PENDING)
        await ask("orderList.place.opoco", **WORKING, **PAIR)
        await trader.place(price="90000")
        prevented = await trader.place(side="SELL", price="90000", selfTradePreventionMode="EXPIRE_BOTH")
        await ask("myPreventedMatches", **symbol, orderId=prevented["orderId"])
        await other.place(side="SELL", quantity="0.1")
        for method in ("allOrders", "myTrades", "myAllocations", "account.commission", "myFilters"):
            await ask(method, **symbol)
        for method in ("account.status", "account.rateLimits.orders", "allOrderLists"):
            await ask(method)
        await ask("session.logon", **signed(trader.keys.ed25519))
        for method in ("session.status", "userDataStream.subscribe", "session.subscriptions"):
            replies[method] = await trader.result(method)
        for method in ("userDataStream.unsubscribe", "session.logout"):
            replies[method] = await trader.result(method)
        subscribe = "userDataStream.subscribe.signature"
        replies[subscribe] = await trader.result(subscribe, **signed(trader.keys.rsa))

    async def run(exchange):
        await test(await Trader.dial(exchange, 0, log_on=True), await Trader.dial(exchange, 1))

    trading(run, symbols=["BTCUSDT", "BTCUSDC"])
    return replies


@pytest.fixture(scope="module")
def replies():
    return life_of_an_exchange()


NOT_PUBLIC = {
    name
    for name, request in REGISTRY.items()
    if request.api.security is not SecurityType.NONE or name.startswith(("session.", "userDataStream."))
}


def test_every_method_of_accounts_and_sessions_is_answered(replies):
    assert set(replies) == NOT_PUBLIC
    assert len(replies) == 36


@pytest.mark.parametrize("method", sorted(NOT_PUBLIC))
def test_results_are_of_their_type(replies, method):
    assert replies[method] or method == "userDataStream.unsubscribe"
    REGISTRY[method].result_decoder.decode(json.dumps(replies[method]).encode())


ONLY_WHERE_THEY_APPLY = {
    "icebergQty", "stopPrice", "trailingDelta", "trailingTime", "strategyId", "strategyType", "preventedMatchId",
    "preventedQuantity", "tradeGroupId", "usedSor", "workingFloor", "expiryReason", "fills", "listStatus",
    "makerSymbol", "specialCommissionForOrder",
}  # fmt: skip


def shape(value):
    """Keys with the types of their values, at any depth; of lists the first entry stands for all."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items() if key not in ONLY_WHERE_THEY_APPLY}
    if isinstance(value, list):
        return [shape(item) for item in value[:1]]
    return type(value).__name__


DOCUMENTED = [
    *("account.rateLimits.orders", "allOrderLists", "myTrades", "openOrders.cancelAll", "order.amend.keepPriority"),
    *("order.cancel", "order.place", "order.test", "orderList.place", "orderList.place.opo", "orderList.place.oto"),
    *("orderList.status", "session.logon", "session.status", "sor.order.place", "userDataStream.subscribe"),
    "userDataStream.unsubscribe",
]


@pytest.mark.parametrize("method", DOCUMENTED)
def test_results_have_the_shape_of_the_documented_sample(replies, method, shared_folder):
    number = 2 if method == "order.test" else 1  # the first one is empty
    sample = json.loads((shared_folder / "fixtures" / f"wsapi__{method}__response__{number}.json").read_text())
    assert shape(replies[method]) == shape(sample["result"])


# ------------------------------------------------------------------------------------------------- single orders


@pytest.mark.parametrize(
    ("changes", "keys"),
    [
        ({}, FULL),
        ({"newOrderRespType": "RESULT"}, RESULT),
        ({"newOrderRespType": "ACK"}, ACK),
        ({"type": "LIMIT_MAKER", "timeInForce": None}, ACK),
        ({"type": "LIMIT_MAKER", "timeInForce": None, "newOrderRespType": "RESULT"}, RESULT),
        ({"icebergQty": "0.1"}, FULL | {"icebergQty"}),
        ({"strategyId": 7, "strategyType": 1_000_000}, FULL | {"strategyId", "strategyType"}),
        ({"type": "STOP_LOSS_LIMIT", "stopPrice": "96000", "newOrderRespType": "RESULT"}, RESULT | STOP),
        (
            {"type": "TAKE_PROFIT_LIMIT", "trailingDelta": 100, "newOrderRespType": "RESULT"},
            RESULT | STOP | {"trailingDelta", "trailingTime"},
        ),
        ({"timeInForce": "IOC"}, FULL | {"expiryReason"}),
    ],
)
def test_how_much_a_placement_tells(changes, keys):
    async def test(trader, other):
        wanted = {name: value for name, value in {**LIMIT, **changes}.items() if value is not None}
        assert set(await trader.do("order.place", **wanted)) == keys

    two_sided(test)


def test_pegged_orders_tell_their_price():
    async def test(trader, other):
        await other.place(price="91000")
        order = await trader.place(price="92000", pegPriceType="PRIMARY_PEG")
        assert set(order) == FULL | {"pegPriceType", "peggedPrice"}
        assert (order["price"], order["peggedPrice"]) == ("92000.00000000", "91000.00000000")

    two_sided(test)


def test_a_market_order_tells_its_fills():
    async def test(trader, other):
        for price in ("95000", "95010"):
            await other.place(side="SELL", price=price, quantity="0.3")
        order = await trader.do("order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5")
        assert set(order) == FULL
        assert all(set(fill) == FILL for fill in order["fills"])
        assert [(fill["price"], fill["qty"], fill["commissionAsset"]) for fill in order["fills"]] == [
            ("95000.00000000", "0.30000000", "BTC"),
            ("95010.00000000", "0.20000000", "BTC"),
        ]
        assert (order["status"], order["price"], order["timeInForce"]) == ("FILLED", "0.00000000", "GTC")
        trades = await trader.do("myTrades", symbol="BTCUSDT")
        assert [trade["id"] for trade in trades] == [fill["tradeId"] for fill in order["fills"]]
        theirs = await other.do("myTrades", symbol="BTCUSDT")
        assert [(trade["id"], trade["isMaker"], trade["isBuyer"]) for trade in theirs] == [
            (trade["id"], True, False) for trade in trades
        ]
        public = await trader.result("trades.recent", symbol="BTCUSDT", limit=2)
        assert [(trade["id"], trade["price"], trade["qty"]) for trade in public] == [
            (trade["id"], trade["price"], trade["qty"]) for trade in trades
        ]

    two_sided(test)


def test_prevented_matches_are_told():
    async def test(trader, other):
        resting = await trader.place(price="95000", side="SELL")
        order = await trader.place(price="95000", selfTradePreventionMode="DECREMENT")
        assert order["status"] == "EXPIRED_IN_MATCH"
        assert (order["preventedQuantity"], order["preventedMatchId"]) == ("0.50000000", 0)
        (match,) = order["preventedMatches"]
        assert match == {
            "preventedMatchId": 0, "makerOrderId": resting["orderId"], "price": "95000.00000000",
            "takerPreventedQuantity": "0.50000000", "makerPreventedQuantity": "0.50000000",
        }  # fmt: skip
        (known,) = await trader.do("myPreventedMatches", symbol="BTCUSDT", orderId=order["orderId"])
        assert (known["takerOrderId"], known["makerOrderId"]) == (order["orderId"], resting["orderId"])

    two_sided(test)


def test_routed_orders_come_in_a_list():
    async def test(trader, other):
        await other.place(symbol="BTCUSDC", side="SELL", price="94000")
        (order,) = await trader.do("sor.order.place", **{**ROUTED, "price": "95000"})
        assert set(order) == FULL | {"usedSor", "workingFloor"}
        assert (order["status"], order["workingFloor"], order["usedSor"]) == ("FILLED", "SOR", True)
        (fill,) = order["fills"]
        assert set(fill) == FILL | {"matchType", "allocId"}
        assert (fill["matchType"], fill["tradeId"], fill["allocId"]) == ("ONE_PARTY_TRADE_REPORT", -1, 0)
        (allocation,) = await trader.do("myAllocations", symbol="BTCUSDT")
        assert (allocation["orderId"], allocation["price"]) == (order["orderId"], "94000.00000000")
        assert await trader.do("myTrades", symbol="BTCUSDT") == []

    two_sided(test, symbols=["BTCUSDT", "BTCUSDC"])


def test_order_test_places_nothing():
    async def test(trader, other):
        assert await trader.do("order.test", **LIMIT) == {}
        told = await trader.do("order.test", **LIMIT, computeCommissionRates=True)
        assert told == {
            "standardCommissionForOrder": {"maker": "0.00100000", "taker": "0.00200000"},
            "specialCommissionForOrder": {"maker": "0.00000000", "taker": "0.00000000"},
            "taxCommissionForOrder": {"maker": "0.00030000", "taker": "0.00030000"},
            "discount": {"enabledForAccount": False, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75000000"},
        }  # fmt: skip
        assert await trader.do("openOrders.status") == []

    rates = Commissions(
        standard=CommissionRates(maker=UNIT // 1000, taker=UNIT // 500),
        tax=CommissionRates(buyer=3 * UNIT // 10_000),
    )
    trading(_alone(test), accounts=[ExchangeAccount(uid=1, commissions=rates)])


def _alone(test):
    async def run(exchange):
        await test(await Trader.dial(exchange, log_on=True), None)

    return run


def test_a_query_tells_the_whole_order():
    async def test(trader, other):
        placed = await trader.place(newClientOrderId="mine")
        by_id = await trader.do("order.status", symbol="BTCUSDT", orderId=placed["orderId"])
        by_name = await trader.do("order.status", symbol="BTCUSDT", origClientOrderId="mine")
        assert by_id == by_name
        assert set(by_id) == ORDER
        assert by_id["isWorking"] is True
        assert (by_id["stopPrice"], by_id["icebergQty"]) == ("0.00000000", "0.00000000")
        assert await trader.do("openOrders.status", symbol="BTCUSDT") == [by_id]
        assert await trader.do("allOrders", symbol="BTCUSDT") == [by_id]
        assert await trader.do("openOrders.status", symbol="ETHUSDT") == []
        assert await other.do("allOrders", symbol="BTCUSDT") == []

    two_sided(test)


def test_a_cancellation_gives_the_order_another_name():
    async def test(trader, other):
        placed = await trader.place(newClientOrderId="mine")
        report = await trader.do("order.cancel", symbol="BTCUSDT", origClientOrderId="mine", newClientOrderId="gone")
        assert set(report) == CANCEL
        assert (report["status"], report["origClientOrderId"], report["clientOrderId"]) == ("CANCELED", "mine", "gone")
        assert report["orderId"] == placed["orderId"]
        assert (await trader.place(newClientOrderId="mine"))["status"] == "NEW"

    two_sided(test)


@pytest.mark.parametrize(
    ("method", "params", "error"),
    [
        ("order.place", {**LIMIT, "symbol": "NOPE"}, (400, -1121, "Invalid symbol.")),
        ("order.place", {**LIMIT, "type": 7}, (400, -1102, "Mandatory parameter 'type' was not sent, was empty/null, or malformed.")),
        ("order.place", {**LIMIT, "side": "HOLD"}, (400, -1117, "Invalid side.")),
        ("order.place", {**LIMIT, "type": "LUCKY"}, (400, -1116, "Invalid orderType.")),
        ("order.place", {**LIMIT, "timeInForce": "NOW"}, (400, -1115, "Invalid timeInForce.")),
        ("order.place", {**LIMIT, "price": "0.123456789"}, (400, -1111, "Parameter 'price' has too much precision.")),
        ("order.place", {**LIMIT, "price": "-1"}, (400, -1100, r"Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.")),
        ("order.place", {**LIMIT, "price": "NaN"}, (400, -1100, r"Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.")),
        ("order.place", {**LIMIT, "price": "x"}, (400, -1100, r"Illegal characters found in parameter 'price'; legal range is '^([0-9]{1,20})(\.[0-9]{1,20})?$'.")),
        ("order.place", TOO_MUCH, (400, -2010, "Account has insufficient balance for requested action.")),
        ("order.place", {**LIMIT, "price": "90000.001"}, (400, -1013, "Filter failure: PRICE_FILTER")),
        ("order.place", {**LIMIT, "quantity": "0.00000001"}, (400, -1013, "Filter failure: LOT_SIZE")),
        ("order.place", {**LIMIT, "stopPrice": "1"}, (400, -1106, "Parameter 'stopPrice' sent when not required.")),
        ("order.place", {**LIMIT, "newClientOrderId": "taken"}, (400, -2010, "Duplicate order sent.")),
        ("order.place", {**LIMIT, "type": "STOP_LOSS_LIMIT", "stopPrice": "90000"}, (400, -2010, "Order would trigger immediately.")),
        ("order.test", {**LIMIT, "price": "90000.001"}, (400, -1013, "Filter failure: PRICE_FILTER")),
        ("order.cancel", {"symbol": "BTCUSDT", "orderId": 1}, (400, -2011, "Unknown order sent.")),
        ("order.cancel", {"symbol": "BTCUSDT"}, (400, -1102, "Param 'orderId' or 'origClientOrderId' must be sent, but both were empty/null!")),
        ("order.cancel", {"symbol": "BTCUSDT", "origClientOrderId": "taken", "cancelRestrictions": "ONLY_PARTIALLY_FILLED"}, (400, -2011, "Order was not canceled due to cancel restrictions.")),
        ("order.cancel", {"symbol": "BTCUSDT", "orderId": 1, "cancelRestrictions": "ONLY"}, (400, -1145, "Invalid cancelRestrictions")),
        ("openOrders.cancelAll", {"symbol": "ETHUSDT"}, (400, -2011, "Unknown order sent.")),
        ("order.amend.keepPriority", {"symbol": "BTCUSDT", "origClientOrderId": "taken", "newQty": "0.6"}, (400, -2038, "Order amend (quantity increase) is not supported.")),
        ("order.status", {"symbol": "BTCUSDT", "orderId": 1}, (400, -2013, "Order does not exist.")),
        ("order.status", {"symbol": "NOPE", "orderId": 1}, (400, -1121, "Invalid symbol.")),
        ("orderList.status", {"orderListId": 99}, (400, -2013, "Order list does not exist.")),
        ("orderList.cancel", {"symbol": "BTCUSDT", "orderListId": 99}, (400, -2011, "Unknown order sent.")),
        ("orderList.place.oco", {**OCO, "abovePrice": "94000"}, (400, -2010, "The relationship of the prices for the orders is not correct.")),
        ("orderList.place.oco", {**OCO, "side": "BUY"}, (400, -1165, "A limit order in a buy OCO must be below.")),
        ("sor.order.place", ROUTED, (400, -2010, "Unsupported order combination")),
        ("myTrades", {"symbol": "BTCUSDT", "orderId": 1, "startTime": 1}, (400, -1128, "Combination of optional parameters invalid.")),
        ("myTrades", {"symbol": "BTCUSDT", "startTime": 1_700_000_000_000, "endTime": 1_700_086_400_001}, (400, -1127, "More than 24 hours between startTime and endTime.")),
        ("myTrades", {"symbol": "BTCUSDT", "limit": 1001}, (400, -1130, "Data sent for parameter 'limit' is not valid.")),
        ("account.commission", {"symbol": "NOPE"}, (400, -1121, "Invalid symbol.")),
    ],
)  # fmt: skip
def test_refusals_carry_code_and_text(method, params, error):
    async def test(trader, other):
        await trader.place(newClientOrderId="taken")
        assert await trader.refused(method, **params) == error

    two_sided(test)


def test_ids_that_do_not_belong_together():
    async def test(trader, other):
        placed = await trader.place(newClientOrderId="mine")
        both = {"symbol": "BTCUSDT", "orderId": placed["orderId"], "origClientOrderId": "other"}
        mismatch = (400, -2039, "Client order ID is not correct for this order ID.")
        assert await trader.refused("order.status", **both) == mismatch
        assert await trader.refused("order.cancel", **both) == (400, -2011, "Unknown order sent.")
        assert await other.refused("order.status", symbol="BTCUSDT", orderId=placed["orderId"]) == (400, -2013, "Order does not exist.")  # fmt: skip

    two_sided(test)


def test_orders_that_ended_empty_are_archived():
    async def test(trader, other):
        placed = await trader.place()
        await trader.do("order.cancel", symbol="BTCUSDT", orderId=placed["orderId"])
        trader.exchange.venue.desk.history.order("BTCUSDT", placed["orderId"]).updated_us -= 91 * 86_400 * 1_000_000
        code = (await trader.refused("order.status", symbol="BTCUSDT", orderId=placed["orderId"]))[1]
        assert code == -2026
        assert await trader.do("allOrders", symbol="BTCUSDT") == []

    two_sided(test)


# ------------------------------------------------------------------------------------------------- changes


def test_an_amendment_tells_the_order_and_its_list():
    async def test(trader, other):
        order = await trader.place(newClientOrderId="mine")
        told = await trader.do("order.amend.keepPriority", symbol="BTCUSDT", orderId=order["orderId"], newQty="0.4")
        assert set(told) == {"transactTime", "executionId", "amendedOrder"}
        assert set(told["amendedOrder"]) == {
            "symbol", "orderId", "orderListId", "origClientOrderId", "clientOrderId", "price", "qty", "executedQty",
            "preventedQty", "quoteOrderQty", "cumulativeQuoteQty", "status", "timeInForce", "type", "side", "workingTime",
            "selfTradePreventionMode",
        }  # fmt: skip
        assert (told["amendedOrder"]["qty"], told["amendedOrder"]["origClientOrderId"]) == ("0.40000000", "mine")
        (past,) = await trader.do("order.amendments", symbol="BTCUSDT", orderId=order["orderId"])
        assert (past["origQty"], past["newQty"]) == ("0.50000000", "0.40000000")
        assert past["executionId"] == told["executionId"]

        placed = await trader.do("orderList.place.oto", **WORKING, **PENDING, pendingQuantity="0.5")
        working = placed["orders"][0]["orderId"]
        told = await trader.do("order.amend.keepPriority", symbol="BTCUSDT", orderId=working, newQty="0.4")
        assert set(told["listStatus"]) == LIST - {"listStatusType", "transactionTime"}
        assert told["listStatus"]["orders"][0]["clientOrderId"] == told["amendedOrder"]["clientOrderId"]

    two_sided(test)


def replace(**changes):
    return {**LIMIT, "cancelReplaceMode": "STOP_ON_FAILURE", **changes}


@pytest.mark.parametrize(
    ("cancel_id", "changes", "status", "code", "results"),
    [
        ("mine", {}, 200, None, ("SUCCESS", "SUCCESS")),
        ("no", {}, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("mine", {"newClientOrderId": "taken"}, 409, -2021, ("SUCCESS", "FAILURE")),
        ("no", {"cancelReplaceMode": "ALLOW_FAILURE"}, 409, -2021, ("FAILURE", "SUCCESS")),
        ("no", {"cancelReplaceMode": "ALLOW_FAILURE", "newClientOrderId": "taken"}, 400, -2022, ("FAILURE", "FAILURE")),
        ("mine", {"cancelReplaceMode": "ALLOW_FAILURE", "newClientOrderId": "taken"}, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)  # fmt: skip
def test_outcomes_of_cancel_replace(cancel_id, changes, status, code, results):
    async def test(trader, other):
        await trader.place(newClientOrderId="mine")
        await trader.place(newClientOrderId="taken", price="80000")
        reply = await trader.call("order.cancelReplace", **replace(cancelOrigClientOrderId=cancel_id, **changes))
        assert reply["status"] == status
        told = reply["result"] if status == 200 else reply["error"]["data"]
        assert set(told) == {"cancelResult", "newOrderResult", "cancelResponse", "newOrderResponse"}
        assert (told["cancelResult"], told["newOrderResult"]) == results
        shapes = {"SUCCESS": CANCEL, "FAILURE": {"code", "msg"}}
        assert set(told["cancelResponse"]) == shapes[results[0]]
        if results[1] == "NOT_ATTEMPTED":
            assert told["newOrderResponse"] is None
        else:
            assert set(told["newOrderResponse"]) == {**shapes, "SUCCESS": FULL}[results[1]]
        if code is not None:
            text = {-2021: "Order cancel-replace partially failed.", -2022: "Order cancel-replace failed."}[code]
            assert (reply["error"]["code"], reply["error"]["msg"]) == (code, text)

    two_sided(test)


@pytest.mark.parametrize(
    ("mode", "cancel_id", "status", "results"),
    [
        ("STOP_ON_FAILURE", "mine", 429, ("SUCCESS", "FAILURE")),
        ("STOP_ON_FAILURE", "no", 429, ("FAILURE", "NOT_ATTEMPTED")),
        ("ALLOW_FAILURE", "mine", 409, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", "no", 400, ("FAILURE", "FAILURE")),
    ],
)
def test_cancel_replace_over_the_limit_of_orders(mode, cancel_id, status, results):
    async def test(trader, other):
        await trader.place(newClientOrderId="mine")
        request = replace(cancelOrigClientOrderId=cancel_id, cancelReplaceMode=mode)
        too_many = (429, -1015, "Too many new orders; current limit is 1 orders per 10 SECOND.")
        assert await trader.refused("order.cancelReplace", **request) == too_many
        assert len(await trader.do("openOrders.status")) == 1
        reply = await trader.call("order.cancelReplace", **request, orderRateLimitExceededMode="CANCEL_ONLY")
        told = reply["error"]["data"]
        assert (reply["status"], told["cancelResult"], told["newOrderResult"]) == (status, *results)
        if results[1] == "FAILURE":
            assert told["newOrderResponse"] == {"code": -1015, "msg": too_many[2]}

    two_sided(test, limits=ExchangeLimits(orders=1))


# ------------------------------------------------------------------------------------------------- order lists


@pytest.mark.parametrize(
    ("method", "params", "contingency", "legs"),
    [
        ("orderList.place.oco", OCO, "OCO", [("LIMIT_MAKER", "NEW"), ("STOP_LOSS_LIMIT", "NEW")]),
        ("orderList.place", OLDER_PAIR, "OCO", [("LIMIT_MAKER", "NEW"), ("STOP_LOSS_LIMIT", "NEW")]),
        ("orderList.place.oto", {**WORKING, **PENDING, "pendingQuantity": "0.5"}, "OTO", [("LIMIT", "NEW"), ("LIMIT", "PENDING_NEW")]),
        ("orderList.place.opo", {**WORKING, **PENDING}, "OTO", [("LIMIT", "NEW"), ("LIMIT", "PENDING_NEW")]),
        ("orderList.place.otoco", {**WORKING, **PAIR, "pendingQuantity": "0.5"}, "OTO", [("LIMIT", "NEW"), ("LIMIT_MAKER", "PENDING_NEW"), ("STOP_LOSS", "PENDING_NEW")]),
        ("orderList.place.opoco", {**WORKING, **PAIR}, "OTO", [("LIMIT", "NEW"), ("LIMIT_MAKER", "PENDING_NEW"), ("STOP_LOSS", "PENDING_NEW")]),
    ],
)  # fmt: skip
def test_placed_lists(method, params, contingency, legs):
    async def test(trader, other):
        placed = await trader.do(method, **params, listClientOrderId="list")
        assert set(placed) == LIST | {"orderReports"}
        assert (placed["contingencyType"], placed["listClientOrderId"]) == (contingency, "list")
        assert (placed["listStatusType"], placed["listOrderStatus"]) == ("EXEC_STARTED", "EXECUTING")
        reports = placed["orderReports"]
        assert [(report["type"], report["status"]) for report in reports] == legs
        assert [report["orderId"] for report in reports] == [order["orderId"] for order in placed["orders"]]
        for report in reports:
            is_unknown = "opo" in method and report["status"] == "PENDING_NEW"
            keys = RESULT | (STOP if "STOP" in report["type"] else set())
            assert set(report) == keys - ({"origQty"} if is_unknown else set())
            is_working = report["type"] in {"LIMIT", "LIMIT_MAKER"} and report["status"] == "NEW"
            assert (report["workingTime"] != -1) is is_working

        (known,) = await trader.do("openOrderLists.status")
        assert set(known) == LIST
        assert await trader.do("orderList.status", origClientOrderId="list") == known
        assert await trader.do("allOrderLists") == [known]

        ended = await trader.do("orderList.cancel", symbol="BTCUSDT", orderListId=placed["orderListId"])
        assert set(ended) == LIST | {"orderReports"}
        assert (ended["listStatusType"], ended["listOrderStatus"]) == ("ALL_DONE", "ALL_DONE")
        assert {report["status"] for report in ended["orderReports"]} == {"CANCELED"}
        assert await trader.do("openOrderLists.status") == []

    two_sided(test)


def test_cancelling_all_tells_orders_and_lists():
    async def test(trader, other):
        await trader.place()
        await trader.do("orderList.place.oco", **OCO)
        ended = await trader.do("openOrders.cancelAll", symbol="BTCUSDT")
        assert [set(item) for item in ended] == [CANCEL, LIST | {"orderReports"}]

    two_sided(test)


# ------------------------------------------------------------------------------------------------- the account


def test_the_account_and_its_settings():
    async def test(trader, other):
        status = await trader.do("account.status", omitZeroBalances=True)
        assert set(status) == {
            "makerCommission", "takerCommission", "buyerCommission", "sellerCommission", "commissionRates", "canTrade",
            "canWithdraw", "canDeposit", "brokered", "requireSelfTradePrevention", "preventSor", "updateTime",
            "accountType", "balances", "permissions", "uid",
        }  # fmt: skip
        assert {"asset": "BTC", "free": "100.00000000", "locked": "0.00000000"} in status["balances"]
        commission = await trader.do("account.commission", symbol="BTCUSDT")
        assert set(commission) == {"symbol", "standardCommission", "specialCommission", "taxCommission", "discount"}
        filters = await trader.do("myFilters", symbol="BTCUSDT")
        info = await trader.result("exchangeInfo", symbol="BTCUSDT")
        assert filters == {"exchangeFilters": [], "symbolFilters": info["symbols"][0]["filters"], "assetFilters": []}

    two_sided(test)


def test_exchange_info_tells_the_limits_in_force():
    async def test(trader, other):
        limits = (await trader.result("exchangeInfo"))["rateLimits"]
        assert [(row["rateLimitType"], row["interval"], row["intervalNum"], row["limit"]) for row in limits] == [
            ("REQUEST_WEIGHT", "MINUTE", 1, 900),
            ("ORDERS", "SECOND", 10, 7),
            ("ORDERS", "DAY", 1, 160_000),
            ("CONNECTIONS", "MINUTE", 5, 300),
        ]

    two_sided(test, limits=ExchangeLimits(weight=900, orders=7))


def test_trades_are_found_by_order_time_and_id():
    async def test(trader, other):
        placed = []
        for _ in range(3):
            await other.place(side="SELL", price="95000")
            placed.append(await trader.place(price="95000"))
            await asyncio.sleep(1)
        symbol = {"symbol": "BTCUSDT"}
        ids = [trade["id"] for trade in await trader.do("myTrades", **symbol)]
        times = [order["transactTime"] for order in placed]

        async def found(**params):
            return [trade["id"] for trade in await trader.do("myTrades", **symbol, **params)]

        assert await found(orderId=placed[1]["orderId"]) == ids[1:2]
        assert await found(startTime=times[1]) == ids[1:]
        assert await found(startTime=times[1], endTime=times[1]) == ids[1:2]
        assert await found(startTime=times[1] * 1000, endTime=times[1] * 1000) == ids[1:2]
        assert await found(endTime=times[1]) == ids[:2]
        assert await found(fromId=ids[1]) == ids[1:]
        assert await found(fromId=ids[0], limit=1) == ids[:1]
        assert await found(limit=1) == ids[2:]

    two_sided(test)


def test_times_come_in_microseconds_when_asked_for():
    async def test(exchange):
        trader = await Trader.dial(exchange, log_on=True, subscribe=True, query="?timeUnit=microsecond")
        order = await trader.place()
        assert order["transactTime"] == order["workingTime"] == now_ms() * 1000 - 100_000
        assert {event["E"] for event in trader.events} == {order["transactTime"]}

    trading(test)


# ------------------------------------------------------------------------------------------------- limits


def counts(reply):
    return {(row["rateLimitType"], row["interval"]): row["count"] for row in reply["rateLimits"]}


SHORT, DAY, WEIGHT = ("ORDERS", "SECOND"), ("ORDERS", "DAY"), ("REQUEST_WEIGHT", "MINUTE")


def test_replies_tell_the_limits_they_touch_and_success_is_free():
    async def test(trader, other):
        used = counts(await trader.ask("ping"))[WEIGHT]
        placed = await trader.call("order.place", **LIMIT)
        assert counts(placed) == {SHORT: 1, DAY: 1, WEIGHT: used}
        gone = await trader.call("order.cancel", symbol="BTCUSDT", orderId=placed["result"]["orderId"])
        assert counts(gone) == {WEIGHT: used}
        refused = await trader.call("order.place", **TOO_MUCH)  # by matching: it counts
        assert counts(refused) == {SHORT: 2, DAY: 2, WEIGHT: used + 1}
        filtered = await trader.call("order.place", **{**LIMIT, "price": "90000.001"})  # before matching: it does not
        assert counts(filtered) == {SHORT: 2, DAY: 2, WEIGHT: used + 2}
        status = await trader.call("account.status")
        assert counts(status) == {WEIGHT: used + 22}
        listed = await trader.call("orderList.place.oco", **OCO)
        assert counts(listed) == {SHORT: 4, DAY: 4, WEIGHT: used + 22}
        asked = await trader.do("account.rateLimits.orders")
        assert [row["count"] for row in asked] == [4, 4]
        assert counts(await other.call("order.place", **LIMIT))[SHORT] == 1
        quiet = await trader.call("order.place", **LIMIT, returnRateLimits=False)
        assert "rateLimits" not in quiet

    two_sided(test)


def test_amending_is_free_only_when_the_order_ends_by_it():
    async def test(trader, other):
        order = await trader.place(quantity="0.5")
        used = counts(await trader.ask("ping"))[WEIGHT]
        key = {"symbol": "BTCUSDT", "orderId": order["orderId"]}
        amended = await trader.call("order.amend.keepPriority", **key, newQty="0.4")
        assert counts(amended) == {WEIGHT: used + 4}
        await other.place(side="SELL", quantity="0.3")
        used = counts(await trader.ask("ping"))[WEIGHT]
        ended = await trader.call("order.amend.keepPriority", **key, newQty="0.3")
        assert ended["result"]["amendedOrder"]["status"] == "EXPIRED"
        assert counts(ended) == {WEIGHT: used}

    two_sided(test)


def test_too_many_unfilled_orders_are_refused_until_the_window_ends():
    async def test(trader, other):
        for _ in range(2):
            await trader.place()
        reply = await trader.call("order.place", **LIMIT)
        assert error_of(reply) == (429, -1015, "Too many new orders; current limit is 2 orders per 10 SECOND.")
        data = reply["error"]["data"]
        assert data["retryAfter"] % 10_000 == 0
        assert 0 < data["retryAfter"] - data["serverTime"] <= 10_000
        await trader.do("order.cancel", symbol="BTCUSDT", orderId=(await trader.do("openOrders.status"))[0]["orderId"])
        await asyncio.sleep((data["retryAfter"] - now_ms()) / 1000)
        await trader.place()

    two_sided(test, limits=ExchangeLimits(orders=2))

"""The weight of every signed request: what its declaration says, and what the exchange charges."""

from __future__ import annotations

import pytest

from cryptotrader.protocol.request import REGISTRY, SecurityType
from trader_client import LIMIT, Trader, signed, trading

SYMBOL = {"symbol": "BTCUSDT"}
BY_ID = {**SYMBOL, "orderId": 0}
WORKING = {**SYMBOL, "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "90000", "workingQuantity": "0.5", "workingTimeInForce": "GTC"}  # fmt: skip
PENDING = {"pendingType": "LIMIT_MAKER", "pendingSide": "SELL", "pendingPrice": "99000"}
PAIR = {"pendingSide": "SELL", "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "99000", "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "80000"}  # fmt: skip
OCO = {**SYMBOL, "side": "SELL", "quantity": "0.5", "aboveType": "LIMIT_MAKER", "abovePrice": "99000", "belowType": "STOP_LOSS", "belowStopPrice": "91000"}  # fmt: skip
OLDER_PAIR = {**SYMBOL, "side": "SELL", "price": "99000", "quantity": "0.5", "stopPrice": "91000", "stopLimitPrice": "90000", "stopLimitTimeInForce": "GTC"}  # fmt: skip
REPLACE = {**LIMIT, "cancelReplaceMode": "STOP_ON_FAILURE"}
TIMES = {"startTime": 1_735_689_600_000, "endTime": 1_735_776_000_000}

WEIGHTS = [
    # method, parameters, weight when it succeeds (None: it does not here), weight when it fails (None: it does not)
    ("session.logon", {}, 2, None),
    ("session.status", {}, 2, None),
    ("session.subscriptions", {}, 2, None),
    ("session.logout", {}, 2, None),
    ("userDataStream.subscribe.signature", {}, 2, 2),
    ("userDataStream.unsubscribe", {}, 2, None),
    ("userDataStream.unsubscribe", {"subscriptionId": 9}, None, 2),
    ("order.place", LIMIT, 0, 1),
    ("order.test", LIMIT, 1, 1),
    ("order.test", {**LIMIT, "computeCommissionRates": True}, 20, 20),
    ("order.test", {**LIMIT, "computeCommissionRates": False}, 1, 1),
    ("order.cancel", BY_ID, 0, 1),
    ("order.cancelReplace", {**REPLACE, "cancelOrderId": 0}, 0, 1),
    ("order.amend.keepPriority", {**BY_ID, "newQty": "0.4"}, 4, 4),
    ("openOrders.cancelAll", SYMBOL, 0, 1),
    ("sor.order.place", LIMIT, 0, 1),
    ("sor.order.test", LIMIT, 1, 1),
    ("sor.order.test", {**LIMIT, "computeCommissionRates": True}, 20, 20),
    ("orderList.place", OLDER_PAIR, 0, 1),
    ("orderList.place.oco", OCO, 0, 1),
    ("orderList.place.oto", {**WORKING, **PENDING, "pendingQuantity": "0.5"}, 0, 1),
    ("orderList.place.otoco", {**WORKING, **PAIR, "pendingQuantity": "0.5"}, 0, 1),
    ("orderList.place.opo", {**WORKING, **PENDING}, 0, 1),
    ("orderList.place.opoco", {**WORKING, **PAIR}, 0, 1),
    ("orderList.cancel", {**SYMBOL, "orderListId": 0}, 0, 1),
    ("account.status", {}, 20, None),
    ("order.status", BY_ID, 4, 4),
    ("openOrders.status", SYMBOL, 6, 6),
    ("openOrders.status", {}, 80, None),
    ("allOrders", SYMBOL, 20, 20),
    ("orderList.status", {"orderListId": 0}, 4, None),
    ("orderList.status", {"orderListId": 99}, None, 4),
    ("openOrderLists.status", {}, 6, None),
    ("allOrderLists", {}, 20, None),
    ("myTrades", SYMBOL, 20, 20),
    ("myTrades", {**SYMBOL, **TIMES}, 20, 20),
    ("myTrades", BY_ID, 5, 5),
    ("account.rateLimits.orders", {}, 40, None),
    ("myPreventedMatches", {**SYMBOL, "preventedMatchId": 1}, 2, 2),
    ("myPreventedMatches", BY_ID, 20, 2),
    ("myPreventedMatches", {**BY_ID, "fromPreventedMatchId": 1}, 20, 2),
    ("myAllocations", SYMBOL, 20, 20),
    ("account.commission", SYMBOL, 20, 20),
    ("order.amendments", BY_ID, 4, 4),
    ("myFilters", SYMBOL, 40, 40),
]
NOT_HERE = {"userDataStream.subscribe"}  # needs a session that is logged on


def used(reply):
    return next(row["count"] for row in reply["rateLimits"] if row["rateLimitType"] == "REQUEST_WEIGHT")


async def prepared(trader, params):
    """The parameters with the ids of an order and of a list that are there."""
    params = dict(params)
    for name in ("orderId", "cancelOrderId"):
        if params.get(name) == 0:
            params[name] = (await trader.do("order.place", **LIMIT))["orderId"]
    if "orderListId" in params and params["orderListId"] == 0:
        params["orderListId"] = (await trader.do("orderList.place.oco", **OCO))["orderListId"]
    return params


@pytest.mark.parametrize(("method", "params", "succeeds", "fails"), WEIGHTS)
def test_what_the_exchange_charges(method, params, succeeds, fails):
    async def test(exchange):
        trader = await Trader.dial(exchange)
        sent = await prepared(trader, params)
        if method == "openOrders.cancelAll":
            await trader.place()
        before = used(await trader.ask("ping"))
        if succeeds is not None:
            reply = await (_logged_on(trader) if method == "session.logon" else trader.call(method, **sent))
            assert (reply["status"], used(reply) - before) == (200, succeeds)
            before = used(reply)
        if fails is not None:
            wrong = {**sent, "symbol": "NOPE"} if "symbol" in sent else sent
            reply = await trader.call(method, **wrong)
            assert (reply["status"], used(reply) - before) == (400, fails)

    trading(test, symbols=["BTCUSDT", "BTCUSDC"])


async def _logged_on(trader):
    return await trader.ask("session.logon", **signed(trader.keys.ed25519))


def test_every_signed_method_is_weighed():
    wanted = {name for name, kind in REGISTRY.items() if kind.api.security is not SecurityType.NONE}
    assert wanted <= {method for method, *_ in WEIGHTS} | NOT_HERE

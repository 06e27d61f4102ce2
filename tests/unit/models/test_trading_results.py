"""A result of each session, trading, account and user data method: it decodes, and encodes to equal values."""

from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest

import cryptotrader.requests
from cryptotrader.models.account_models import AccountFilters
from cryptotrader.models.base_models import MaxAssetFilter, MaxNumOrderListsFilter, plain
from cryptotrader.models.order_models import (
    CancelReplaceResponse,
    CancelReplaceResult,
    CancelReport,
    ExpiryReason,
    MatchType,
    OrderListCancelReport,
    OrderResponse,
    OrderStatus,
    Refusal,
)
from cryptotrader.protocol.request import REGISTRY, SecurityType

ACK = {
    "symbol": "BTCUSDT",
    "orderId": 12569099453,
    "orderListId": -1,
    "clientOrderId": "mine-1",
    "transactTime": 1660801715639,
}
STATE = {
    "price": "23416.10000000", "origQty": "0.00847000", "executedQty": "0.00847000", "origQuoteOrderQty": "0.000000",
    "cummulativeQuoteQty": "198.33521500", "status": "FILLED", "timeInForce": "GTC", "type": "LIMIT", "side": "SELL",
    "selfTradePreventionMode": "NONE",
}  # fmt: skip
CONDITIONAL = {
    "icebergQty": "0.00000000", "stopPrice": "23500.00000000", "trailingDelta": 10, "trailingTime": -1, "strategyId": 37463720,
    "strategyType": 1000000, "preventedMatchId": 0, "preventedQuantity": "1.200000", "tradeGroupId": 1, "usedSor": True,
    "workingFloor": "SOR", "pegPriceType": "PRIMARY_PEG", "pegOffsetType": "PRICE_LEVEL", "pegOffsetValue": 5,
    "peggedPrice": "87523.83710000", "expiryReason": "INSUFFICIENT_LIQUIDITY",
}  # fmt: skip
RESULT = {**ACK, **STATE, "workingTime": 1660801715639}
FULL = {
    **RESULT, **CONDITIONAL,
    "fills": [{"price": "23416.50000000", "qty": "0.00212000", "commission": "0.000000", "commissionAsset": "BNB", "tradeId": 1650422482}],
    "preventedMatches": [
        {"preventedMatchId": 0, "makerSymbol": "BTCUSDC", "makerOrderId": 5, "price": "1.0", "takerPreventedQuantity": "2.0", "makerPreventedQuantity": "2.0"},
        {"preventedMatchId": 1, "makerOrderId": 6, "price": "1.0"},
    ],
}  # fmt: skip
ROUTED = {
    **RESULT, "usedSor": True, "workingFloor": "SOR",
    "fills": [{"matchType": "ONE_PARTY_TRADE_REPORT", "price": "28000.0", "qty": "0.5", "commission": "0.0", "commissionAsset": "BTC", "tradeId": -1, "allocId": 0}],
}  # fmt: skip
CANCELLED = {**ACK, **STATE, **CONDITIONAL, "origClientOrderId": "mine-0", "status": "CANCELED"}
LIST = {
    "orderListId": 19431, "contingencyType": "OCO", "listStatusType": "ALL_DONE", "listOrderStatus": "ALL_DONE",
    "listClientOrderId": "list-1", "transactionTime": 1660803702431, "symbol": "BTCUSDT",
    "orders": [{"symbol": "BTCUSDT", "orderId": 1, "clientOrderId": "a"}, {"symbol": "BTCUSDT", "orderId": 2, "clientOrderId": "b"}],
}  # fmt: skip
PENDING = {
    name: value for name, value in {**RESULT, "status": "PENDING_NEW", "workingTime": -1}.items() if name != "origQty"
}
PLACED_LIST = {**LIST, "orderReports": [RESULT, PENDING]}
CANCELLED_LIST = {**LIST, "orderReports": [CANCELLED, CANCELLED]}
REPLACED = {
    "cancelResult": "SUCCESS",
    "newOrderResult": "SUCCESS",
    "cancelResponse": CANCELLED,
    "newOrderResponse": FULL,
}
AMENDED = {
    "transactTime": 1741924229819, "executionId": 60,
    "amendedOrder": {
        "symbol": "BTCUSDT", "orderId": 23, "orderListId": 4, "origClientOrderId": "before", "clientOrderId": "after",
        "price": "1.00000000", "qty": "5.00000000", "executedQty": "0.00000000", "preventedQty": "0.00000000",
        "quoteOrderQty": "0.00000000", "cumulativeQuoteQty": "0.00000000", "status": "NEW", "timeInForce": "GTC",
        "type": "LIMIT", "side": "BUY", "workingTime": 1741924204920, "selfTradePreventionMode": "NONE", "icebergQty": "1.0",
    },
    "listStatus": {"orderListId": 4, "contingencyType": "OTO", "listOrderStatus": "EXECUTING", "listClientOrderId": "list-1", "symbol": "BTCUSDT", "orders": LIST["orders"]},
}  # fmt: skip
QUERIED = {
    **{name: value for name, value in ACK.items() if name != "transactTime"}, **STATE, **CONDITIONAL,
    "time": 1660801715639, "updateTime": 1660801717945, "isWorking": True, "workingTime": 1660801715639,
}  # fmt: skip
RATES = {"maker": "0.00100000", "taker": "0.00110000", "buyer": "0.00000000", "seller": "0.00010000"}
DISCOUNT = {"enabledForAccount": True, "enabledForSymbol": True, "discountAsset": "BNB", "discount": "0.75000000"}
ORDER_RATES = {"maker": "0.00000112", "taker": "0.00000114"}
TESTED = {"standardCommissionForOrder": ORDER_RATES, "specialCommissionForOrder": ORDER_RATES, "taxCommissionForOrder": ORDER_RATES, "discount": DISCOUNT}  # fmt: skip
SESSION = {"apiKey": "key", "authorizedSince": 1649729878532, "connectedSince": 1649729873021, "returnRateLimits": False, "serverTime": 1649729878630, "userDataStream": True}  # fmt: skip
NOBODY = {**SESSION, "apiKey": None, "authorizedSince": None, "userDataStream": None}
ACCOUNT = {
    "makerCommission": 15, "takerCommission": 15, "buyerCommission": 0, "sellerCommission": 0, "canTrade": True,
    "canWithdraw": True, "canDeposit": True, "commissionRates": RATES, "brokered": False,
    "requireSelfTradePrevention": False, "preventSor": False, "updateTime": 1660801833000, "accountType": "SPOT",
    "balances": [{"asset": "BNB", "free": "0.00000000", "locked": "0.10000000"}], "permissions": ["SPOT"], "uid": 354937868,
}  # fmt: skip
OWN_TRADE = {
    "symbol": "BTCUSDT", "id": 1650422481, "orderId": 12569099453, "orderListId": -1, "price": "23416.10000000", "qty": "0.00635000",
    "quoteQty": "148.69223500", "commission": "0.00000000", "commissionAsset": "BNB", "time": 1660801715793, "isBuyer": False,
    "isMaker": True, "isBestMatch": True,
}  # fmt: skip
PREVENTED = {
    "symbol": "BTCUSDT", "preventedMatchId": 1, "takerOrderId": 5, "makerSymbol": "BTCUSDT", "makerOrderId": 3, "tradeGroupId": 1,
    "selfTradePreventionMode": "EXPIRE_MAKER", "price": "1.100000", "makerPreventedQuantity": "1.300000", "transactTime": 1669101687094,
}  # fmt: skip
ALLOCATED = {
    "symbol": "BTCUSDT", "allocationId": 0, "allocationType": "SOR", "orderId": 500, "orderListId": -1, "price": "1.00000000",
    "qty": "0.10000000", "quoteQty": "0.10000000", "commission": "0.00000000", "commissionAsset": "BTC", "time": 1687319487614,
    "isBuyer": False, "isMaker": False, "isAllocator": False,
}  # fmt: skip
COMMISSION = {
    "symbol": "BTCUSDT",
    "standardCommission": RATES,
    "specialCommission": RATES,
    "taxCommission": RATES,
    "discount": DISCOUNT,
}
AMENDMENT = {"symbol": "BTCUSDT", "orderId": 9, "executionId": 22, "origClientOrderId": "a", "newClientOrderId": "b", "origQty": "5.0", "newQty": "4.0", "time": 1741669661670}  # fmt: skip
FILTERS = {
    "exchangeFilters": [{"filterType": "EXCHANGE_MAX_NUM_ORDERS", "maxNumOrders": 1000}],
    "symbolFilters": [{"filterType": "MAX_NUM_ORDER_LISTS", "maxNumOrderLists": 20}, {"filterType": "OF_TOMORROW", "limit": 1}],
    "assetFilters": [{"filterType": "MAX_ASSET", "asset": "JPY", "limit": "1000000.00000000"}],
}  # fmt: skip

RESULTS = {
    "session.logon": [SESSION],
    "session.status": [SESSION, NOBODY],
    "session.logout": [NOBODY],
    "session.subscriptions": [[], [{"subscriptionId": 0}, {"subscriptionId": 1, "expirationTime": 1649729878532}]],
    "userDataStream.subscribe": [{"subscriptionId": 0}],
    "userDataStream.subscribe.signature": [{"subscriptionId": 1}],
    "userDataStream.unsubscribe": [{}],
    "order.place": [ACK, RESULT, FULL, {**RESULT, "fills": []}],
    "order.test": [{}, TESTED, {"standardCommissionForOrder": ORDER_RATES}],
    "order.cancel": [CANCELLED, CANCELLED_LIST],
    "order.cancelReplace": [REPLACED],
    "order.amend.keepPriority": [AMENDED, {name: value for name, value in AMENDED.items() if name != "listStatus"}],
    "openOrders.cancelAll": [[CANCELLED, CANCELLED_LIST, CANCELLED], []],
    "sor.order.place": [[ROUTED]],
    "sor.order.test": [{}, TESTED],
    "orderList.place": [PLACED_LIST],
    "orderList.place.oco": [PLACED_LIST],
    "orderList.place.oto": [{**PLACED_LIST, "contingencyType": "OTO"}],
    "orderList.place.otoco": [PLACED_LIST],
    "orderList.place.opo": [PLACED_LIST],
    "orderList.place.opoco": [PLACED_LIST],
    "orderList.cancel": [CANCELLED_LIST],
    "account.status": [ACCOUNT, {**ACCOUNT, "tradeGroupId": 7}],
    "order.status": [QUERIED],
    "openOrders.status": [[QUERIED], []],
    "allOrders": [[QUERIED]],
    "orderList.status": [LIST],
    "openOrderLists.status": [[LIST]],
    "allOrderLists": [[LIST]],
    "myTrades": [[OWN_TRADE]],
    "account.rateLimits.orders": [[{"rateLimitType": "ORDERS", "interval": "SECOND", "intervalNum": 10, "limit": 50, "count": 0}]],
    "myPreventedMatches": [[PREVENTED]],
    "myAllocations": [[ALLOCATED]],
    "account.commission": [COMMISSION, {name: value for name, value in COMMISSION.items() if name != "specialCommission"}],
    "order.amendments": [[AMENDMENT]],
    "myFilters": [FILTERS],
}  # fmt: skip


def decode(method: str, value: object):
    return REGISTRY[method].result_decoder.decode(json.dumps(value).encode())


@pytest.mark.parametrize(
    ("method", "value"), [(method, value) for method, values in RESULTS.items() for value in values]
)
def test_a_result_decodes_and_encodes_to_equal_values(method, value):
    builtins = msgspec.to_builtins(decode(method, value), builtin_types=(Decimal,))

    assert json.loads(msgspec.json.encode(plain(builtins))) == value


def test_every_method_that_must_prove_something_or_speaks_of_the_session_has_a_result_here():
    groups = ("session", "trading", "account", "user_data_stream")
    methods = {name for name, kind in REGISTRY.items() if kind.__module__.split(".")[2] in groups}

    assert set(RESULTS) == methods
    assert len(REGISTRY) == 55
    assert {name for name, kind in REGISTRY.items() if kind.api.security is not SecurityType.NONE} <= methods
    assert len(cryptotrader.requests.__all__) == 55


def test_what_a_placed_order_tells():
    order = decode("order.place", FULL)

    assert isinstance(order, OrderResponse)
    assert order.status is OrderStatus.FILLED
    assert order.cumulative_quote_quantity == Decimal("198.33521500")
    assert order.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY
    assert order.fills[0].quantity == Decimal("0.00212")
    assert decode("sor.order.place", [ROUTED])[0].fills[0].match_type is MatchType.ONE_PARTY_TRADE_REPORT
    assert decode("order.place", ACK).status is None
    assert decode("order.amend.keepPriority", AMENDED).amended_order.cumulative_quote_quantity == 0


def test_a_cancellation_tells_an_order_or_a_whole_list():
    assert isinstance(decode("order.cancel", CANCELLED), CancelReport)
    assert isinstance(decode("order.cancel", CANCELLED_LIST), OrderListCancelReport)
    assert [type(report) for report in decode("openOrders.cancelAll", [CANCELLED_LIST, CANCELLED])] == [OrderListCancelReport, CancelReport]  # fmt: skip
    with pytest.raises(msgspec.ValidationError, match="Object is none of CancelReport, OrderListCancelReport"):
        decode("order.cancel", ACK)
    with pytest.raises(msgspec.ValidationError, match="Expected `object`, got `array`"):
        decode("order.cancel", [CANCELLED])


REFUSED = {"code": -2011, "msg": "Unknown order sent."}


@pytest.mark.parametrize(
    ("data", "cancelled", "placed"),
    [
        ({**REPLACED, "cancelResponse": CANCELLED_LIST, "newOrderResponse": ACK}, OrderListCancelReport, OrderResponse),
        ({"cancelResult": "FAILURE", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": REFUSED, "newOrderResponse": None}, Refusal, type(None)),
        ({"cancelResult": "SUCCESS", "newOrderResult": "FAILURE", "cancelResponse": CANCELLED, "newOrderResponse": REFUSED}, CancelReport, Refusal),
        ({"cancelResult": "FAILURE", "newOrderResult": "SUCCESS", "cancelResponse": REFUSED, "newOrderResponse": FULL}, Refusal, OrderResponse),
        ({"cancelResult": "FAILURE", "newOrderResult": "FAILURE", "cancelResponse": REFUSED, "newOrderResponse": REFUSED}, Refusal, Refusal),
        ({"cancelResult": "NOT_ATTEMPTED", "newOrderResult": "NOT_ATTEMPTED", "cancelResponse": None, "newOrderResponse": None}, type(None), type(None)),
    ],
)  # fmt: skip
def test_each_outcome_of_a_cancel_replace_is_typed(data, cancelled, placed):
    outcome = CancelReplaceResponse.from_error(data)

    assert type(outcome.cancel_response) is cancelled
    assert type(outcome.new_order_response) is placed
    assert json.loads(outcome.to_json()) == data
    assert outcome.cancel_result is CancelReplaceResult(data["cancelResult"])
    if isinstance(outcome.cancel_response, Refusal):
        assert outcome.cancel_response.code == -2011
        assert outcome.cancel_response.message == "Unknown order sent."


def test_an_error_of_another_kind_is_no_cancel_replace():
    with pytest.raises(msgspec.ValidationError, match="missing required field `cancelResult`"):
        CancelReplaceResponse.from_error({"serverTime": 1, "retryAfter": 2})


def test_the_filters_of_an_account_are_typed_as_far_as_they_are_known():
    filters = decode("myFilters", FILTERS)

    assert isinstance(filters, AccountFilters)
    assert filters.symbol_filters == (MaxNumOrderListsFilter(max_num_order_lists=20),)
    assert filters.asset_filters == (MaxAssetFilter(asset="JPY", limit=Decimal(1000000)),)
    assert len(filters.exchange_filters) == 1

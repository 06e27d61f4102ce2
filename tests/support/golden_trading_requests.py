"""A request of each session, trading, account and user data method, with its parameters and weight."""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelRestrictions,
    NewOrderRespType,
    OrderRateLimitExceededMode,
    PegOffsetType,
    PegPriceType,
)
from cryptotrader.requests import (
    AccountCommissionRequest,
    AccountRateLimitsOrdersRequest,
    AccountStatusRequest,
    AllOrderListsRequest,
    AllOrdersRequest,
    MyAllocationsRequest,
    MyFiltersRequest,
    MyPreventedMatchesRequest,
    MyTradesRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersCancelAllRequest,
    OpenOrdersStatusRequest,
    OrderAmendKeepPriorityRequest,
    OrderAmendmentsRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderListCancelRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
    OrderListPlaceRequest,
    OrderListStatusRequest,
    OrderPlaceRequest,
    OrderStatusRequest,
    OrderTestRequest,
    SessionLogonRequest,
    SessionLogoutRequest,
    SessionStatusRequest,
    SessionSubscriptionsRequest,
    SorOrderPlaceRequest,
    SorOrderTestRequest,
    UserDataStreamSubscribeRequest,
    UserDataStreamSubscribeSignatureRequest,
    UserDataStreamUnsubscribeRequest,
)

LIMIT_ORDER = {"symbol": "BTCUSDT", "side": Side.SELL, "type": OrderType.LIMIT, "time_in_force": TimeInForce.GTC, "price": "52000.00", "quantity": "0.01000000"}  # fmt: skip
LIMIT_PARAMS = {"symbol": "BTCUSDT", "side": "SELL", "type": "LIMIT", "timeInForce": "GTC", "price": "52000.00", "quantity": "0.01000000"}  # fmt: skip
WORKING = {"symbol": "A", "working_type": OrderType.LIMIT, "working_side": Side.BUY, "working_price": "1", "working_quantity": "2", "working_time_in_force": TimeInForce.GTC}  # fmt: skip
WORKING_PARAMS = {"symbol": "A", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "1", "workingQuantity": "2", "workingTimeInForce": "GTC"}  # fmt: skip
PENDING_PAIR = {"pending_side": Side.SELL, "pending_above_type": OrderType.LIMIT_MAKER, "pending_above_price": "3", "pending_below_type": OrderType.STOP_LOSS, "pending_below_stop_price": "0.5"}  # fmt: skip
PENDING_PAIR_PARAMS = {"pendingSide": "SELL", "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "3", "pendingBelowType": "STOP_LOSS", "pendingBelowStopPrice": "0.5"}  # fmt: skip

GOLDEN = [
    (SessionLogonRequest(), {}, 2),
    (SessionStatusRequest(), {}, 2),
    (SessionLogoutRequest(), {}, 2),
    (SessionSubscriptionsRequest(), {}, 2),
    (UserDataStreamSubscribeRequest(), {}, 2),
    (UserDataStreamSubscribeSignatureRequest(), {}, 2),
    (UserDataStreamUnsubscribeRequest(), {}, 2),
    (UserDataStreamUnsubscribeRequest(subscription_id=0), {"subscriptionId": 0}, 2),
    (OrderPlaceRequest(**LIMIT_ORDER), LIMIT_PARAMS, 1),
    (
        OrderPlaceRequest(**LIMIT_ORDER, new_client_order_id="my-1", new_order_resp_type=NewOrderRespType.FULL, iceberg_qty=Decimal("1E-8"), strategy_id=7, strategy_type=1_000_000, self_trade_prevention_mode=SelfTradePreventionMode.EXPIRE_BOTH),
        {**LIMIT_PARAMS, "newClientOrderId": "my-1", "newOrderRespType": "FULL", "icebergQty": "0.00000001", "strategyId": 7, "strategyType": 1000000, "selfTradePreventionMode": "EXPIRE_BOTH"},
        1,
    ),
    (
        OrderPlaceRequest(symbol="A", side=Side.BUY, type=OrderType.LIMIT, time_in_force=TimeInForce.GTC, quantity="1", peg_price_type=PegPriceType.PRIMARY_PEG, peg_offset_value=100, peg_offset_type=PegOffsetType.PRICE_LEVEL),
        {"symbol": "A", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1", "pegPriceType": "PRIMARY_PEG", "pegOffsetValue": 100, "pegOffsetType": "PRICE_LEVEL"},
        1,
    ),
    (OrderPlaceRequest(symbol="A", side=Side.BUY, type=OrderType.MARKET, quote_order_qty=Decimal("1E+2")), {"symbol": "A", "side": "BUY", "type": "MARKET", "quoteOrderQty": "100"}, 1),
    (OrderTestRequest(**LIMIT_ORDER), LIMIT_PARAMS, 1),
    (OrderTestRequest(**LIMIT_ORDER, compute_commission_rates=False), {**LIMIT_PARAMS, "computeCommissionRates": False}, 1),
    (OrderTestRequest(**LIMIT_ORDER, compute_commission_rates=True), {**LIMIT_PARAMS, "computeCommissionRates": True}, 20),
    (OrderCancelRequest(symbol="A", order_id=0, cancel_restrictions=CancelRestrictions.ONLY_NEW), {"symbol": "A", "orderId": 0, "cancelRestrictions": "ONLY_NEW"}, 1),
    (OrderCancelRequest(symbol="A", order_id=1, orig_client_order_id="x"), {"symbol": "A", "orderId": 1, "origClientOrderId": "x"}, 1),
    (
        OrderCancelReplaceRequest(**LIMIT_ORDER, cancel_replace_mode=CancelReplaceMode.ALLOW_FAILURE, cancel_orig_client_order_id="x", order_rate_limit_exceeded_mode=OrderRateLimitExceededMode.CANCEL_ONLY),
        {**LIMIT_PARAMS, "cancelReplaceMode": "ALLOW_FAILURE", "cancelOrigClientOrderId": "x", "orderRateLimitExceededMode": "CANCEL_ONLY"},
        1,
    ),
    (OrderAmendKeepPriorityRequest(symbol="A", order_id=1, new_qty="0.5"), {"symbol": "A", "orderId": 1, "newQty": "0.5"}, 4),
    (OpenOrdersCancelAllRequest(symbol="A"), {"symbol": "A"}, 1),
    (SorOrderPlaceRequest(**LIMIT_ORDER), LIMIT_PARAMS, 1),
    (SorOrderPlaceRequest(symbol="A", side=Side.BUY, type=OrderType.MARKET, quantity="1"), {"symbol": "A", "side": "BUY", "type": "MARKET", "quantity": "1"}, 1),
    (SorOrderTestRequest(**LIMIT_ORDER), LIMIT_PARAMS, 1),
    (SorOrderTestRequest(**LIMIT_ORDER, compute_commission_rates=True), {**LIMIT_PARAMS, "computeCommissionRates": True}, 20),
    (
        OrderListPlaceRequest(symbol="A", side=Side.SELL, price="3", quantity="2", stop_price="1", stop_limit_price="0.9", stop_limit_time_in_force=TimeInForce.GTC),
        {"symbol": "A", "side": "SELL", "price": "3", "quantity": "2", "stopPrice": "1", "stopLimitPrice": "0.9", "stopLimitTimeInForce": "GTC"},
        1,
    ),
    (
        OrderListPlaceOcoRequest(symbol="A", side=Side.SELL, quantity="2", above_type=OrderType.TAKE_PROFIT_LIMIT, above_price="3", above_time_in_force=TimeInForce.GTC, above_stop_price="3.1", below_type=OrderType.STOP_LOSS, below_trailing_delta=100),
        {"symbol": "A", "side": "SELL", "quantity": "2", "aboveType": "TAKE_PROFIT_LIMIT", "abovePrice": "3", "aboveTimeInForce": "GTC", "aboveStopPrice": "3.1", "belowType": "STOP_LOSS", "belowTrailingDelta": 100},
        1,
    ),
    (
        OrderListPlaceOtoRequest(**WORKING, pending_type=OrderType.MARKET, pending_side=Side.SELL, pending_quantity="2"),
        {**WORKING_PARAMS, "pendingType": "MARKET", "pendingSide": "SELL", "pendingQuantity": "2"},
        1,
    ),
    (OrderListPlaceOtocoRequest(**WORKING, **PENDING_PAIR, pending_quantity="2"), {**WORKING_PARAMS, **PENDING_PAIR_PARAMS, "pendingQuantity": "2"}, 1),
    (
        OrderListPlaceOpoRequest(**WORKING, pending_type=OrderType.MARKET, pending_side=Side.SELL),
        {**WORKING_PARAMS, "pendingType": "MARKET", "pendingSide": "SELL"},
        1,
    ),
    (OrderListPlaceOpocoRequest(**WORKING, **PENDING_PAIR), {**WORKING_PARAMS, **PENDING_PAIR_PARAMS}, 1),
    (OrderListCancelRequest(symbol="A", order_list_id=0), {"symbol": "A", "orderListId": 0}, 1),
    (AccountStatusRequest(omit_zero_balances=True), {"omitZeroBalances": True}, 20),
    (OrderStatusRequest(symbol="A", orig_client_order_id="x"), {"symbol": "A", "origClientOrderId": "x"}, 4),
    (OpenOrdersStatusRequest(), {}, 80),
    (OpenOrdersStatusRequest(symbol="A"), {"symbol": "A"}, 6),
    (AllOrdersRequest(symbol="A", order_id=5, limit=1000), {"symbol": "A", "orderId": 5, "limit": 1000}, 20),
    (AllOrdersRequest(symbol="A", start_time=1, end_time=86_400_001), {"symbol": "A", "startTime": 1, "endTime": 86_400_001}, 20),
    (OrderListStatusRequest(order_list_id=0), {"orderListId": 0}, 4),
    (OpenOrderListsStatusRequest(), {}, 6),
    (AllOrderListsRequest(from_id=0), {"fromId": 0}, 20),
    (MyTradesRequest(symbol="A"), {"symbol": "A"}, 20),
    (MyTradesRequest(symbol="A", order_id=0, from_id=1), {"symbol": "A", "orderId": 0, "fromId": 1}, 5),
    (AccountRateLimitsOrdersRequest(), {}, 40),
    (MyPreventedMatchesRequest(symbol="A", prevented_match_id=0), {"symbol": "A", "preventedMatchId": 0}, 2),
    (MyPreventedMatchesRequest(symbol="A", order_id=1, from_prevented_match_id=2), {"symbol": "A", "orderId": 1, "fromPreventedMatchId": 2}, 20),
    (MyAllocationsRequest(symbol="A", start_time=1), {"symbol": "A", "startTime": 1}, 20),
    (AccountCommissionRequest(symbol="A"), {"symbol": "A"}, 20),
    (OrderAmendmentsRequest(symbol="A", order_id=1, from_execution_id=0), {"symbol": "A", "orderId": 1, "fromExecutionId": 0}, 4),
    (MyFiltersRequest(symbol="A"), {"symbol": "A"}, 40),
]  # fmt: skip

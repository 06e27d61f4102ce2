"""``order.cancelReplace``: cancel an order and place another one at once."""

from __future__ import annotations

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelReplaceResponse,
    CancelRestrictions,
    NewOrderRespType,
    OrderRateLimitExceededMode,
    PegOffsetType,
    PegPriceType,
)
from cryptotrader.protocol.order_rules import CANCEL_REPLACE_RULES
from cryptotrader.protocol.request import (
    Amount,
    ClientOrderId,
    Method,
    OrderNumber,
    PegOffset,
    Request,
    SecurityType,
    StrategyType,
    Whole,
)


class OrderCancelReplaceRequest(Request[CancelReplaceResponse], frozen=True, kw_only=True):
    """Cancel an order and place another one at once."""

    api = Method(
        "order.cancelReplace",
        security=SecurityType.TRADE,
        weight=1,
        orders=1,
        free_on_success=True,
        rules=CANCEL_REPLACE_RULES,
        source="Trading requests",
    )

    symbol: str
    cancel_replace_mode: CancelReplaceMode
    cancel_order_id: OrderNumber | None = None
    cancel_orig_client_order_id: str | None = None
    cancel_new_client_order_id: ClientOrderId | None = None
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    price: Amount | None = None
    quantity: Amount | None = None
    quote_order_qty: Amount | None = None
    new_client_order_id: ClientOrderId | None = None
    new_order_resp_type: NewOrderRespType | None = None
    stop_price: Amount | None = None
    trailing_delta: Whole | None = None
    iceberg_qty: Amount | None = None
    strategy_id: Whole | None = None
    strategy_type: StrategyType | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    cancel_restrictions: CancelRestrictions | None = None
    order_rate_limit_exceeded_mode: OrderRateLimitExceededMode | None = None
    peg_price_type: PegPriceType | None = None
    peg_offset_value: PegOffset | None = None
    peg_offset_type: PegOffsetType | None = None

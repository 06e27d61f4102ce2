"""``orderList.place.oco``: send in two orders of which one cancels the other."""

from __future__ import annotations

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import NewOrderRespType, OrderListResponse, PegOffsetType, PegPriceType
from cryptotrader.protocol.order_rules import OCO_RULES
from cryptotrader.protocol.request import (
    Amount,
    ClientOrderId,
    Method,
    PegOffset,
    Request,
    SecurityType,
    StrategyType,
    Whole,
)


class OrderListPlaceOcoRequest(Request[OrderListResponse], frozen=True, kw_only=True):
    """Send in two orders of which one cancels the other."""

    api = Method(
        "orderList.place.oco",
        security=SecurityType.TRADE,
        weight=1,
        orders=2,
        free_on_success=True,
        rules=OCO_RULES,
        source="Trading requests",
    )

    symbol: str
    list_client_order_id: ClientOrderId | None = None
    side: Side
    quantity: Amount
    above_type: OrderType
    above_client_order_id: ClientOrderId | None = None
    above_iceberg_qty: Amount | None = None
    above_price: Amount | None = None
    above_stop_price: Amount | None = None
    above_trailing_delta: Whole | None = None
    above_time_in_force: TimeInForce | None = None
    above_strategy_id: Whole | None = None
    above_strategy_type: StrategyType | None = None
    above_peg_price_type: PegPriceType | None = None
    above_peg_offset_type: PegOffsetType | None = None
    above_peg_offset_value: PegOffset | None = None
    below_type: OrderType
    below_client_order_id: ClientOrderId | None = None
    below_iceberg_qty: Amount | None = None
    below_price: Amount | None = None
    below_stop_price: Amount | None = None
    below_trailing_delta: Whole | None = None
    below_time_in_force: TimeInForce | None = None
    below_strategy_id: Whole | None = None
    below_strategy_type: StrategyType | None = None
    below_peg_price_type: PegPriceType | None = None
    below_peg_offset_type: PegOffsetType | None = None
    below_peg_offset_value: PegOffset | None = None
    new_order_resp_type: NewOrderRespType | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None

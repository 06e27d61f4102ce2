"""``orderList.place.otoco``: send in an order that triggers an OCO pair."""

from __future__ import annotations

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import NewOrderRespType, OrderListResponse, PegOffsetType, PegPriceType
from cryptotrader.protocol.order_rules import OTOCO_RULES
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


class OrderListPlaceOtocoRequest(Request[OrderListResponse], frozen=True, kw_only=True):
    """Send in an order that triggers an OCO pair."""

    api = Method(
        "orderList.place.otoco",
        security=SecurityType.TRADE,
        weight=1,
        orders=3,
        free_on_success=True,
        rules=OTOCO_RULES,
        source="Trading requests",
    )

    symbol: str
    list_client_order_id: ClientOrderId | None = None
    new_order_resp_type: NewOrderRespType | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None
    working_type: OrderType
    working_side: Side
    working_client_order_id: ClientOrderId | None = None
    working_price: Amount
    working_quantity: Amount
    working_iceberg_qty: Amount | None = None
    working_time_in_force: TimeInForce | None = None
    working_strategy_id: Whole | None = None
    working_strategy_type: StrategyType | None = None
    working_peg_price_type: PegPriceType | None = None
    working_peg_offset_type: PegOffsetType | None = None
    working_peg_offset_value: PegOffset | None = None
    pending_side: Side
    pending_quantity: Amount
    pending_above_type: OrderType
    pending_above_client_order_id: ClientOrderId | None = None
    pending_above_price: Amount | None = None
    pending_above_stop_price: Amount | None = None
    pending_above_trailing_delta: Whole | None = None
    pending_above_iceberg_qty: Amount | None = None
    pending_above_time_in_force: TimeInForce | None = None
    pending_above_strategy_id: Whole | None = None
    pending_above_strategy_type: StrategyType | None = None
    pending_above_peg_price_type: PegPriceType | None = None
    pending_above_peg_offset_type: PegOffsetType | None = None
    pending_above_peg_offset_value: PegOffset | None = None
    pending_below_type: OrderType | None = None
    pending_below_client_order_id: ClientOrderId | None = None
    pending_below_price: Amount | None = None
    pending_below_stop_price: Amount | None = None
    pending_below_trailing_delta: Whole | None = None
    pending_below_iceberg_qty: Amount | None = None
    pending_below_time_in_force: TimeInForce | None = None
    pending_below_strategy_id: Whole | None = None
    pending_below_strategy_type: StrategyType | None = None
    pending_below_peg_price_type: PegPriceType | None = None
    pending_below_peg_offset_type: PegOffsetType | None = None
    pending_below_peg_offset_value: PegOffset | None = None

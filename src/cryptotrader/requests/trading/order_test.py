"""``order.test``: check a new order without sending it to the matching engine."""

from __future__ import annotations

from cryptotrader.models.account_models import OrderTestResponse
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import NewOrderRespType, PegOffsetType, PegPriceType
from cryptotrader.protocol.order_rules import ORDER_RULES
from cryptotrader.protocol.request import (
    Amount,
    ClientOrderId,
    Method,
    PegOffset,
    Request,
    SecurityType,
    StrategyType,
    WhenGiven,
    Whole,
)


class OrderTestRequest(Request[OrderTestResponse], frozen=True, kw_only=True):
    """Check a new order without sending it to the matching engine."""

    api = Method(
        "order.test",
        security=SecurityType.TRADE,
        weight=WhenGiven("compute_commission_rates", weight=20, otherwise=1),
        rules=ORDER_RULES,
        source="Trading requests",
    )

    symbol: str
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
    peg_price_type: PegPriceType | None = None
    peg_offset_value: PegOffset | None = None
    peg_offset_type: PegOffsetType | None = None
    compute_commission_rates: bool | None = None

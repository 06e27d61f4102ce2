"""``sor.order.place``: send in a new order by smart order routing."""

from __future__ import annotations

from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import NewOrderRespType, OrderResponse
from cryptotrader.protocol.order_rules import SOR_RULES
from cryptotrader.protocol.request import Amount, ClientOrderId, Method, Request, SecurityType, StrategyType, Whole


class SorOrderPlaceRequest(Request[list[OrderResponse]], frozen=True, kw_only=True):
    """Send in a new order by smart order routing."""

    api = Method(
        "sor.order.place",
        security=SecurityType.TRADE,
        weight=1,
        orders=1,
        free_on_success=True,
        rules=SOR_RULES,
        source="Trading requests",
    )

    symbol: str
    side: Side
    type: OrderType
    time_in_force: TimeInForce | None = None
    price: Amount | None = None
    quantity: Amount
    new_client_order_id: ClientOrderId | None = None
    new_order_resp_type: NewOrderRespType | None = None
    iceberg_qty: Amount | None = None
    strategy_id: Whole | None = None
    strategy_type: StrategyType | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None

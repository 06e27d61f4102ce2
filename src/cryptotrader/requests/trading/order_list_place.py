"""``orderList.place``: send in an OCO pair in its older form (deprecated by Binance)."""

from __future__ import annotations

from cryptotrader.models.base_models import SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import NewOrderRespType, OrderListResponse
from cryptotrader.protocol.order_rules import STOP_AND_LIMIT_RULES
from cryptotrader.protocol.request import Amount, ClientOrderId, Method, Request, SecurityType, StrategyType, Whole


class OrderListPlaceRequest(Request[OrderListResponse], frozen=True, kw_only=True):
    """Send in an OCO pair in its older form (deprecated by Binance)."""

    api = Method(
        "orderList.place",
        security=SecurityType.TRADE,
        weight=1,
        orders=1,
        free_on_success=True,
        rules=STOP_AND_LIMIT_RULES,
        source="Trading requests",
    )

    symbol: str
    side: Side
    price: Amount
    quantity: Amount
    list_client_order_id: ClientOrderId | None = None
    limit_client_order_id: ClientOrderId | None = None
    limit_iceberg_qty: Amount | None = None
    limit_strategy_id: Whole | None = None
    limit_strategy_type: StrategyType | None = None
    stop_price: Amount | None = None
    trailing_delta: Whole | None = None
    stop_client_order_id: ClientOrderId | None = None
    stop_limit_price: Amount | None = None
    stop_limit_time_in_force: TimeInForce | None = None
    stop_iceberg_qty: Amount | None = None
    stop_strategy_id: Whole | None = None
    stop_strategy_type: StrategyType | None = None
    new_order_resp_type: NewOrderRespType | None = None
    self_trade_prevention_mode: SelfTradePreventionMode | None = None

"""``sor.order.test``: check a new order by smart order routing without sending it to the matching engine."""

from __future__ import annotations

from cryptotrader.models.account_models import OrderTestResponse
from cryptotrader.models.base_models import OrderType, SelfTradePreventionMode, Side, TimeInForce
from cryptotrader.models.order_models import NewOrderRespType
from cryptotrader.protocol.order_rules import SOR_RULES
from cryptotrader.protocol.request import (
    Amount,
    ClientOrderId,
    Method,
    Request,
    SecurityType,
    StrategyType,
    WhenGiven,
    Whole,
)


class SorOrderTestRequest(Request[OrderTestResponse], frozen=True, kw_only=True):
    """Check a new order by smart order routing without sending it to the matching engine."""

    api = Method(
        "sor.order.test",
        security=SecurityType.TRADE,
        weight=WhenGiven("compute_commission_rates", weight=20, otherwise=1),
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
    compute_commission_rates: bool | None = None

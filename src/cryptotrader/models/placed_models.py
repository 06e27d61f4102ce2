"""What the library tells of an order that it follows, from whichever answer or event it was learnt."""

from __future__ import annotations

from decimal import Decimal

from cryptotrader.models.base_models import Model
from cryptotrader.models.order_models import OrderStatus


class OrderFill(Model, frozen=True, kw_only=True, gc=False):
    """One trade of an order, or with smart order routing one allocation.

    Attributes:
        trade_id: -1 for an allocation.
        allocation_id: -1 for a trade.
        commission_asset: ``None`` when there was no commission.
        time: In the connection's unit.
    """

    trade_id: int
    allocation_id: int
    price: Decimal
    quantity: Decimal
    quote_quantity: Decimal
    commission: Decimal
    commission_asset: str | None
    time: int


class OrderReport(Model, frozen=True, kw_only=True):
    """One change of an order, and how it stood then.

    Attributes:
        quantity: ``None`` while it is not yet known (pending order of an OPO list).
        prevented_quantity: What self-trade prevention has taken from it.
        fill: What was traded, when that is the change.
        time: In the connection's unit.
    """

    status: OrderStatus
    quantity: Decimal | None
    executed_quantity: Decimal
    cumulative_quote_quantity: Decimal
    prevented_quantity: Decimal
    fill: OrderFill | None
    time: int

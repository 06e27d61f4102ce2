"""``myAllocations``: ask for allocations of smart order routing."""

from __future__ import annotations

from cryptotrader.models.account_models import Allocation
from cryptotrader.protocol.request import Limit, Method, OrderNumber, Request, SecurityType, Whole
from cryptotrader.protocol.rules import MaxHours, NotWith


class MyAllocationsRequest(Request[list[Allocation]], frozen=True, kw_only=True):
    """Ask for allocations of smart order routing."""

    api = Method(
        "myAllocations",
        security=SecurityType.USER_DATA,
        weight=20,
        rules=(
            NotWith("from_allocation_id", ("start_time", "end_time")),
            NotWith("order_id", ("start_time", "end_time")),
            MaxHours(24),
        ),
        source="Account requests",
    )

    symbol: str
    start_time: Whole | None = None
    end_time: Whole | None = None
    from_allocation_id: OrderNumber | None = None
    limit: Limit | None = None
    order_id: OrderNumber | None = None

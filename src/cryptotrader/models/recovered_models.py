"""What the library reads back about an account after its user data stream was interrupted."""

from __future__ import annotations

from cryptotrader.models.account_models import AccountTrade, Allocation
from cryptotrader.models.base_models import Model
from cryptotrader.models.order_models import Order


class RecoveredTrade(Model, frozen=True, kw_only=True):
    """One of the account's own trades whose event was not received; from ``myTrades``.

    Attributes:
        trade: The trade.
    """

    trade: AccountTrade


class RecoveredAllocation(Model, frozen=True, kw_only=True):
    """What smart order routing gave to one of the account's orders unheard; from ``myAllocations``.

    Attributes:
        allocation: The allocation.
    """

    allocation: Allocation


class RecoveredOrder(Model, frozen=True, kw_only=True):
    """An order that changed while no events were received; from ``openOrders.status`` or ``order.status``.

    Attributes:
        order: Its state now.
    """

    order: Order

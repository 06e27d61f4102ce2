"""Accounts and sessions: what the account requests and the session requests answer.

Amounts are exact ``Decimal``; timestamps are integers in the connection's unit (milliseconds unless asked otherwise).

Sources: Binance Spot documentation, "Account requests", "Authentication requests" and "User Data Stream requests".
"""

from __future__ import annotations

from decimal import Decimal
from typing import TypeAlias

from msgspec import field

from cryptotrader.models.base_models import Filter, Model, RawFilter, SelfTradePreventionMode, decode_filters
from cryptotrader.models.order_models import AllocationType


class SessionStatus(Model, frozen=True, kw_only=True, rename="camel"):
    """Who a connection is logged on as.

    Attributes:
        api_key: ``None`` when not logged on.
        authorized_since: ``None`` when not logged on.
        user_data_stream: Whether a user data stream is subscribed; ``None`` where there are none to subscribe.
    """

    api_key: str | None
    authorized_since: int | None
    connected_since: int
    return_rate_limits: bool
    server_time: int
    user_data_stream: bool | None


class UserDataSubscription(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A subscription to a user data stream.

    Attributes:
        subscription_id: Counts from 0 on each connection.
        expiration_time: For a subscription by listen token.
    """

    subscription_id: int
    expiration_time: int | None = None


class CommissionRates(Model, frozen=True, kw_only=True):
    """Commission by role and by side; the sum of one of each is charged."""

    maker: Decimal
    taker: Decimal
    buyer: Decimal
    seller: Decimal


class OrderCommission(Model, frozen=True, kw_only=True):
    """Commission rates of one order."""

    maker: Decimal
    taker: Decimal


class CommissionDiscount(Model, frozen=True, kw_only=True, rename="camel"):
    """Discount on the standard commission when it is paid in another asset."""

    enabled_for_account: bool
    enabled_for_symbol: bool
    discount_asset: str
    discount: Decimal


class OrderTestResponse(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """A tested order: without content unless the commission was asked for."""

    standard_commission_for_order: OrderCommission | None = None
    special_commission_for_order: OrderCommission | None = None
    tax_commission_for_order: OrderCommission | None = None
    discount: CommissionDiscount | None = None


class Balance(Model, frozen=True, kw_only=True):
    """What an account has of one asset."""

    asset: str
    free: Decimal
    locked: Decimal


class AccountStatus(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """An account: what it may do and what it has.

    Attributes:
        maker_commission: In basis points, as are the other three; ``commission_rates`` is exact.
        trade_group_id: For a member of a trade group.
    """

    maker_commission: int
    taker_commission: int
    buyer_commission: int
    seller_commission: int
    commission_rates: CommissionRates
    can_trade: bool
    can_withdraw: bool
    can_deposit: bool
    brokered: bool
    require_self_trade_prevention: bool
    prevent_sor: bool
    update_time: int
    account_type: str
    balances: list[Balance]
    permissions: list[str]
    uid: int
    trade_group_id: int | None = None


class AccountTrade(Model, frozen=True, kw_only=True, rename="camel", gc=False):
    """One of the account's own trades."""

    symbol: str
    id: int
    order_id: int
    order_list_id: int
    price: Decimal
    quantity: Decimal = field(name="qty")
    quote_quantity: Decimal = field(name="quoteQty")
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_best_match: bool


class PreventedMatch(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """One match that self-trade prevention kept from happening."""

    symbol: str
    prevented_match_id: int
    taker_order_id: int
    maker_symbol: str
    maker_order_id: int
    trade_group_id: int
    self_trade_prevention_mode: SelfTradePreventionMode
    price: Decimal
    taker_prevented_quantity: Decimal | None = None
    maker_prevented_quantity: Decimal | None = None
    transact_time: int


class Allocation(Model, frozen=True, kw_only=True, rename="camel"):
    """What smart order routing gave to one order."""

    symbol: str
    allocation_id: int
    allocation_type: AllocationType
    order_id: int
    order_list_id: int
    price: Decimal
    quantity: Decimal = field(name="qty")
    quote_quantity: Decimal = field(name="quoteQty")
    commission: Decimal
    commission_asset: str
    time: int
    is_buyer: bool
    is_maker: bool
    is_allocator: bool


OwnFill: TypeAlias = AccountTrade | Allocation
"""What was traded for one of the account's orders: in the book of its symbol, or by smart order routing in others."""


class Amendment(Model, frozen=True, kw_only=True, rename="camel"):
    """One past amendment of an order."""

    symbol: str
    order_id: int
    execution_id: int
    original_client_order_id: str = field(name="origClientOrderId")
    new_client_order_id: str
    original_quantity: Decimal = field(name="origQty")
    new_quantity: Decimal = field(name="newQty")
    time: int


class AccountCommission(Model, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Commission rates of the account on one symbol."""

    symbol: str
    standard_commission: CommissionRates
    special_commission: CommissionRates | None = None
    tax_commission: CommissionRates
    discount: CommissionDiscount


class AccountFilters(Model, frozen=True, kw_only=True):
    """The trading rules that hold for the account on one symbol."""

    raw_exchange_filters: list[RawFilter] = field(name="exchangeFilters")
    raw_symbol_filters: list[RawFilter] = field(name="symbolFilters")
    raw_asset_filters: list[RawFilter] = field(name="assetFilters")

    @property
    def exchange_filters(self) -> tuple[Filter, ...]:
        """Rules over all symbols, as far as this version knows them."""
        return decode_filters(self.raw_exchange_filters)

    @property
    def symbol_filters(self) -> tuple[Filter, ...]:
        """Rules of the symbol, as far as this version knows them."""
        return decode_filters(self.raw_symbol_filters)

    @property
    def asset_filters(self) -> tuple[Filter, ...]:
        """Rules of the symbol's assets, as far as this version knows them."""
        return decode_filters(self.raw_asset_filters)

"""Answers to the account requests."""

from __future__ import annotations

from cryptotrader.config import TimeUnit
from cryptotrader.models.account_models import (
    AccountCommission,
    AccountFilters,
    AccountStatus,
    Amendment,
    Balance,
    CommissionRates,
)
from cryptotrader.models.base_models import RateLimit
from cryptotrader.models.order_models import Order, OrderList
from cryptotrader.requests import (
    AccountCommissionRequest,
    AccountRateLimitsOrdersRequest,
    AccountStatusRequest,
    AllOrderListsRequest,
    AllOrdersRequest,
    MyFiltersRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersStatusRequest,
    OrderAmendmentsRequest,
    OrderListStatusRequest,
    OrderStatusRequest,
)
from cryptotrader.simulator.encoding import amount, stamp
from cryptotrader.simulator.handlers import reports
from cryptotrader.simulator.handlers.own_fills import DEFAULT_ROWS, span
from cryptotrader.simulator.handlers.registry import Caller, handles_account, one_market
from cryptotrader.simulator.handlers.trading import discount
from cryptotrader.simulator.venue import commissions, events
from cryptotrader.simulator.venue.accounts import NO_GROUP
from cryptotrader.simulator.venue.accounts import Balance as VenueBalance
from cryptotrader.simulator.venue.symbols import UNIT, raw_filters

_BASIS_POINT = UNIT // 10_000


# ------------------------------------------------------------------------------------------------- the account


@handles_account(AccountStatusRequest)
def account_status(caller: Caller, request: AccountStatusRequest, unit: TimeUnit) -> AccountStatus:
    """``account.status``: every listed asset, owned or not, unless zero balances are left out."""
    account, rates = caller.account, caller.account.commissions.standard
    listed = (market.listing for market in caller.exchange.markets.values())
    assets = dict.fromkeys([asset for item in listed for asset in (item.base, item.quote)] + list(account.balances))
    nothing = VenueBalance()
    balances = {asset: account.balances.get(asset, nothing) for asset in assets}
    return AccountStatus(
        maker_commission=rates.maker // _BASIS_POINT,
        taker_commission=rates.taker // _BASIS_POINT,
        buyer_commission=rates.buyer // _BASIS_POINT,
        seller_commission=rates.seller // _BASIS_POINT,
        commission_rates=_rates(rates),
        can_trade=account.can_trade,
        can_withdraw=account.can_withdraw,
        can_deposit=account.can_deposit,
        brokered=False,
        require_self_trade_prevention=account.require_self_trade_prevention,
        prevent_sor=account.prevent_sor,
        update_time=stamp(account.updated_us, unit),
        account_type="SPOT",
        balances=[
            Balance(asset=asset, free=amount(item.free), locked=amount(item.locked))
            for asset, item in balances.items()
            if item.free or item.locked or not request.omit_zero_balances
        ],
        permissions=list(account.permissions),
        uid=account.uid,
        trade_group_id=None if account.trade_group_id == NO_GROUP else account.trade_group_id,
    )


@handles_account(AccountCommissionRequest)
def account_commission(caller: Caller, request: AccountCommissionRequest, unit: TimeUnit) -> AccountCommission:
    """``account.commission``."""
    one_market(caller.exchange, request.symbol)
    charged = caller.account.commissions
    return AccountCommission(
        symbol=request.symbol,
        standard_commission=_rates(charged.standard),
        special_commission=_rates(charged.special),
        tax_commission=_rates(charged.tax),
        discount=discount(charged),
    )


def _rates(rates: commissions.CommissionRates) -> CommissionRates:
    return CommissionRates(
        maker=amount(rates.maker), taker=amount(rates.taker), buyer=amount(rates.buyer), seller=amount(rates.seller)
    )


@handles_account(AccountRateLimitsOrdersRequest)
def account_rate_limits_orders(
    caller: Caller, request: AccountRateLimitsOrdersRequest, unit: TimeUnit
) -> list[RateLimit]:
    """``account.rateLimits.orders``."""
    return caller.counts.shown(caller.uid)


@handles_account(MyFiltersRequest)
def my_filters(caller: Caller, request: MyFiltersRequest, unit: TimeUnit) -> AccountFilters:
    """``myFilters``: the asset filters are shown for the two assets of the symbol."""
    market, rulebook = one_market(caller.exchange, request.symbol), caller.exchange.desk.rulebook
    assets = (market.listing.base, market.listing.quote)
    return AccountFilters(
        raw_exchange_filters=raw_filters(rulebook.exchange_filters),
        raw_symbol_filters=market.info.raw_filters,
        raw_asset_filters=[item for item in raw_filters(rulebook.asset_filters) if item.get("asset") in assets],
    )


# ------------------------------------------------------------------------------------------------- orders


@handles_account(OrderStatusRequest)
def order_status(caller: Caller, request: OrderStatusRequest, unit: TimeUnit) -> Order:
    """``order.status``."""
    one_market(caller.exchange, request.symbol)
    now_us = caller.exchange.now_us
    found = caller.history.status(caller.uid, request.symbol, request.order_id, request.orig_client_order_id, now_us)
    return reports.query_order(found, unit)


@handles_account(OpenOrdersStatusRequest)
def open_orders_status(caller: Caller, request: OpenOrdersStatusRequest, unit: TimeUnit) -> list[Order]:
    """``openOrders.status``: of one symbol, or of all."""
    if request.symbol is not None:
        one_market(caller.exchange, request.symbol)
    return [reports.query_order(order, unit) for order in caller.history.open(caller.uid, request.symbol)]


@handles_account(AllOrdersRequest)
def all_orders(caller: Caller, request: AllOrdersRequest, unit: TimeUnit) -> list[Order]:
    """``allOrders``: times override the order id."""
    one_market(caller.exchange, request.symbol)
    found = caller.history.all_orders(
        caller.uid,
        request.symbol,
        span(request, request.order_id),
        now_us=caller.exchange.now_us,
    )
    return [reports.query_order(order, unit) for order in found]


@handles_account(OrderAmendmentsRequest)
def order_amendments(caller: Caller, request: OrderAmendmentsRequest, unit: TimeUnit) -> list[Amendment]:
    """``order.amendments``."""
    one_market(caller.exchange, request.symbol)
    found = caller.history.amendments_of(
        caller.uid,
        request.symbol,
        request.order_id,
        first_id=request.from_execution_id or 0,
        limit=request.limit or DEFAULT_ROWS,
    )
    return [
        Amendment(
            symbol=item.symbol,
            order_id=item.order_id,
            execution_id=item.execution_id,
            original_client_order_id=item.original_client_order_id,
            new_client_order_id=item.new_client_order_id,
            original_quantity=amount(item.original_quantity),
            new_quantity=amount(item.new_quantity),
            time=stamp(item.time_us, unit),
        )
        for item in found
    ]


# ------------------------------------------------------------------------------------------------- order lists


@handles_account(OrderListStatusRequest)
def order_list_status(caller: Caller, request: OrderListStatusRequest, unit: TimeUnit) -> OrderList:
    """``orderList.status``: the client's id overrides the list's."""
    found = caller.history.list_status(caller.uid, request.order_list_id, request.orig_client_order_id)
    return _shown(caller, found, unit)


@handles_account(OpenOrderListsStatusRequest)
def open_order_lists_status(caller: Caller, request: OpenOrderListsStatusRequest, unit: TimeUnit) -> list[OrderList]:
    """``openOrderLists.status``."""
    return [_shown(caller, item, unit) for item in caller.history.open_lists[caller.uid].values()]


@handles_account(AllOrderListsRequest)
def all_order_lists(caller: Caller, request: AllOrderListsRequest, unit: TimeUnit) -> list[OrderList]:
    """``allOrderLists``: times override the list's id."""
    found = caller.history.all_lists(caller.uid, span(request, request.from_id))
    return [_shown(caller, item, unit) for item in found]


def _shown(caller: Caller, order_list: events.OrderList, unit: TimeUnit) -> OrderList:
    return reports.query_list(order_list, caller.exchange.desk.lists.legs(order_list), unit)

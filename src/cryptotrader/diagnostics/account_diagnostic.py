"""Diagnose the account requests: each is asked, and what it answers is held against the others. Nothing is changed.

Run ``python -m cryptotrader.diagnostics.account_diagnostic --help``. The tests carry the names of the methods. The key
comes from the environment; one that may only read is enough. What the account has no example of is told as quiet.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Iterable
from decimal import Decimal
from itertools import pairwise

from cryptotrader.diagnostics.access import NO_SUCH_ORDER, ORDER_ARCHIVED, account_api, refusal
from cryptotrader.diagnostics.account_plausibility import (
    NO_LIST,
    OPEN,
    require_account,
    require_amendments,
    require_executing,
    require_fills,
    require_list,
    require_order,
    require_order_limits,
    require_orders,
    require_rates,
    require_same_order,
    require_sum,
)
from cryptotrader.diagnostics.methods import Ask, method_tests
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Outcome, Trial
from cryptotrader.errors import RequestRejected
from cryptotrader.models.account_models import AccountTrade
from cryptotrader.models.base_models import LotSizeFilter, OrderType, PriceFilter, Side, decode_filters
from cryptotrader.models.order_models import Order, OrderStatus
from cryptotrader.requests import (
    AccountCommissionRequest,
    AccountRateLimitsOrdersRequest,
    AccountStatusRequest,
    AllOrderListsRequest,
    AllOrdersRequest,
    ExchangeInfoRequest,
    MyAllocationsRequest,
    MyFiltersRequest,
    MyPreventedMatchesRequest,
    MyTradesRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersStatusRequest,
    OrderAmendmentsRequest,
    OrderListStatusRequest,
    OrderStatusRequest,
    TradesHistoricalRequest,
)

MOST_ROWS = 1000
NEWEST = 10
"""How many of the newest orders are asked for their amendments."""
UNKNOWN = "diagnostic-of-no-order"

Check = Callable[[Ask], Awaitable[str | Finding]]


async def _run(name: str, check: Check, trial: Trial) -> str | Finding:  # noqa: ARG001 - as method_tests calls it
    async with account_api(trial) as ask:
        return await check(ask)


def _quiet(detail: str) -> Finding:
    return Finding(Outcome.QUIET, detail)


# ---------------------------------------------------------------------------------------------------------- the account


async def _account_status(ask: Ask) -> str:
    status = await ask(AccountStatusRequest())
    require_account(status)
    owned = await ask(AccountStatusRequest(omit_zero_balances=True))
    require_account(owned)
    require(owned.uid == status.uid, f"accounts {status.uid} and {owned.uid} for one key")
    require(all(each.free or each.locked for each in owned.balances), "a zero balance was not left out")
    strange = {each.asset for each in owned.balances} - {each.asset for each in status.balances}
    require(not strange, f"told only when zero balances are left out: {', '.join(sorted(strange))}")
    may = "may trade" if status.can_trade else "may not trade"
    return f"{len(owned.balances)} of {len(status.balances)} assets owned, {may}, {', '.join(status.permissions)}"


async def _account_commission(ask: Ask) -> str:
    commission = await ask(AccountCommissionRequest(symbol=TEST_SYMBOL))
    require(commission.symbol == TEST_SYMBOL, f"of {commission.symbol}")
    require_rates(commission.standard_commission, "standard commission")
    require_rates(commission.tax_commission, "tax")
    if commission.special_commission is not None:
        require_rates(commission.special_commission, "special commission")
    discount = commission.discount
    require(0 <= discount.discount <= 1 and discount.discount_asset, f"a discount to {discount.discount:f}")
    standard = commission.standard_commission
    return (
        f"buying costs {standard.maker + standard.buyer:f} as maker and {standard.taker + standard.buyer:f} as taker, "
        f"in {discount.discount_asset} {'at a discount' if discount.enabled_for_account else 'without discount'}"
    )


async def _account_rate_limits_orders(ask: Ask) -> str:
    counted = await ask(AccountRateLimitsOrdersRequest())
    info = await ask(ExchangeInfoRequest(symbol=TEST_SYMBOL))
    require_order_limits(counted, info.rate_limits)
    shown = (f"{each.count} of {each.limit} in {each.interval_num} {each.interval}" for each in counted)
    return f"unfilled orders: {', '.join(shown)}"


async def _my_filters(ask: Ask) -> str:
    filters = await ask(MyFiltersRequest(symbol=TEST_SYMBOL))
    info = (await ask(ExchangeInfoRequest(symbol=TEST_SYMBOL))).symbols[0]
    raw = [*filters.raw_exchange_filters, *filters.raw_symbol_filters]
    kinds = [str(each.get("filterType")) for each in raw]
    twice = {kind for kind in kinds if kinds.count(kind) > 1}
    require(not twice, f"told twice: {', '.join(sorted(twice))}")
    for told in filters.symbol_filters:  # limits may be the account's own; steps are the symbol's
        public = info.filter(type(told))
        is_step = isinstance(told, PriceFilter | LotSizeFilter)
        require(not is_step or told == public, f"{type(told).__name__} differs from exchangeInfo")
    strange = [
        str(each.get("asset"))
        for each in filters.raw_asset_filters
        if each.get("asset") not in {info.base_asset, info.quote_asset}
    ]
    require(not strange, f"filters of other assets: {', '.join(strange)}")
    unknown = len(raw) - len(decode_filters(raw))
    new = f", {unknown} of a kind that is not known here" if unknown else ""
    return f"{len(raw)} filters and {len(filters.raw_asset_filters)} of the assets{new}"


# ------------------------------------------------------------------------------------------------------------- orders


async def _newest_orders(ask: Ask) -> list[Order]:
    return await ask(AllOrdersRequest(symbol=TEST_SYMBOL, limit=MOST_ROWS))


async def _told(ask: Ask, symbol: str, number: int) -> Order | None:
    """An order as ``order.status`` tells it; ``None`` for an old one that is archived.

    Raises:
        RequestRejected: It was refused for another reason.
    """
    try:
        return await ask(OrderStatusRequest(symbol=symbol, order_id=number))
    except RequestRejected as error:
        if error.code != ORDER_ARCHIVED:
            raise
        return None


async def _all_orders(ask: Ask) -> str | Finding:
    orders = await _newest_orders(ask)
    require_orders(orders)
    if not orders:
        return _quiet(f"the account has no orders of {TEST_SYMBOL}")
    last = orders[-1]
    again = await ask(AllOrdersRequest(symbol=TEST_SYMBOL, order_id=last.order_id))
    require(again and again[0].order_id == last.order_id, f"order {last.order_id} is missing when asked for by its id")
    still = {each.order_id for each in orders if each.status in OPEN}
    return f"{len(orders)} orders up to id {last.order_id}, {len(still)} of them open"


async def _open_orders_status(ask: Ask) -> str | Finding:
    before = await ask(OpenOrdersStatusRequest(symbol=TEST_SYMBOL))
    everywhere = await ask(OpenOrdersStatusRequest())
    account = await ask(AccountStatusRequest())
    info = (await ask(ExchangeInfoRequest(symbol=TEST_SYMBOL))).symbols[0]
    after = await ask(OpenOrdersStatusRequest(symbol=TEST_SYMBOL))
    for order in before:
        require_order(order)
        require(order.status in OPEN, f"order {order.order_id} is {order.status}")
    lasting = [each for each in before if each in after]
    missing = [each.order_id for each in lasting if each not in everywhere]
    require(not missing, f"orders {missing} are open, and missing where all symbols are asked for")
    locked = next((each.locked for each in account.balances if each.asset == info.base_asset), Decimal(0))
    offered = _offered(lasting)
    require(locked >= offered, f"orders offer {offered:f} {info.base_asset}, and {locked:f} are locked")
    if not before:
        return _quiet(f"no open orders of {TEST_SYMBOL}, {len(everywhere)} in all")
    return f"{len(before)} open orders, {len(everywhere)} in all; {locked:f} {info.base_asset} locked"


def _offered(orders: Iterable[Order]) -> Decimal:
    """How much of the base asset orders have yet to sell; the orders of a list share what they lock."""
    return sum(
        (
            each.original_quantity - each.executed_quantity
            for each in orders
            if each.side is Side.SELL
            and each.order_list_id == NO_LIST
            and each.type in {OrderType.LIMIT, OrderType.LIMIT_MAKER}
            and each.status in {OrderStatus.NEW, OrderStatus.PARTIALLY_FILLED}
            and each.original_quantity is not None
            and each.executed_quantity is not None
        ),
        Decimal(0),
    )


async def _order_status(ask: Ask) -> str | Finding:
    unknown = OrderStatusRequest(symbol=TEST_SYMBOL, orig_client_order_id=UNKNOWN)
    refused = await refusal(ask(unknown), NO_SUCH_ORDER, "an order that does not exist was told")
    orders = await _newest_orders(ask)
    if not orders:
        return _quiet(f"no order of {TEST_SYMBOL} to ask for; an unknown one is refused: {refused.message}")
    asked = orders[-1]
    order = await _told(ask, TEST_SYMBOL, asked.order_id)
    if order is None:
        return _quiet(f"the newest order, {asked.order_id}, is archived; an unknown one is refused: {refused.message}")
    require_order(order)
    if asked.status not in OPEN:
        require_same_order(order, asked, "in allOrders")
    require(order.update_time >= asked.update_time, f"order {order.order_id}: older than in allOrders")
    require(order.client_order_id == asked.client_order_id, f"order {order.order_id}: another client id in allOrders")
    return f"order {order.order_id} is {order.status}, as in allOrders; an unknown one is refused: {refused.message}"


async def _order_amendments(ask: Ask) -> str | Finding:
    orders = (await _newest_orders(ask))[-NEWEST:]
    for order in reversed(orders):
        amendments = await ask(OrderAmendmentsRequest(symbol=TEST_SYMBOL, order_id=order.order_id))
        if amendments:
            if order.status not in OPEN:  # an open one may have been amended since
                require_amendments(amendments, order)
            return f"order {order.order_id} was amended {len(amendments)} times"
    return _quiet(f"none of the newest {len(orders)} orders was amended")


# --------------------------------------------------------------------------------------------------------- order lists


async def _all_order_lists(ask: Ask) -> str | Finding:
    lists = await ask(AllOrderListsRequest(limit=MOST_ROWS))
    for each in lists:
        require_list(each)
    require(all(one.order_list_id < two.order_list_id for one, two in pairwise(lists)), "list ids do not ascend")
    if not lists:
        return _quiet("the account has no order lists")
    last = lists[-1]
    first = last.orders[0]
    order = await _told(ask, first.symbol, first.order_id)
    found = last.order_list_id if order is None else order.order_list_id
    require(found == last.order_list_id, f"order {first.order_id} is of list {found}, not {last.order_list_id}")
    return f"{len(lists)} lists up to id {last.order_list_id}, which is {last.list_order_status}"


async def _open_order_lists_status(ask: Ask) -> str | Finding:
    before = await ask(OpenOrderListsStatusRequest())
    orders = await ask(OpenOrdersStatusRequest())
    after = await ask(OpenOrderListsStatusRequest())
    for each in before:
        require_list(each)
    require_executing(before)
    alive = {each.order_list_id for each in orders}
    idle = [each.order_list_id for each in before if each in after and each.order_list_id not in alive]
    require(not idle, f"lists {idle} are open and none of their orders is")
    return f"{len(before)} open lists" if before else _quiet("no open order lists")


async def _order_list_status(ask: Ask) -> str | Finding:
    unknown = OrderListStatusRequest(orig_client_order_id=UNKNOWN)
    refused = await refusal(ask(unknown), NO_SUCH_ORDER, "an order list that does not exist was told")
    lists = await ask(AllOrderListsRequest(limit=MOST_ROWS))
    if not lists:
        return _quiet(f"no order list to ask for; an unknown one is refused: {refused.message}")
    asked = lists[-1]
    told = await ask(OrderListStatusRequest(order_list_id=asked.order_list_id))
    require_list(told)
    require(told.orders == asked.orders, f"list {told.order_list_id} has other orders in allOrderLists")
    require(told.list_client_order_id == asked.list_client_order_id, f"list {told.order_list_id}: another client id")
    return f"list {told.order_list_id} is {told.list_order_status}; an unknown one is refused: {refused.message}"


# -------------------------------------------------------------------------------------------------------------- fills


async def _my_trades(ask: Ask) -> str | Finding:
    trades = await ask(MyTradesRequest(symbol=TEST_SYMBOL, limit=MOST_ROWS))
    require_fills(trades)
    require(all(one.id < two.id for one, two in pairwise(trades)), "trade ids do not ascend")
    if not trades:
        return _quiet(f"the account has no trades of {TEST_SYMBOL}")
    last = trades[-1]
    await _as_the_market_tells(ask, last)
    order = await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=last.order_id))
    require((order.side is Side.BUY) == last.is_buyer, f"trade {last.id} is on the other side of its order")
    own = await ask(MyTradesRequest(symbol=TEST_SYMBOL, order_id=last.order_id, limit=MOST_ROWS))
    require(last in own, f"trade {last.id} is missing where its order's are asked for")
    if order.status in OPEN or order.used_sor:  # more trades may have come; allocations are told elsewhere
        return f"{len(trades)} trades up to id {last.id}, which belongs to order {order.order_id}"
    require_sum(own, order)
    return f"{len(trades)} trades up to id {last.id}; those of order {order.order_id} sum up to it"


async def _as_the_market_tells(ask: Ask, trade: AccountTrade) -> None:
    public = await ask(TradesHistoricalRequest(symbol=TEST_SYMBOL, from_id=trade.id, limit=1))
    require(public and public[0].id == trade.id, f"trade {trade.id} is missing in trades.historical")
    told = (public[0].price, public[0].quantity, public[0].is_buyer_maker)
    seen = (trade.price, trade.quantity, trade.is_buyer == trade.is_maker)
    require(told == seen, f"trade {trade.id} is {seen}, and {told} in trades.historical")


async def _my_allocations(ask: Ask) -> str | Finding:
    allocations = await ask(MyAllocationsRequest(symbol=TEST_SYMBOL, limit=MOST_ROWS))
    require_fills(allocations)
    ids = [each.allocation_id for each in allocations]
    require(all(one < two for one, two in pairwise(ids)), "allocation ids do not ascend")
    if not allocations:
        return _quiet(f"smart order routing allocated nothing of {TEST_SYMBOL}")
    number = allocations[-1].order_id
    order = await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=number))
    require(order.used_sor, f"order {number} has allocations, and used no smart order routing")
    own = await ask(MyAllocationsRequest(symbol=TEST_SYMBOL, order_id=number, limit=MOST_ROWS))
    traded = await ask(MyTradesRequest(symbol=TEST_SYMBOL, order_id=number, limit=MOST_ROWS))
    if order.status not in OPEN:
        require_sum([*own, *traded], order)
    return f"{len(ids)} allocations; order {number} has {len(own)}, and {len(traded)} trades"


async def _my_prevented_matches(ask: Ask) -> str | Finding:
    orders = await _newest_orders(ask)
    asked = next((each for each in reversed(orders) if each.prevented_match_id is not None), None)
    if asked is None:
        return _quiet(f"none of the newest {len(orders)} orders was kept from trading with another of the account's")
    matches = await ask(MyPreventedMatchesRequest(symbol=TEST_SYMBOL, order_id=asked.order_id))
    require(matches, f"order {asked.order_id} names a prevented match, and none is told")
    for each in matches:
        parties = {each.taker_order_id, each.maker_order_id}
        require(asked.order_id in parties, f"match {each.prevented_match_id} is not of order {asked.order_id}")
        require(each.price > 0, f"match {each.prevented_match_id} has no price")
    last = matches[-1]
    again = await ask(MyPreventedMatchesRequest(symbol=TEST_SYMBOL, prevented_match_id=last.prevented_match_id))
    require(again == [last], f"match {last.prevented_match_id} is another one when asked for by its id")
    return f"{len(matches)} prevented matches of order {asked.order_id}, {last.self_trade_prevention_mode}"


CHECKS: dict[str, Check] = {
    "account.status": _account_status,
    "account.commission": _account_commission,
    "account.rateLimits.orders": _account_rate_limits_orders,
    "myFilters": _my_filters,
    "allOrders": _all_orders,
    "openOrders.status": _open_orders_status,
    "order.status": _order_status,
    "order.amendments": _order_amendments,
    "allOrderLists": _all_order_lists,
    "openOrderLists.status": _open_order_lists_status,
    "orderList.status": _order_list_status,
    "myTrades": _my_trades,
    "myAllocations": _my_allocations,
    "myPreventedMatches": _my_prevented_matches,
}

SCRIPT = Script(feature="Binance account requests", tests=method_tests(("account",), CHECKS, _run), needs_key=True)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))

"""Diagnose the trading requests: each is sent with orders that rest far from the market, and are cancelled at the end.

Run ``python -m cryptotrader.diagnostics.trading_diagnostic --help``. The tests carry the names of the methods. The key
comes from the environment. On a live exchange only ``order.test`` and ``sor.order.test`` are sent, unless
``--allow-live-orders`` is given: then real money is locked.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from cryptotrader.diagnostics.access import CANCEL_REJECTED, REJECTED_KEY, account_api, refusal
from cryptotrader.diagnostics.account_plausibility import (
    OPEN,
    require_executing,
    require_list,
    require_order,
    require_same_order,
)
from cryptotrader.diagnostics.far_orders import NOT_ALLOWED, FarOrders, far_orders, new_prefix
from cryptotrader.diagnostics.methods import Ask, method_tests
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import TEST_SYMBOL, Finding, Outcome, Trial
from cryptotrader.errors import RequestRejected
from cryptotrader.models.account_models import OrderTestResponse
from cryptotrader.models.base_models import Side, SymbolStatus, TimeInForce
from cryptotrader.models.order_models import (
    CancelReplaceMode,
    CancelReplaceResponse,
    CancelReplaceResult,
    CancelReport,
    ContingencyType,
    ListOrderStatus,
    NewOrderRespType,
    OrderListCancelReport,
    OrderListResponse,
    OrderResponse,
    OrderStatus,
)
from cryptotrader.order_checks import ClientIds
from cryptotrader.protocol.request import Request
from cryptotrader.requests import (
    AccountCommissionRequest,
    OpenOrderListsStatusRequest,
    OpenOrdersCancelAllRequest,
    OpenOrdersStatusRequest,
    OrderAmendKeepPriorityRequest,
    OrderAmendmentsRequest,
    OrderCancelReplaceRequest,
    OrderCancelRequest,
    OrderListCancelRequest,
    OrderListPlaceOcoRequest,
    OrderListPlaceOpocoRequest,
    OrderListPlaceOpoRequest,
    OrderListPlaceOtocoRequest,
    OrderListPlaceOtoRequest,
    OrderListPlaceRequest,
    OrderListStatusRequest,
    OrderPlaceRequest,
    OrderStatusRequest,
    OrderTestRequest,
    SorOrderPlaceRequest,
    SorOrderTestRequest,
)

R = TypeVar("R")

WITHOUT_EFFECT = frozenset({"order.test", "sor.order.test"})
"""Methods that place nothing, and are sent to a live exchange unasked."""
OCO, OTO, OPO = "oco_allowed", "oto_allowed", "opo_allowed"
NEEDS: dict[str, tuple[str, ...]] = {
    "order.cancelReplace": ("cancel_replace_allowed",),
    "order.amend.keepPriority": ("amend_allowed",),
    "orderList.place": (OCO,),
    "orderList.place.oco": (OCO,),
    "orderList.place.oto": (OTO,),
    "orderList.place.otoco": (OTO, OCO),
    "orderList.place.opo": (OTO, OPO),
    "orderList.place.opoco": (OTO, OPO, OCO),
    "orderList.cancel": (OCO,),
    "sor.order.place": ("is_routed",),
    "sor.order.test": ("is_routed",),
}
"""What a symbol must offer for a method, as ``exchangeInfo`` calls it; ``is_routed`` stands in ``sors``."""

Check = Callable[[Ask, FarOrders], Awaitable[str | Finding]]


async def _run(name: str, check: Check, trial: Trial) -> str | Finding:
    if not trial.may_order and name not in WITHOUT_EFFECT:
        return NOT_ALLOWED
    prefix = new_prefix()
    ids = ClientIds(prefix)
    async with account_api(trial) as ask, far_orders(ask, prefix) as far:

        async def ask_with_ids(request: Request[R]) -> R:
            return await ask(ids.complete(request) if request.api.orders else request)

        if lacking := _not_offered(name, far):
            return Finding(Outcome.SKIPPED, lacking)
        try:
            return await check(ask_with_ids, far)
        except RequestRejected as error:
            if error.code != REJECTED_KEY:
                raise
            return Finding(Outcome.SKIPPED, f"the key reads the account, and may not trade: {error}")


def _not_offered(name: str, far: FarOrders) -> str:
    """Why the symbol does not take a method; empty when it does."""
    if far.info.status is not SymbolStatus.TRADING:
        return f"{TEST_SYMBOL} is {far.info.status}"
    for needed in NEEDS.get(name, ()):
        if needed == "is_routed" and not far.is_routed:
            return f"{TEST_SYMBOL} is in no group of smart order routing (sors in exchangeInfo)"
        if not getattr(far.info, needed, True):
            return f"{TEST_SYMBOL} does not offer it: {needed} is false in exchangeInfo"
    return ""


# ------------------------------------------------------------------------------------------------------- single orders


async def _placed(ask: Ask, far: FarOrders, **changes: Any) -> OrderResponse:
    """An order that rests, as its placement tells it."""
    order = await ask(OrderPlaceRequest(**far.limit | changes, new_order_resp_type=NewOrderRespType.FULL))
    require_order(order)
    require(order.status is OrderStatus.NEW, f"order {order.order_id} is {order.status}, far from the market")
    require(not order.fills, f"order {order.order_id} was filled, far from the market")
    return order


async def _require_gone(ask: Ask, *numbers: int) -> None:
    """Orders that were cancelled are not open, and say so."""
    left = {each.order_id for each in await ask(OpenOrdersStatusRequest(symbol=TEST_SYMBOL))} & set(numbers)
    require(not left, f"orders {sorted(left)} were cancelled, and are open")
    for number in numbers:
        status = (await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=number))).status
        require(status is OrderStatus.CANCELED, f"order {number} was cancelled, and is {status}")


async def _order_place(ask: Ask, far: FarOrders) -> str:
    order = await _placed(ask, far)
    sent = (far.low, far.quantity)
    require((order.price, order.original_quantity) == sent, f"sent {sent}, placed at {order.price}")
    told = await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=order.order_id))
    require_same_order(order, told, "in order.status")
    by_client_id = OrderStatusRequest(symbol=TEST_SYMBOL, orig_client_order_id=order.client_order_id)
    require(await ask(by_client_id) == told, f"order {order.order_id} is another one by its client id")
    is_open = order.order_id in {each.order_id for each in await ask(OpenOrdersStatusRequest(symbol=TEST_SYMBOL))}
    require(is_open, f"order {order.order_id} is not among the open ones")
    return f"order {order.order_id} of {far.quantity:f} rests at {far.low:f}, as the queries tell"


async def _order_test(ask: Ask, far: FarOrders) -> str:
    empty = await ask(OrderTestRequest(**far.limit))
    require(empty == OrderTestResponse(), f"commissions that were not asked for: {empty}")
    tested = await ask(OrderTestRequest(**far.limit, compute_commission_rates=True))
    return await _commission(ask, far, tested)


async def _commission(ask: Ask, far: FarOrders, tested: OrderTestResponse) -> str:
    """The commission of a tested order is what ``account.commission`` tells."""
    order = tested.standard_commission_for_order
    require(order is not None, "no commission is told, though it was asked for")
    rates = (await ask(AccountCommissionRequest(symbol=TEST_SYMBOL))).standard_commission
    told = None if order is None else (order.maker, order.taker)
    due = (rates.maker + rates.buyer, rates.taker + rates.buyer)
    require(told == due, f"the commission of the order is {told}, by account.commission {due}")
    return f"{far.quantity:f} at {far.low:f} would be taken, for {due[0]:f} as maker and {due[1]:f} as taker"


async def _order_cancel(ask: Ask, far: FarOrders) -> str:
    order = await _placed(ask, far)
    cancel = OrderCancelRequest(symbol=TEST_SYMBOL, order_id=order.order_id)
    report = await ask(cancel)
    if not isinstance(report, CancelReport):
        raise AssertionError(f"order {order.order_id} is in no list, and a list was cancelled")  # noqa: TRY004 - as above
    require(report.status is OrderStatus.CANCELED, f"order {order.order_id} is {report.status}")
    named = report.original_client_order_id
    require(named == order.client_order_id, f"order {order.client_order_id} was cancelled as {named}")
    await _require_gone(ask, order.order_id)
    again = await refusal(ask(cancel), CANCEL_REJECTED, f"order {order.order_id} was cancelled twice")
    return f"order {order.order_id} is cancelled; once more is refused: {again.message}"


async def _order_cancel_replace(ask: Ask, far: FarOrders) -> str:
    order = await _placed(ask, far)
    replace = OrderCancelReplaceRequest(
        **far.limit | {"price": far.lowest},
        cancel_replace_mode=CancelReplaceMode.STOP_ON_FAILURE,
        cancel_order_id=order.order_id,
    )
    replaced = await ask(replace)
    results = (replaced.cancel_result, replaced.new_order_result)
    require(results == (CancelReplaceResult.SUCCESS, CancelReplaceResult.SUCCESS), f"cancelled and placed: {results}")
    new = replaced.new_order_response
    if not isinstance(new, OrderResponse):
        raise AssertionError(f"the new order was placed, and is told as {new}")  # noqa: TRY004 - the exchange's fault
    require(new.price == far.lowest, f"order {new.order_id} is at {new.price}, not {far.lowest}")
    await _require_gone(ask, order.order_id)
    again = await _refused_replacement(ask, replace)
    return f"order {order.order_id} became {new.order_id}; once more is refused, without a new order: {again}"


async def _refused_replacement(ask: Ask, replace: OrderCancelReplaceRequest) -> str:
    """With an order that is gone the cancellation fails, and no order is placed."""
    try:
        await ask(replace)
    except RequestRejected as error:
        told = CancelReplaceResponse.from_error(error.data)
        results = (told.cancel_result, told.new_order_result)
        expected = (CancelReplaceResult.FAILURE, CancelReplaceResult.NOT_ATTEMPTED)
        require(results == expected, f"a cancellation that must fail, and its order: {results}")
        return error.message
    raise AssertionError(f"order {replace.cancel_order_id} was replaced twice")


async def _order_amend_keep_priority(ask: Ask, far: FarOrders) -> str:
    order = await _placed(ask, far, quantity=far.quantity * 2)
    amend = OrderAmendKeepPriorityRequest(
        symbol=TEST_SYMBOL,
        order_id=order.order_id,
        new_client_order_id=order.client_order_id,  # otherwise the exchange gives it another one
        new_qty=far.quantity,
    )
    amended = await ask(amend)
    left = amended.amended_order.quantity
    require(left == far.quantity, f"order {order.order_id} was to be reduced to {far.quantity:f}, and is of {left:f}")
    told = await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=order.order_id))
    require(told.original_quantity == far.quantity, f"order {order.order_id} is of {told.original_quantity}")
    require(told.status is OrderStatus.NEW, f"order {order.order_id} is {told.status}")
    listed = await ask(OrderAmendmentsRequest(symbol=TEST_SYMBOL, order_id=order.order_id))
    require(
        [(each.execution_id, each.new_quantity) for each in listed] == [(amended.execution_id, far.quantity)],
        f"order.amendments tells {listed}",
    )
    return f"order {order.order_id} was reduced from {order.original_quantity} to {left}, as order.amendments tells"


async def _open_orders_cancel_all(ask: Ask, far: FarOrders) -> str | Finding:
    if far.others:
        why = f"{len(far.others)} open orders of {TEST_SYMBOL} that are not of this test would be cancelled, too"
        return Finding(Outcome.SKIPPED, why)
    placed = [(await _placed(ask, far, price=price)).order_id for price in (far.low, far.lowest)]
    reports = await ask(OpenOrdersCancelAllRequest(symbol=TEST_SYMBOL))
    told = sorted(each.order_id for each in reports if isinstance(each, CancelReport))
    require(told == sorted(placed), f"orders {placed} were open, and {told} were cancelled")
    await _require_gone(ask, *placed)
    return f"{len(placed)} orders were cancelled at once"


async def _sor_order_place(ask: Ask, far: FarOrders) -> str:
    responses = await ask(SorOrderPlaceRequest(**far.limit, new_order_resp_type=NewOrderRespType.FULL))
    require(len(responses) == 1, f"{len(responses)} orders for one")
    order = responses[0]
    require_order(order)
    require(order.used_sor, f"order {order.order_id} used no smart order routing")
    told = await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=order.order_id))
    require_same_order(order, told, "in order.status")
    return f"order {order.order_id} was routed, and is {order.status}"


async def _sor_order_test(ask: Ask, far: FarOrders) -> str:
    tested = await ask(SorOrderTestRequest(**far.limit, compute_commission_rates=True))
    return await _commission(ask, far, tested)


# --------------------------------------------------------------------------------------------------------- order lists


async def _require_list(ask: Ask, placed: OrderListResponse, kind: ContingencyType) -> str:
    """A placed list is executing, of its kind, and told alike by queries."""
    require_list(placed)
    number = f"list {placed.order_list_id}"
    require(placed.contingency_type is kind, f"{number} is of kind {placed.contingency_type}")
    require_executing([placed])
    expected = [OrderStatus.NEW] * 2
    if kind is ContingencyType.OTO:
        expected = [OrderStatus.NEW] + [OrderStatus.PENDING_NEW] * (len(placed.orders) - 1)
    reports = sorted(placed.order_reports, key=lambda each: each.status is OrderStatus.PENDING_NEW)
    statuses = [each.status for each in reports]
    require(statuses == expected, f"the orders of {number} are {statuses}")
    require({each.order_id for each in reports} == {each.order_id for each in placed.orders}, f"{number}: other ids")
    told = await ask(OrderListStatusRequest(order_list_id=placed.order_list_id))
    require(told.orders == placed.orders, f"{number} has other orders in orderList.status")
    is_open = placed.order_list_id in {each.order_list_id for each in await ask(OpenOrderListsStatusRequest())}
    require(is_open, f"{number} is not among the open ones")
    for report in reports:
        order = await ask(OrderStatusRequest(symbol=TEST_SYMBOL, order_id=report.order_id))
        require_same_order(report, order, "in order.status")
        require(order.status in OPEN, f"order {order.order_id} of {number} is {order.status}")
    return f"{number} with {len(reports)} orders: {', '.join(str(each) for each in statuses)}"


async def _oco(ask: Ask, far: FarOrders) -> OrderListResponse:
    request = OrderListPlaceOcoRequest(symbol=TEST_SYMBOL, side=Side.BUY, quantity=far.quantity, **far.pair)
    return await ask(request)


async def _order_list_place(ask: Ask, far: FarOrders) -> str:
    request = OrderListPlaceRequest(
        symbol=TEST_SYMBOL,
        side=Side.BUY,
        quantity=far.quantity,
        price=far.low,
        stop_price=far.high,
        stop_limit_price=far.high,
        stop_limit_time_in_force=TimeInForce.GTC,
    )
    return await _require_list(ask, await ask(request), ContingencyType.OCO)


async def _order_list_place_oco(ask: Ask, far: FarOrders) -> str:
    return await _require_list(ask, await _oco(ask, far), ContingencyType.OCO)


async def _order_list_place_oto(ask: Ask, far: FarOrders) -> str:
    request = OrderListPlaceOtoRequest(**far.working, **far.pending, pending_quantity=far.quantity)
    return await _require_list(ask, await ask(request), ContingencyType.OTO)


async def _order_list_place_otoco(ask: Ask, far: FarOrders) -> str:
    request = OrderListPlaceOtocoRequest(**far.working, **far.pending_pair, pending_quantity=far.quantity)
    return await _require_list(ask, await ask(request), ContingencyType.OTO)


async def _order_list_place_opo(ask: Ask, far: FarOrders) -> str:
    request = OrderListPlaceOpoRequest(**far.working, **far.pending)
    return await _require_list(ask, await ask(request), ContingencyType.OTO)


async def _order_list_place_opoco(ask: Ask, far: FarOrders) -> str:
    request = OrderListPlaceOpocoRequest(**far.working, **far.pending_pair)
    return await _require_list(ask, await ask(request), ContingencyType.OTO)


async def _order_list_cancel(ask: Ask, far: FarOrders) -> str:
    placed = await _oco(ask, far)
    cancel = OrderListCancelRequest(symbol=TEST_SYMBOL, order_list_id=placed.order_list_id)
    report: OrderListCancelReport = await ask(cancel)
    number = f"list {placed.order_list_id}"
    require(report.list_order_status is ListOrderStatus.ALL_DONE, f"{number} is {report.list_order_status}")
    ended = {each.order_id: each.original_client_order_id for each in report.order_reports}
    begun = {each.order_id: each.client_order_id for each in placed.orders}
    require(ended == begun, f"{number} had the orders {begun}, and {ended} were cancelled")
    await _require_gone(ask, *(each.order_id for each in report.order_reports))
    again = await refusal(ask(cancel), CANCEL_REJECTED, f"{number} was cancelled twice")
    return f"{number} is cancelled with its {len(report.orders)} orders; once more is refused: {again.message}"


CHECKS: dict[str, Check] = {
    "order.place": _order_place,
    "order.test": _order_test,
    "order.cancel": _order_cancel,
    "order.cancelReplace": _order_cancel_replace,
    "order.amend.keepPriority": _order_amend_keep_priority,
    "openOrders.cancelAll": _open_orders_cancel_all,
    "orderList.place": _order_list_place,
    "orderList.place.oco": _order_list_place_oco,
    "orderList.place.oto": _order_list_place_oto,
    "orderList.place.otoco": _order_list_place_otoco,
    "orderList.place.opo": _order_list_place_opo,
    "orderList.place.opoco": _order_list_place_opoco,
    "orderList.cancel": _order_list_cancel,
    "sor.order.place": _sor_order_place,
    "sor.order.test": _sor_order_test,
}

SCRIPT = Script(
    feature="Binance trading requests",
    tests=method_tests(("trading",), CHECKS, _run),
    needs_key=True,
    places_orders=True,
)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))

"""``cryptotrader order``: place, cancel, list and watch the account's orders."""

from __future__ import annotations

import asyncio
import re
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console

from cryptotrader.cli.call import parse_request
from cryptotrader.cli.keys import KeyFileOption, KeyringOption, YesOption, confirm, key_for
from cryptotrader.cli.running import EXIT_FAILED, CaOption, EndpointOption, run, show_logs
from cryptotrader.cli.views import cancelled_text, event_text, orders_view, placed_text
from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Endpoint, endpoint_named
from cryptotrader.credentials import Credentials
from cryptotrader.errors import OrderNotFilled, OrderRejected, RequestInvalid
from cryptotrader.models.base_models import OrderType
from cryptotrader.models.order_models import OrderListCancelReport
from cryptotrader.order_checks import ClientIds
from cryptotrader.order_outcomes import OrderOutcomeUnknown
from cryptotrader.placed_order import PlacedOrder
from cryptotrader.requests import OrderPlaceRequest

order = typer.Typer(help="Place, cancel, list and watch the account's orders.", no_args_is_help=True)

_NUMBER = re.compile("[0-9]{1,19}")
_NO_SUCH_ORDER = -2011
_AT_A_PRICE = (OrderType.LIMIT, OrderType.STOP_LOSS_LIMIT, OrderType.TAKE_PROFIT_LIMIT)
Work = Callable[[Binance], Coroutine[Any, Any, int]]


@order.command()
def place(
    symbol: Annotated[str, typer.Argument(help="Such as BTCUSDT.")],
    side: Annotated[str, typer.Argument(help="BUY or SELL.")],
    type: Annotated[str, typer.Argument(help="LIMIT, MARKET, LIMIT_MAKER, STOP_LOSS …")],  # noqa: A002 - Binance's word
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="quantity=0.001 price=50000 …")
    ] = None,
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
    wait: Annotated[float, typer.Option(min=0, help="Wait so many seconds for the order to be filled.")] = 0.0,
    yes: YesOption = False,
) -> None:
    """Place one order; it is held against the symbol's filters before it is sent, and never sent twice.

    Examples:

      cryptotrader order place BTCUSDT BUY LIMIT quantity=0.001 price=50000 --endpoint testnet

      cryptotrader order place BTCUSDT SELL MARKET quantity=0.001 --endpoint local --wait 5
    """
    show_logs(verbose=False)
    given = [f"symbol={symbol.upper()}", f"side={side.upper()}", f"type={type.upper()}", *(parameters or [])]
    if type.upper() in _AT_A_PRICE and not any(each.startswith(("timeInForce=", "time_in_force=")) for each in given):
        given.append("timeInForce=GTC")
    request = parse_request("order.place", given)
    if not isinstance(request, OrderPlaceRequest):
        raise RequestInvalid("not an order", method="order.place")
    request.params()
    named = ClientIds().complete(request)
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)
    confirm(where, f"Place {' '.join([side.upper(), type.upper(), symbol.upper(), *(parameters or [])])}", yes=yes)
    question = (
        f"cryptotrader call order.status symbol={named.symbol} origClientOrderId={named.new_client_order_id} "
        f"--endpoint {endpoint}"
    )
    _run(where, key, lambda binance: _place(binance, named, wait, question))


async def _place(binance: Binance, request: OrderPlaceRequest, wait: float, question: str) -> int:
    """Place an order; whatever happens, it is named."""
    try:
        placed = await _placed(binance, request)
    except (asyncio.CancelledError, TimeoutError) as error:
        typer.echo(f"it may have been placed as {request.new_client_order_id}; ask: {question}", err=True)
        if isinstance(error, TimeoutError):
            return EXIT_FAILED
        raise
    if placed is None:
        typer.echo("not placed", err=True)
        return EXIT_FAILED
    try:
        return EXIT_FAILED if wait and not await _is_filled(placed, wait) else 0
    finally:
        typer.echo(placed_text(placed, request.quantity))


async def _placed(binance: Binance, request: OrderPlaceRequest) -> PlacedOrder | None:
    fields = {
        name: value
        for name in request.__struct_fields__
        if name not in {"symbol", "side", "type"} and (value := getattr(request, name)) is not None
    }
    try:
        return await binance.orders.place(request.symbol, request.side, request.type, **fields)
    except OrderOutcomeUnknown as unknown:
        typer.echo(f"{unknown}; asking what became of {unknown.client_order_id}", err=True)
        return await unknown.resolve()


async def _is_filled(placed: PlacedOrder, wait: float) -> bool:
    try:
        await placed.filled(timeout=wait)
    except TimeoutError:
        typer.echo(f"not filled after {wait:g} s", err=True)
    except OrderNotFilled as error:
        typer.echo(f"not filled: {error}", err=True)
    else:
        return True
    return False


@order.command()
def cancel(
    symbol: Annotated[str, typer.Argument(help="Such as BTCUSDT.")],
    number: Annotated[str, typer.Argument(metavar="ID", help="Order id, or client order id, or 'all'.")],
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
    client_id: Annotated[bool, typer.Option("--client-id", help="ID is a client order id, though of digits.")] = False,
    yes: YesOption = False,
) -> None:
    """Cancel one order, or all open orders of a symbol; needs no user data.

    Examples:

      cryptotrader order cancel BTCUSDT 123456 --endpoint testnet

      cryptotrader order cancel BTCUSDT all --endpoint local
    """
    show_logs(verbose=False)
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)
    confirm(where, f"Cancel {number} of {symbol.upper()}", yes=yes)
    if number == "all" and not client_id:
        _run(where, key, lambda binance: _cancel_all(binance, symbol.upper()))
    else:
        _run(where, key, lambda binance: _cancel(binance, symbol.upper(), number, is_client_id=client_id))


async def _cancel_all(binance: Binance, symbol: str) -> int:
    typer.echo(f"cancelled: {len(await binance.orders.cancel_all(symbol))}")
    return 0


async def _cancel(binance: Binance, symbol: str, number: str, *, is_client_id: bool) -> int:
    by_id = _NUMBER.fullmatch(number) is not None and not is_client_id
    try:
        report = await binance.orders.cancel(
            symbol, order_id=int(number) if by_id else None, client_order_id=None if by_id else number
        )
    except OrderOutcomeUnknown as unknown:
        typer.echo(f"{unknown}; asking what became of {number}", err=True)
        found = await unknown.resolve()
        if found is None or not found.life.is_ended:
            typer.echo("not cancelled", err=True)
        if found is not None:
            typer.echo(placed_text(found))
        return 0 if found is not None and found.life.is_ended else EXIT_FAILED
    except OrderRejected as error:
        if by_id and error.code == _NO_SUCH_ORDER:
            typer.echo(f"if {number} is a client order id, say --client-id", err=True)
        raise
    for each in report.order_reports if isinstance(report, OrderListCancelReport) else [report]:
        typer.echo(cancelled_text(each))
    return 0


@order.command(name="list")
def list_orders(
    symbol: Annotated[str | None, typer.Argument(help="Only this symbol's; all symbols weigh 80.")] = None,
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
) -> None:
    """List the open orders.

    Examples:

      cryptotrader order list BTCUSDT --endpoint testnet
    """
    show_logs(verbose=False)
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)
    _run(where, key, lambda binance: _list(binance, None if symbol is None else symbol.upper()))


async def _list(binance: Binance, symbol: str | None) -> int:
    Console(soft_wrap=True).print(orders_view(await binance.orders.open_orders(symbol)))
    return 0


@order.command()
def watch(
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
    seconds: Annotated[float | None, typer.Option(min=0.1, help="Stop after this time.")] = None,
) -> None:
    """Print what happens to the account's orders and balances, what was missed included. Stop with Ctrl-C.

    Examples:

      cryptotrader order watch --endpoint testnet
    """
    show_logs(verbose=False)
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)
    _run(where, key, lambda binance: _watch(binance, seconds))


async def _watch(binance: Binance, seconds: float | None) -> int:
    try:
        async with asyncio.timeout(seconds):
            async for event in binance.user.subscribe(control=True):
                sys.stdout.write(f"{time.strftime('%H:%M:%S')} {event_text(event)}\n")
                sys.stdout.flush()
    except TimeoutError:
        pass  # the asked time is over
    return 0


def _run(endpoint: Endpoint, key: Credentials, work: Work) -> None:
    async def main() -> int:
        async with Binance(endpoint, key, backoff=Backoff(attempts=3)) as binance:
            return await work(binance)

    run(main)

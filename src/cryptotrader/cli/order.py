"""``cryptotrader order``: place, cancel, list and watch the account's orders."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

import typer
from rich.console import Console

from cryptotrader.cli.call import parse_request
from cryptotrader.cli.keys import KeyFileOption, KeyringOption, YesOption, confirm, key_for
from cryptotrader.cli.running import CaOption, EndpointOption, run, show_logs
from cryptotrader.cli.views import event_text, orders_view, placed_text
from cryptotrader.client import Binance
from cryptotrader.config import Backoff, Endpoint, endpoint_named
from cryptotrader.credentials import Credentials
from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import OrderType
from cryptotrader.order_outcomes import OrderOutcomeUnknown
from cryptotrader.placed_order import PlacedOrder
from cryptotrader.requests import OrderPlaceRequest

order = typer.Typer(help="Place, cancel, list and watch the account's orders.", no_args_is_help=True)

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
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)
    confirm(where, f"Place {' '.join([side.upper(), type.upper(), symbol.upper(), *(parameters or [])])}", yes=yes)
    _run(where, key, lambda binance: _place(binance, request, wait))


async def _place(binance: Binance, request: OrderPlaceRequest, wait: float) -> int:
    fields = {
        name: value
        for name in request.__struct_fields__
        if name not in {"symbol", "side", "type"} and (value := getattr(request, name)) is not None
    }
    placed: PlacedOrder | None
    try:
        placed = await binance.orders.place(request.symbol, request.side, request.type, **fields)
    except OrderOutcomeUnknown as unknown:
        typer.echo(f"{unknown}; asking what became of {unknown.client_order_id}", err=True)
        placed = await unknown.resolve()
    if placed is None:
        typer.echo("not placed", err=True)
        return 1
    if wait and not placed.is_done:
        try:
            await placed.done(timeout=wait)
        except TimeoutError:
            typer.echo(f"still open after {wait:g} s", err=True)
    typer.echo(placed_text(placed))
    return 0


@order.command()
def cancel(
    symbol: Annotated[str, typer.Argument(help="Such as BTCUSDT.")],
    number: Annotated[str, typer.Argument(metavar="ID", help="Order id, or client order id, or 'all'.")],
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
    yes: YesOption = False,
) -> None:
    """Cancel one order, or all open orders of a symbol.

    Examples:

      cryptotrader order cancel BTCUSDT 123456 --endpoint testnet

      cryptotrader order cancel BTCUSDT all --endpoint local
    """
    show_logs(verbose=False)
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)
    confirm(where, f"Cancel {number} of {symbol.upper()}", yes=yes)
    _run(where, key, lambda binance: _cancel(binance, symbol.upper(), number))


async def _cancel(binance: Binance, symbol: str, number: str) -> int:
    if number == "all":
        reports = await binance.orders.cancel_all(symbol)
        typer.echo(f"cancelled: {len(reports)}")
        return 0
    ids: dict[str, Any] = {"order_id": int(number)} if number.isdecimal() else {"client_order_id": number}
    followed = await binance.orders.follow(symbol, **ids)
    typer.echo(placed_text(await followed.cancel()))
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

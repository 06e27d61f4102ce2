"""``cryptotrader call``: one request of the WebSocket API."""

from __future__ import annotations

import asyncio
import difflib
from typing import Annotated, Any, get_type_hints

import msgspec
import typer
from rich.console import Console

import cryptotrader.requests  # noqa: F401 - fills the registry
from cryptotrader.base_operations import api_connection
from cryptotrader.cli.keys import KeyFileOption, KeyringOption, YesOption, confirm, key_for
from cryptotrader.cli.running import CaOption, EndpointOption, run
from cryptotrader.config import Backoff, Endpoint, endpoint_named
from cryptotrader.credentials import Credentials
from cryptotrader.errors import OutcomeUnknown, RequestInvalid
from cryptotrader.models.base_models import Model
from cryptotrader.order_checks import ClientIds, own_ids
from cryptotrader.protocol.request import REGISTRY, Request, SecurityType, form_of


def call(
    method: Annotated[str, typer.Argument(help="A method of the WebSocket API, such as depth or ticker.24hr.")],
    parameters: Annotated[
        list[str] | None, typer.Argument(metavar="[KEY=VALUE]...", help="Parameters; lists with commas.")
    ] = None,
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
    yes: YesOption = False,
) -> None:
    """Send one request and print its result as JSON; those that need it are signed with a key.

    Examples:

      cryptotrader call depth symbol=BTCUSDT limit=5

      cryptotrader call klines symbol=BTCUSDT interval=1m limit=2 --endpoint local

      cryptotrader call ticker.price symbols=BTCUSDT,ETHUSDT

      cryptotrader call account.status --endpoint testnet
    """
    request = parse_request(method, parameters or [])
    request.params()
    request = with_ids(request)
    where = endpoint_named(endpoint, ca)
    key = None if request.api.security is SecurityType.NONE else key_for(key_file, keyring)
    if request.api.security is SecurityType.TRADE and not method.endswith(".test"):
        confirm(where, f"Send {method} {' '.join(parameters or ())}", yes=yes)
    run(lambda: _call(request, where, key))


def with_ids(request: Request[Any]) -> Request[Any]:
    """The request with client order ids where it places orders: what nobody can name cannot be asked about."""
    return ClientIds().complete(request) if request.api.orders else request


def parse_request(method: str, parameters: list[str]) -> Request[Any]:
    """A request from its method and ``key=value`` texts; keys in Binance's spelling or ours.

    Raises:
        RequestInvalid: No such method or parameter, or a value that does not fit.
    """
    kind = REGISTRY.get(method)
    if kind is None:
        near = difflib.get_close_matches(method, REGISTRY, n=3)
        hint = f"; did you mean {', '.join(near)}?" if near else ""
        raise RequestInvalid(f"no such method{hint}", method=method)
    names = dict(zip(kind.__struct_fields__, kind.__struct_encode_fields__, strict=True))
    lists = {name for name, hint in get_type_hints(kind).items() if "tuple[" in str(hint)}
    values: dict[str, Any] = {}
    for parameter in parameters:
        key, separator, value = parameter.partition("=")
        attribute = next((attribute for attribute, name in names.items() if key in {attribute, name}), None)
        if not separator or attribute is None:
            known = ", ".join(names.values()) or "none"
            raise RequestInvalid(f"{parameter!r} is not KEY=VALUE with a known key ({known})", method=method)
        values[names[attribute]] = value.split(",") if attribute in lists else value
    try:
        request: Request[Any] = msgspec.convert(values, kind, strict=False)
    except msgspec.ValidationError as error:
        raise RequestInvalid(str(error), method=method) from error
    # as they were written: what is checked and sent is the text
    texts = {attribute: values[name] for attribute, name in form_of(kind).amounts if name in values}
    return msgspec.structs.replace(request, **texts)


async def _call(request: Request[Any], endpoint: Endpoint, key: Credentials | None) -> int:
    api = api_connection(endpoint, key=key, backoff=Backoff(attempts=1))
    names = ", ".join(own_ids(request)) if request.api.orders else ""
    try:
        result = await api.call(request)
    except asyncio.CancelledError:
        if names:
            typer.echo(f"{request.api.name} may have been carried out, as {names}", err=True)
        raise
    except OutcomeUnknown as error:
        if not names:
            raise
        raise OutcomeUnknown(error.method, error.id, f"{error.why}; it may be there as {names}") from error
    finally:
        await api.close()
    Console(soft_wrap=True).print_json(_to_json(result).decode())
    return 0


def _to_json(result: Any) -> bytes:
    if isinstance(result, Model):
        return result.to_json()
    return b"[" + b",".join(_to_json(item) for item in result) + b"]"

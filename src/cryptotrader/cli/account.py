"""``cryptotrader account``: balances and permissions."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from cryptotrader.base_operations import api_connection
from cryptotrader.cli.keys import KeyFileOption, KeyringOption, key_for
from cryptotrader.cli.running import CaOption, EndpointOption, run, show_logs
from cryptotrader.cli.views import balances_view
from cryptotrader.config import Backoff, endpoint_named
from cryptotrader.requests import AccountStatusRequest


def account(
    endpoint: EndpointOption = "live",
    ca: CaOption = None,
    key_file: KeyFileOption = None,
    keyring: KeyringOption = None,
    zero: Annotated[bool, typer.Option("--zero", help="Show assets without a balance too.")] = False,
) -> None:
    """Show the account's balances and what it may do.

    Examples:

      cryptotrader account --endpoint testnet
    """
    show_logs(verbose=False)
    where, key = endpoint_named(endpoint, ca), key_for(key_file, keyring)

    async def show() -> int:
        api = api_connection(where, key=key, backoff=Backoff(attempts=1))
        try:
            status = await api.call(AccountStatusRequest(omit_zero_balances=not zero))
        finally:
            await api.close()
        Console(soft_wrap=True).print(balances_view(status))
        return 0

    run(show)

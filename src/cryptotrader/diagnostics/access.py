"""How diagnostics reach the WebSocket API: connections that are closed at the end, and refusals that must come."""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from cryptotrader.base_operations import ApiConnection, api_connection
from cryptotrader.diagnostics.methods import Ask
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.trial import Trial, within
from cryptotrader.errors import RequestRejected
from cryptotrader.protocol.api_session import Key

# Source: Binance Spot documentation, "Error codes".
BAD_SIGNATURE = -1022
CANCEL_REJECTED = -2011
NO_SUCH_ORDER = -2013
REJECTED_KEY = -2015
ORDER_ARCHIVED = -2026
SUBSCRIPTION_ACTIVE = -2035
SUBSCRIPTION_INACTIVE = -2036


@asynccontextmanager
async def open_api(
    trial: Trial, key: Key | None = None, on_user_event: Callable[[int | None, bytes, int], None] | None = None
) -> AsyncIterator[ApiConnection]:
    """A connection to the WebSocket API, closed at the end; with a key it signs, or logs on where the key can."""
    api = api_connection(trial.endpoint, key=key, on_user_event=on_user_event, **trial.options)
    try:
        yield api
    finally:
        await api.close()


@asynccontextmanager
async def account_api(trial: Trial) -> AsyncIterator[Ask]:
    """Asks for the account of the environment's key: on a logged-on session where the key can, else by signature."""
    async with open_api(trial, trial.key) as api:
        if trial.key.can_log_on:
            await within(trial.timeout, "log-on", api.wait_logged_on())
        yield functools.partial(api.call, patience=trial.timeout)


class Forged:
    """A key whose signatures do not fit.

    Args:
        key: The right one.
    """

    can_log_on = False

    def __init__(self, key: Key) -> None:
        self._key = key

    @property
    def api_key(self) -> str:
        """The right key's name."""
        return self._key.api_key

    def sign(self, payload: str) -> str:
        """The signature of another payload."""
        return self._key.sign(f"{payload}&forged=1")


async def refusal(request: Awaitable[Any], code: int, otherwise: str) -> RequestRejected:
    """The refusal that a request must meet.

    Raises:
        AssertionError: It was refused by another code, or answered.
    """
    try:
        await request
    except RequestRejected as error:
        require(error.code == code, f"refused by another code than {code}: {error}")
        return error
    raise AssertionError(otherwise)

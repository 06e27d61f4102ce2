"""Diagnostics against an exchange in memory, on one virtual clock: how fast the machine is makes no difference."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from cryptotrader.credentials import Credentials
from cryptotrader.diagnostics.reporting import Script
from cryptotrader.diagnostics.running import Run, run_until_signal
from cryptotrader.diagnostics.trial import Trial
from cryptotrader.simulator import ExchangeAccount, LocalExchange
from paired import machine
from virtual_clock import running_loop


@asynccontextmanager
async def exchange_in_memory(*symbols: str, **settings: Any) -> AsyncIterator[LocalExchange]:
    """A running exchange with one account, unless told otherwise."""
    chosen = {"accounts": (ExchangeAccount(uid=1),), **settings}
    async with LocalExchange(symbols or ("BTCUSDT",), port=None, clock=running_loop().wall_us, **chosen) as exchange:
        yield exchange


def trial_of(exchange: LocalExchange, *, may_order: bool = True) -> Trial:
    """What a single test is given, with the key of the first account."""
    return Trial(exchange.endpoint, 5.0, may_order, exchange.demo_keys[0].ed25519, machine(exchange.dial))


async def diagnose(
    exchange: LocalExchange,
    script: Script,
    *only: str,
    timeout: float = 5.0,
    key: Credentials | None = None,
    ahead: float = 0.0,
) -> Run:
    """Run a script's tests, or some of them, with a key of the first account where it needs one."""
    run = Run(
        feature=script.feature,
        tests={name: test for name, test in script.tests.items() if not only or name in only},
        endpoint=exchange.endpoint,
        timeout=timeout,
        is_session=False,
        on_test=lambda _: None,
        on_record=lambda _: None,
        may_order=True,
        credentials=(key or exchange.demo_keys[0].hmac) if script.needs_key else None,
        environment=machine(exchange.dial, ahead=ahead),
    )
    await run_until_signal(run)
    return run

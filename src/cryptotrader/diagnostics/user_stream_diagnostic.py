"""Diagnose the user stream: logging on, subscribing, reading the account, and coming back after a cut.

Run ``python -m cryptotrader.diagnostics.user_stream_diagnostic --help``. The key comes from the environment:
``BINANCE_API_KEY`` and ``BINANCE_API_SECRET`` or ``BINANCE_PRIVATE_KEY_FILE``. Nothing is traded.
"""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from cryptotrader.diagnostics.access import BAD_SIGNATURE, Forged, open_api, refusal
from cryptotrader.diagnostics.plausibility import require
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import Finding, Outcome, Trial, elapsed, within
from cryptotrader.models.control_models import Reconnected
from cryptotrader.requests import AccountStatusRequest, OpenOrdersStatusRequest, SessionStatusRequest
from cryptotrader.user_stream import UserStream


@asynccontextmanager
async def _user(trial: Trial) -> AsyncIterator[UserStream]:
    """A user stream, closed at the end."""
    user = UserStream(trial.endpoint, trial.key, **trial.options)
    try:
        yield user
    finally:
        await user.close()


async def log_on(trial: Trial) -> str | Finding:
    """The session is logged on, where the key can do that."""
    async with open_api(trial, trial.key) as api:
        if not trial.key.can_log_on:
            return Finding(Outcome.SKIPPED, "only Ed25519 keys log on; this one signs each request")
        await within(trial.timeout, "log-on", api.wait_logged_on())
        status = await api.call(SessionStatusRequest(), patience=trial.timeout)
        require(status.api_key is not None, "the session says that nobody is logged on")
        return "logged on"


async def account(trial: Trial) -> str:
    """A signed request is taken, and the account can be read."""
    async with open_api(trial, trial.key) as api:
        status = await api.call(AccountStatusRequest(omit_zero_balances=True), patience=trial.timeout)
        require(all(each.free >= 0 and each.locked >= 0 for each in status.balances), "a balance is negative")
        return f"{len(status.balances)} balances, may {'trade' if status.can_trade else 'not trade'}"


async def clock(trial: Trial) -> str:
    """The exchange's clock is followed."""
    async with open_api(trial, trial.key) as api:
        await api.call(OpenOrdersStatusRequest(symbol="BTCUSDT"), patience=trial.timeout)
        await api.synchronise_clock()
        offset = api.now_on_exchange() - trial.environment.clock_ns() // 1_000_000
        return f"the exchange is {offset:+d} ms ahead, and requests are stamped by its clock"


async def wrong_signature(trial: Trial) -> str:
    """A signature that does not fit is refused, by its own error."""
    async with open_api(trial, trial.key) as api:
        forged = api.call(AccountStatusRequest(), key=Forged(trial.key), patience=trial.timeout)
        return str(await refusal(forged, BAD_SIGNATURE, "a forged signature was taken"))


async def subscribe(trial: Trial) -> str:
    """The user data is subscribed and the account read."""
    async with _user(trial) as user:
        started = elapsed()
        await user.wait_subscribed(trial.timeout)
        state = user.state()
        took = elapsed() - started
        return f"{len(state.balances)} balances and {len(state.open_orders)} open orders read in {took * 1000:.0f} ms"


async def come_back(trial: Trial) -> str:
    """After a cut the stream is subscribed again, and the account read anew."""
    async with _user(trial) as user:
        await user.wait_subscribed(trial.timeout)
        events = user.subscribe(control=True)
        trial.sockets.drop()
        while not isinstance(event := await within(trial.timeout, "return", anext(events)), Reconnected):
            pass
        return f"back after {(event.back_ns - event.lost_ns) / 1e6:.0f} ms"


SCRIPT = Script(
    feature="User stream",
    tests={
        "log_on": log_on,
        "account": account,
        "clock": clock,
        "wrong_signature": wrong_signature,
        "subscribe": subscribe,
        "come_back": come_back,
    },
    needs_key=True,
)

if __name__ == "__main__":
    sys.exit(run_script(SCRIPT))

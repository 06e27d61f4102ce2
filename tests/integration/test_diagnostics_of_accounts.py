"""The diagnostics of accounts, sessions and trading as their user runs them, each with another kind of key.

What they find is shown in ``tests/pair/test_diagnostics_of_accounts.py``.
"""

from __future__ import annotations

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from cryptotrader.diagnostics import account_diagnostic, session_diagnostic, trading_diagnostic
from cryptotrader.diagnostics.reporting import run_script
from cryptotrader.simulator import ExchangeAccount, ExchangeLimits
from cryptotrader.testing import RunningExchange
from diagnostic_terminal import GREEN, NEVER, RED, key_of, run_diagnostic
from lived_in_account import live

LIVED_IN, FRESH = 0, 1
KINDS = {"account_diagnostic": "ed25519", "session_diagnostic": "hmac", "trading_diagnostic": "rsa"}
SCRIPTS = {
    "account_diagnostic": account_diagnostic.SCRIPT,
    "session_diagnostic": session_diagnostic.SCRIPT,
    "trading_diagnostic": trading_diagnostic.SCRIPT,
}
SKIPPED = {"session.logon": "refused", "userDataStream.subscribe": "it needs a session that is logged on"}
"""By ``session_diagnostic``: its key here is of a kind that cannot log on."""


@pytest.fixture(scope="module")
def market():
    """An exchange of few trades with smart order routing; the first of its accounts has a past."""
    exchange = RunningExchange(
        symbols=["BTCUSDT", "BTCUSDC"],
        rate=1,
        accounts=tuple(ExchangeAccount(uid=uid) for uid in (1, 2)),
        limits=ExchangeLimits(weight=100_000, orders=1_000, connections=10_000),
    )
    asyncio.run(live(exchange.endpoint, exchange.demo_keys[LIVED_IN].ed25519))
    yield exchange
    exchange.stop()


@pytest.fixture(scope="module")
def endings(market, tmp_path_factory):
    """What each script shows; they run side by side, and trading has an account of its own."""
    folder = tmp_path_factory.mktemp("keys")

    def run(script):
        account = market.demo_keys[FRESH if script == "trading_diagnostic" else LIVED_IN]
        return run_diagnostic(script, "--timeout", NEVER, port=market.port, key=key_of(account, KINDS[script], folder))

    with ThreadPoolExecutor(len(KINDS)) as pool:
        return dict(zip(KINDS, pool.map(run, KINDS), strict=True))


@pytest.mark.parametrize("script", KINDS)
def test_all_is_well(endings, script):
    ended = endings[script]
    lines = ended.text.splitlines()
    shown = {
        line.removeprefix("Test: "): lines[index + 1].split()[1]
        for index, line in enumerate(lines)
        if line.startswith("Test: ")
    }
    skipped = SKIPPED if script == "session_diagnostic" else {}

    assert ended.code == 0, ended.text
    assert list(shown) == list(SCRIPTS[script].tests)
    assert shown == {name: "skipped" if name in skipped else "passed" for name in shown}, ended.text
    assert all(reason in ended.flat for reason in skipped.values())
    assert GREEN in ended.shown
    assert RED not in ended.shown
    assert max(len(line) for line in lines if line.startswith("  ")) <= 80


@pytest.mark.parametrize("script", SCRIPTS)
def test_a_wrong_key_is_red(market, monkeypatch, capsys, script):
    """The report tells the exchange's own words."""
    monkeypatch.setenv("BINANCE_API_KEY", market.demo_keys[LIVED_IN].hmac.api_key)
    monkeypatch.setenv("BINANCE_API_SECRET", market.demo_keys[FRESH].hmac_secret)
    monkeypatch.delenv("BINANCE_PRIVATE_KEY_FILE", raising=False)
    where = ["--endpoint", f"ws://127.0.0.1:{market.port}"]
    code = run_script(SCRIPTS[script], ["--json", "--timeout", NEVER, *where])
    report = json.loads(capsys.readouterr().out)
    failed = [test["detail"] for test in report["tests"] if test["outcome"] == "failed"]

    assert code == report["exit_code"] == 1
    assert len(failed) >= len(SCRIPTS[script].tests) - 2
    assert not [each for each in failed if "is not valid. (code -1022, status 400)" not in each]

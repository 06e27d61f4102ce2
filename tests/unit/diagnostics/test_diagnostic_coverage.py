"""Nothing is left without a diagnostic: no stream module, no kind of stream, no method of the WebSocket API."""

from __future__ import annotations

from pathlib import Path

import pytest

import cryptotrader
from cryptotrader.config import Endpoint
from cryptotrader.credentials import HmacKey
from cryptotrader.diagnostics import (
    account_diagnostic,
    binance_websocket_diagnostic,
    market_diagnostic,
    market_stream_diagnostic,
    order_stream_diagnostic,
    session_diagnostic,
    trading_diagnostic,
    user_stream_diagnostic,
)
from cryptotrader.diagnostics.market_stream_diagnostic import CHECKS as STREAM_CHECKS
from cryptotrader.diagnostics.methods import method_tests
from cryptotrader.diagnostics.trial import Outcome, Trial
from cryptotrader.errors import ConfigurationError
from cryptotrader.models.base_models import Model
from cryptotrader.protocol.channel import CHANNELS
from cryptotrader.protocol.request import REGISTRY, Method, Request, SecurityType

PACKAGE = Path(cryptotrader.__file__).parent
OF_METHODS = [market_diagnostic, session_diagnostic, account_diagnostic, trading_diagnostic]
SCRIPTS = [
    *OF_METHODS,
    binance_websocket_diagnostic,
    market_stream_diagnostic,
    order_stream_diagnostic,
    user_stream_diagnostic,
]
NOWHERE = Trial(Endpoint.local(port=1), 1.0)


def test_each_stream_module_has_its_diagnostic():
    streams = {path.stem for path in PACKAGE.glob("*_stream.py")}
    scripts = {path.stem for path in (PACKAGE / "diagnostics").glob("*_diagnostic.py")}

    assert "market_stream" in streams
    assert {f"{name}_diagnostic" for name in streams} <= scripts
    assert not [path for path in PACKAGE.rglob("*_diagnostic.py") if path.parent.name != "diagnostics"]


def test_each_kind_of_stream_is_tested():
    tests = market_stream_diagnostic.SCRIPT.tests
    assert list(STREAM_CHECKS) == [channel.name for channel in CHANNELS]
    assert list(tests) == [*STREAM_CHECKS, "dense_trades", "order_book"]


def test_each_method_is_tested_by_exactly_one_diagnostic():
    tested = [name for script in OF_METHODS for name in script.SCRIPT.tests]
    assert sorted(tested) == sorted(REGISTRY)
    assert len(tested) == 55


@pytest.mark.parametrize(
    ("script", "count"),
    [(market_diagnostic, 19), (session_diagnostic, 7), (account_diagnostic, 14), (trading_diagnostic, 15)],
    ids=lambda value: value if isinstance(value, int) else value.__name__.rpartition(".")[2],
)
def test_each_check_is_of_a_method_and_runs_in_its_place(script, count):
    assert list(script.SCRIPT.tests) == list(script.CHECKS)
    assert len(script.CHECKS) == count


def test_each_script_asks_for_a_key_that_needs_one():
    needing = {script for script in SCRIPTS if script.SCRIPT.needs_key}
    assert needing == {*OF_METHODS[1:], order_stream_diagnostic, user_stream_diagnostic}
    assert {script for script in SCRIPTS if script.SCRIPT.places_orders} == {
        trading_diagnostic,
        order_stream_diagnostic,
    }
    with pytest.raises(ConfigurationError, match="needs_key=True"):
        _ = NOWHERE.key


@pytest.mark.parametrize("script", OF_METHODS, ids=lambda script: script.__name__.rpartition(".")[2])
async def test_a_method_that_is_new_fails(script):
    """In the folder of any other method of the script."""
    folder = REGISTRY[next(iter(script.CHECKS))].__module__.rpartition(".")[0]

    class NewRequest(Request[Model], frozen=True, kw_only=True):
        api = Method("diagnostics.new", security=SecurityType.TRADE)

    NewRequest.__module__ = f"{folder}.new"
    try:
        tests = method_tests((folder.rpartition(".")[2],), script.CHECKS, script._run)
    finally:
        del REGISTRY["diagnostics.new"]
    found = await tests["diagnostics.new"](NOWHERE)

    assert list(tests)[-1] == "diagnostics.new"
    assert found == (Outcome.FAILED, "no check is written for this method")


@pytest.mark.parametrize("script", [trading_diagnostic, order_stream_diagnostic], ids=["requests", "stream"])
async def test_no_order_is_placed_where_that_is_not_allowed(script):
    """Without a socket: nobody listens at this endpoint."""
    live = Trial(Endpoint.local(port=1), 0.1, may_order=False, credentials=HmacKey("name", "secret"))
    harmless = {"order.test", "sor.order.test", "test_order", "filter_violation"}
    placing = [name for name in script.SCRIPT.tests if name not in harmless]
    found = {name: await script.SCRIPT.tests[name](live) for name in placing}

    assert len(placing) == len(script.SCRIPT.tests) - 2
    assert {name: each.outcome for name, each in found.items()} == dict.fromkeys(placing, Outcome.SKIPPED)
    assert not [name for name, each in found.items() if "--allow-live-orders" not in each.detail]
    assert not live.sockets.opened


async def test_a_kind_of_stream_that_is_new_fails(monkeypatch):
    monkeypatch.delitem(STREAM_CHECKS, "trade")
    with pytest.raises(AssertionError, match="no check is written"):
        await market_stream_diagnostic.SCRIPT.tests["trade"](NOWHERE)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__.rpartition(".")[2])
def test_scripts_are_flat(script):
    """Plain functions: no test classes, and nothing of another script."""
    source = Path(script.__file__).read_text()
    assert not [line for line in source.splitlines() if line.startswith("class ") and "(Protocol)" not in line]
    assert source.count("_diagnostic import") == 0

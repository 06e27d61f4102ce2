"""Nothing is left without a diagnostic: no stream module, no kind of stream, no market request."""

from __future__ import annotations

from pathlib import Path

import pytest

import cryptotrader
from cryptotrader.config import Endpoint
from cryptotrader.diagnostics import (
    binance_websocket_diagnostic,
    market_diagnostic,
    market_stream_diagnostic,
    order_stream_diagnostic,
    user_stream_diagnostic,
)
from cryptotrader.diagnostics.market_diagnostic import CHECKS as REQUEST_CHECKS
from cryptotrader.diagnostics.market_diagnostic import COVERED_FOLDERS, _method
from cryptotrader.diagnostics.market_stream_diagnostic import CHECKS as STREAM_CHECKS
from cryptotrader.diagnostics.trial import Outcome, Trial
from cryptotrader.models.base_models import Model
from cryptotrader.protocol.channel import CHANNELS
from cryptotrader.protocol.request import REGISTRY, Method, Request, SecurityType

PACKAGE = Path(cryptotrader.__file__).parent
SCRIPTS = [
    binance_websocket_diagnostic,
    market_diagnostic,
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


def test_each_market_request_is_tested():
    covered = [
        name
        for name, request in REGISTRY.items()
        if request.__module__.split(".")[-2] in COVERED_FOLDERS and request.api.security is SecurityType.NONE
    ]
    assert sorted(REQUEST_CHECKS) == sorted(covered)
    assert len(covered) == 19
    assert sorted(market_diagnostic.SCRIPT.tests) == sorted(covered)


@pytest.mark.parametrize(
    ("security", "module", "outcome", "detail"),
    [
        (SecurityType.NONE, "cryptotrader.requests.market_data.new", Outcome.FAILED, "no check is written"),
        (SecurityType.TRADE, "cryptotrader.requests.trading.new", Outcome.SKIPPED, "it needs keys"),
    ],
)
async def test_a_method_that_is_new(security, module, outcome, detail):
    class NewRequest(Request[Model], frozen=True, kw_only=True):
        api = Method("diagnostics.new", security=security)

    del REGISTRY["diagnostics.new"]
    NewRequest.__module__ = module
    found = await _method(NewRequest, NOWHERE)

    assert found.outcome is outcome
    assert detail in found.detail


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

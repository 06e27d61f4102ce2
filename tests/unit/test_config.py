"""Settings: which are taken, and what is said of the others."""

from __future__ import annotations

import logging
import os

import pytest

from cryptotrader.config import (
    DEMO,
    LIVE,
    TESTNET,
    Backoff,
    Endpoint,
    Timeouts,
    TimeUnit,
    checked_recv_window,
    endpoint_named,
    get_logger,
)
from cryptotrader.connection import tls_context
from cryptotrader.errors import ConfigurationError


@pytest.mark.parametrize("url", ["http://x", "x:1", "ws://", "", "wss:///path"])
def test_an_address_that_is_no_websocket_is_refused(url):
    with pytest.raises(ConfigurationError, match="is not a ws:// or wss:// address"):
        Endpoint.from_url(url) if "://" in url else Endpoint("x", url, "ws://x")
    with pytest.raises(ConfigurationError, match="is not a ws:// or wss:// address"):
        Endpoint("x", "ws://x", url)


def test_endpoints_are_found_by_name_and_by_address():
    assert [endpoint_named(name) for name in ("live", "testnet", "demo")] == [LIVE, TESTNET, DEMO]
    assert endpoint_named("local") == Endpoint.local()
    assert endpoint_named("local", "ca.pem").stream_url == "wss://127.0.0.1:9443"
    assert endpoint_named("live", "ca.pem").ca == "ca.pem"
    other = endpoint_named("wss://exchange.example:1/ignored")
    assert (other.stream_url, other.api_url) == (
        "wss://exchange.example:1",
        "wss://exchange.example:1/ws-api/v3",
    )
    with pytest.raises(ConfigurationError, match="unknown endpoint 'moon'"):
        endpoint_named("moon")
    assert LIVE.with_time_unit(TimeUnit.MICROSECOND).time_unit is TimeUnit.MICROSECOND


@pytest.mark.parametrize(
    ("endpoint", "live"),
    [
        (LIVE, True),
        (Endpoint.from_url("wss://10.0.0.1"), True),
        (Endpoint.from_url("wss://exchange.example"), True),
        (TESTNET, False),
        (DEMO, False),
        (Endpoint.local(), False),
        (Endpoint.from_url("ws://localhost:1"), False),
        (Endpoint.from_url("ws://[::1]:1"), False),
    ],
)
def test_orders_cost_money_wherever_it_is_not_known_that_they_do_not(endpoint, live):
    assert endpoint.is_live is live


@pytest.mark.parametrize(
    "options", [{"initial": 0.0}, {"initial": -1.0}, {"factor": 0.5}, {"initial": 2.0, "maximum": 1.0}]
)
def test_a_back_off_that_does_not_grow_is_refused(options):
    with pytest.raises(ConfigurationError, match="back-off needs initial > 0, factor >= 1 and maximum >= initial"):
        Backoff(**options)


def test_a_back_off_makes_at_least_one_attempt():
    with pytest.raises(ConfigurationError, match="back-off needs at least one attempt"):
        Backoff(attempts=0)
    assert Backoff(attempts=1).attempts == 1
    assert Backoff(initial=1.0, factor=1.0, maximum=1.0).bound(1_000) == 1.0


def test_bounds_of_a_back_off_grow_up_to_the_maximum_and_never_overflow():
    backoff = Backoff(initial=0.5, factor=3.0, maximum=20.0)

    assert [backoff.bound(attempt) for attempt in (1, 2, 3, 4, 5, 100_000)] == [0.5, 1.5, 4.5, 13.5, 20.0, 20.0]


@pytest.mark.parametrize("name", ["open", "request", "stale", "silence", "close"])
def test_a_time_of_nothing_is_none(name):
    with pytest.raises(ConfigurationError, match="timeouts must be positive"):
        Timeouts(**{name: 0.0})
    assert getattr(Timeouts(**{name: 0.1}), name) == 0.1


@pytest.mark.parametrize("window", [0, -1, 60_000.1, float("nan"), float("inf"), "5000", True])
def test_a_window_that_binance_does_not_take_is_refused(window):
    with pytest.raises(ConfigurationError, match="give a number of milliseconds above 0, and at most 60000"):
        checked_recv_window(window)


@pytest.mark.parametrize("window", [None, 1, 60_000, 0.5])
def test_a_window_that_binance_takes_is_kept_as_it_is(window):
    assert checked_recv_window(window) == window


@pytest.mark.parametrize("content", [None, "no certificate"])
def test_an_authority_that_cannot_be_read_is_a_setting_gone_wrong(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ConfigurationError, match=r"certificate authority .* cannot be read") as raised:
        tls_context(Endpoint.local(ca=os.fspath(path)))
    assert isinstance(raised.value.__cause__, OSError)


def test_loggers_stand_under_the_library_s_own():
    assert get_logger("cryptotrader.x") is logging.getLogger("cryptotrader.x")
    assert get_logger("mine") is logging.getLogger("cryptotrader.mine")
    assert get_logger("cryptotrader").name == "cryptotrader"

"""The diagnostics as their user runs them: what they show, what they report, how they end.

What they find is shown in ``tests/pair/test_diagnostics.py``. Here run those of their tests that judge no time: nothing
depends on how fast the machine is.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import cryptotrader.diagnostics
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
from cryptotrader.diagnostics.reporting import run_script
from cryptotrader.simulator import ExchangeLimits
from diagnostic_terminal import CYAN, GREEN, NEVER, RED, YELLOW, Terminal, key_of, run_diagnostic
from waiting import PATIENCE, eventually

SCRIPTS = {
    "binance_websocket_diagnostic": binance_websocket_diagnostic.SCRIPT,
    "market_stream_diagnostic": market_stream_diagnostic.SCRIPT,
    "market_diagnostic": market_diagnostic.SCRIPT,
    "user_stream_diagnostic": user_stream_diagnostic.SCRIPT,
    "order_stream_diagnostic": order_stream_diagnostic.SCRIPT,
    "session_diagnostic": session_diagnostic.SCRIPT,
    "account_diagnostic": account_diagnostic.SCRIPT,
    "trading_diagnostic": trading_diagnostic.SCRIPT,
}
OF_ACCOUNTS = [name for name, script in SCRIPTS.items() if script.needs_key]
JUDGING_TIME = {"round_trip", "clock", "close"}
"""Tests of base operations that fail where answers are slow, clocks differ, or closing takes long."""
TELLING_NO_TIME = ["book_ticker", "partial_depth_100ms", "dense_trades", "order_book"]
"""Tests of streams whose events cannot be late, since they do not tell when they happened."""
FOLDER = Path(cryptotrader.diagnostics.__file__).parent


def only(names):
    return [word for name in names for word in ("--only", name)]


def assert_green(script, ended, names):
    """Every part of the display that the original documents ask for."""
    lines = ended.shown.splitlines()
    assert ended.code == 0, ended.text
    assert lines[0].startswith(f"{CYAN}=== {SCRIPTS[script].feature}")
    titles = ["Date: ", "Python: ", "Project root: ", "Endpoint: ws://127.0.0.1:", "Symbol: BTCUSDT"]
    assert not [title for title in titles if f"\n{title}" not in ended.text]
    assert [line.partition("Test: ")[2] for line in lines if f"{CYAN}Test: " in line] == names
    quiet = sum(f"{YELLOW}○ quiet in " in line for line in lines)
    assert sum(f"{GREEN}✓ passed in " in line for line in lines) == len(names) - quiet
    assert RED not in ended.shown
    assert f"=== Summary: {len(names)} of {len(names)} tests ran ===" in ended.text


def test_base_operations_are_well(exchange_factory):
    exchange = exchange_factory(rate=300, limits=ExchangeLimits(ping_interval=0.5))
    names = [name for name in binance_websocket_diagnostic.SCRIPT.tests if name not in JUDGING_TIME]
    ended = run_diagnostic("binance_websocket_diagnostic", *only(names), "--timeout", NEVER, port=exchange.port)

    assert_green("binance_websocket_diagnostic", ended, names)
    eventually(lambda: exchange.connections == 0, "end of the connections")


def test_requests_are_well(exchange_factory):
    exchange = exchange_factory(rate=50)
    eventually(lambda: exchange.trades > 100, "second that is over, for its candle")
    ended = run_diagnostic("market_diagnostic", "--timeout", NEVER, port=exchange.port)

    assert_green("market_diagnostic", ended, list(market_diagnostic.SCRIPT.tests))
    eventually(lambda: exchange.connections == 0, "end of the connections")


def test_streams_are_well(exchange_factory):
    exchange = exchange_factory(rate=100)
    names = [name for name in market_stream_diagnostic.SCRIPT.tests if name in TELLING_NO_TIME]
    ended = run_diagnostic("market_stream_diagnostic", *only(names), "--timeout", NEVER, port=exchange.port)

    assert len(names) == len(TELLING_NO_TIME)
    assert_green("market_stream_diagnostic", ended, names)
    eventually(lambda: exchange.connections == 0, "end of the connections")


@pytest.mark.parametrize("script", ["user_stream_diagnostic", "order_stream_diagnostic"])
def test_all_is_well_with_an_account(exchange, script):
    account = exchange.demo_keys[0]
    ended = run_diagnostic(script, "--timeout", NEVER, port=exchange.port, key=key_of(account))

    ran = [line.partition("Test: ")[2] for line in ended.text.splitlines() if line.startswith("Test: ")]
    assert (ended.code, ran) == (0, list(SCRIPTS[script].tests)), ended.text
    assert RED not in ended.shown
    assert account.hmac_secret not in ended.shown


def test_what_is_quiet_is_told(exchange):
    key = key_of(exchange.demo_keys[0])
    ended = run_diagnostic("account_diagnostic", "--only", "myTrades", "--timeout", NEVER, port=exchange.port, key=key)

    assert ended.code == 0
    assert f"{YELLOW}○ quiet in " in ended.shown
    assert "the account has no trades of BTCUSDT" in ended.text
    assert "○ 1 quiet: myTrades" in ended.text


@pytest.mark.parametrize("script", OF_ACCOUNTS)
def test_without_a_key_nothing_runs(monkeypatch, capsys, script):
    """Wrong usage, in one line that says which variables to set; what there is to run is told all the same."""
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(SystemExit, match=r"^2$"):
        run_script(SCRIPTS[script], ["--endpoint", "local"])
    out, err = capsys.readouterr()

    assert (out, err.count("\n")) == ("", 1)
    assert "BINANCE_API_KEY is not set" in err
    assert "BINANCE_API_SECRET or BINANCE_PRIVATE_KEY_FILE" in err
    assert run_script(SCRIPTS[script], ["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == list(SCRIPTS[script].tests)


def test_a_key_is_not_shown_in_clear(monkeypatch, capsys):
    monkeypatch.setenv("BINANCE_API_KEY", "name")
    monkeypatch.setenv("BINANCE_API_SECRET", "secret")
    with pytest.raises(SystemExit, match=r"^2$"):
        run_script(account_diagnostic.SCRIPT, ["--endpoint", "ws://192.0.2.1:9443"])

    assert "keys are used over wss:// only" in capsys.readouterr().err


def test_usage_is_wrong_in_a_terminal_too():
    ended = run_diagnostic("trading_diagnostic", "--endpoint", "local")

    assert (ended.code, len(ended.text.splitlines())) == (2, 1)
    assert ended.text.startswith("trading_diagnostic.py: error: BINANCE_API_KEY is not set")


@pytest.mark.parametrize(
    ("script", "first"),
    [
        ("binance_websocket_diagnostic", "streams_connect"),
        ("market_stream_diagnostic", "trade"),
        ("market_diagnostic", "ping"),
    ],
)
def test_nobody_there_is_red(script, first):
    ended = run_diagnostic(script, "--only", first, "--endpoint", "ws://127.0.0.1:1", "--timeout", NEVER)

    assert ended.code == 1
    assert f"{RED}✗ failed in " in ended.shown
    assert "ConnectFailed: gave up after 3 attempts" in ended.text
    assert f"✗ 1 failed: {first}" in ended.text
    assert "Traceback" not in ended.text


def test_json_is_all_there_is(exchange):
    arguments = ["--json", "--only", "depth", "--only", "ping", "--timeout", NEVER]
    ended = run_diagnostic("market_diagnostic", *arguments, port=exchange.port)

    report = ended.report
    assert ended.code == report["exit_code"] == 0
    assert {test["name"]: test["outcome"] for test in report["tests"]} == {"depth": "passed", "ping": "passed"}
    assert report["counts"]["passed"] == 2
    assert (report["symbol"], report["unfinished"], report["ended_by"]) == ("BTCUSDT", [], None)
    assert report["endpoint"] == f"ws://127.0.0.1:{exchange.port}"


def test_a_pipe_gets_no_colours_and_a_file_runs_like_its_module(exchange):
    command = [sys.executable, str(FOLDER / "market_diagnostic.py"), "--only", "time"]
    where = ["--endpoint", f"ws://127.0.0.1:{exchange.port}"]
    done = subprocess.run([*command, *where], capture_output=True, text=True, timeout=PATIENCE, check=False)

    assert (done.returncode, done.stderr) == (0, "")
    assert "✓ passed" in done.stdout
    assert "\x1b" not in done.stdout


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("output", ["text", "json"])
def test_signals_end_in_order(exchange, number, code, output):
    """While the second of three tests waits for events that do not come."""
    exchange.fault("skip", stream="btcusdt@depth5")
    names = ["book_ticker", "partial_depth", "partial_depth_100ms"]
    terminal = Terminal(
        "market_stream_diagnostic",
        *only(names),
        "--timeout",
        NEVER,
        *(["--json"] if output == "json" else []),
        port=exchange.port,
    )
    if output == "text":
        terminal.wait_for("Test: partial_depth")
    eventually(lambda: exchange.connections, "connection")
    os.kill(terminal.process.pid, number)
    ended = terminal.end()

    assert ended.code == code
    eventually(lambda: exchange.connections == 0, "end of the connections")
    if output == "json":
        assert (ended.report["ended_by"], ended.report["exit_code"]) == (number.name, code)
        assert ended.report["unfinished"][-1] == "partial_depth_100ms"
    else:
        assert "=== Summary: 1 of 3 tests ran ===" in ended.text
        assert "✓ 1 passed: book_ticker" in ended.text
        assert "- 2 not finished: partial_depth, partial_depth_100ms" in ended.text
        assert f"ended by {number.name}" in ended.text
        assert "Traceback" not in ended.text


def test_a_session_by_hand(exchange):
    terminal = Terminal("market_stream_diagnostic", "--interactive", "--timeout", NEVER, port=exchange.port)
    terminal.wait_for("subscribe NAME")
    terminal.type("subscribe btcusdt@trade")
    terminal.wait_for('btcusdt@trade {"e":"trade"')
    terminal.type("subscribe BTCUSDT@bookTicker")
    terminal.wait_for('btcusdt@bookTicker {"u":')
    terminal.type("list")
    terminal.wait_for(f"{CYAN}btcusdt@trade, btcusdt@bookTicker")
    terminal.type("subscribe btcusdt@nonsense")
    terminal.wait_for(f"{RED}SUBSCRIBE: 'btcusdt@nonsense' is not a Binance market stream")
    terminal.type("subscribe btcusdt@trade")
    terminal.wait_for(f"{RED}already subscribed: btcusdt@trade")
    terminal.type("unsubscribe BTCUSDT@trade")
    terminal.type("unsubscribe btcusdt@bookTicker")
    terminal.type("unsubscribe btcusdt@depth")
    terminal.wait_for(f"{RED}not subscribed: btcusdt@depth")
    terminal.type("list")
    terminal.wait_for("no streams")
    terminal.type("dance")
    terminal.type("quit")
    ended = terminal.end()

    assert ended.code == 0
    assert ended.text.count("list · quit") == 2
    assert " events, 0 errors" in ended.text
    eventually(lambda: exchange.connections == 0, "end of the connections")


@pytest.mark.parametrize(("end", "code"), [("\x04", 0), (signal.SIGINT, 130)], ids=["input", "signal"])
def test_a_session_ends_with_its_input_or_a_signal(exchange, end, code):
    terminal = Terminal("market_stream_diagnostic", "--interactive", "--timeout", NEVER, port=exchange.port)
    terminal.wait_for("subscribe NAME")
    terminal.type("subscribe btcusdt@trade")
    terminal.wait_for('btcusdt@trade {"e":"trade"')
    if isinstance(end, str):
        terminal.type(end)
    else:
        os.kill(terminal.process.pid, end)

    assert terminal.end().code == code
    eventually(lambda: exchange.connections == 0, "end of the connections")

"""How tests run: each for itself, watched, and told in full."""

from __future__ import annotations

import asyncio
import json

import pytest

from cryptotrader.base_operations import api_connection
from cryptotrader.config import get_logger
from cryptotrader.diagnostics import binance_websocket_diagnostic
from cryptotrader.diagnostics.binance_websocket_diagnostic import SCRIPT as BASE
from cryptotrader.diagnostics.market_stream_diagnostic import SCRIPT as STREAMS
from cryptotrader.diagnostics.reporting import Script, run_script
from cryptotrader.diagnostics.trial import Finding, Outcome, within
from cryptotrader.errors import ConnectFailed
from cryptotrader.requests import PingRequest
from diagnosed import diagnose, exchange_in_memory

LEFT = []


async def passes(trial):
    return "fine"


async def fails(trial):
    raise AssertionError("not as it should be")


async def is_refused(trial):
    raise ConnectFailed("nobody there")


async def crashes(trial):
    return str(1 // 0)


async def hangs(trial):
    await asyncio.Event().wait()


async def times_out_by_itself(trial):
    raise TimeoutError("of its own")


async def warns(trial):
    get_logger("test").warning("something was repaired")
    return "fine in the end"


async def is_quiet(trial):
    get_logger("test").warning("nothing comes")
    return Finding(Outcome.QUIET, "nothing came")


async def leaves_a_task(trial):
    LEFT.append(asyncio.create_task(asyncio.Event().wait(), name="forgotten"))
    return "fine"


async def leaves_a_socket(trial):
    LEFT.append(api_connection(trial.endpoint, **trial.options))
    await LEFT[-1].call(PingRequest())
    return "fine"


async def records_of(*tests):
    """Run some tests on virtual time; gives the exit code and what is recorded of each."""
    script = Script("running", {test.__name__: test for test in tests})
    async with exchange_in_memory() as exchange:
        run = await diagnose(exchange, script, timeout=30.0)
    LEFT.clear()
    return run.exit_code, {record.name: record for record in run.records}


async def test_one_failure_does_not_stop_the_others():
    code, records = await records_of(fails, is_refused, crashes, hangs, times_out_by_itself, passes)

    assert code == 1
    assert [record.outcome for record in records.values()] == [Outcome.FAILED] * 5 + [Outcome.PASSED]
    assert records["fails"].detail == "not as it should be"
    assert records["is_refused"].detail == "ConnectFailed: nobody there"
    assert records["crashes"].detail.startswith("unexpected ZeroDivisionError")
    assert (records["hangs"].detail, records["hangs"].seconds) == ("stuck: not done within 150 s", 150.0)
    assert records["times_out_by_itself"].detail == "unexpected TimeoutError: of its own"
    assert records["passes"].detail == "fine"
    traced = {name for name, record in records.items() if "Traceback (most recent call last)" in record.traceback}
    assert traced == {"crashes", "times_out_by_itself"}


async def test_what_the_library_warned_of_is_told():
    code, records = await records_of(warns, passes, is_quiet)

    assert code == 0
    assert (records["warns"].outcome, records["warns"].remarks) == (Outcome.HEALED, ["something was repaired"])
    assert (records["passes"].outcome, records["passes"].remarks) == (Outcome.PASSED, [])
    assert (records["is_quiet"].outcome, records["is_quiet"].detail) == (Outcome.QUIET, "nothing came")


async def test_a_forgotten_task_is_a_failure():
    code, records = await records_of(leaves_a_task, passes)

    assert code == 1
    assert records["leaves_a_task"].detail == "left behind: 0 open sockets, 1 tasks forgotten"
    assert records["passes"].outcome is Outcome.PASSED


async def test_a_forgotten_socket_is_a_failure():
    _, records = await records_of(leaves_a_socket)

    assert records["leaves_a_socket"].outcome is Outcome.FAILED
    assert "left behind: 1 open sockets, 1 tasks connection to" in records["leaves_a_socket"].detail


def test_unexpected_errors_show_their_traceback(capsys):
    code = run_script(Script("running", {"crashes": crashes, "passes": passes}), ["--endpoint", "local"])
    out, _ = capsys.readouterr()

    assert code == 1
    assert "return str(1 // 0)" in out
    assert "ZeroDivisionError: integer division or modulo by zero" in out
    assert "1 passed: passes" in out


def test_only_what_was_asked_for_runs(capsys):
    script = Script("running", {test.__name__: test for test in (passes, fails, warns)})
    code = run_script(script, ["--json", "--endpoint", "local", "--only", "warns", "--only", "passes"])
    out, err = capsys.readouterr()
    report = json.loads(out)

    assert (code, err, report["exit_code"]) == (0, "", 0)
    assert [(test["name"], test["outcome"]) for test in report["tests"]] == [("passes", "passed"), ("warns", "healed")]
    assert report["tests"][1]["remarks"] == ["something was repaired"]


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (
            ["--only", "nothing", "--only", "trade"],
            "no test nothing; there are reference_price, aggregate_trade, trade",
        ),
        (["--endpoint", "nowhere"], "unknown endpoint 'nowhere'"),
        (["--endpoint", "http://x"], "is not a ws:// or wss:// address"),
        (["--ca", "/nonexistent/ca.pem"], "certificate authority /nonexistent/ca.pem cannot be read"),
        (["--timeout", "0"], "--timeout needs more than 0"),
        (["--timeout", "nan"], "--timeout needs more than 0"),
        (["--timeout", "soon"], "invalid float value"),
        (["--interactive", "--json"], "--interactive goes with neither"),
        (["--interactive", "--only", "trade"], "--interactive goes with neither"),
        (["--faster"], "unrecognized arguments: --faster"),
    ],
)
def test_wrong_usage_is_told(capsys, arguments, text):
    with pytest.raises(SystemExit, match=r"^2$"):
        run_script(STREAMS, arguments)
    out, err = capsys.readouterr()

    assert out == ""
    assert text in err


def test_the_tests_are_listed(capsys):
    assert run_script(BASE, ["--list"]) == 0
    assert capsys.readouterr().out.splitlines() == list(BASE.tests)


def test_by_hand_is_offered_where_it_is_of_use(capsys):
    with pytest.raises(SystemExit, match=r"^2$"):
        run_script(BASE, ["--interactive"])
    assert "unrecognized arguments: --interactive" in capsys.readouterr().err


async def test_waiting_tells_what_did_not_come():
    with pytest.raises(AssertionError, match="no answer within 3 s"):
        await within(3, "answer", asyncio.Event().wait())


@pytest.mark.parametrize(
    ("limit", "test", "text"),
    [
        ("MAX_ROUND_TRIP", "round_trip", "slow: median"),
        ("MAX_OFFSET", "clock", "set this machine's clock"),
        ("MAX_CLOSE", "close", "closing took"),
    ],
)
async def test_what_is_too_much_fails(monkeypatch, limit, test, text):
    monkeypatch.setattr(binance_websocket_diagnostic, limit, -1.0)
    async with exchange_in_memory() as exchange:
        run = await diagnose(exchange, BASE, test)

    assert run.exit_code == 1
    assert text in run.records[0].detail

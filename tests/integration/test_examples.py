"""Every example as a process of its own against a local exchange: it ends by itself and prints what it promises."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import re
import sys
from collections import defaultdict
from decimal import Decimal
from pathlib import Path

import pytest

from cryptotrader.ingestion.iceberg import read_candles, verify_table
from cryptotrader.models.base_models import KlineInterval
from cryptotrader.recording import RecordingReader
from hand_made_market import make_trades, wait_for_subscriber
from processes import COMMAND, end_of, line_of, running
from waiting import eventually

EXAMPLES = Path(__file__).parents[2] / "examples"
STRICT = [sys.executable, "-W", "error"]
PYTEST = [sys.executable, "-m", "pytest"]
QUIET = ["-q", "-p", "no:cacheprovider", "-p", "no:asyncio"]
PRICE = r"\d+\.\d+"
CROSSING = "refused: Order would immediately match and take."


def start(name, *arguments, command=STRICT, variables=None):
    return running(*command, EXAMPLES / name, *arguments, env={**os.environ, **(variables or {})})


def finish(process, *, warns=False):
    """The lines that an example prints; it succeeds and says nothing on stderr, warnings of the logger excepted."""
    code, out, err = end_of(process)
    assert code == 0, out + err
    assert warns or not err
    return out.splitlines()


def run(name, *arguments, variables=None, warns=False):
    with start(name, *arguments, variables=variables) as process:
        return finish(process, warns=warns)


def key_of(exchange):
    """The first account's HMAC key, as environment variables."""
    keys = exchange.demo_keys[0]
    return {"BINANCE_API_KEY": keys.hmac.api_key, "BINANCE_API_SECRET": keys.hmac_secret}


def assert_dense(ids):
    assert ids == list(range(ids[0], ids[0] + len(ids)))


@pytest.fixture(scope="module")
def where():
    """A market for all examples, in a process of its own as it would be for a user."""
    words = ["simulator", "--port", "0", "--rate", "400", "--symbols", "BTCUSDT,ETHUSDT"]
    with running(*COMMAND, *words) as process:
        yield "--endpoint", re.search(r"ws://\S+", line_of(process, process.stderr))[0]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("examples")


@pytest.fixture(scope="module", autouse=True)
def started(where, folder):
    """The examples that take long, running beside the tests of the others."""
    alone = ("-c", os.devnull, "--rootdir", folder, *QUIET)
    examples = {
        "bot_test": start("bot_test.py", *alone, command=PYTEST),
        "trading_bot_test": start("trading_bot_test.py", *alone, command=PYTEST),
        "outcomes_resolve": start("outcomes_resolve.py"),
        "account_follow": start("account_follow.py"),
        "capture_run": start("capture_run.py", "--table", f"iceberg://{folder}/table", "--seconds", 2.2, *where),
        "exchange_embed": start("exchange_embed.py"),
        "faults_inject": start("faults_inject.py"),
        "streams_record": start("streams_record.py", "--file", folder / "a.rec", "--seconds", 1.5, *where),
    }
    with contextlib.ExitStack() as processes:
        yield {name: processes.enter_context(example) for name, example in examples.items()}


@pytest.fixture(scope="module")
def captured(started, folder, where):
    """What the example of capture prints, and its table, once it holds whole seconds and trades of both sides."""
    table = folder / "table"
    printed = [finish(started["capture_run"])]

    def is_enough():
        seconds = list(read_candles(table, KlineInterval.SECOND_1, symbol="BTCUSDT"))
        return len(seconds) >= 3 and verify_table(table).trades > 300

    def capture_more():
        printed.append(run("capture_run.py", "--table", f"iceberg://{table}", "--seconds", 2, *where))

    eventually(lambda: is_enough() or capture_more())
    return printed[-1], table


@pytest.fixture(scope="module")
def recorded(started, folder, where):
    """What the example of recording prints, and its file, once there are trades and a snapshot in it."""
    file = folder / "a.rec"
    printed = [finish(started["streams_record"])]

    def is_enough():
        with RecordingReader(file) as reader:
            payloads = [frame.payload for frame in reader if not frame.sent]
        trades = sum(b'"e":"trade"' in payload for payload in payloads)
        return trades > 100 and any(b'"lastUpdateId"' in payload for payload in payloads)

    def record_anew():
        file.unlink()
        printed.append(run("streams_record.py", "--file", file, "--seconds", 3, *where))

    eventually(lambda: is_enough() or record_anew())
    return printed[-1], file


def test_every_example_is_run():
    tested = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}

    assert {path.stem for path in EXAMPLES.iterdir() if path.is_file()} <= tested


# ----------------------------------------------------------------------------------------------------------- streams


def test_trades_stream(where):
    lines = run("trades_stream.py", "--count", 20, *where)

    assert len(lines) == 20
    ids = defaultdict(list)
    for line in lines:
        ids[line.split()[0]].append(int(line.split()[1]))
    assert set(ids) <= {"BTCUSDT", "ETHUSDT"}
    for symbol_ids in ids.values():
        assert_dense(symbol_ids)
    assert all(re.fullmatch(rf"\w+ \d+ (buy|sell) {PRICE} at {PRICE}", line) for line in lines)


def test_trades_with_control(exchange_factory):
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=0)
    with start("trades_with_control.py", "--count", 60, "--endpoint", f"ws://127.0.0.1:{exchange.port}") as process:
        wait_for_subscriber(exchange, "btcusdt@trade")
        make_trades(exchange, 10)
        lines = [line_of(process, process.stdout) for _ in range(10)]
        exchange.fault("drop", connection="stream")
        make_trades(exchange, 20)  # seen by nobody
        wait_for_subscriber(exchange, "btcusdt@trade")
        make_trades(exchange, 30)
        lines += finish(process)

    told = [line for line in lines if not line[0].isdigit()]
    assert len(told) == 1
    assert re.match(rf"reconnected after {PRICE} s \(.+\); what was missed is fetched", told[0])
    assert_dense([int(line.split()[0]) for line in lines if line not in told])


def test_klines_stream(where):
    (line,) = run("klines_stream.py", "--interval", "1s", "--count", 1, *where)

    form = rf"[\d:]{{8}} BTCUSDT 1s (open|closed): open {PRICE} high {PRICE} low {PRICE} close {PRICE} volume {PRICE}"
    assert re.match(form, line)


def test_order_book_follow(where):
    lines = run("order_book_follow.py", "--count", 4, "--every", 0.05, *where)

    assert len(lines) == 4
    updates = [int(line.split()[2].rstrip(":")) for line in lines]
    assert updates == sorted(set(updates))
    for line in lines:
        bid, ask, spread = map(Decimal, re.findall(rf"({PRICE}) / ({PRICE}), spread ({PRICE})", line)[0])
        assert ask - bid == spread > 0


def test_batches_read(where):
    summary, *turnover = run("batches_read.py", "--count", 200, *where)

    trades, batches, largest = map(int, re.findall(r"\d+", summary))
    assert 0 < largest <= trades
    assert trades >= 200
    assert 0 < batches <= trades
    assert [line.split()[0] for line in turnover] == ["BTCUSDT", "ETHUSDT"]


def test_callback_receive(where):
    summary, *widest = run("callback_receive.py", "--count", 200, *where)

    assert summary == "200 changes of the best prices"
    assert [line.split()[0] for line in widest] == ["BTCUSDT", "ETHUSDT"]
    assert all(Decimal(line.split()[-1]) > 0 for line in widest)


# ---------------------------------------------------------------------------------------------------------- requests


def test_requests_call(where):
    lines = run("requests_call.py", *where)

    assert lines[0].startswith("exchange clock 20")
    assert lines[1] == "BTCUSDT price step 0.01000000, quantity step 0.00001000"
    assert [" | " in line for line in lines[2:7]] == [True] * 5
    assert lines[7].startswith("this minute: open ")
    assert lines[8].startswith("newest trade: ")


def test_errors_handle(exchange_factory):
    exchange = exchange_factory(symbols=["BTCUSDT"])
    exchange.fault("rate_limit", count=1, seconds=0.5)
    lines = run("errors_handle.py", "--endpoint", f"ws://127.0.0.1:{exchange.port}", warns=True)

    begins = [
        "over the limit: next attempt in 0.",
        "best bid ",
        "not sent, correct the request: depth: ",
        "refused, the same request will be refused again: code -1121, Invalid symbol.",
        "no connection, nothing was sent: gave up after 1 attempts",
    ]
    assert [line[: len(begin)] for line, begin in zip(lines, begins, strict=True)] == begins


# ---------------------------------------------------------------------------------------------------- capture, tables


def test_capture_run(captured):
    lines, table = captured
    report = verify_table(table)

    assert report.is_complete
    assert [line.split(":")[0] for line in lines[:2]] == ["BTCUSDT", "ETHUSDT"]
    assert lines[2:] == [str(symbol) for symbol in report.symbols]
    live, fetched = zip(*(map(int, re.findall(r" (\d+) ", line)) for line in lines[:2]), strict=True)
    assert 0 < sum(live) + sum(fetched) <= report.trades


def test_candles_read(captured, where):
    lines = run("candles_read.py", "--table", f"iceberg://{captured[1]}", "--interval", "1s", *where)

    equal, of = re.fullmatch(r"(\d+) of (\d+) candles equal the exchange's", lines[-1]).groups()
    assert int(equal) == int(of) >= 1
    assert len(lines) == min(int(of), 5) + 1


def test_table_query(captured):
    lines = run("table_query.py", "--table", f"iceberg://{captured[1]}")

    assert [line.split(":")[0] for line in lines] == ["BTCUSDT BUY", "BTCUSDT SELL", "ETHUSDT BUY", "ETHUSDT SELL"]
    assert sum(int(line.split()[2]) for line in lines) == verify_table(captured[1]).trades


def test_client_convert(where):
    records = [json.loads(line) for line in run("client_convert.py", "--count", 5, *where)]

    assert len(records) == 5
    assert all(len(record) == 15 for record in records)
    assert all(record["trade_id"] == f"BINANCE-{record['source_sequence']}" for record in records)


# -------------------------------------------------------------------------------------------------------- recordings


def test_streams_record(recorded):
    lines, file = recorded
    with RecordingReader(file) as reader:
        frames = sum(not frame.sent for frame in reader)

    assert lines == [f"{frames} frames in {file}"]
    assert frames > 100


def test_recording_read(recorded):
    *kinds, last = run("recording_read.py", "--file", recorded[1])

    counts = {kind: int(count) for kind, count in (line.split(": ") for line in kinds)}
    assert counts["trade"] > 100
    assert counts["depth_snapshot"] >= 1  # one for each connection
    assert last.endswith("; 0 damaged bytes")


def test_recording_replay(recorded):
    decoded = run("recording_read.py", "--file", recorded[1])
    trades = next(line.split(": ")[1] for line in decoded if line.startswith("trade: "))
    (line,) = run("recording_replay.py", "--file", recorded[1], "--speed", 10)

    assert line.startswith(f"BTCUSDT: {trades} trades, volume ")


# ------------------------------------------------------------------------------------------------- exchange and tests


def test_exchange_embed(started):
    reconnected, verdict = finish(started["exchange_embed"], warns=True)

    assert reconnected.startswith("reconnected after trade ")
    assert re.fullmatch(r"[3-9]\d\d+ trades, 0 missing", verdict)


def test_exchange_control(exchange_factory):
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=0, control_port=0)
    (status,) = run("exchange_control.py", "--port", exchange.control_port)
    (answer,) = run("exchange_control.py", "--port", exchange.control_port, '{"command": "clear"}')

    assert json.loads(status)["symbols"] == ["BTCUSDT"]
    assert json.loads(answer) == {"ok": True}


def test_faults_inject(started):
    told = dict(line.split(": 0 missing, told of ") for line in finish(started["faults_inject"]))

    assert len(told) == 10
    assert {told[kind] for kind in ("drop", "torn")} == {"Reconnected"}
    assert set(told["half_open"].split(", ")) == {"Reconnected"}  # more than once on a machine that itself stands still
    assert told["garbage"] == "DecodeFailed, DecodeFailed"
    assert told["server_shutdown"] == "ServerShutdown, Reconnected"
    assert {told[kind] for kind in ("delay", "duplicate", "reorder", "skip")} == {"nothing"}


def test_tls_connect(exchange_factory, tmp_path):
    exchange = exchange_factory(symbols=["BTCUSDT"], tls=tmp_path)
    (line,) = run("tls_connect.py", "--port", exchange.port, "--ca", tmp_path / "ca.pem")

    assert re.fullmatch(rf"wss://127\.0\.0\.1:{exchange.port}: BTCUSDT {PRICE} at {PRICE}", line)


def test_bot_run(where):
    *signals, summary = run("bot_run.py", "--window", 20, "--count", 100, *where)

    assert summary == f"100 trades, {len(signals)} signals"
    sides = [line.split(" is ")[1].split()[0] for line in signals]
    assert all(one != other for one, other in itertools.pairwise(sides))


def test_bot_test(started):
    assert finish(started["bot_test"])[-1].startswith("6 passed")


# ------------------------------------------------------------------------------------------------------------- trading


def test_order_place(exchange_factory):
    exchange = exchange_factory(symbols=["BTCUSDT"])
    lines = run("order_place.py", "--endpoint", f"ws://127.0.0.1:{exchange.port}", variables=key_of(exchange))

    orders = [line for line in lines if line.startswith("order ")]
    assert re.fullmatch(rf"order \d+ buys 0\.001\d* at {PRICE}: NEW", orders[0])
    assert re.fullmatch(r"order \d+: CANCELED", orders[1])
    assert re.fullmatch(rf"order \d+ bought 0\.001\d* at {PRICE}", orders[2])
    events = [line.split()[-1] for line in lines if line.startswith("  event: order ")]
    events = [status for status in events if status != "PARTIALLY_FILLED"]  # as small as the offers in the book were
    assert events == ["NEW", "CANCELED", "NEW", "FILLED"]
    balances = {
        line.split(":")[0]: Decimal(line.split()[1]) for line in lines if line.endswith(" free, 0.00000000 locked")
    }
    assert balances["BTC"] == Decimal("100.000999")


def test_order_place_refuses_the_live_exchange():
    with start("order_place.py", "--endpoint", "live") as process:
        code, _, err = end_of(process)

    assert code == 2
    assert err.endswith("orders cost money there: use local, testnet or demo\n")


def test_order_types_place():
    told = dict(line.split(": ") for line in run("order_types_place.py"))

    assert len(told) == 14
    assert told["limit"] == "BUY LIMIT, NEW, 0 executed"
    assert told["limit, now or never"] == "BUY LIMIT, EXPIRED, 0 executed"
    filled = {what for what, outcome in told.items() if "FILLED" in outcome}
    assert filled == {"market", "market, by what it costs", "routed over several books"}


def test_order_lists_place():
    lines = run("order_lists_place.py")

    assert [line.split(": ")[1] for line in lines if line[0] != " "] == ["EXECUTING"] * 5 + ["ALL_DONE"]
    assert {line.split(": ")[1] for line in lines[-2:]} == {"FILLED", "EXPIRED"}


def test_order_change():
    lines = run("order_change.py")

    assert re.fullmatch(rf"amended: 0\.003\d* at {PRICE}, NEW", lines[0])
    assert re.fullmatch(rf"replaced: CANCELED, now 0\.004\d* at {PRICE}, NEW", lines[1])
    assert lines[2] == "one half only: cancelled False, placed True"
    assert [line.split(",")[0].strip() for line in lines[3:5]] == ["NEW", "CANCELED"]
    filters = [line.split(":")[0].split()[-1] for line in lines if line.startswith("not sent, filter ")]
    assert filters == ["LOT_SIZE", "PRICE_FILTER", "NOTIONAL"]
    assert lines[-3] == "refused: code -2010, Order would immediately match and take."
    assert lines[-1].startswith("rounded: 0.00123000 at ")


def test_keys_use():
    lines = run("keys_use.py", warns=True)

    assert lines[:3] == [
        "Ed25519Key: account 1001, logged on once",
        "RsaKey: account 1001, each request signed",
        "HmacKey: account 1001, each request signed",
    ]
    assert [line.split()[-1] for line in lines[3:6]] == ["1001", "1002", "1001"]
    assert sum(line.startswith("not usable: ") for line in lines) == 4
    assert [line.split(",")[0].split()[-1] for line in lines[-3:]] == ["-1022", "-2015", "-2014"]


def test_outcomes_resolve(started):
    lines = finish(started["outcomes_resolve"], warns=True)

    found = [re.fullmatch(r"  known after .+ s: (.+)", line) for line in lines]
    ends = [re.sub(r"\d+", "#", match[1]) for match in found if match]
    assert ends == ["order # is FILLED", "order # is NEW", "no such order", "order # is CANCELED", "order # is NEW"]
    assert sum("outcome unknown" in line for line in lines) == 5


def test_account_follow(started):
    lines = finish(started["account_follow"], warns=True)

    assert "second: USDT +100.00000000 from outside" in lines
    lost = next(number for number, line in enumerate(lines) if line.startswith("first: reconnected "))
    assert any(line.startswith("first: missed trade ") for line in lines[lost:])
    assert any("expected 1000.00000000, found 1005.00000000" in line for line in lines[lost:])
    assert lines[-1] == "now: 0 open orders, 1005.00000000 BNB"


def test_limits_keep():
    told = dict(line.split(": ", 1) for line in run("limits_keep.py"))

    assert all(told[f"order {number}"].startswith("done") for number in (1, 2, 3))
    assert told["first request"].startswith("code -1003, Too much request weight used")
    assert told["order 4"].startswith("code -1015, by this library's own count unfilled orders are used up until ")
    used_up = "code -1003, by this library's own count request weight is used up until "
    assert told["second, with patience"].startswith("done after ")
    assert told["third"].startswith("code -1003, Too much request weight used")
    assert told["fourth, without patience"].startswith(used_up)
    assert told["sent into it"].startswith("shut out, Way too much request weight used; IP banned until ")
    assert told["not sent"].startswith(used_up)


def test_trading_bot_run(exchange_factory):
    exchange = exchange_factory(symbols=["BTCUSDT"], rate=300)
    address = f"ws://127.0.0.1:{exchange.port}"
    *told, position = run("trading_bot_run.py", "--endpoint", address, "--seconds", 1, variables=key_of(exchange))

    times = {what: int(number) for what, number in (line.rsplit(": ", 1) for line in told)}
    others = {"cancelled", "too late to cancel", "too many orders", "too many requests"}
    assert times.keys() <= {"placed", CROSSING, *others}
    assert times.get("placed", 0) + times.get(CROSSING, 0) >= 2  # each side at least once
    assert re.fullmatch(r"position [+-]\d\.\d+", position)


def test_trading_bot_test(started):
    assert finish(started["trading_bot_test"])[-1].startswith("9 passed")

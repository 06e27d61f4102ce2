"""Recording, decoding and replaying as commands, over sockets and files."""

from __future__ import annotations

import gzip
import json
import signal
import subprocess
import sys

import pytest

from cryptotrader.ingestion.iceberg import verify_table
from cryptotrader.recording import RecordingReader
from waiting import PATIENCE, eventually

STREAMS = ["btcusdt@trade", "ethusdt@trade", "btcusdt@depth@100ms", "btcusdt@bookTicker"]


def start(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "cryptotrader", *map(str, arguments)], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def record_until(size, path, where, *streams, end=signal.SIGINT):
    """Record in another process until the file has so many bytes; returns its exit code, output and complaints."""
    process = start("record", *streams, "--file", path, "--endpoint", where)
    try:
        eventually(lambda: process.poll() is not None or (path.exists() and path.stat().st_size > size), f"{size} B")
        assert process.poll() is None, process.communicate()
        process.send_signal(end)
        out, err = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    complaints = [line for line in err.splitlines() if not line.endswith(b" frames received")]
    return process.returncode, out, complaints


def test_a_recording_is_decoded_replayed_captured_and_complete(command, exchange_factory, tmp_path):
    truth, path = tmp_path / "truth.jsonl", tmp_path / "a.rec"
    exchange = exchange_factory(rate=400, truth=truth)
    where = f"ws://127.0.0.1:{exchange.port}"
    code, out, err = record_until(60_000, path, where, *STREAMS)
    exchange.stop()
    assert (code, err) == (128 + signal.SIGINT, [])
    frames = int(out.split()[1])
    assert frames == sum(not frame.sent for frame in recorded_frames(path))

    code, out, err = command("decode", path)
    assert (code, err) == (0, "")
    events = [json.loads(line) for line in out.splitlines()]
    made = {(each["symbol"], each["trade_id"]): each for each in map(json.loads, truth.read_text().splitlines())}
    trades = [event for event in events if event["event"] == "trade"]
    assert {trade["symbol"] for trade in trades} == {"BTCUSDT", "ETHUSDT"}
    assert [(trade["price"], trade["quantity"], trade["is_buyer_maker"], trade["trade_time"]) for trade in trades] == [
        (true["price"], true["quantity"], true["is_buyer_maker"], true["trade_time_us"] // 1000)
        for true in (made[trade["symbol"], trade["trade_id"]] for trade in trades)
    ]
    assert {event["symbol"] for event in events if event["event"] == "depth_snapshot"} == {"BTCUSDT"}

    again = exchange_factory(replay=path, speed=4)
    sink = f"iceberg://{tmp_path / 'table'}"
    code, out, err = command(
        "ingest", "--symbols", "BTCUSDT,ETHUSDT", "--sink", sink, "--until-shutdown",
        "--endpoint", f"ws://127.0.0.1:{again.port}",
    )  # fmt: skip
    assert (code, err) == (0, "")
    report = verify_table(tmp_path / "table")
    assert report.is_complete
    assert report.trades == len({(trade["symbol"], trade["trade_id"]) for trade in trades})


def recorded_frames(path):
    with RecordingReader(path) as reader:
        yield from reader


def test_a_killed_recording_is_continued(exchange_factory, command, tmp_path):
    path = tmp_path / "a.rec"
    exchange = exchange_factory(rate=500)
    where = f"ws://127.0.0.1:{exchange.port}"
    code, _, _ = record_until(5_000, path, where, "btcusdt@trade", end=signal.SIGKILL)
    assert code == -signal.SIGKILL
    with path.open("ab") as file:
        file.write(path.read_bytes()[:500])  # as if the last segment had been cut in the middle
    before = sum(1 for _ in recorded_frames(path))
    code, _, err = command("decode", path)
    assert code == 1
    assert "damaged: 500 bytes" in err
    code, _, err = record_until(path.stat().st_size + 5_000, path, where, "btcusdt@trade")
    assert (code, err) == (128 + signal.SIGINT, [])
    with RecordingReader(path) as reader:
        assert sum(1 for _ in reader) > before
        assert (reader.damaged_bytes, reader.torn_bytes) == (0, 0)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_ends_a_recording_with_its_last_segment(exchange_factory, tmp_path, number, code):
    path = tmp_path / "a.rec"
    exchange = exchange_factory(rate=500)
    where = f"ws://127.0.0.1:{exchange.port}"
    ended, out, err = record_until(0, path, where, "btcusdt@trade", end=number)
    assert (ended, err) == (code, [])
    assert int(out.split()[1]) == sum(not frame.sent for frame in recorded_frames(path))


def test_what_cannot_be_decoded_is_counted(command, tmp_path):
    path = tmp_path / "frames.txt"
    path.write_text('1723161253937085768 {"u":1,"s":"A","b":"1","B":"2","a":"3","A":"4"}\ngarbage\n{"e":"unheard"}\n')
    code, out, err = command("decode", path)
    assert code == 1
    assert json.loads(out)["received_ns"] == 1723161253937085768
    assert "undecodable: 2 frames" in err


@pytest.mark.parametrize(("name", "trades", "frames"), [("btcusdt", 9757, 41249), ("ethusdt", 6106, 33618)])
def test_recorded_data_decodes_from_a_pipe_without_a_rest(shared_folder, name, trades, frames):
    data = gzip.decompress((shared_folder / "data" / f"{name}_20240808.gz").read_bytes())
    done = subprocess.run(
        [sys.executable, "-m", "cryptotrader", "decode", "-"],
        input=data,
        capture_output=True,
        check=False,
        timeout=PATIENCE,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    events = [json.loads(line) for line in done.stdout.splitlines()]
    ids = [event["trade_id"] for event in events if event["event"] == "trade"]
    assert len(events) == frames
    assert ids == list(range(ids[0], ids[0] + trades))


@pytest.mark.parametrize(("name", "trades"), [("btcusdt", 9757), ("ethusdt", 6106)])
def test_recorded_data_replayed_and_captured_is_complete(shared_folder, tmp_path, name, trades):
    path = shared_folder / "data" / f"{name}_20240808.gz"
    exchange = start("simulator", "--replay", path, "--speed", 300, "--port", 0)
    said = exchange.stderr.readline().decode()
    sink = f"iceberg://{tmp_path / 'table'}"
    ingest = start(
        "ingest", "--symbols", name.upper(), "--sink", sink, "--until-shutdown", "--endpoint", said.split()[3]
    )
    out, err = ingest.communicate(timeout=PATIENCE)
    assert (ingest.returncode, out.decode()) == (0, f"stored: {trades} trades, 0 unresolved\n"), err
    exchange.communicate(timeout=PATIENCE)
    assert exchange.returncode == 0
    (report,) = verify_table(tmp_path / "table").symbols
    assert (report.trades, report.is_complete) == (trades, True)

"""Recording what the exchange in memory sends, on a disk that may be slow, fail or hang."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import random
from dataclasses import replace

import pytest

import cryptotrader.recorder as module
from capturing import QUICK, MemorySink, assert_ledger_tells_the_rows, market, outcome
from cryptotrader.config import Backoff
from cryptotrader.errors import (
    ConfigurationError,
    ConnectFailed,
    RequestInvalid,
    SinkFailed,
    UnknownSymbol,
)
from cryptotrader.ingestion import Capture, CaptureConfig
from cryptotrader.ingestion.iceberg import IcebergSink, verify_table
from cryptotrader.recorder import FLUSH_SECONDS, Recorder
from cryptotrader.recording import RecordingReader, RecordingWriter
from cryptotrader.simulator import LocalExchange
from storms import storm
from virtual_clock import Gate, running_loop
from volume import rounds

TRADES = ("btcusdt@trade",)
NO_SPACE = OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def disk(monkeypatch):
    """Sets what happens before each write to the file; it is given the file, the number of the write and the data."""

    def use(before_write):
        class File:
            def __init__(self, file):
                self._file, self._writes = file, 0

            def write(self, data):
                self._writes += 1
                before_write(self._file, self._writes, data)
                return self._file.write(data)

            def __getattr__(self, name):
                return getattr(self._file, name)

        class Writer(RecordingWriter):
            def __init__(self, path):
                super().__init__(path)
                self._file = File(self._file)

        monkeypatch.setattr(module, "RecordingWriter", Writer)

    return use


def tearing(number):
    """Half of this write arrives, and then the disk is full."""

    def tear(file, write, data):
        if write == number:
            file.write(data[: len(data) // 2])
            raise NO_SPACE

    return tear


class Taps:
    """A dialer that keeps what the recorder's handlers are given, by connection."""

    def __init__(self, dial):
        self._dial = dial
        self.frames = []
        self._count = 0

    async def __call__(self, url, handler, *, timeout, tls=None):
        self._count += 1
        return await self._dial(url, _Tap(handler, self.frames, self._count), timeout=timeout, tls=tls)


class _Tap:
    def __init__(self, handler, frames, number):
        self._handler, self._frames, self._number = handler, frames, number

    def on_frame(self, payload, received_ns):
        self._frames.append((self._number, received_ns, payload))
        self._handler.on_frame(payload, received_ns)

    def __getattr__(self, name):
        return getattr(self._handler, name)


def recorder_of(pair, path, streams=TRADES, **settings):
    """A recorder, and all that it receives once it records."""
    taps = Taps(pair.environment.dial)
    environment = replace(pair.environment, dial=taps)
    settings = {"backoff": QUICK, "environment": environment} | settings
    return Recorder(pair.exchange.endpoint, streams, path, **settings), taps.frames


async def record_for(recorder, seconds, *, during=()):
    """Record for so long; each of ``during`` is a delay and what to do then."""
    stop, loop = asyncio.Event(), running_loop()
    loop.call_later(seconds, stop.set)
    for delay, work in during:
        loop.call_later(delay, work)
    return await recorder.run(stop)


def frames_of(path):
    with RecordingReader(path) as reader:
        frames = list(reader)
        assert (reader.damaged_bytes, reader.torn_bytes) == (0, 0)
    return frames


def assert_holds(path, received):
    """The file holds what was received, byte for byte, in order."""
    recorded = [(frame.received_ns, frame.payload) for frame in frames_of(path) if not frame.sent]
    # the lookup of the symbols, which is not recorded, came over the first connection
    assert recorded == [(received_ns, payload) for number, received_ns, payload in received if number > 1]
    assert recorded


def trade_ids(frames):
    return [
        json.loads(frame.payload)["data"]["t"] for frame in frames if b'@trade"' in frame.payload and not frame.sent
    ]


async def test_every_frame_of_every_connection_is_there_byte_for_byte(tmp_path):
    async with market("BTCUSDT", "ETHUSDT", rate=100) as pair:
        streams = ("btcusdt@trade", "ethusdt@trade", "btcusdt@depth@100ms", "!miniTicker@arr")
        recorder, received = recorder_of(pair, tmp_path / "a.rec", streams)
        during = [(3, lambda: pair.exchange.fault("drop", connection="stream"))]
        count = await record_for(recorder, 6, during=during)
        frames = frames_of(tmp_path / "a.rec")

        assert_holds(tmp_path / "a.rec", received)
        assert count == recorder.frames == sum(not frame.sent for frame in frames)
        assert recorder.connections == 3 == len({frame.connection for frame in frames})
        asked = [json.loads(frame.payload) for frame in frames if frame.sent]
        snapshots = [request["id"] for request in asked if request["method"] == "depth"]
        assert len(snapshots) == 2  # one for each connection of the stream
        answers = [frame.payload for frame in frames if b'"lastUpdateId"' in frame.payload]
        assert [json.loads(answer)["id"] for answer in answers] == snapshots


async def test_a_book_can_be_built_anew_from_the_file_alone(tmp_path):
    async with market(rate=100) as pair:
        recorder, _ = recorder_of(pair, tmp_path / "a.rec", ("btcusdt@depth@100ms",), snapshot_levels=5000)
        await record_for(recorder, 5)
        messages = [json.loads(frame.payload) for frame in frames_of(tmp_path / "a.rec") if not frame.sent]
        (snapshot,) = [message["result"] for message in messages if "lastUpdateId" in message.get("result", {})]
        changes = [message["data"] for message in messages if message.get("stream") == "btcusdt@depth@100ms"]
        after = [change for change in changes if change["u"] > snapshot["lastUpdateId"]]

        assert after[0]["U"] <= snapshot["lastUpdateId"] + 1
        assert [change["U"] for change in after[1:]] == [change["u"] + 1 for change in after[:-1]]


async def test_what_was_recorded_is_replayed_captured_and_complete(tmp_path):
    async with market("BTCUSDT", "ETHUSDT", rate=100) as pair:
        recorder, _ = recorder_of(pair, tmp_path / "a.rec", ("btcusdt@trade", "ethusdt@trade"))
        await record_for(recorder, 8)
        made = dict(pair.made)
    frames = frames_of(tmp_path / "a.rec")
    again = LocalExchange(port=None, replay=tmp_path / "a.rec", clock=running_loop().wall_us)
    environment = replace(pair.environment, dial=again.dial)
    stop = asyncio.Event()
    async with again:
        capture = Capture(
            again.endpoint,
            ["BTCUSDT", "ETHUSDT"],
            IcebergSink(f"iceberg://{tmp_path}/table"),
            config=CaptureConfig(commit_seconds=2.0),
            environment=environment,
            on_shutdown=stop.set,
        )
        ledger = await capture.run(stop)
    report = verify_table(tmp_path / "table")

    assert report.is_complete
    assert report.trades == len(trade_ids(frames)) > 500
    assert [(each.symbol, each.first, each.last) for each in report.symbols] == [
        (symbol, ledger.of(symbol).stream.first, ledger.of(symbol).stream.last) for symbol in ("BTCUSDT", "ETHUSDT")
    ]
    assert all((each.symbol, each.first) in made and (each.symbol, each.last) in made for each in report.symbols)


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(rounds(4, 200)))
async def test_nothing_that_came_is_missing_after_a_storm_on_a_slow_disk(seed, tmp_path, disk):
    dice = random.Random(seed)
    loop = running_loop()
    disk(lambda *_: loop.sleep_in_thread(dice.uniform(0, 3)))
    async with market("BTCUSDT", "ETHUSDT", rate=50, seed=seed) as pair:
        streams = ("btcusdt@trade", "ethusdt@trade", "btcusdt@depth@100ms")
        recorder, received = recorder_of(
            pair, tmp_path / "a.rec", streams, backoff=Backoff(initial=0.1, maximum=1.0, attempts=None)
        )
        await record_for(recorder, 20, during=storm(dice, pair.exchange, 0.5, 20, 10))

        assert_holds(tmp_path / "a.rec", received)
        connections = [frame.connection for frame in frames_of(tmp_path / "a.rec") if not frame.sent]
        assert connections == [number - 1 for number, _, _ in received if number > 1]


async def test_a_frame_waits_no_longer_than_a_second_for_its_segment(tmp_path):
    async with market(rate=50) as pair:
        recorder, received = recorder_of(pair, tmp_path / "a.rec")
        seen = []

        def look():
            with RecordingReader(tmp_path / "a.rec") as reader:
                newest = max(frame.received_ns for frame in reader)
            seen.append((running_loop().wall_ns() - newest) / 1e9)

        await record_for(recorder, 9, during=[(at, look) for at in (2.4, 3.9, 5.05, 8.99)])
        assert [lag <= FLUSH_SECONDS + 0.1 for lag in seen] == [True] * 4


async def test_a_disk_that_hangs_ends_recording_before_memory_fills_and_nothing_is_lost(tmp_path, disk, monkeypatch):
    gate = Gate(running_loop())
    disk(lambda *_: gate.wait())
    monkeypatch.setattr(module, "MOST_WAITING_BYTES", 100_000)
    async with market(rate=100) as pair:
        recorder, received = recorder_of(pair, tmp_path / "a.rec")
        running = asyncio.ensure_future(record_for(recorder, 10_000))
        await gate.reached.wait()
        await asyncio.sleep(60)
        assert pair.exchange.connections == 0  # nothing more comes
        assert recorder._waiting_bytes < 110_000
        assert not running.done()
        gate.open()
        with pytest.raises(SinkFailed, match=r"a\.rec: the disk is too slow for these streams"):
            await running

        assert_holds(tmp_path / "a.rec", received)
        RecordingWriter(tmp_path / "a.rec").close()  # the lock is let go


@pytest.mark.parametrize("write", [1, 3])
async def test_a_full_disk_is_told_at_once_and_what_stood_before_stays(write, tmp_path, disk):
    disk(tearing(write))
    async with market(rate=100) as pair:
        path = tmp_path / "a.rec"
        recorder, received = recorder_of(pair, path)
        with pytest.raises(SinkFailed, match=r"a\.rec: cannot be written \(No space left on device\)"):
            await record_for(recorder, 1000)

        assert running_loop().time() == pytest.approx(write * FLUSH_SECONDS, abs=0.1)
        assert pair.exchange.connections == 0
        with RecordingReader(path) as reader:
            whole = [(frame.received_ns, frame.payload) for frame in reader if not frame.sent]
            assert reader.damaged_bytes == 0
            assert reader.torn_bytes > 0
        expected = [(received_ns, payload) for number, received_ns, payload in received if number > 1]
        assert whole == expected[: len(whole)]
        assert (whole == []) is (write == 1)


async def test_recording_goes_on_where_a_full_disk_ended_it(tmp_path, disk, caplog):
    path = tmp_path / "a.rec"
    async with market(rate=100) as pair:
        disk(tearing(3))
        recorder, _ = recorder_of(pair, path)
        with pytest.raises(SinkFailed, match="No space left"):
            await record_for(recorder, 1000)
        with RecordingReader(path) as reader:
            before = list(reader)
            torn = reader.torn_bytes
        disk(lambda *_: None)
        recorder, received = recorder_of(pair, path)
        with caplog.at_level(logging.WARNING, logger="cryptotrader"):
            await record_for(recorder, 3)

        assert f"{path}: cut off {torn} torn bytes at its end" in caplog.messages
        frames = frames_of(path)
        assert frames[: len(before)] == before
        assert [frame.payload for frame in frames[len(before) :] if not frame.sent] == [
            payload for number, _, payload in received if number > 1
        ]


@pytest.mark.parametrize("how", ["signal", "cancelled"])
@pytest.mark.parametrize("fails", [False, True])
async def test_ending_in_the_middle_of_a_write_waits_for_it_and_tells_its_failure(how, fails, tmp_path, disk):
    gate = Gate(running_loop())

    def write_slowly(file, write, data):
        if write == 2:
            gate.wait()
            if fails:
                raise NO_SPACE

    disk(write_slowly)
    async with market(rate=100) as pair:
        recorder, received = recorder_of(pair, tmp_path / "a.rec")
        stop = asyncio.Event()
        running = asyncio.ensure_future(recorder.run(stop))
        await gate.reached.wait()
        await asyncio.sleep(2)
        if how == "signal":
            stop.set()
        else:
            running.cancel()
        await asyncio.sleep(60)
        assert not running.done()
        assert pair.exchange.connections == 0
        gate.open()
        ended = await outcome(running)

        if fails:
            assert isinstance(ended, SinkFailed)
            assert "No space left on device" in str(ended)
        else:
            assert ended == recorder.frames if how == "signal" else isinstance(ended, asyncio.CancelledError)
            assert_holds(tmp_path / "a.rec", received)
        RecordingWriter(tmp_path / "a.rec").close()  # the lock is let go


async def test_a_disk_that_fails_in_the_last_write_is_told_and_the_file_is_closed(tmp_path, disk):
    disk(tearing(4))
    async with market(rate=100) as pair:
        recorder, _ = recorder_of(pair, tmp_path / "a.rec")
        with pytest.raises(SinkFailed, match="No space left"):
            await record_for(recorder, 3.5)
        writer = RecordingWriter(tmp_path / "a.rec")
        assert writer.recovered > 0
        writer.close()


@pytest.mark.volume
@pytest.mark.parametrize("seed", range(rounds(6, 300)))
async def test_a_recording_that_was_killed_anywhere_is_continued(seed, tmp_path):
    dice, path = random.Random(seed), tmp_path / "a.rec"
    async with market(rate=50, seed=seed) as pair:
        kept = []
        for _ in range(3):
            recorder, received = recorder_of(pair, path)
            await record_for(recorder, dice.uniform(0.5, 4))
            frames = frames_of(path)
            assert frames[: len(kept)] == kept
            assert [frame.payload for frame in frames[len(kept) :] if not frame.sent] == [
                payload for number, _, payload in received if number > 1
            ]
            path.write_bytes(path.read_bytes()[: -dice.randint(1, 3000)])  # as if killed while it wrote
            with RecordingReader(path) as reader:
                kept = list(reader)
                assert reader.damaged_bytes == 0
            assert kept == frames[: len(kept)]


async def test_what_came_is_written_when_the_exchange_is_gone_for_good(tmp_path):
    async with market(rate=100) as pair:
        recorder, received = recorder_of(pair, tmp_path / "a.rec")
        running = asyncio.ensure_future(record_for(recorder, 1000))
        await asyncio.sleep(3.5)
        await pair.exchange.stop()
        with pytest.raises(ConnectFailed, match="gave up after 20 attempts"):
            await running

        assert_holds(tmp_path / "a.rec", received)
        assert len(trade_ids(frames_of(tmp_path / "a.rec"))) > 200


async def test_a_snapshot_that_is_refused_is_told_and_asked_for_again_on_the_next_connection(tmp_path, caplog):
    async with market(rate=50) as pair:
        recorder, _ = recorder_of(pair, tmp_path / "a.rec", ("btcusdt@depth",))
        looked_up = module.look_up_symbols

        async def look_up(*args, **kwargs):
            found = await looked_up(*args, **kwargs)
            pair.exchange.fault("rate_limit", count=1, seconds=1.0)
            return found

        with pytest.MonkeyPatch.context() as patched, caplog.at_level(logging.WARNING, logger="cryptotrader"):
            patched.setattr(module, "look_up_symbols", look_up)
            during = [(5, lambda: pair.exchange.fault("drop", connection="stream"))]
            await record_for(recorder, 10, during=during)

        assert [
            text for text in caplog.messages if text.startswith("no order book snapshot of BTCUSDT: depth: Too much")
        ]
        answers = [frame for frame in frames_of(tmp_path / "a.rec") if b'"lastUpdateId"' in frame.payload]
        assert len(answers) == 1


async def test_the_announcement_of_a_shutdown_is_handed_on(tmp_path):
    async with market(rate=50) as pair:
        stop, told = asyncio.Event(), []

        def shut_down():
            told.append(running_loop().time())
            stop.set()

        recorder, _ = recorder_of(pair, tmp_path / "a.rec", on_shutdown=shut_down)
        running_loop().call_later(2, lambda: pair.exchange.fault("server_shutdown", seconds=30.0))
        await recorder.run(stop)
        assert told == [pytest.approx(2, abs=0.1)]

        recorder, _ = recorder_of(pair, tmp_path / "b.rec")
        during = [(1, lambda: pair.exchange.fault("server_shutdown", connection="stream", seconds=2.0))]
        await record_for(recorder, 5, during=during)
        assert recorder.connections == 2


async def test_what_cannot_be_recorded_is_told_before_a_file_is_made(tmp_path):
    path = tmp_path / "a.rec"
    async with market() as pair:
        with pytest.raises(UnknownSymbol, match="NOPEUSDT"):
            await record_for(recorder_of(pair, path, ("btcusdt@trade", "nopeusdt@trade"))[0], 1)
        with pytest.raises(RequestInvalid, match="give at least one stream"):
            recorder_of(pair, path, ())
        with pytest.raises(RequestInvalid, match="btcusdt@nothing"):
            recorder_of(pair, path, ("btcusdt@nothing",))
    assert not path.exists()


async def test_a_file_that_cannot_be_recorded_into_is_told(tmp_path):
    plain = tmp_path / "plain.txt"
    plain.write_text("no recording at all\n")
    async with market() as pair:
        with pytest.raises(ConfigurationError, match="is no recording; nothing was written"):
            await record_for(recorder_of(pair, plain)[0], 1)
        with pytest.raises(SinkFailed, match=r"cannot be written \(No such file or directory\)"):
            await record_for(recorder_of(pair, tmp_path / "none" / "a.rec")[0], 1)
        writer = RecordingWriter(tmp_path / "a.rec")
        with pytest.raises(ConfigurationError, match="another process is recording here"):
            await record_for(recorder_of(pair, tmp_path / "a.rec")[0], 1)
        writer.close()
        assert pair.exchange.connections == 0
    assert plain.read_text() == "no recording at all\n"


async def test_two_captures_of_one_replay_store_the_same(tmp_path):
    async with market(rate=100) as pair:
        recorder, _ = recorder_of(pair, tmp_path / "a.rec")
        during = [(2, lambda: pair.exchange.fault("skip", stream="btcusdt@trade", count=5))]
        await record_for(recorder, 5, during=during)
    tables = []
    for _ in range(2):
        sink, stop = MemorySink(), asyncio.Event()
        async with LocalExchange(port=None, replay=tmp_path / "a.rec", clock=running_loop().wall_us) as again:
            environment = replace(pair.environment, dial=again.dial)
            capture = Capture(again.endpoint, ["BTCUSDT"], sink, environment=environment, on_shutdown=stop.set)
            await capture.run(stop)
        assert_ledger_tells_the_rows(sink)
        tables.append(sorted(event.trade_id for event in sink.events))
        assert sum(each.last - each.first + 1 for each in sink.ledger.of("BTCUSDT").absent) == 5
    assert tables[0] == tables[1] == trade_ids(frames_of(tmp_path / "a.rec"))


async def test_streams_of_all_symbols_need_no_lookup_and_pings_are_answered_while_recording(tmp_path):
    async with market(rate=5) as pair:
        recorder, received = recorder_of(pair, tmp_path / "a.rec", ("!miniTicker@arr",))
        await record_for(recorder, 200)  # a connection whose pings stay unanswered ends after a minute

        assert pair.dials.times == {"stream": [0.0], "api": []}
        assert recorder.connections == 1
        recorded = [frame.payload for frame in frames_of(tmp_path / "a.rec") if not frame.sent]
        assert recorded == [payload for _, _, payload in received]
        assert recorded

"""Real frames of Binance, where the recordings are at hand, through the client's session."""

from __future__ import annotations

import gzip
from itertools import pairwise

import pytest

from cryptotrader.models.market_models import OrderBookSnapshot
from cryptotrader.protocol.order_book import OrderBook
from cryptotrader.protocol.stream_session import StreamSession


@pytest.mark.parametrize(
    ("name", "symbol", "trades", "tickers", "diffs"),
    [("btcusdt_20240808.gz", "btcusdt", 9757, 28040, 3451), ("ethusdt_20240808.gz", "ethusdt", 6106, 24077, 3434)],
)
def test_recorded_frames_decode_and_are_continuous(shared_folder, name, symbol, trades, tickers, diffs):
    problems, seen = [], {"trade": [], "bookTicker": [], "depth@100ms": []}
    session = StreamSession(
        on_shutdown=problems.append, on_confirmed=len, on_problem=lambda stream, error: problems.append(error)
    )
    for kind, events in seen.items():
        session.add(f"{symbol}@{kind}", lambda event, ns, events=events: events.append(event))
    session.url("ws://x")
    session.opened(0.0, 0.0)
    snapshot, book = None, OrderBook(symbol)
    with gzip.open(shared_folder / "data" / name) as file:
        for line in file:
            stamp, _, frame = line.rstrip().partition(b" ")
            if frame.startswith(b'{"lastUpdateId"'):
                snapshot = OrderBookSnapshot.from_json(frame)
                continue
            session.receive(frame, int(stamp))

    assert problems == []
    assert not session.counters.unknown_streams
    assert [len(events) for events in seen.values()] == [trades, tickers, diffs]
    assert all(after.trade_id == before.trade_id + 1 for before, after in pairwise(seen["trade"]))
    for update in seen["depth@100ms"]:
        book.apply(update)
    assert snapshot is not None
    assert book.restore(snapshot)  # the snapshot was taken after the first diff
    assert book.update_id == seen["depth@100ms"][-1].final_update_id
    assert book.best_bid.price < book.best_ask.price
    for before, after in pairwise(seen["depth@100ms"]):
        assert after.first_update_id == before.final_update_id + 1

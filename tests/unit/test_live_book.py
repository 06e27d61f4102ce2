"""A live book and its subscription, against a scripted far end."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.config import Endpoint
from cryptotrader.errors import BookOutOfSync, RequestRejected
from cryptotrader.live_book import LiveOrderBook
from cryptotrader.market_stream import MarketStream
from cryptotrader.models.control_models import ServerShutdown
from scripted_dialer import ScriptedDialer, comes

ENDPOINT, STREAM = Endpoint.local(1), "btcusdt@depth@100ms"


class Depth:
    """Replies for streams and snapshots, and what was sent.

    Attributes:
        snapshots: The replies to ``depth``, used up from the front; the last one stays.
        commands: Stream commands, in order.
    """

    def __init__(self, *snapshots):
        self.snapshots = list(snapshots) or [snapshot(10)]
        self.commands = []
        self.asked = 0
        self.dialer = ScriptedDialer(answer=self)

    def __call__(self, message):
        if message["method"] == "depth":
            self.asked += 1
            return self.snapshots.pop(0) if len(self.snapshots) > 1 else self.snapshots[0]
        if "SUBSCRIBE" in message["method"]:
            self.commands.append((message["method"], message["params"]))
        return {"result": None}

    def market(self):
        return MarketStream(ENDPOINT, environment=self.dialer.environment())

    def stream(self):
        """The far end of the newest connection for streams."""
        return next(
            end
            for url, end in zip(reversed(self.dialer.urls), reversed(self.dialer.ends), strict=True)
            if "/stream" in url
        )


def snapshot(update_id):
    book = {"lastUpdateId": update_id, "bids": [["100", "1"]], "asks": [["101", "1"]]}
    return {"status": 200, "result": book}


def refusal(code, status=400):
    return {"status": status, "error": {"code": code, "msg": "no"}}


def diff(first, last, bid="100", quantity="2"):
    data = {"e": "depthUpdate", "E": 1, "s": "BTCUSDT", "U": first, "u": last, "b": [[bid, quantity]], "a": []}
    return {"stream": STREAM, "data": data}


async def test_a_closed_book_is_unsubscribed_and_its_connection_stays_for_the_others():
    depth = Depth()
    market = depth.market()
    trades = market.trades("BTCUSDT")
    await trades.confirmed()
    book = await market.order_book("BTCUSDT")
    assert depth.commands == [("SUBSCRIBE", [STREAM])]
    await book.close()
    await asyncio.sleep(1.0)

    assert depth.commands == [("SUBSCRIBE", [STREAM]), ("UNSUBSCRIBE", [STREAM])]
    assert depth.stream().ended is None
    trades.close()
    await asyncio.sleep(1.0)
    assert depth.stream().ended == "closed by the client: 1000"
    assert market.states == ()
    await market.close()


async def test_the_connection_of_the_last_book_goes_with_it():
    depth = Depth()
    market = depth.market()
    book = await market.order_book("BTCUSDT")
    await book.close()
    await book.close()
    await asyncio.sleep(1.0)

    assert depth.stream().ended == "closed by the client: 1000"
    assert market.states == ()
    await market.close()


async def test_a_closed_book_follows_nothing_and_nobody_waits_for_it():
    depth = Depth(snapshot(10), refusal(-1003, 429))
    market = depth.market()
    book = await market.order_book("BTCUSDT")
    depth.stream().transport.abort()  # out of step from now on: there is no further snapshot
    await comes(lambda: not book.is_synchronised)
    waiting = asyncio.ensure_future(book.wait_synchronised())
    await asyncio.sleep(1.0)
    assert not waiting.done()
    await book.close()
    for wait in (waiting, book.wait_synchronised()):
        with pytest.raises(BookOutOfSync, match="BTCUSDT"):
            await wait
    await market.close()


async def test_who_waits_for_a_book_may_be_cancelled_and_the_book_goes_on():
    depth = Depth(snapshot(10), refusal(-1003, 429), snapshot(20))
    market = depth.market()
    book = await market.order_book("BTCUSDT")
    depth.stream().say(diff(15, 16))
    await asyncio.sleep(0.1)
    waiting = asyncio.ensure_future(book.wait_synchronised())
    await asyncio.sleep(0.1)
    waiting.cancel()
    await comes(lambda: book.is_synchronised)

    assert waiting.cancelled()
    await book.close()
    await market.close()


async def test_a_book_that_follows_nothing_is_out_of_step():
    book = LiveOrderBook("btcusdt", None)
    with pytest.raises(BookOutOfSync, match="BTCUSDT"):
        await book.wait_synchronised()

    assert (book.symbol, book.is_synchronised, book.update_id) == ("BTCUSDT", False, None)
    assert (book.best_bid, book.best_ask, book.levels(5)) == (None, None, ([], []))
    await book.close()


async def test_a_book_of_a_symbol_that_is_refused_leaves_no_subscription():
    depth = Depth(refusal(-1121))
    market = depth.market()
    with pytest.raises(RequestRejected, match="-1121"):
        await market.order_book("NOPEUSDT")
    await asyncio.sleep(1.0)

    assert depth.asked == 1
    assert market.states == ()
    await market.close()


async def test_a_first_snapshot_that_is_refused_for_a_while_is_asked_for_again():
    depth = Depth(refusal(-1003, 429), refusal(-1000, 500), snapshot(10))
    market = depth.market()
    book = await market.order_book("BTCUSDT")

    assert depth.asked == 3
    assert book.best_bid.price == 100
    await market.close()
    await book.close()


async def test_a_refusal_does_not_end_a_book_that_was_in_step():
    depth = Depth(snapshot(10), refusal(-1121), snapshot(20))
    market = depth.market()
    book = await market.order_book("BTCUSDT")
    depth.stream().say(diff(15, 16))  # 11 to 14 are missing
    await comes(lambda: depth.asked == 3)
    await book.wait_synchronised()

    assert book.update_id == 20
    await book.close()
    await market.close()


async def test_a_book_is_out_of_step_from_a_hole_until_a_snapshot_fits():
    depth = Depth(snapshot(10), snapshot(12), snapshot(16))
    market = depth.market()
    book = await market.order_book("BTCUSDT")
    depth.stream().say(diff(11, 11))
    await asyncio.sleep(0.1)
    assert (book.update_id, book.best_bid.quantity) == (11, 2)
    depth.stream().say(diff(15, 16, quantity="3"))
    await asyncio.sleep(0.01)
    assert not book.is_synchronised
    assert (book.best_bid, book.levels(5)) == (None, ([], []))
    await book.wait_synchronised()

    assert depth.asked == 3  # the second one was too old
    assert book.update_id == 16
    await book.close()
    await market.close()


async def test_a_frame_that_is_no_diff_is_logged_and_the_book_stays(caplog):
    depth = Depth()
    market = depth.market()
    book = await market.order_book("BTCUSDT")
    depth.stream().say({"stream": STREAM, "data": {"e": "depthUpdate"}})
    depth.stream().say(diff(11, 11))
    await asyncio.sleep(0.1)

    assert book.is_synchronised
    assert book.update_id == 11
    assert "BTCUSDT: not a depth" in caplog.text
    await book.close()
    await market.close()


async def test_the_announcement_of_a_shutdown_leaves_the_book_in_step_until_the_connection_ends():
    book = LiveOrderBook("BTCUSDT", None)
    book._synchronised.set()
    book.on_control(ServerShutdown(event_time=1))

    assert book.is_synchronised

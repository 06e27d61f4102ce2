"""Frames from files: found by name or by content, and told in plain values."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import DecodeFailed
from cryptotrader.protocol.frame_kinds import FrameDecoder, normalised

TRADE = b'{"e":"trade","E":1,"s":"BTCUSDT","t":7,"p":"0.00000001","q":"2.50","T":3,"m":true,"M":true}'
KLINE = (
    b'{"e":"kline","E":5,"s":"BTCUSDT","k":{"t":1,"T":2,"s":"BTCUSDT","i":"1m","f":3,"L":4,"o":"1.0","c":"2.0",'
    b'"h":"3.0","l":"0.5","v":"10","n":2,"x":true,"q":"20","V":"1","Q":"2","B":"0"}}'
)
BOOK_TICKER = b'{"u":9,"s":"BTCUSDT","b":"1.0","B":"2.0","a":"3.0","A":"4.0"}'
DEPTH = b'{"e":"depthUpdate","E":1,"s":"BTCUSDT","U":5,"u":6,"b":[["1.10","2"]],"a":[]}'
LEVELS = b'{"lastUpdateId":11,"bids":[["1.0","2"]],"asks":[["3.0","4"]]}'


def values(payload, **options):
    return list(normalised(FrameDecoder().decode(payload, **options)))


def combined(stream, data):
    return b'{"stream":"%b","data":%b}' % (stream, data)


@pytest.mark.parametrize("payload", [TRADE, combined(b"btcusdt@trade", TRADE)])
def test_a_trade_with_and_without_its_envelope(payload):
    assert values(payload) == [
        {
            "event": "trade",
            "event_time": 1,
            "symbol": "BTCUSDT",
            "trade_id": 7,
            "price": "0.00000001",
            "quantity": "2.50",
            "trade_time": 3,
            "is_buyer_maker": True,
            "is_best_match": True,
        }
    ]


def test_a_candle_is_flat():
    (value,) = values(combined(b"btcusdt@kline_1m", KLINE))
    assert (value["event"], value["interval"], value["open_time"], value["is_closed"]) == ("kline", "1m", 1, True)
    assert (value["high"], value["taker_buy_quote_volume"], value["event_time"]) == ("3.0", "2", 5)


def test_levels_keep_their_text():
    (value,) = values(combined(b"btcusdt@depth@100ms", DEPTH))
    assert (value["event"], value["first_update_id"], value["final_update_id"]) == ("depth_update", 5, 6)
    assert (value["bids"], value["asks"]) == ([["1.10", "2"]], [])


def test_partial_depth_gets_the_symbol_of_its_stream():
    (value,) = values(combined(b"btcusdt@depth5@100ms", LEVELS))
    assert (value["event"], value["symbol"], value["last_update_id"]) == ("partial_depth", "BTCUSDT", 11)


def test_a_snapshot_without_an_envelope_tells_no_symbol():
    (value,) = values(LEVELS)
    assert value["event"] == "depth_snapshot"
    assert "symbol" not in value


def test_a_reply_gets_the_symbol_of_its_request():
    decoder = FrameDecoder()
    decoder.note_sent(b'{"id":4,"method":"depth","params":{"symbol":"ETHUSDT","limit":5}}', 2)
    decoder.note_sent(b'{"id":1,"method":"SUBSCRIBE","params":["ethusdt@trade"]}', 2)
    decoder.note_sent(b"not JSON", 2)
    reply = b'{"id":4,"status":200,"result":%b,"rateLimits":[]}' % LEVELS
    assert decoder.decode(reply, 1).symbol is None  # another connection's request of that number
    decoded = decoder.decode(reply, 2)
    assert (decoded.kind, decoded.symbol) == ("depth_snapshot", "ETHUSDT")


def test_other_replies_and_errors():
    assert values(b'{"result":null,"id":1}') == [
        {"event": "reply", "id": 1, "status": 0, "code": None, "message": None}
    ]
    assert values(b'{"error":{"code":2,"msg":"bad"},"id":"a"}')[0]["message"] == "bad"
    assert values(b'{"code":3,"msg":"worse"}')[0]["code"] == 3
    assert values(b'{"id":"x","status":400,"error":{"code":-1121,"msg":"Invalid symbol."}}')[0]["status"] == 400


def test_book_tickers_and_lists_and_shutdown():
    assert values(BOOK_TICKER)[0]["event"] == "book_ticker"
    mini = b'{"e":"24hrMiniTicker","E":1,"s":"%b","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}'
    several = b"[%b,%b]" % (mini % b"A", mini % b"B")
    for payload in (several, combined(b"!miniTicker@arr", several)):
        assert [(each["event"], each["symbol"]) for each in values(payload)] == [
            ("mini_ticker", "A"),
            ("mini_ticker", "B"),
        ]
    shutdown = b'{"e":"serverShutdown","E":8}'
    for payload in (shutdown, combined(b"!serverShutdown", shutdown), b'{"event":%b}' % shutdown):
        assert values(payload) == [{"event": "server_shutdown", "event_time": 8}]


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"[1]", b"17", b"null", b"{}", b'{"e":"unheard"}', b'{"stream":"a@b","data":{}}', b"\xff\xfe",
     b'{"stream":"btcusdt@trade","data":{"e":"trade"}}', b'{"stream":"btcusdt@trade"}', b"[" * 100_000],
)  # fmt: skip
def test_garbage_is_an_error(payload):
    with pytest.raises(DecodeFailed, match=r"not a market data frame|a list of no known events"):
        FrameDecoder().decode(payload)


@given(st.binary(max_size=80))
def test_any_bytes_decode_or_are_an_error(payload):
    try:
        list(normalised(FrameDecoder().decode(payload)))
    except DecodeFailed as error:
        assert error.payload == payload  # noqa: PT017 - either outcome is right


def test_asked_symbols_are_bounded():
    decoder = FrameDecoder()
    for number in range(25_000):
        decoder.note_sent(b'{"id":%d,"method":"depth","params":{"symbol":"A"}}' % number)
    assert len(decoder._asked) <= 10_000

from __future__ import annotations

import json

import pytest

from cryptotrader.config import Timeouts, TimeUnit
from cryptotrader.errors import DecodeFailed, RequestInvalid, RequestRejected
from cryptotrader.protocol.stream_session import MAX_STREAMS, StreamSession

TRADE = '{"e":"trade","E":1700000000001,"s":"%s","t":%d,"p":"1.50000000","q":"2.00000000","T":1700000000000,"m":true,"M":true}'
DEPTH5 = '{"lastUpdateId":5,"bids":[["1.0","2.0"]],"asks":[]}'


class Told:
    """A session and everything that it told."""

    def __init__(self, **options):
        self.shutdowns = []
        self.confirmed = []
        self.problems = []
        self.events = []
        self.session = StreamSession(
            on_shutdown=self.shutdowns.append,
            on_confirmed=self.confirmed.append,
            on_problem=lambda stream, error: self.problems.append((stream, error)),
            **options,
        )

    def take(self, event, received_ns):
        self.events.append((event, received_ns))

    def open(self, now=0.0):
        self.session.url("ws://x")
        self.session.opened(now, now)

    def sent(self):
        commands = [json.loads(payload) for kind, payload in self.session.outbox if kind == "send"]
        self.session.outbox.clear()
        return commands

    def receive(self, text):
        self.session.receive(text.encode(), 7)


def combined(stream, data):
    return f'{{"stream":"{stream}","data":{data}}}'


def test_an_event_goes_to_the_consumers_of_its_stream():
    told = Told()
    told.session.add("BTCUSDT@trade", told.take)
    told.open()
    told.receive(combined("btcusdt@trade", TRADE % ("BTCUSDT", 1)))

    ((event, received_ns),) = told.events
    assert (event.symbol, event.trade_id, str(event.price), received_ns) == ("BTCUSDT", 1, "1.50000000", 7)


def test_a_frame_of_many_events_gives_each_of_them():
    mini = '{"e":"24hrMiniTicker","E":1,"s":"%s","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}'
    told = Told()
    told.session.add("!miniTicker@arr", told.take)
    told.open()
    told.receive(combined("!miniTicker@arr", f"[{mini % 'A'},{mini % 'B'}]"))

    assert [event.symbol for event, _ in told.events] == ["A", "B"]


def test_streams_stand_in_the_url_and_are_confirmed_by_opening():
    told = Told(time_unit=TimeUnit.MICROSECOND)
    told.session.add("btcusdt@trade", told.take)
    told.session.add("btcusdt@kline_1m@+08:00", told.take)
    told.session.add("币@trade", told.take)

    assert told.session.url("ws://x") == (
        "ws://x/stream?streams=btcusdt@trade/btcusdt@kline_1m@%2B08%3A00/%E5%B8%81@trade&timeUnit=MICROSECOND"
    )
    told.session.opened(0.0, 0.0)
    assert told.confirmed == [{"btcusdt@trade", "btcusdt@kline_1m@+08:00", "币@trade"}]
    assert told.sent() == []


def test_urls_and_commands_stay_under_four_thousand_bytes_and_within_the_message_budget():
    told = Told()
    for number in range(MAX_STREAMS):
        told.session.add(f"长名symbol{number:05d}usdt@trade", told.take)

    assert len(told.session.url("wss://stream.binance.com:9443")) < 4000
    told.session.opened(0.0, 0.0)
    now, times, subscribed = 0.0, [], 0
    while told.session.confirmed != set(told.session.streams):
        assert [what for what in told.session.outbox if what[0] != "send" or len(what[1]) >= 4000] == []
        for command in told.sent():
            times.append(now)
            subscribed += len(command["params"])
            told.receive(json.dumps({"result": None, "id": command["id"]}))
        now += 0.05
        told.session.tick(now)
        assert now < 60
    assert subscribed > 900
    assert max(sum(1 for time in times if start <= time < start + 1) for start in times) <= 5
    with pytest.raises(RequestInvalid, match="at most 1024"):
        told.session.add("onemore@trade", told.take)


def test_subscribing_and_unsubscribing_while_open_sends_commands():
    told = Told()
    told.open()
    told.session.add("btcusdt@trade", told.take)
    told.session.tick(0.0)
    (command,) = told.sent()
    assert (command["method"], command["params"]) == ("SUBSCRIBE", ["btcusdt@trade"])

    told.receive(json.dumps({"result": None, "id": command["id"]}))
    assert told.confirmed == [{"btcusdt@trade"}]
    told.session.discard("btcusdt@trade", told.take)
    told.session.tick(1.0)
    (command,) = told.sent()
    assert (command["method"], command["params"]) == ("UNSUBSCRIBE", ["btcusdt@trade"])


def test_a_change_of_mind_before_the_acknowledgement_ends_in_the_last_wish():
    told = Told()
    told.open()
    told.session.add("btcusdt@trade", told.take)
    told.session.tick(0.0)
    (first,) = told.sent()
    told.session.discard("btcusdt@trade", told.take)
    told.session.tick(0.1)
    assert told.sent() == []  # not before the first command is acknowledged

    told.receive(json.dumps({"result": None, "id": first["id"]}))
    told.session.tick(0.2)
    (second,) = told.sent()
    assert second["method"] == "UNSUBSCRIBE"


def test_a_missing_acknowledgement_ends_the_connection():
    told = Told(timeouts=Timeouts(request=3.0))
    told.open()
    told.session.add("btcusdt@trade", told.take)
    assert told.session.tick(0.0) <= 3.0
    told.session.tick(2.9)
    assert told.session.dead is None

    told.session.tick(3.0)
    assert told.session.dead == "SUBSCRIBE was not acknowledged within 3 s"


def test_a_new_connection_subscribes_everything_again():
    told = Told()
    told.open()
    told.session.add("btcusdt@trade", told.take)
    told.session.tick(0.0)
    told.session.lost("gone", 1.0)
    assert told.session.confirmed == set()

    assert told.session.url("ws://x") == "ws://x/stream?streams=btcusdt@trade"
    told.session.opened(2.0, 2.0)
    assert told.session.confirmed == {"btcusdt@trade"}


def test_silence_ends_the_connection_but_pings_keep_it():
    told = Told(timeouts=Timeouts(stale=50))
    told.open()
    for now in (20.0, 40.0, 60.0):
        told.session.ping(b"x", now)
        told.session.tick(now)
    assert told.session.dead is None

    for now in range(60, 115):
        told.session.tick(float(now))
    assert told.session.dead == "nothing received for 50 s"


def test_silence_of_the_feed_alone_ends_the_connection_when_asked():
    told = Told(timeouts=Timeouts(silence=10))
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive(combined("btcusdt@trade", TRADE % ("BTCUSDT", 1)))
    told.session.tick(9.0)
    for now in (15.0, 18.9):
        told.session.ping(b"", now)
        told.session.tick(now)
    assert told.session.dead is None

    told.session.tick(19.0)
    assert told.session.dead == "no market event for 10 s"


def test_pongs_copy_the_payload_and_keep_to_the_budget():
    told = Told()
    told.open()
    for number in range(8):
        told.session.ping(b"%d" % number, 0.0)
    assert list(told.session.outbox) == [("pong", b"%d" % number) for number in range(5)]

    next_tick = told.session.tick(0.5)
    assert next_tick == pytest.approx(1.1)
    told.session.tick(next_tick)
    assert [payload for _, payload in told.session.outbox] == [b"%d" % number for number in range(8)]


@pytest.mark.parametrize(
    "text", ["not json", '{"stream":"btcusdt@trade","data":{"e":"trade"}}', '{"stream":"btc', "\x00", "[[["]
)
def test_a_malformed_frame_is_told_with_its_payload(text):
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive(text)

    ((_, error),) = told.problems
    assert isinstance(error, DecodeFailed)
    assert error.payload == text.encode()
    assert told.session.counters.undecodable == 1
    assert told.events == []


def test_unknown_streams_events_and_fields_are_counted_and_tolerated():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive(combined("ethusdt@trade", TRADE % ("ETHUSDT", 1)))
    told.receive('{"e":"novelty","s":"X"}')
    told.receive(combined("btcusdt@trade", (TRADE % ("BTCUSDT", 1))[:-1] + ',"zz":1}'))

    assert dict(told.session.counters.unknown_streams) == {"ethusdt@trade": 1, "(raw)": 1}
    assert dict(told.session.counters.unknown_fields) == {"trade.zz": 1}
    assert len(told.events) == 1
    assert told.problems == []


def test_escaped_or_reordered_envelopes_find_their_stream():
    told = Told()
    told.session.add("币@trade", told.take)
    told.open()
    told.receive(combined("\\u5e01@trade", TRADE % ("币", 1)))
    told.receive(f'{{"data":{TRADE % ("币", 2)},"stream":"币@trade"}}')

    assert [event.trade_id for event, _ in told.events] == [1, 2]


@pytest.mark.parametrize(
    "text",
    [
        '{"e":"serverShutdown","E":5}',
        '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":5}}',
    ],
)
def test_server_shutdown_asks_for_an_immediate_redial(text):
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive(text)

    assert [event.event_time for event in told.shutdowns] == [5]
    assert told.session.redial_at_once
    assert told.session.dead == "server shutdown"


@pytest.mark.parametrize(
    "form",
    ['{{"code":2,"msg":"no","id":{id}}}', '{{"error":{{"code":2,"msg":"no"}},"id":{id}}}', '{{"code":2,"msg":"no"}}'],
)
def test_one_refused_stream_does_not_stop_the_others(form):
    told = Told()
    told.open()
    told.session.add("aaa@trade", told.take)
    told.session.add("bbb@trade", told.take)
    told.session.tick(0.0)
    (together,) = told.sent()
    assert together["params"] == ["aaa@trade", "bbb@trade"]
    told.receive(form.format(id=together["id"]))
    told.session.tick(1.0)
    alone = told.sent()
    assert [command["params"] for command in alone] == [["aaa@trade"], ["bbb@trade"]]

    told.receive(form.format(id=alone[0]["id"]))
    told.receive(json.dumps({"result": None, "id": alone[1]["id"]}))
    assert told.session.confirmed == {"bbb@trade"}
    assert told.session.streams == ["bbb@trade"]
    ((stream, error),) = told.problems
    assert (stream, error.code) == ("aaa@trade", 2)
    assert isinstance(error, RequestRejected)


def test_a_raising_consumer_stops_neither_the_others_nor_the_connection():
    told = Told()

    def faulty(event, received_ns):
        raise ZeroDivisionError

    told.session.add("btcusdt@trade", faulty)
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive(combined("btcusdt@trade", TRADE % ("BTCUSDT", 1)))

    assert len(told.events) == 1
    assert isinstance(told.problems[0][1], ZeroDivisionError)


def test_a_consumer_may_subscribe_and_unsubscribe_from_inside():
    told = Told()

    def once(event, received_ns):
        told.session.discard("btcusdt@trade", once)
        told.session.add("ethusdt@trade", told.take)

    told.session.add("btcusdt@trade", once)
    told.open()
    told.receive(combined("btcusdt@trade", TRADE % ("BTCUSDT", 1)))
    told.session.tick(0.0)

    assert [command["method"] for command in told.sent()] == ["UNSUBSCRIBE", "SUBSCRIBE"]


def test_raw_connections_find_streams_by_content():
    kline = '{"e":"kline","E":1,"s":"BTCUSDT","k":{"t":1,"T":2,"s":"BTCUSDT","i":"1m","f":1,"L":1,"o":"1","c":"1","h":"1","l":"1","v":"1","n":1,"x":false,"q":"1","V":"1","Q":"1","B":"0"}}'
    window = '[{"e":"1hTicker","E":1,"s":"A","p":"1","P":"1","o":"1","h":"1","l":"1","c":"1","w":"1","v":"1","q":"1","O":0,"C":1,"F":0,"L":1,"n":1}]'
    told = Told(combined=False)
    for stream in (
        "btcusdt@trade",
        "ethusdt@trade",
        "btcusdt@kline_1m",
        "btcusdt@bookTicker",
        "btcusdt@depth5",
        "!ticker_1h@arr",
    ):
        told.session.add(stream, lambda event, ns, stream=stream: told.events.append((stream, event)))
    assert told.session.url("ws://x") == "ws://x/ws"
    told.open()
    told.receive(TRADE % ("ETHUSDT", 3))
    told.receive(kline)
    told.receive('{"u":1,"s":"BTCUSDT","b":"1","B":"1","a":"2","A":"1"}')
    told.receive(DEPTH5)
    told.receive(window)
    told.receive("[]")

    assert [stream for stream, _ in told.events] == [
        "ethusdt@trade", "btcusdt@kline_1m", "btcusdt@bookTicker", "btcusdt@depth5", "!ticker_1h@arr",
    ]  # fmt: skip
    assert told.problems == []


@pytest.mark.parametrize(
    ("first", "second"), [("a@depth", "a@depth@100ms"), ("a@depth5", "b@depth5"), ("a@kline_1m", "a@kline_1m@+08:00")]
)
def test_raw_connections_refuse_streams_that_look_alike(first, second):
    told = Told(combined=False)
    told.session.add(first, told.take)

    with pytest.raises(RequestInvalid, match="cannot be told from"):
        told.session.add(second, told.take)
    assert told.session.streams == [first]


def test_a_refused_unsubscription_is_told_once_and_not_repeated():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.session.discard("btcusdt@trade", told.take)
    told.session.tick(0.1)
    (command,) = told.sent()
    told.receive(json.dumps({"code": 2, "msg": "no", "id": command["id"]}))
    for now in range(1, 10):
        told.session.tick(float(now))

    assert told.sent() == []
    assert len(told.problems) == 1


def test_a_flood_of_pings_is_answered_by_its_newest():
    told = Told()
    told.open()
    for number in range(500):
        told.session.ping(b"%d" % number, 0.0)
    for tick in range(1, 20):
        told.session.tick(tick * 1.2)
    pongs = [payload for kind, payload in told.session.outbox]

    assert pongs[-1] == b"499"
    assert len(pongs) <= 5 + 16


def test_a_short_silence_is_watched_for_closely():
    told = Told(timeouts=Timeouts(silence=0.5))
    told.session.add("btcusdt@trade", told.take)
    told.open()

    assert told.session.tick(0.0) <= 0.1

from __future__ import annotations

import json

import pytest

from cryptotrader.config import Timeouts, TimeUnit
from cryptotrader.errors import DecodeFailed, RequestInvalid, RequestRejected
from cryptotrader.protocol.codec import MAX_CONTROL_BYTES
from cryptotrader.protocol.stream_session import MAX_STREAMS, StreamCounters, StreamSession

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

    assert told.session.tick(0.0) == pytest.approx(0.1)


# ------------------------------------------------------------------------------------------------------- keep alive


def test_data_without_pings_keeps_a_connection_alive():
    told = Told(timeouts=Timeouts(stale=50))
    told.session.add("btcusdt@trade", told.take)
    told.open()
    for now in (30.0, 60.0, 90.0, 120.0):
        told.receive(combined("btcusdt@trade", TRADE % ("BTCUSDT", 1)))
        told.session.tick(now)
    assert told.session.dead is None
    told.session.tick(169.9)
    assert told.session.dead is None
    told.session.tick(170.0)

    assert told.session.dead == "nothing received for 50 s"


def test_replies_and_events_of_no_consumer_keep_a_connection_alive_but_are_no_market_events():
    told = Told(timeouts=Timeouts(stale=50, silence=100))
    told.session.add("btcusdt@trade", told.take)
    told.open()
    for now in (40.0, 80.0, 99.9):
        told.receive('{"result":null,"id":77}')
        told.session.tick(now)
    assert told.session.dead is None
    told.session.tick(100.0)

    assert told.session.dead == "no market event for 100 s"


def test_silence_is_counted_only_while_something_is_subscribed():
    told = Told(timeouts=Timeouts(stale=1_000, silence=10))
    told.open()
    for now in range(100):
        told.session.tick(float(now))
    assert told.session.dead is None
    told.session.add("btcusdt@trade", told.take)
    told.session.tick(100.0)
    (command,) = told.sent()
    told.receive(json.dumps({"result": None, "id": command["id"]}))
    told.session.tick(109.0)
    assert told.session.dead is None
    told.session.tick(110.0)

    assert told.session.dead == "no market event for 10 s"


def test_a_new_connection_begins_with_a_clean_record():
    told = Told(timeouts=Timeouts(stale=50, silence=20))
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.session.tick(50.0)
    assert told.session.dead is not None
    told.session.lost("gone", 50.0)
    assert told.session.tick(60.0) == 110.0  # nothing is due while there is no connection
    told.open(100.0)
    assert (told.session.dead, told.session.redial_at_once) == (None, False)
    told.session.tick(119.9)
    assert told.session.dead is None
    told.session.tick(120.0)

    assert told.session.dead == "no market event for 20 s"


def test_two_messages_of_the_budget_are_kept_for_pongs():
    told = Told()
    told.open()
    for number in range(4):
        told.session.add(f"x{number}usdt@trade", told.take)
        told.session.tick(0.0)
    assert [len(command["params"]) for command in told.sent()] == [1, 1, 1]
    told.session.ping(b"a", 0.0)
    told.session.ping(b"b", 0.0)
    assert list(told.session.outbox) == [("pong", b"a"), ("pong", b"b")]
    assert told.session.tick(0.0) == pytest.approx(1.1)
    told.session.tick(0.5)
    assert told.sent() == []
    told.session.tick(1.1)

    assert [command["params"] for command in told.sent()] == [["x3usdt@trade"]]


# ------------------------------------------------------------------------------------------------ consumers that raise


def fails(*_):
    raise ZeroDivisionError("a user's own")


def problems_of(told):
    return [(stream, type(error)) for stream, error in told.problems]


def test_a_raising_payload_consumer_stops_neither_the_others_nor_the_events():
    told, payloads = Told(), []
    told.session.add("btcusdt@trade", None, fails)
    told.session.add("btcusdt@trade", told.take, lambda payload, received_ns: payloads.append((payload, received_ns)))
    told.open()
    frame = combined("btcusdt@trade", TRADE % ("BTCUSDT", 1))
    told.receive(frame)
    told.receive(frame)

    assert payloads == [(frame.encode(), 7)] * 2
    assert len(told.events) == 2
    assert problems_of(told) == [("btcusdt@trade", ZeroDivisionError)] * 2


def test_a_consumer_that_raises_at_one_event_of_a_list_gets_the_others_too():
    told, seen = Told(), []

    def fails_at_a(event, received_ns):
        seen.append(event.symbol)
        if event.symbol == "A":
            fails()

    told.session.add("!miniTicker@arr", fails_at_a)
    told.session.add("!miniTicker@arr", told.take)
    told.open()
    told.receive(combined("!miniTicker@arr", f"[{MINI % 'A'},{MINI % 'B'}]"))

    assert seen == ["A", "B"]
    assert [event.symbol for event, _ in told.events] == ["A", "B"]
    assert problems_of(told) == [("!miniTicker@arr", ZeroDivisionError)]


MINI = '{"e":"24hrMiniTicker","E":1,"s":"%s","c":"1","o":"1","h":"1","l":"1","v":"1","q":"1"}'


# --------------------------------------------------------------------------------------- frames that are not understood


@pytest.mark.parametrize(
    "text",
    [
        '{"e":"serverShutdown"}',
        '{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":"late"}}',
        '{"stream":"!serverShutdown"}',
        '{"stream":"btcusdt@trade","data":[1]}',
        '{"stream":"btcusdt@trade","data":',
    ],
)
def test_a_frame_that_cannot_be_taken_in_is_told_with_its_payload_and_the_session_goes_on(text):
    told, payloads = Told(), []
    told.session.add("btcusdt@trade", None, lambda payload, received_ns: payloads.append(payload))
    told.open()
    told.receive(text)

    ((stream, error),) = told.problems
    assert stream is None
    assert isinstance(error, DecodeFailed)
    assert error.payload == text.encode()
    assert error.__cause__ is not None
    assert told.session.counters.undecodable == 1
    frame = combined("btcusdt@trade", TRADE % ("BTCUSDT", 1))
    told.receive(frame)
    assert payloads[-1] == frame.encode()


def test_the_first_frame_of_a_stream_and_every_thousandth_after_it_is_looked_at_for_unknown_fields():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    frame = combined("btcusdt@trade", (TRADE % ("BTCUSDT", 1))[:-1] + ',"zz":1}')
    for count, looks in ((1, 1), (999, 1), (1, 2), (999, 2), (1, 3)):
        for _ in range(count):
            told.receive(frame)
        assert told.session.counters.unknown_fields == {"trade.zz": looks}


def test_fields_of_listed_and_of_raw_events_are_looked_at_too():
    told = Told()
    told.session.add("!miniTicker@arr", told.take)
    told.open()
    novel = MINI[:-1] + ',"zz":1}'
    told.receive(combined("!miniTicker@arr", f"[{novel % 'A'},{MINI % 'B'},{novel % 'C'}]"))
    assert told.session.counters.unknown_fields == {"all_mini_tickers.zz": 2}

    raw = Told(combined=False)
    raw.session.add("btcusdt@trade", raw.take)
    raw.open()
    raw.receive((TRADE % ("BTCUSDT", 1))[:-1] + ',"zz":1}')
    assert raw.session.counters.unknown_fields == {"trade.zz": 1}


@pytest.mark.parametrize("text", ['{"e":"trade","s":5}', '{"e":"trade","s":"BTCUSDT","t":"one"}', "[7]", "[[]]"])
def test_a_malformed_frame_of_a_raw_connection_is_told_with_its_payload(text):
    told = Told(combined=False)
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive(text)

    ((_, error),) = told.problems
    assert isinstance(error, DecodeFailed)
    assert error.payload == text.encode()
    assert told.session.counters.undecodable == 1


# ---------------------------------------------------------------------------------------------------------- commands


def test_an_acknowledgement_that_belongs_to_no_command_changes_nothing():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.session.opened(0.0, 0.0)  # without the stream in its address
    told.session.tick(0.0)
    (command,) = told.sent()
    for number in (command["id"] + 1, "a", None):
        told.receive(json.dumps({"result": None, "id": number}))
    assert told.session.confirmed == set()
    told.receive(json.dumps({"result": None, "id": command["id"]}))

    assert told.session.confirmed == {"btcusdt@trade"}


def test_an_unsubscribed_stream_that_is_wanted_again_is_subscribed_again():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.session.discard("btcusdt@trade", told.take)
    told.session.tick(0.0)
    (command,) = told.sent()
    told.session.add("btcusdt@trade", told.take)
    told.session.tick(0.1)
    assert told.sent() == []
    told.receive(json.dumps({"result": None, "id": command["id"]}))
    assert told.session.confirmed == set()
    told.session.tick(0.2)

    assert [(sent["method"], sent["params"]) for sent in told.sent()] == [("SUBSCRIBE", ["btcusdt@trade"])]


def test_a_stream_stays_wanted_while_one_of_its_consumers_is_left():
    told, payloads = Told(), []
    take_payload = lambda payload, received_ns: payloads.append(payload)  # noqa: E731 - the same object twice
    told.session.add("btcusdt@trade", told.take, take_payload)
    told.open()
    told.session.discard("ethusdt@trade", told.take)  # never wanted
    told.session.discard("btcusdt@trade", told.take)
    told.receive(combined("btcusdt@trade", TRADE % ("BTCUSDT", 1)))
    assert (len(payloads), told.events) == (1, [])
    told.session.discard("btcusdt@trade", None, take_payload)

    assert told.session.streams == []
    assert told.session.room == MAX_STREAMS


def test_a_flat_error_without_an_id_and_without_a_command_is_told_to_all():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    told.receive('{"code":2,"msg":"no"}')

    ((stream, error),) = told.problems
    assert (stream, error.method, error.status, error.code) == (None, "stream", 0, 2)
    assert told.session.confirmed == {"btcusdt@trade"}


def test_the_ids_of_commands_count_from_one():
    told, numbers = Told(), []
    told.open()
    for stream in ("aaa@trade", "bbb@trade", "ccc@trade"):
        told.session.add(stream, told.take)
        told.session.tick(0.0)
        numbers += [command["id"] for command in told.sent()]

    assert numbers == [1, 2, 3]


# ------------------------------------------------------------------------------------------------------- connections


def test_before_it_is_open_nothing_is_sent_and_nothing_is_due():
    told = Told(timeouts=Timeouts(stale=50))
    told.session.add("btcusdt@trade", told.take)

    assert told.session.tick(7.0) == 57.0
    assert told.sent() == []


def test_a_lost_connection_leaves_nothing_for_the_next_one():
    told = Told(timeouts=Timeouts(request=3.0))
    told.session.opened(0.0, 0.0)
    told.session.add("aaa@trade", told.take)
    told.session.add("bbb@trade", told.take)
    told.session.tick(0.0)
    told.receive('{"code":2,"msg":"no","id":1}')  # each goes alone from now on
    told.session.tick(0.0)
    for number in range(8):
        told.session.ping(b"%d" % number, 0.0)
    told.session.lost("gone", 1.0)
    assert list(told.session.outbox) == []
    told.session.opened(2.0, 2.0)
    assert [kind for kind, _ in told.session.outbox] == ["send"]
    (command,) = told.sent()
    assert command["params"] == ["aaa@trade", "bbb@trade"]
    told.receive(json.dumps({"result": None, "id": command["id"]}))
    told.session.tick(20.0)

    assert told.session.dead is None
    assert list(told.session.outbox) == []


def test_what_a_lost_connection_had_confirmed_is_confirmed_anew():
    told = Told()
    told.session.add("btcusdt@trade", told.take)
    told.open()
    assert told.session.confirmed == {"btcusdt@trade"}
    told.session.lost("gone", 1.0)
    assert told.session.confirmed == set()
    told.open(2.0)

    assert told.confirmed == [{"btcusdt@trade"}] * 2


def test_commands_are_as_long_as_they_may_be_however_high_their_ids():
    lengths = []
    for more in range(13):
        told = Told()
        told.session.opened(0.0, 0.0)
        told.session._last_id = 1_023
        told.session.add("x" * (more + 1) + "@trade", told.take)
        for number in range(1_023):
            told.session.add(f"s{number:04d}@trade", told.take)
        told.session.tick(0.0)
        lengths += [len(payload) for _, payload in told.session.outbox]

    assert max(lengths) == MAX_CONTROL_BYTES - 1


@pytest.mark.parametrize(("unit", "spare"), [(TimeUnit.MILLISECOND, 2), (TimeUnit.MICROSECOND, 1)])
def test_the_url_names_as_many_streams_as_fit(unit, spare):
    told = Told(time_unit=unit)
    for number in range(400):
        told.session.add(f"s{number:03d}@trade", told.take)
    lengths = [len(told.session.url("ws://" + "x" * more)) for more in range(11)]

    assert max(lengths) == MAX_CONTROL_BYTES - spare
    assert sorted(lengths) == list(range(MAX_CONTROL_BYTES - spare - 10, MAX_CONTROL_BYTES - spare + 1))


def test_a_stream_is_not_taken_for_another_whose_name_ends_alike():
    told = Told()
    told.session.add("abtc@trade", lambda event, _: told.events.append(("abtc", event.symbol)))
    told.session.add("btc@trade", lambda event, _: told.events.append(("btc", event.symbol)))
    told.open()
    told.receive(combined("abtc@trade", TRADE % ("ABTC", 1)))
    told.receive(combined("btc@trade", TRADE % ("BTC", 1)))

    assert told.events == [("abtc", "ABTC"), ("btc", "BTC")]


def test_a_raw_stream_that_was_discarded_makes_room_for_one_that_looks_alike():
    told = Told(combined=False)
    told.session.add("a@depth", told.take)
    told.session.discard("a@depth", told.take)
    told.session.add("a@depth@100ms", told.take)

    assert told.session.streams == ["a@depth@100ms"]


def test_a_raw_stream_that_was_refused_makes_room_for_one_that_looks_alike():
    told = Told(combined=False)
    told.open()
    told.session.add("a@depth", told.take)
    told.session.tick(0.0)
    told.receive('{"code":2,"msg":"no","id":1}')
    told.session.add("a@depth@100ms", told.take)

    assert told.session.streams == ["a@depth@100ms"]


def test_counters_of_connections_add_up():
    one, other = StreamCounters(undecodable=2), StreamCounters(undecodable=3)
    one.unknown_streams["a"] = other.unknown_streams["a"] = 4
    other.unknown_fields["b"] = 5
    one.add(other)

    assert (one.unknown_streams, one.unknown_fields, one.undecodable) == ({"a": 8}, {"b": 5}, 5)

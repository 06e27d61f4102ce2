from __future__ import annotations

import io
import uuid
from decimal import Decimal

import fastavro
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import UnknownSymbol
from cryptotrader.ingestion import ParsedSymbol, RejectedTrade, convert_binance_trade_to_v2
from cryptotrader.ingestion.trade_v2 import SCHEMA_FILE
from cryptotrader.models.market_models import TradeEvent

DATA = {
    "e": "trade", "E": 1723161255343, "s": "BTCUSDT", "t": 3735683259, "p": "61837.63000000", "q": "0.02000000",
    "T": 1723161255342, "m": True, "M": True,
}  # fmt: skip
RECEIVED = 1723161254087896
SCHEMA = fastavro.schema.load_schema(SCHEMA_FILE)


def event(**changes):
    return msgspec.convert(DATA | changes, TradeEvent)


def test_the_fifteen_fields():
    assert convert_binance_trade_to_v2(event(), received_us=RECEIVED) == {
        "message_id": str(uuid.uuid5(_namespace(), "BINANCE:BTCUSDT:3735683259")),
        "trade_id": "BINANCE-3735683259",
        "symbol": "BTCUSDT",
        "exchange": "BINANCE",
        "asset_class": "crypto",
        "timestamp": 1723161255342000,
        "price": Decimal("61837.63000000"),
        "quantity": Decimal("0.02000000"),
        "currency": "USDT",
        "side": "SELL",
        "trade_conditions": [],
        "source_sequence": 3735683259,
        "ingestion_timestamp": RECEIVED,
        "platform_sequence": None,
        "vendor_data": {
            "is_buyer_maker": "true", "event_type": "trade", "event_time": "1723161255343",
            "trade_time": "1723161255342", "base_asset": "BTC", "quote_asset": "USDT", "is_best_match": "true",
        },
    }  # fmt: skip


def _namespace():
    return uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/cryptotrader/trade-v2")


def test_the_typed_event_the_data_and_the_combined_message_give_the_same():
    expected = convert_binance_trade_to_v2(event(), received_us=RECEIVED)

    assert convert_binance_trade_to_v2(DATA, received_us=RECEIVED) == expected
    assert convert_binance_trade_to_v2({"stream": "btcusdt@trade", "data": DATA}, received_us=RECEIVED) == expected


def test_the_taker_gives_the_side_and_microseconds_stay():
    record = convert_binance_trade_to_v2(event(m=False, T=1723161255342123), received_us=RECEIVED)

    assert (record["side"], record["timestamp"]) == ("BUY", 1723161255342123)


def test_assets_may_be_given_and_are_needed_for_unknown_symbols():
    with pytest.raises(UnknownSymbol, match="NOPEUSDT: cannot be split into two known assets"):
        convert_binance_trade_to_v2(event(s="NOPEUSDT"), received_us=RECEIVED)
    record = convert_binance_trade_to_v2(event(s="NOPEUSDT"), received_us=RECEIVED, assets=ParsedSymbol("NOPE", "USDT"))
    assert record["vendor_data"]["base_asset"] == "NOPE"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"p": "0.00000000"}, "price 0E-8 is not positive"),
        ({"p": "-1"}, "price -1 is not positive"),
        ({"q": "0"}, "quantity 0 is not positive"),
        ({"q": "-0.5"}, "quantity -0.5 is not positive"),
        ({"T": 1723161255342 + 301_000}, "ahead of the receive clock"),
    ],
)
def test_what_cannot_be_true_is_rejected(changes, why):
    with pytest.raises(RejectedTrade, match=why) as raised:
        convert_binance_trade_to_v2(event(**changes), received_us=RECEIVED)
    assert (raised.value.symbol, raised.value.trade_id) == ("BTCUSDT", 3735683259)


def test_a_recorders_clock_may_be_behind():
    late = 1723161255342 + 298_000
    assert convert_binance_trade_to_v2(event(T=late), received_us=RECEIVED)["timestamp"] == late * 1000
    with pytest.raises(RejectedTrade, match="lies 1 s ahead of the receive clock"):
        convert_binance_trade_to_v2(event(), received_us=RECEIVED, future_tolerance_seconds=1.0)


@pytest.mark.parametrize("missing", ["e", "E", "s", "t", "p", "q", "T", "m"])
def test_required_fields(missing):
    with pytest.raises(msgspec.ValidationError, match=f"missing required field `{missing}`"):
        convert_binance_trade_to_v2({k: v for k, v in DATA.items() if k != missing}, received_us=RECEIVED)


def test_other_events_are_refused():
    with pytest.raises(msgspec.ValidationError, match="Invalid value 'aggTrade'"):
        convert_binance_trade_to_v2(DATA | {"e": "aggTrade"}, received_us=RECEIVED)


amounts = st.integers(1, 10**19).map(lambda value: Decimal(value).scaleb(-8))


@given(price=amounts, quantity=amounts, number=st.integers(0, 2**53), maker=st.booleans())
def test_avro_gives_back_what_was_written(price, quantity, number, maker):
    record = convert_binance_trade_to_v2(
        event(p=f"{price:f}", q=f"{quantity:f}", t=number, m=maker), received_us=RECEIVED
    )
    file = io.BytesIO()
    fastavro.schemaless_writer(file, SCHEMA, record)
    file.seek(0)
    back = fastavro.schemaless_reader(file, SCHEMA, None)

    assert {**back, "timestamp": None, "ingestion_timestamp": None} == {
        **record, "timestamp": None, "ingestion_timestamp": None,
    }  # fmt: skip
    assert round(back["timestamp"].timestamp() * 1_000_000) == record["timestamp"]
    assert len(record) == len(SCHEMA["fields"]) == 15

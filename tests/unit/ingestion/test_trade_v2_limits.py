"""What fits into a v2 record exactly, what does not, and the identity of a record."""

from __future__ import annotations

import io
import uuid
from decimal import Decimal

import fastavro
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.ingestion import ParsedSymbol, RejectedTrade, convert_binance_trade_to_v2
from cryptotrader.ingestion.trade_v2 import SCHEMA_FILE, TradeV2, message_id
from cryptotrader.models.market_models import TradeEvent

NOW_MS = 1_723_161_255_342
NOW_US = NOW_MS * 1000
SCHEMA = fastavro.schema.load_schema(SCHEMA_FILE)
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "https://github.com/cryptotrader/trade-v2")


def event(**changes):
    values = {
        "event_time": NOW_MS, "symbol": "BTCUSDT", "trade_id": 7, "price": Decimal("1.5"), "quantity": Decimal(2),
        "trade_time": NOW_MS, "is_buyer_maker": False,
    }  # fmt: skip
    return TradeEvent(**(values | changes))


def convert(**changes):
    return convert_binance_trade_to_v2(event(**changes), received_us=NOW_US)


def through_avro(record):
    file = io.BytesIO()
    fastavro.schemaless_writer(file, SCHEMA, record)
    file.seek(0)
    return fastavro.schemaless_reader(file, SCHEMA, None)


@pytest.mark.parametrize(
    "amount",
    [
        "0.00000001",  # the least that Binance can quote
        "12345678901.12345678",  # more than decimal(18, 8) holds
        "0.000000000000000001",  # one in the last place of the schema
        "99999999999999999999.999999999999999999",  # all thirty-eight digits
        "1E+3",
    ],
)
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_amounts_survive_avro_digit_by_digit(field, amount):
    record = convert(**{field: Decimal(amount)})

    assert record[field] == through_avro(record)[field] == Decimal(amount)


@pytest.mark.parametrize("amount", ["1E-19", "1.0000000000000000001", "1E+20", "123456789012345678901"])
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_amounts_that_would_be_rounded_are_rejected(field, amount):
    with pytest.raises(RejectedTrade, match=rf"{field} .* does not fit decimal\(38, 18\)"):
        convert(**{field: Decimal(amount)})


@pytest.mark.parametrize("amount", ["NaN", "sNaN", "Infinity", "-Infinity", "-0", "0E-30"])
@pytest.mark.parametrize("field", ["price", "quantity"])
def test_what_is_no_positive_number_is_rejected(field, amount):
    with pytest.raises(RejectedTrade, match=rf"{field} .* is not positive"):
        convert(**{field: Decimal(amount)})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"trade_id": -1}, "id is out of range"),
        ({"trade_id": 2**63}, "id is out of range"),
        ({"trade_time": -1}, "trade time is negative"),
        ({"trade_time": NOW_MS + 300_001}, "lies 300 s ahead of the receive clock"),
    ],
)
def test_ids_and_times_out_of_range_are_rejected(changes, why):
    with pytest.raises(RejectedTrade, match=why):
        convert(**changes)


@pytest.mark.parametrize("ahead_ms", [-86_400_000, 0, 1_300, 300_000])
def test_clocks_may_differ_by_five_minutes(ahead_ms):
    assert convert(trade_time=NOW_MS + ahead_ms)["timestamp"] == (NOW_MS + ahead_ms) * 1000


def test_the_ends_of_the_id_range_fit():
    assert through_avro(convert(trade_id=0))["source_sequence"] == 0
    assert through_avro(convert(trade_id=2**63 - 1))["source_sequence"] == 2**63 - 1


@given(symbol=st.text(min_size=1, max_size=12), number=st.integers(0, 2**63 - 1))
def test_message_ids_are_uuid5_of_exchange_symbol_and_id(symbol, number):
    expected = uuid.uuid5(NAMESPACE, f"BINANCE:{symbol}:{number}")

    assert message_id(symbol, number) == str(expected)
    assert expected.version == 5


def test_message_ids_do_not_depend_on_when_or_how_often():
    first = convert_binance_trade_to_v2(event(), received_us=NOW_US)
    later = convert_binance_trade_to_v2(event(event_time=NOW_MS + 9), received_us=NOW_US + 5_000_000)

    assert first["message_id"] == later["message_id"] == "4f66b7a0-328a-5c73-bc16-ba8fe3a816a4"
    assert first["ingestion_timestamp"] != later["ingestion_timestamp"]


def test_the_schema_and_the_record_have_the_same_fields_in_order():
    names = [field["name"] for field in SCHEMA["fields"]]

    assert names == list(TradeV2.__annotations__) == list(convert())


def test_records_share_nothing_that_can_change():
    first, second = convert(), convert(trade_id=8)
    first["trade_conditions"].append("x")
    first["vendor_data"]["base_asset"] = "x"

    assert second["trade_conditions"] == []
    assert second["vendor_data"]["base_asset"] == "BTC"


def test_given_assets_decide_over_the_name():
    record = convert_binance_trade_to_v2(event(), received_us=NOW_US, assets=ParsedSymbol("BT", "CUSDT"))

    assert record["currency"] == record["vendor_data"]["quote_asset"] == "CUSDT"

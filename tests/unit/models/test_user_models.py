from __future__ import annotations

import json
from decimal import Decimal
from typing import get_args

import msgspec
import pytest

from cryptotrader.models.order_models import ExecutionType, ExpiryReason, PegOffsetType, PegPriceType, RejectReason
from cryptotrader.models.user_models import (
    USER_DATA_EVENTS,
    AccountPositionEvent,
    BalanceUpdateEvent,
    EventStreamTerminatedEvent,
    ExecutionReportEvent,
    ExternalLockUpdateEvent,
    ListStatusEvent,
    UserDataEvent,
    UserDataFrame,
    decode_user_data_event,
)

REPORT = {
    "e": "executionReport", "E": 1499405658658, "s": "ETHBTC", "c": "mine-1", "S": "BUY", "o": "LIMIT", "f": "GTC",
    "q": "1.00000000", "p": "0.10264410", "P": "0.00000000", "F": "0.00000000", "g": -1, "C": "", "x": "NEW", "X": "NEW",
    "r": "NONE", "i": 4293153, "l": "0.00000000", "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None,
    "T": 1499405658657, "t": -1, "I": 8641984, "w": True, "m": False, "M": False, "O": 1499405658657, "Z": "0.00000000",
    "Y": "0.00000000", "Q": "0.00000000", "V": "NONE",
}  # fmt: skip
CONDITIONAL = {
    "W": 1668683798379, "v": 3, "A": "3.000000", "B": "2.000000", "u": 1, "U": 37, "Cs": "BTCUSDT", "pl": "2.123456",
    "pL": "0.10000001", "pY": "0.21234562", "d": 4, "D": 1668680518494, "j": 5, "J": 1000000,
    "b": "ONE_PARTY_TRADE_REPORT", "a": 1234, "k": "SOR", "uS": True, "gP": "PRIMARY_PEG", "gOT": "PRICE_LEVEL", "gOV": 5,
    "gp": "1.00000000", "eR": "INSUFFICIENT_LIQUIDITY",
}  # fmt: skip
POSITION = {"e": "outboundAccountPosition", "E": 1564034571105, "u": 1564034571073, "B": [{"a": "ETH", "f": "10000.000000", "l": "0.000000"}]}  # fmt: skip
BALANCE = {"e": "balanceUpdate", "E": 1573200697110, "a": "BTC", "d": "-100.00000000", "T": 1573200697068}
LIST = {
    "e": "listStatus", "E": 1564035303637, "s": "ETHBTC", "g": 2, "c": "OCO", "l": "EXEC_STARTED", "L": "EXECUTING", "r": "NONE",
    "C": "list-1", "T": 1564035303625, "O": [{"s": "ETHBTC", "i": 17, "c": "a"}, {"s": "ETHBTC", "i": 18, "c": "b"}],
}  # fmt: skip
LOCK = {"e": "externalLockUpdate", "E": 1581557507324, "a": "NEO", "d": "10.00000000", "T": 1581557507268}
TERMINATED = {"e": "eventStreamTerminated", "E": 1728973001334}

EVENTS = [
    (REPORT, ExecutionReportEvent),
    ({**REPORT, **CONDITIONAL}, ExecutionReportEvent),
    (POSITION, AccountPositionEvent),
    (BALANCE, BalanceUpdateEvent),
    (LIST, ListStatusEvent),
    (LOCK, ExternalLockUpdateEvent),
    (TERMINATED, EventStreamTerminatedEvent),
]


@pytest.mark.parametrize(("value", "kind"), EVENTS)
def test_an_event_decodes_and_encodes_to_equal_values(value, kind):
    event = decode_user_data_event(json.dumps(value).encode())

    assert type(event) is kind
    assert json.loads(event.to_json()) == value
    frame = UserDataFrame.from_json(json.dumps({"subscriptionId": 0, "event": value}))
    assert frame == UserDataFrame(subscription_id=0, event=event)
    assert json.loads(frame.to_json()) == {"subscriptionId": 0, "event": value}


def test_the_table_names_every_event():
    assert set(USER_DATA_EVENTS.values()) == set(get_args(UserDataEvent)) == {kind for _, kind in EVENTS}
    assert {value["e"]: kind for value, kind in EVENTS} == USER_DATA_EVENTS


def test_keys_that_differ_in_case_only_are_told_apart():
    report = decode_user_data_event(json.dumps({**REPORT, **CONDITIONAL, "z": "4.0", "Z": "2.0"}).encode())

    assert isinstance(report, ExecutionReportEvent)
    assert (report.client_order_id, report.original_client_order_id, report.counter_symbol) == ("mine-1", "", "BTCUSDT")
    assert (report.prevented_execution_quantity, report.prevented_execution_price) == (Decimal("2.123456"), Decimal("0.10000001"))  # fmt: skip
    assert (report.trade_group_id, report.counter_order_id, report.used_sor) == (1, 37, True)
    assert (report.peg_price_type, report.pegged_price) == (PegPriceType.PRIMARY_PEG, Decimal(1))
    assert (report.peg_offset_type, report.peg_offset_value) == (PegOffsetType.PRICE_LEVEL, 5)
    assert (report.trailing_delta, report.trailing_time) == (4, 1668680518494)
    assert (report.strategy_id, report.strategy_type) == (5, 1_000_000)
    assert (report.prevented_quantity, report.last_prevented_quantity) == (3, 2)
    assert (report.execution_type, report.reject_reason) == (ExecutionType.NEW, RejectReason.NONE)
    assert report.expiry_reason is ExpiryReason.INSUFFICIENT_LIQUIDITY
    assert report.average_price == Decimal("0.5")


def test_nothing_executed_has_no_average_price():
    report = decode_user_data_event(json.dumps(REPORT).encode())

    assert isinstance(report, ExecutionReportEvent)
    assert report.average_price is None


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ({"e": "listenKeyExpired"}, "Invalid value 'listenKeyExpired'"),
        ({"e": "balanceUpdate"}, "missing required field `E`"),
        ({}, "missing required field `e`"),
        ([], "Expected `object`, got `array`"),
    ],
)
def test_what_is_no_user_data_event_is_refused(value, problem):
    with pytest.raises(msgspec.ValidationError, match=problem):
        decode_user_data_event(json.dumps(value).encode())

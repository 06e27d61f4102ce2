"""The five commands, and the documented answer to each wrong one."""

from __future__ import annotations

import json
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.simulator.stream_commands import Command, CommandRejected, answer, parse_command

KNOWN = "`SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY`"


@pytest.mark.parametrize(
    ("sent", "command"),
    [
        (
            '{"method":"SUBSCRIBE","params":["btcusdt@trade","!miniTicker@arr"],"id":1}',
            Command("SUBSCRIBE", 1, streams=("btcusdt@trade", "!miniTicker@arr")),
        ),
        ('{"method":"UNSUBSCRIBE","params":["a@kline_1m@+08:00"],"id":-5}', Command("UNSUBSCRIBE", -5, ("a@kline_1m@+08:00",))),
        ('{"method":"LIST_SUBSCRIPTIONS","id":"abc-1"}', Command("LIST_SUBSCRIPTIONS", "abc-1")),
        ('{"method":"LIST_SUBSCRIPTIONS","params":[],"id":null}', Command("LIST_SUBSCRIPTIONS", None)),
        ('{"method":"SET_PROPERTY","params":["combined",true],"id":2}', Command("SET_PROPERTY", 2, combined=True)),
        ('{"method":"GET_PROPERTY","params":["combined"],"id":3}', Command("GET_PROPERTY", 3)),
        ('{"method":"SUBSCRIBE","params":["这是测试币456@trade"],"id":1}', Command("SUBSCRIBE", 1, ("这是测试币456@trade",))),
    ],
)  # fmt: skip
def test_commands_are_read(sent, command):
    assert parse_command(sent.encode()) == command


@pytest.mark.parametrize(
    ("sent", "error"),
    [
        ('{"method":"SET_PROPERTY","params":["speed",1],"id":7}', {"code": 0, "msg": "Unknown property", "id": 7}),
        ('{"method":"GET_PROPERTY","params":["speed"],"id":"x"}', {"code": 0, "msg": "Unknown property", "id": "x"}),
        ('{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}', {"code": 1, "msg": "Invalid value type: expected Boolean"}),
        ('{"method":"SET_PROPERTY","params":["combined"],"id":1}', {"code": 1, "msg": "Invalid value type: expected Boolean"}),
        ('{"method":"SET_PROPERTY","params":[true],"id":1}', {"code": 2, "msg": "Invalid request: property name must be a string"}),
        ('{"method":"GET_PROPERTY","id":1}', {"code": 2, "msg": "Invalid request: property name must be a string"}),
        ('{"method":"GET_PROPERTY","params":["combined",1],"id":1}', {"code": 2, "msg": "Invalid request: too many parameters"}),
        ('{"method":"LIST_SUBSCRIPTIONS","params":["a@trade"],"id":1}', {"code": 2, "msg": "Invalid request: too many parameters"}),
        ('{"method":"SUBSCRIBE","params":["a@trade"]}', {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":1.5}', {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":true}', {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":"' + "x" * 37 + '"}', {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}),
        ('{"method":"SUBSCRIBE","params":["a@trade"],"id":9223372036854775808}', {"code": 2, "msg": "Invalid request: request ID must be an unsigned integer"}),
        ('{"method":"SUBSCRIBE","params":["btcusdt"],"id":1}', {"code": 2, "msg": "Invalid request: invalid stream"}),
        ('{"method":"SUBSCRIBE","params":"a@trade","id":1}', {"code": 2, "msg": "Invalid request: invalid stream"}),
        ('{"method":"SUBSCRIBE","params":[1],"id":1}', {"code": 2, "msg": "Invalid request: invalid stream"}),
        ('{"params":["a@trade"],"id":1}', {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 29"}),
        ("[1]", {"code": 2, "msg": "Invalid request: missing field `method` at line 1 column 3"}),
        ('{"method":"RANDOM","id":1}', {"code": 2, "msg": f"Invalid request: unknown variant RANDOM, expected one of {KNOWN} at line 1 column 18"}),
        ('{\n"method": 7, "id":1}', {"code": 2, "msg": f"Invalid request: unknown variant 7, expected one of {KNOWN} at line 2 column 11"}),
        ('{"id":1,', {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 9"}),
        ("", {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 1"}),
        ('{"method":"\\ud800"}', {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 19"}),
        ("[" * 3_000, {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 3000"}),
        ("9" * 5_000, {"code": 3, "msg": "Invalid JSON: expected value at line 1 column 5000"}),
        ('{\n "a": x}', {"code": 3, "msg": "Invalid JSON: expected value at line 2 column 7"}),
    ],
)  # fmt: skip
def test_wrong_commands_get_the_documented_error(sent, error):
    with pytest.raises(CommandRejected, match=re.escape(error["msg"])) as rejected:
        parse_command(sent.encode())
    assert json.loads(rejected.value.answer) == error


def test_the_id_comes_back():
    assert answer(None, 1) == b'{"result":null,"id":1}'
    assert answer(["a@trade"], "x") == b'{"result":["a@trade"],"id":"x"}'
    assert answer(True, None) == b'{"result":true,"id":null}'


@given(st.binary(max_size=80) | st.text(max_size=80).map(lambda text: text.encode(errors="replace")))
def test_any_bytes_are_understood_or_refused(payload):
    try:
        command = parse_command(payload)
    except CommandRejected as rejected:
        error = json.loads(rejected.answer)
    else:
        error = {"code": 0, "msg": command.method}
    assert error.keys() >= {"code", "msg"}

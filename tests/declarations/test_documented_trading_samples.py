"""Binance's documented samples: they decode, and encode again to equal values."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import msgspec
import pytest

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.models.base_models import plain
from cryptotrader.models.user_models import UserDataFrame
from cryptotrader.protocol.request import REGISTRY
from reference_data import content, index, samples

CHECKED = {"request": 43, "response": 44, "userevent": 1}
"""So many samples of each kind are checked where the reference data are there; newer data may have more."""
AUTHENTICATION = {"apiKey", "signature", "timestamp", "recvWindow"}


def rows(kind: str) -> list[dict[str, Any]]:
    """The samples of a kind that show more than an error."""
    known = [
        row for row in index() if row["kind"] == kind and (kind == "userevent" or row["method_or_stream"] in REGISTRY)
    ]
    return known if kind != "response" else [row for row in known if is_result(content(row))]


def is_result(body: dict[str, Any]) -> bool:
    return "result" in body and "code" not in body["result"]


def as_text(value: object) -> object:
    """Samples write a few decimals as numbers; the library always writes text."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


@pytest.mark.parametrize("row", samples(rows("request")))
def test_a_documented_request_is_built_and_sent_again(row):
    sent = {name: value for name, value in content(row).get("params", {}).items() if name not in AUTHENTICATION}
    request = msgspec.convert(sent, REGISTRY[row["method_or_stream"]])

    assert {name: as_text(value) for name, value in request.params().items()} == {
        name: as_text(value) for name, value in sent.items()
    }


@pytest.mark.parametrize("row", samples(rows("response")))
def test_a_documented_result_decodes_and_encodes_to_equal_values(row):
    body = content(row)
    result = REGISTRY[row["method_or_stream"]].result_decoder.decode(json.dumps(body["result"]).encode())

    assert (
        json.loads(msgspec.json.encode(plain(msgspec.to_builtins(result, builtin_types=(Decimal,))))) == body["result"]
    )


@pytest.mark.parametrize("row", samples(rows("userevent")))
def test_a_documented_user_data_event_decodes_and_encodes_to_equal_values(row):
    body = content(row)

    assert json.loads(UserDataFrame.from_json(json.dumps(body)).to_json()) == body


def test_the_methods_are_the_documented_ones(shared_folder):
    assert set(REGISTRY) == set(json.loads((shared_folder / "reference" / "methods.json").read_text()))


@pytest.mark.usefixtures("shared_folder")
def test_no_kind_of_sample_has_vanished():
    assert {kind: len(rows(kind)) for kind, number in CHECKED.items() if len(rows(kind)) < number} == {}

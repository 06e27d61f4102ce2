"""Binance's documented samples: they decode, and encode again to equal values."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.models.base_models import plain
from cryptotrader.models.user_models import UserDataFrame
from cryptotrader.protocol.request import REGISTRY

FIXTURES = Path(__file__).parents[3] / "shared" / "fixtures"
INDEX: list[dict[str, Any]] = json.loads((FIXTURES / "index.json").read_text()) if FIXTURES.is_dir() else []
AUTHENTICATION = {"apiKey", "signature", "timestamp", "recvWindow"}


def rows(kind: str) -> list[dict[str, Any]]:
    return [row for row in INDEX if row["kind"] == kind and row["method_or_stream"] in REGISTRY]


def content(row: dict[str, Any]) -> dict[str, Any]:
    return json.loads((FIXTURES / row["file"]).read_text())


def as_text(value: object) -> object:
    """Samples write a few decimals as numbers; the library always writes text."""
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


@pytest.mark.parametrize("row", rows("request"), ids=lambda row: row["file"])
def test_a_documented_request_is_built_and_sent_again(row):
    sent = {name: value for name, value in content(row).get("params", {}).items() if name not in AUTHENTICATION}
    request = msgspec.convert(sent, REGISTRY[row["method_or_stream"]])

    assert {name: as_text(value) for name, value in request.params().items()} == {
        name: as_text(value) for name, value in sent.items()
    }


@pytest.mark.parametrize(
    "row", [row for row in rows("response") if row.get("status", 200) == 200], ids=lambda row: row["file"]
)
def test_a_documented_result_decodes_and_encodes_to_equal_values(row):
    body = content(row)
    if "result" not in body or "code" in body["result"]:
        pytest.skip("an error")
    result = REGISTRY[row["method_or_stream"]].result_decoder.decode(json.dumps(body["result"]).encode())

    assert (
        json.loads(msgspec.json.encode(plain(msgspec.to_builtins(result, builtin_types=(Decimal,))))) == body["result"]
    )


@pytest.mark.parametrize(
    "row", [row for row in INDEX if row["file"].startswith("userevent")], ids=lambda row: row["file"]
)
def test_a_documented_user_data_event_decodes_and_encodes_to_equal_values(row):
    body = content(row)

    assert json.loads(UserDataFrame.from_json(json.dumps(body)).to_json()) == body


def test_the_methods_are_the_documented_ones(shared_folder):
    assert set(REGISTRY) == set(json.loads((shared_folder / "reference" / "methods.json").read_text()))

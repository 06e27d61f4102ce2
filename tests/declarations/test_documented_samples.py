"""Every sample of Binance's documentation that our declarations cover: decoded, and encoded to the same JSON again.

A sample of a method, stream or event that is not declared is skipped, and counts as soon as its declaration exists; so
is one that shows no value. How many are checked at least, ``CHECKED`` says.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from typing import Any

import pytest

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.errors import Banned, OrderRejected, PartiallyApplied, RateLimited, RequestRejected
from cryptotrader.models.base_models import Model, plain
from cryptotrader.protocol import codec
from cryptotrader.protocol.channel import CHANNELS
from cryptotrader.protocol.request import REGISTRY, Method, SecurityType
from cryptotrader.simulator.api_requests import decode_request
from cryptotrader.simulator.stream_commands import METHODS, answer, parse_command
from reference_data import SHARED, content, index, nothing, samples
from structure.models import events, model_modules

CHECKED = {"request": 46, "response": 52, "stream": 6, "userevent": 1}
"""So many samples of each kind are checked where the reference data are there. Newer data may have more; fewer mean that
declarations or data were lost, and that tests vanish in silence."""
AUTHENTICATION = {"apiKey", "signature", "timestamp", "recvWindow"}
PATTERNS = {channel.pattern: channel for channel in CHANNELS}
MODELS = {name: value for module in model_modules() for name, value in vars(module).items()}
USER_EVENTS = {kind: MODELS[fact["model"]] for kind, fact in events(set()).items()}


def of_kind(kind: str) -> list[Any]:
    """The samples of one kind, as parameters of a test."""
    return samples(entry for entry in index() if entry["kind"] == kind)


def why_not(entry: dict[str, Any]) -> str | None:
    """Why a sample cannot be checked, if it cannot."""
    sample, name = content(entry), entry["method_or_stream"]
    if sample == [{}]:
        return "the sample leaves its events out"
    if entry["kind"] == "response" and name not in METHODS and "status" not in sample:
        return "a fragment of a reply"
    if entry["kind"] == "userevent":
        name = sample.get("event", sample)["e"]
        return None if name in USER_EVENTS else f"{name} is not declared"
    known = entry["kind"] == "stream" or name in METHODS or name in REGISTRY or name == "generic"
    return None if known else f"{name} is not declared"


def checkable(entry: dict[str, Any]) -> Any:
    """The sample, or the end of the test where there is nothing to check."""
    if (reason := why_not(entry)) is not None:
        pytest.skip(reason)
    return content(entry)


def canonical(value: Any) -> str:
    """JSON in which values are equal only if they are so on the wire: ``1``, ``1.0``, ``true`` and ``"1"`` all differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def encoded(result: Any) -> Any:
    """A decoded result or event as parsed JSON again."""
    if isinstance(result, Model):
        return json.loads(result.to_json())
    return [encoded(item) for item in result] if isinstance(result, (list, tuple)) else plain(result)


# ------------------------------------------------------------------------------------------------------------ requests


@pytest.mark.parametrize("entry", of_kind("request"))
def test_a_request(entry):
    sample = checkable(entry)
    if sample["method"] in METHODS:
        check_stream_command(sample)
        return
    kind = REGISTRY[sample["method"]]
    params = {name: value for name, value in sample.get("params", {}).items() if name not in AUTHENTICATION}

    request = decode_request(kind, dict(params))

    assert as_sent(request.params()) == as_sent(params)
    frame = json.loads(codec.encode_request(sample["id"], request.api.name, request.params()))
    assert frame.keys() - {"params"} == sample.keys() - {"params"}
    assert frame["id"] == sample["id"]


def as_sent(params: dict[str, Any]) -> dict[str, Any]:
    """Parameters with numbers as text: the documentation sends decimals both ways."""
    return {
        name: str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else value
        for name, value in params.items()
    }


def check_stream_command(sample: dict[str, Any]) -> None:
    command = parse_command(json.dumps(sample).encode())
    assert (command.method, command.id) == (sample["method"], sample["id"])
    if sample["method"] in {"SUBSCRIBE", "UNSUBSCRIBE"}:
        ours = codec.encode_control(command.method, list(command.streams), command.id)
        assert canonical(json.loads(ours)) == canonical(sample)
    elif sample["method"] == "SET_PROPERTY":
        assert ["combined", command.combined] == sample["params"]
    else:
        assert (command.combined, sample["params"]) == (None, ["combined"])


# ------------------------------------------------------------------------------------------------------------- replies


@pytest.mark.parametrize("entry", of_kind("response"))
def test_a_reply(entry):
    sample, name = checkable(entry), entry["method_or_stream"]
    if name in METHODS:
        check_command_reply(sample)
        return
    frame = codec.decode_api_frame(json.dumps(sample).encode())
    assert (frame.id, frame.status) == (sample["id"], sample["status"])
    assert canonical(encoded(list(frame.rate_limits))) == canonical(sample.get("rateLimits", []))
    api = Method(name) if name == "generic" else REGISTRY[name].api
    if "error" in sample:
        check_error(frame, sample, api)
    elif name == "generic":
        assert json.loads(bytes(frame.result)) == sample["result"]
    else:
        result = REGISTRY[name].result_decoder.decode(frame.result)
        assert canonical(encoded(result)) == canonical(sample["result"])


def check_command_reply(sample: dict[str, Any]) -> None:
    frame = codec.decode_stream_frame(json.dumps(sample).encode())
    assert (frame.id, frame.failure, frame.stream) == (sample["id"], None, None)
    assert canonical(json.loads(bytes(frame.result))) == canonical(sample["result"])
    assert canonical(json.loads(answer(sample["result"], sample["id"]))) == canonical(sample)


def check_error(frame: codec.ApiFrame, sample: dict[str, Any], api: Method) -> None:
    wanted = {418: Banned, 429: RateLimited, 409: PartiallyApplied}.get(sample["status"], RequestRejected)
    if api.security is SecurityType.TRADE and sample["error"]["code"] in codec.ENGINE_CODES:
        wanted = OrderRejected
    assert frame.error is not None
    error = codec.rejection(api, 1, frame.status, frame.error)
    assert type(error) is wanted
    assert isinstance(error, RequestRejected)
    assert (error.code, error.message, error.data) == (
        sample["error"]["code"],
        sample["error"]["msg"],
        sample["error"].get("data"),
    )
    if isinstance(error, RateLimited):
        assert error.retry_after == sample["error"]["data"]["retryAfter"]


def stream_errors() -> list[Any]:
    file = SHARED / "reference" / "stream_control_errors.json"
    errors = json.loads(file.read_bytes()) if file.is_file() else []
    return [pytest.param(error, id=error["msg"][:40]) for error in errors] or [nothing()]


@pytest.mark.parametrize("sample", stream_errors())
@pytest.mark.parametrize("nested", [False, True], ids=["flat", "nested"])
def test_an_error_of_a_stream_command(sample, nested):
    error = {"code": sample["code"], "msg": sample["msg"]}
    frame = codec.decode_stream_frame(json.dumps({"id": 5, "error": error} if nested else {"id": 5, **error}).encode())

    assert frame.failure == codec.ErrorBody(sample["code"], sample["msg"])
    assert frame.id == 5


# -------------------------------------------------------------------------------------------------------------- events


@pytest.mark.parametrize("entry", of_kind("stream"))
def test_an_event_of_a_stream(entry):
    sample = checkable(entry)
    name = entry["method_or_stream"].replace("[@100ms]", "")
    channel = PATTERNS[re.sub(r"<(\w+?)(?:[_-]size)?>", r"{\1}", name)]
    for payload, decode in (
        (json.dumps(sample), channel.decode),
        (json.dumps({"stream": "x", "data": sample}), lambda frame: channel.decode_combined(frame).data),
    ):
        assert canonical(encoded(decode(payload.encode()))) == canonical(sample)


@pytest.mark.parametrize("entry", of_kind("userevent"))
def test_an_event_of_the_user_data_stream(entry):
    sample = checkable(entry)
    event = sample.get("event", sample)
    assert canonical(encoded(USER_EVENTS[event["e"]].from_json(json.dumps(event)))) == canonical(event)


@pytest.mark.usefixtures("shared_folder")
def test_no_kind_of_sample_has_vanished():
    checked = Counter(entry["kind"] for entry in index() if why_not(entry) is None)
    assert checked.keys() == CHECKED.keys()
    assert {kind: number for kind, number in checked.items() if number < CHECKED[kind]} == {}

"""Everything that users get wrong in the shell: one line that says what happened and what to do."""

from __future__ import annotations

import asyncio

import pytest
import structlog

from bad_input import CASES, ORDER, Scene
from command_line import exit_code


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_is_wrong_is_a_line_in_the_shell(case, exchange_factory, tmp_path, monkeypatch, capfd):
    scene = Scene(exchange_factory(rate=1.0, symbols=["BTCUSDT"]), tmp_path, monkeypatch)
    case.spoil(scene)
    if case.first is not None:
        asyncio.run(scene.order(case.first))
    for name in ("BINANCE_API_KEY", "BINANCE_API_SECRET", "BINANCE_PRIVATE_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)
    for name, value in scene.variables.items():
        monkeypatch.setenv(name, value)
    parameters = [f"{name}={value}" for name, value in {**ORDER, **case.order}.items()]
    command = case.command or ("order", "place", "BTCUSDT", "BUY", "LIMIT", *parameters)
    where = ["--endpoint", f"ws://127.0.0.1:{scene.exchange.port}"]
    assert exit_code(monkeypatch, *command, *where) == case.exit_code
    structlog.reset_defaults()

    out, err = capfd.readouterr()
    assert out == ""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("error: ")
    assert case.what_happened in err
    assert case.what_to_do in err

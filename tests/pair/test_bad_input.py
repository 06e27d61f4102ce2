"""Everything that users get wrong in Python: a typed error that says what happened and what to do."""

from __future__ import annotations

import re
from contextlib import asynccontextmanager

import pytest

from bad_input import CASES, SECONDS_OF_BAN, Scene, ban
from cryptotrader.errors import BinanceError, ConnectFailed
from diagnosed import exchange_in_memory
from paired import machine


@asynccontextmanager
async def scene(tmp_path, monkeypatch):
    async with exchange_in_memory(rate=1.0) as exchange:
        yield Scene(exchange, tmp_path, monkeypatch, environment=machine(exchange.dial))


@pytest.mark.parametrize("case", CASES, ids=str)
async def test_what_is_wrong_is_a_typed_error_that_says_what_to_do(case, tmp_path, monkeypatch):
    async with scene(tmp_path, monkeypatch) as made:
        case.spoil(made)
        if case.first is not None:
            await made.order(case.first)
        with pytest.raises(BinanceError, match=re.escape(case.what_happened)) as caught:
            await made.order(case.order)
    error, text = caught.value, str(caught.value)

    assert type(error) is case.error, text
    assert getattr(error, "code", None) == case.code
    assert case.what_to_do in text


async def test_a_ban_tells_how_long_it_lasts(tmp_path, monkeypatch):
    async with scene(tmp_path, monkeypatch) as made:
        ban(made)
        with pytest.raises(ConnectFailed, match=f"send nothing for {SECONDS_OF_BAN} s"):
            await made.order({})


async def test_what_is_right_is_taken(tmp_path, monkeypatch):
    """Whatever is refused above is refused for what is wrong."""
    async with scene(tmp_path, monkeypatch) as made:
        order = await made.order({})

    assert order.order_id is not None

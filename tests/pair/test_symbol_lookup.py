"""Whether the exchange trades some symbols, and what is said where it cannot be asked."""

from __future__ import annotations

import pytest

from capturing import market
from cryptotrader.errors import ConfigurationError, ConnectFailed, RateLimited, RequestRejected, UnknownSymbol
from cryptotrader.symbol_lookup import _page, look_up_symbols
from virtual_clock import running_loop


def look_up(pair, *symbols):
    return look_up_symbols(pair.exchange.endpoint, symbols, environment=pair.environment)


async def test_the_assets_of_each_symbol_are_told():
    async with market("BTCUSDT", "ETHBTC") as pair:
        found = await look_up(pair, "BTCUSDT", "ETHBTC")
        assert {name: (info.base_asset, info.quote_asset) for name, info in found.items()} == {
            "BTCUSDT": ("BTC", "USDT"),
            "ETHBTC": ("ETH", "BTC"),
        }
        assert await look_up(pair) == {}
        assert pair.exchange.connections == 0


async def test_of_many_symbols_the_unknown_one_is_named():
    async with market("BTCUSDT", "ETHUSDT") as pair:
        with pytest.raises(UnknownSymbol, match=r"NOPEUSDT.*does not trade it"):
            await look_up(pair, "BTCUSDT", "NOPEUSDT", "ETHUSDT")


async def test_a_refusal_for_another_reason_is_told_as_it_is():
    async with market() as pair:
        pair.exchange.fault("rate_limit", count=1, seconds=5.0)
        with pytest.raises(RateLimited, match="Too much request weight used"):
            await look_up(pair, "BTCUSDT")


async def test_a_wrong_address_is_told_at_once():
    async with market() as pair:
        pair.exchange.fault("refuse", seconds=100.0)
        with pytest.raises(ConnectFailed, match="gave up after 1 attempts"):
            await look_up(pair, "BTCUSDT")
        assert running_loop().time() < 1


async def test_what_gives_no_answer_is_not_binance():
    async with market() as pair:
        pair.exchange.fault("skip", connection="api")
        with pytest.raises(ConfigurationError, match=r"what answers at .* is not Binance"):
            await look_up(pair, "BTCUSDT")
        assert running_loop().time() == pytest.approx(10, abs=1)


async def test_a_refusal_of_all_together_that_none_alone_explains_is_told_as_it_is():
    class Contradicting:
        async def call(self, request):
            if len(request.symbols) > 1:
                raise RequestRejected("exchangeInfo", 400, -1121, "Invalid symbol.")
            return type("Info", (), {"symbols": []})

    with pytest.raises(RequestRejected, match="Invalid symbol"):
        await _page(Contradicting(), ("BTCUSDT", "ETHUSDT"))

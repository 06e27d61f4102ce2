"""An exchange that is saved at its end and goes on at the next start."""

from __future__ import annotations

import asyncio

import pytest

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator import ExchangeAccount, LocalExchange, server
from exchange_client import quiet_exchange
from trader_client import Trader, trading
from virtual_clock import run_virtual, running_loop


def test_orders_and_balances_outlive_the_exchange(tmp_path):
    kept = {}
    state = tmp_path / "exchange.state"

    async def before(exchange):
        trader = await Trader.dial(exchange)
        other = await Trader.dial(exchange, 1)
        kept["order"] = await trader.place(newClientOrderId="mine", quantity="0.5")
        await other.place(side="SELL", quantity="0.2")
        kept["account"] = await trader.do("account.status")
        kept["uid"] = trader.keys.uid
        kept["key"] = trader.keys.hmac.api_key

    async def after(exchange):
        trader = await Trader.dial(exchange, subscribe=True)
        assert trader.keys.uid == kept["uid"]
        assert trader.keys.hmac.api_key != kept["key"]  # keys are made anew at each start
        order = await trader.do("order.status", symbol="BTCUSDT", origClientOrderId="mine")
        assert (order["orderId"], order["executedQty"]) == (kept["order"]["orderId"], "0.20000000")
        assert (await trader.do("account.status"))["balances"] == kept["account"]["balances"]
        assert len(await trader.do("myTrades", symbol="BTCUSDT")) == 1
        other = await Trader.dial(exchange, 1)
        await other.place(side="SELL", quantity="0.3")
        assert trader.reports(order["orderId"]) == [("TRADE", "FILLED")]

    trading(before, state=state)
    assert [path.name for path in tmp_path.iterdir()] == ["exchange.state"]
    trading(after, state=state)


def test_time_that_passed_in_between_is_skipped(tmp_path):
    async def main():
        state, loop = tmp_path / "exchange.state", running_loop()
        for _ in range(2):
            exchange = LocalExchange(["BTCUSDT"], port=None, rate=50, state=state, clock=loop.wall_us)
            async with exchange:
                newest = exchange.venue.markets["BTCUSDT"].log.next_id
                await asyncio.sleep(10)
                traded = exchange.venue.markets["BTCUSDT"].log.next_id - newest
                assert 300 < traded < 800
                assert abs(exchange.venue.now_us - loop.wall_us()) < 1_000_000
            await asyncio.sleep(86_400)

    run_virtual(main)


def test_new_accounts_join_the_saved_ones(tmp_path):
    state = tmp_path / "exchange.state"

    async def nothing(exchange):
        pass

    async def check(exchange):
        accounts = exchange.venue.desk.treasury.accounts
        assert list(accounts) == [1001, 1002, 5]
        assert accounts[5].free("BTC") == 10**8

    trading(nothing, state=state)
    trading(check, state=state, accounts=[ExchangeAccount(uid=5, balances={"BTC": "1"})])


def test_what_outgrows_64_bits_is_saved(tmp_path):
    state = tmp_path / "exchange.state"
    rich = ExchangeAccount(uid=5, balances={"PEPE": "1000000000000", "USDT": "100"})

    async def nothing(exchange):
        exchange.deposit(5, "USDT", "99999999999999999999")

    async def check(exchange):
        account = exchange.venue.desk.treasury.accounts[5]
        assert (account.free("PEPE"), account.free("USDT")) == (10**20, (10**20 + 99) * 10**8)

    trading(nothing, state=state, accounts=[rich])
    trading(check, state=state, accounts=[rich])


def test_the_exchange_ends_whatever_hinders_it(tmp_path, monkeypatch):
    def fail(*_):
        raise OverflowError("too large")

    monkeypatch.setattr(server, "save_memory", fail)

    async def main():
        exchange = quiet_exchange(state=tmp_path / "exchange.state")
        await exchange.start()
        exchange.request_stop()
        await asyncio.wait_for(exchange.wait_ended(), 5)
        for _ in range(2):
            with pytest.raises(OverflowError, match="too large"):
                await asyncio.wait_for(exchange.stop(), 5)

    run_virtual(main)


def test_the_orders_of_the_day_are_counted_on(tmp_path):
    state = tmp_path / "exchange.state"

    def count(exchange):
        return [limit.count for limit in exchange._surroundings.counts.shown(1001)]

    async def before(exchange):
        trader = await Trader.dial(exchange)
        await trader.place()
        assert count(exchange) == [1, 1]

    async def after(exchange):
        assert count(exchange) == [0, 1]

    async def on_the_next_day(exchange):
        await asyncio.sleep(86_400)
        assert count(exchange) == [0, 0]

    trading(before, state=state)
    trading(after, state=state)
    trading(on_the_next_day, state=state)


@pytest.mark.parametrize("other", [{"symbols": ["ETHUSDT"]}, {"symbols": ["BTCUSDT", "ETHUSDT"]}, {"rate": 5}])
def test_other_symbols_or_another_rate_than_the_saved_are_refused(tmp_path, other):
    def make(**settings):
        return LocalExchange(port=None, state=tmp_path / "exchange.state", clock=running_loop().wall_us, **settings)

    async def main():
        async with make(symbols=["btcusdt"], rate=20):
            pass
        with pytest.raises(ConfigurationError, match="holds BTCUSDT at 20 trades a second"):
            make(**other)
        for settings in ({}, {"symbols": ["BTCUSDT"]}, {"rate": 20}):
            async with make(**settings) as exchange:
                assert list(exchange.venue.markets) == ["BTCUSDT"]
                assert exchange.venue.rate == pytest.approx(20)

    run_virtual(main)


def test_a_damaged_state_is_refused(tmp_path):
    state = tmp_path / "exchange.state"
    state.write_bytes(b"\x80")

    async def main():
        with pytest.raises(ConfigurationError, match="no state of this version"):
            quiet_exchange(state=state)
        with pytest.raises(ConfigurationError, match="cannot read"):
            quiet_exchange(state=tmp_path)

    run_virtual(main)


def test_a_state_that_cannot_be_written_is_told_at_the_end(tmp_path):
    async def main():
        exchange = quiet_exchange(state=tmp_path / "no" / "such" / "folder")
        await exchange.start()
        with pytest.raises(ConfigurationError, match="cannot write"):
            await exchange.stop()

    run_virtual(main)


def test_nobody_trades_in_a_replay(tmp_path):
    async def main():
        with pytest.raises(ConfigurationError, match="nobody trades in a replay"):
            quiet_exchange(replay=tmp_path / "recording", state=tmp_path / "state")

    run_virtual(main)

from __future__ import annotations

import pytest

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.commissions import CommissionRates, Commissions
from cryptotrader.simulator.venue.events import AccountPosition, AssetPosition, BalanceUpdate, ExternalLockUpdate
from venue_bench import Bench, units

# the worked example of Binance's FAQ on commission rates
EXAMPLE = Commissions(
    standard=CommissionRates(maker=10, taker=20, buyer=30, seller=40),
    special=CommissionRates(maker=1_000_000, taker=2_000_000, buyer=3_000_000, seller=4_000_000),
    tax=CommissionRates(maker=112, taker=114, buyer=118, seller=116),
    discount=25_000_000,
)


def test_all_kinds_of_commission_are_charged_on_what_is_received():
    received = units("17491.25")  # 0.01049475 standard, 0.040229875 tax, 1049.475 special
    assert EXAMPLE.full(received, is_maker=False, is_buyer=False) == units("1049.52572462")
    assert EXAMPLE.discounted(received, is_maker=False, is_buyer=False) == units("1049.51785356")


def fill(*symbols, commissions, **more):
    """Account 1 buys one coin from account 2; the execution of each."""
    bench = Bench(*symbols, commissions=commissions, **more)
    bench.limit(2, "SELL", 1, 95_000)
    bench.limit(1, "BUY", 1, 95_000)
    (bought,), (sold,) = (bench.desk.history.trades(uid, "BTCUSDT") for uid in (1, 2))
    return bench, bought, sold


def test_the_buyer_pays_in_base_and_the_seller_in_quote():
    rates = Commissions(standard=CommissionRates(maker=100_000, taker=200_000))
    bench, bought, sold = fill(commissions=rates)
    assert (bought.commission, bought.commission_asset, bought.is_maker) == (units("0.002"), "BTC", False)
    assert (sold.commission, sold.commission_asset, sold.is_maker) == (units(95), "USDT", True)
    assert bench.balance(1, "BTC") == (1_000_000.998, 0)
    assert dict(bench.desk.treasury.fees) == {"BTC": units("0.002"), "USDT": units(95)}


def test_commission_is_paid_in_bnb_where_its_price_is_known_and_there_is_enough():
    rates = Commissions(standard=CommissionRates(maker=100_000, taker=100_000), pays_in_bnb=True)
    bench, bought, sold = fill("BTCUSDT", "BNBUSDT", commissions=rates)
    assert (sold.commission, sold.commission_asset) == (95 * 75 * units(1) // 100 * units(1) // units(650), "BNB")
    assert (bought.commission, bought.commission_asset) == (sold.commission, "BNB")  # by way of USDT
    bench.trading.deposit(2, "BNB", -bench.trading.account(2).free("BNB"))
    bench.limit(2, "SELL", 1, 95_000)
    bench.limit(1, "BUY", 1, 95_000)
    assert bench.desk.history.trades(2, "BTCUSDT")[-1].commission_asset == "USDT"


def test_commission_stays_in_the_asset_that_has_no_way_to_bnb():
    rates = Commissions(standard=CommissionRates(maker=100_000, taker=100_000), pays_in_bnb=True)
    _, bought, sold = fill("BTCUSDT", "BNBUSDC", commissions=rates)
    assert (bought.commission_asset, sold.commission_asset) == ("BTC", "USDT")


def test_an_asset_that_is_traded_for_bnb_is_converted_at_that_price():
    rates = Commissions(standard=CommissionRates(taker=100_000), pays_in_bnb=True)
    bench = Bench("ETHBNB", commissions=rates)
    price = bench.market.listing.price
    bench.trading.place(2, bench.new("SELL", "LIMIT", 1, price / 10**8))
    bench.trading.place(1, bench.new("BUY", "LIMIT", 1, price / 10**8))
    (bought,) = bench.desk.history.trades(1, "ETHBNB")
    assert (bought.commission, bought.commission_asset) == (75_000 * price // 10**8, "BNB")


def test_a_deposit_is_told_as_an_update_and_a_position():
    bench = Bench()
    bench.trading.deposit(1, "USDT", -units(1))
    assert bench.events == [
        BalanceUpdate(uid=1, time_us=bench.exchange.now_us, asset="USDT", delta=-units(1)),
        AccountPosition(uid=1, time_us=bench.exchange.now_us, positions=(AssetPosition("USDT", units(999_999), 0),)),
    ]


def test_what_another_system_locks_cannot_be_spent():
    bench = Bench()
    bench.trading.lock_externally(1, "USDT", units(999_000))
    assert isinstance(bench.events[0], ExternalLockUpdate)
    assert bench.balance(1, "USDT") == (1_000, 999_000)
    bench.trading.lock_externally(1, "USDT", -units(999_000))
    assert bench.balance(1, "USDT") == (1_000_000, 0)


@pytest.mark.parametrize(
    ("misuse", "problem"),
    [
        (lambda trading: trading.deposit(1, "USDT", -units(1_000_001)), "not so much USDT to withdraw"),
        (lambda trading: trading.lock_externally(1, "USDT", units(1_000_001)), "not so much USDT to lock or unlock"),
        (lambda trading: trading.lock_externally(1, "USDT", -1), "not so much USDT to lock or unlock"),
        (lambda trading: trading.open_account(Account(uid=1)), "there is an account 1 already"),
        (lambda trading: trading.account(9), "there is no account 9"),
    ],
)
def test_what_cannot_be_is_refused(misuse, problem):
    with pytest.raises(ConfigurationError, match=problem):
        misuse(Bench().trading)


def test_a_balance_cannot_become_negative_unnoticed():
    with pytest.raises(ArithmeticError, match="account 5: BTC"):
        Account(uid=5).move("BTC", free=-1)

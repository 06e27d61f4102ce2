from __future__ import annotations

import csv

import pytest

from cryptotrader.errors import UnknownSymbol
from cryptotrader.ingestion import ParsedSymbol, parse_binance_symbol


@pytest.mark.parametrize(
    ("symbol", "base", "quote"),
    [
        ("BTCUSDT", "BTC", "USDT"),
        ("btcusdt", "BTC", "USDT"),
        ("BTCFDUSD", "BTC", "FDUSD"),
        ("BTCAEUR", "BTC", "AEUR"),
        ("BTCBRL", "BTC", "BRL"),
        ("BTCJPY", "BTC", "JPY"),
        ("TRXXRP", "TRX", "XRP"),
        ("ETHBTC", "ETH", "BTC"),
        ("1000SATSUSDT", "1000SATS", "USDT"),
    ],
)
def test_names_are_split_at_the_one_place_that_gives_two_known_assets(symbol, base, quote):
    parsed = parse_binance_symbol(symbol)

    assert parsed == (base, quote)
    assert parsed.currency == quote


@pytest.mark.parametrize(
    ("symbol", "problem"),
    [(name, "cannot be split into two known assets") for name in ("NOPEUSDT", "USDT", "BTC", "")]
    + [("LUNAEUR", "could be LUN/AEUR or LUNA/EUR")],
)
def test_what_would_be_a_guess_is_refused(symbol, problem):
    with pytest.raises(UnknownSymbol, match=f"^{symbol}: {problem}"):
        parse_binance_symbol(symbol)


def test_a_table_of_known_symbols_decides_first():
    known = {"LUNAEUR": ParsedSymbol("LUNA", "EUR"), "NOPEUSDT": ParsedSymbol("NOPE", "USDT")}

    assert parse_binance_symbol("LUNAEUR", known) == ("LUNA", "EUR")
    assert parse_binance_symbol("nopeusdt", known) == ("NOPE", "USDT")
    assert parse_binance_symbol("BTCUSDT", known) == ("BTC", "USDT")


def test_no_symbol_of_a_real_listing_is_split_wrongly(shared_folder):
    wrong, refused, total = [], 0, 0
    with (shared_folder / "data" / "symbols_2021.csv").open() as file:
        for row in csv.DictReader(file):
            total += 1
            try:
                if parse_binance_symbol(row["symbol"]) != (row["base"], row["quote"]):
                    wrong.append(row["symbol"])
            except UnknownSymbol:
                refused += 1

    assert wrong == []
    assert total > 1600
    assert refused <= 5

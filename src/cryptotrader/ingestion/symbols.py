"""Which two assets a symbol joins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from cryptotrader.errors import UnknownSymbol
from cryptotrader.ingestion.assets import KNOWN_ASSETS, QUOTE_ASSETS
from cryptotrader.models.market_models import ExchangeInfo


class ParsedSymbol(NamedTuple):
    """Base and quote asset; prices are in the quote asset, the currency."""

    base: str
    quote: str

    @property
    def currency(self) -> str:
        """What prices are in."""
        return self.quote


def parse_binance_symbol(symbol: str, known: Mapping[str, ParsedSymbol] | None = None) -> ParsedSymbol:
    """Split a symbol into its assets.

    A table of known symbols (see ``symbols_of``) decides first. Without an entry there the name is split only if
    exactly one place gives a known asset before it and a known quote asset after it; all else would be a guess.

    Raises:
        UnknownSymbol: No place, or more than one, splits the name into two known assets.
    """
    name = symbol.upper()
    if known is not None and name in known:
        return known[name]
    splits = [
        ParsedSymbol(name[:at], name[at:])
        for at in range(1, len(name))
        if name[at:] in QUOTE_ASSETS and name[:at] in KNOWN_ASSETS
    ]
    if len(splits) == 1:
        return splits[0]
    if not splits:
        raise UnknownSymbol(name, "cannot be split into two known assets; give a table made from exchangeInfo")
    choices = " or ".join(f"{base}/{quote}" for base, quote in splits)
    raise UnknownSymbol(name, f"could be {choices}; give a table made from exchangeInfo")


def symbols_of(info: ExchangeInfo) -> dict[str, ParsedSymbol]:
    """The table of known symbols that an ``exchangeInfo`` reply gives."""
    return {each.symbol: ParsedSymbol(each.base_asset, each.quote_asset) for each in info.symbols}

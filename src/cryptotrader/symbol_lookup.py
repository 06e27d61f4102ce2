"""Asking the exchange whether it trades some symbols, before anything is built on them."""

from __future__ import annotations

from collections.abc import Sequence

from cryptotrader.base_operations import ApiConnection, Environment, api_connection
from cryptotrader.config import Backoff, Endpoint, Timeouts
from cryptotrader.errors import ConfigurationError, DecodeFailed, OutcomeUnknown, RequestRejected, UnknownSymbol
from cryptotrader.models.base_models import SymbolInfo
from cryptotrader.requests import ExchangeInfoRequest

_INVALID_SYMBOL = -1121
_SYMBOLS_A_REQUEST = 100


async def look_up_symbols(
    endpoint: Endpoint, symbols: Sequence[str], *, timeout: float = 10.0, environment: Environment | None = None
) -> dict[str, SymbolInfo]:
    """What the exchange says of symbols. Makes one attempt to connect, so that a wrong address is told at once.

    Args:
        endpoint: Whom to ask.
        symbols: Their names, in upper case.
        timeout: Seconds to wait for each answer.
        environment: Dialer, budgets, randomness and clock.

    Raises:
        UnknownSymbol: The exchange does not trade one of them.
        ConfigurationError: What answers there is not Binance.
        ConnectFailed: Nothing answers there.
    """
    api = api_connection(
        endpoint, backoff=Backoff(attempts=1), timeouts=Timeouts(request=timeout), environment=environment
    )
    found: dict[str, SymbolInfo] = {}
    try:
        for start in range(0, len(symbols), _SYMBOLS_A_REQUEST):
            found |= await _page(api, tuple(symbols[start : start + _SYMBOLS_A_REQUEST]))
    except (DecodeFailed, OutcomeUnknown) as error:
        raise ConfigurationError(f"what answers at {endpoint.api_url} is not Binance ({error})") from error
    finally:
        await api.close()
    return found


async def _page(api: ApiConnection, symbols: tuple[str, ...]) -> dict[str, SymbolInfo]:
    try:
        info = await api.call(ExchangeInfoRequest(symbols=symbols))
    except RequestRejected as error:
        if error.code != _INVALID_SYMBOL:
            raise
        if len(symbols) == 1:
            raise UnknownSymbol(symbols[0], "the exchange does not trade it") from error
        for symbol in symbols:  # the reply does not say which one
            await _page(api, (symbol,))
        raise
    return {each.symbol: each for each in info.symbols}

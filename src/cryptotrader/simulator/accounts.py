"""The accounts of an exchange: who has which keys and how much money, and what happens to them from outside.

Amounts are decimals, as texts or ``Decimal``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from decimal import Decimal, InvalidOperation

from msgspec import Struct, field

from cryptotrader.errors import ConfigurationError
from cryptotrader.simulator.keys import ApiKey, DemoKeys, KeyRegister
from cryptotrader.simulator.venue import Exchange
from cryptotrader.simulator.venue.accounts import NO_GROUP, Account
from cryptotrader.simulator.venue.commissions import Commissions
from cryptotrader.simulator.venue.symbols import UNIT

DEMO_BALANCES: Mapping[str, str] = {
    "BTC": "100",
    "ETH": "1000",
    "BNB": "1000",
    "SOL": "10000",
    "USDT": "10000000",
    "USDC": "10000000",
}


class ExchangeAccount(Struct, frozen=True, kw_only=True):
    """An account that an exchange opens at its start.

    Attributes:
        uid: Its number.
        balances: First deposits by asset.
        keys: Keys of the caller's own; without any, three are made: see ``LocalExchange.demo_keys``.
        commissions: What it pays.
        trade_group_id: Accounts of one group do not trade with each other; -1 for none.
    """

    uid: int
    balances: Mapping[str, Decimal | str] = field(default_factory=lambda: dict(DEMO_BALANCES))
    keys: tuple[ApiKey, ...] = ()
    commissions: Commissions = field(default_factory=Commissions)
    trade_group_id: int = NO_GROUP


DEMO_ACCOUNTS = (ExchangeAccount(uid=1001), ExchangeAccount(uid=1002))


class AccountOffice(ABC):
    """Opens accounts, and does to them what no request can.

    Args:
        venue: The market that keeps the accounts.
        accounts: Which to open.

    Attributes:
        venue: The market itself. What is done to it by hand is sent with the next tick, within a second.
        demo_keys: Fresh keys of each account that brought none, in the order of the accounts.
    """

    def __init__(self, venue: Exchange, accounts: Iterable[ExchangeAccount]) -> None:
        self.venue = venue
        self._keys = KeyRegister()
        self.demo_keys: list[DemoKeys] = []
        for account in accounts:
            self._open(account)

    def _open(self, wanted: ExchangeAccount) -> None:
        if wanted.uid not in self.venue.desk.treasury.accounts:  # otherwise it comes from a saved state
            account = Account(uid=wanted.uid, commissions=wanted.commissions, trade_group_id=wanted.trade_group_id)
            deposits = {asset: _units(amount) for asset, amount in wanted.balances.items()}
            self.venue.trading.open_account(account, deposits)
        for key in wanted.keys:
            if key.uid != wanted.uid:
                raise ConfigurationError(f"the key {key.api_key} is of account {key.uid}, not {wanted.uid}")
            self._keys.add(key)
        if not wanted.keys:
            self.demo_keys.append(DemoKeys(wanted.uid, self._keys))

    @abstractmethod
    def _wake(self) -> None:
        """Something has happened that is to be told soon."""

    def revoke(self, api_key: str) -> None:
        """Take a key out of force; whoever is logged on with it learns so with the next request.

        Raises:
            ConfigurationError: There is no such key.
        """
        self._keys.revoke(api_key)

    def deposit(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Add to a balance.

        Raises:
            ConfigurationError: There is no such account, or no such amount.
        """
        self.venue.trading.deposit(uid, asset, _units(amount))
        self._wake()

    def withdraw(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Take from what is free of a balance.

        Raises:
            ConfigurationError: There is no such account, no such amount, or not as much.
        """
        self.venue.trading.deposit(uid, asset, -_units(amount))
        self._wake()

    def lock(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Let another system lock a part of a balance.

        Raises:
            ConfigurationError: There is no such account, no such amount, or not as much free.
        """
        self.venue.trading.lock_externally(uid, asset, _units(amount))
        self._wake()

    def unlock(self, uid: int, asset: str, amount: Decimal | str) -> None:
        """Let another system free what it locked.

        Raises:
            ConfigurationError: There is no such account, no such amount, or not as much locked.
        """
        self.venue.trading.lock_externally(uid, asset, -_units(amount))
        self._wake()


def _units(amount: Decimal | str) -> int:
    """A positive amount as an integer at 10^-8."""
    try:
        units = Decimal(amount) * UNIT
        if units > 0 and units == int(units):
            return int(units)
    except (InvalidOperation, ValueError, OverflowError):  # no number, or an infinite one
        pass
    raise ConfigurationError(f"{amount!r} is not a positive amount of at most eight decimals")

"""Accounts: what they own, what of it is locked, and what they may do. Amounts are integers at 10^-8."""

from __future__ import annotations

from msgspec import Struct, field

from cryptotrader.simulator.venue.commissions import Commissions
from cryptotrader.simulator.venue.symbols import UNIT

NO_GROUP = -1
"""Trade group of accounts that are in none."""


def quote_amount(price: int, quantity: int) -> int:
    """Price times quantity, rounded down: buyer and seller of a fill move exactly this much, so none is lost."""
    return price * quantity // UNIT


class Balance(Struct):
    """An asset of an account; ``locked`` backs open orders and external locks."""

    free: int = 0
    locked: int = 0


class Account(Struct, kw_only=True):
    """One account.

    Attributes:
        uid: Its number.
        balances: By asset.
        commissions: What it pays.
        trade_group_id: Accounts of one group do not trade with each other; -1 for none.
        permissions: What symbols may ask for.
        can_trade: Whether it may place orders.
        can_withdraw: Whether it may withdraw.
        can_deposit: Whether it may receive deposits.
        require_self_trade_prevention: Whether orders with the mode ``NONE`` are refused.
        prevent_sor: Whether smart order routing is refused.
        external_locks: What other systems hold locked, by asset.
        updated_us: When a balance last changed.
        changed: Assets that changed since the last account position was told.
    """

    uid: int
    balances: dict[str, Balance] = field(default_factory=dict)
    commissions: Commissions = field(default_factory=Commissions)
    trade_group_id: int = NO_GROUP
    permissions: tuple[str, ...] = ("SPOT",)
    can_trade: bool = True
    can_withdraw: bool = True
    can_deposit: bool = True
    require_self_trade_prevention: bool = False
    prevent_sor: bool = False
    external_locks: dict[str, int] = field(default_factory=dict)
    updated_us: int = 0
    changed: dict[str, None] = field(default_factory=dict)

    def free(self, asset: str) -> int:
        """What can be spent."""
        balance = self.balances.get(asset)
        return 0 if balance is None else balance.free

    def total(self, asset: str) -> int:
        """Free and locked."""
        balance = self.balances.get(asset)
        return 0 if balance is None else balance.free + balance.locked

    def move(self, asset: str, *, free: int = 0, locked: int = 0) -> None:
        """Change a balance.

        Raises:
            ArithmeticError: It would become negative; the caller has not checked its funds.
        """
        balance = self.balances.setdefault(asset, Balance())
        if balance.free + free < 0 or balance.locked + locked < 0:
            raise ArithmeticError(f"account {self.uid}: {asset} {balance} cannot change by {free} and {locked}")
        balance.free += free
        balance.locked += locked
        self.changed[asset] = None

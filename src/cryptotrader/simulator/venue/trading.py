"""Everything that accounts may do, as commands.

A command either raises `Rejection` and changes nothing, or returns what happened at once. All of it, and what it led
to, is told to the desk's listeners in order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cryptotrader.errors import ConfigurationError
from cryptotrader.models.order_models import CancelReplaceMode, CancelRestrictions
from cryptotrader.simulator.venue import list_placement, order_changes, placement
from cryptotrader.simulator.venue.accounts import Account
from cryptotrader.simulator.venue.desk import Desk
from cryptotrader.simulator.venue.events import (
    AmendedOrder,
    BalanceUpdate,
    ExternalLockUpdate,
    ListCancellation,
    ListPlacement,
    OrderList,
    Placement,
)
from cryptotrader.simulator.venue.list_placement import NewOrderList
from cryptotrader.simulator.venue.order_changes import Ended, OrderKey, Replacement
from cryptotrader.simulator.venue.orders import NewOrder
from cryptotrader.simulator.venue.rejections import UNKNOWN_ORDER, Rejection, cancel_rejected


class Trading:
    """Commands of accounts. Amounts are integers at 10^-8.

    Args:
        desk: Who carries them out.
        clock: Tells the current time in microseconds.
    """

    def __init__(self, desk: Desk, clock: Callable[[], int]) -> None:
        self._desk = desk
        self._clock = clock

    # ------------------------------------------------------------------------------------------------- accounts

    def open_account(self, account: Account, deposits: Mapping[str, int] | None = None) -> Account:
        """Take in an account, with first deposits by asset.

        Raises:
            ConfigurationError: There is one with that uid.
        """
        if account.uid in self._desk.treasury.accounts:
            raise ConfigurationError(f"there is an account {account.uid} already")
        self._desk.treasury.accounts[account.uid] = account
        for asset, amount in (deposits or {}).items():
            self.deposit(account.uid, asset, amount)
        return account

    def account(self, uid: int) -> Account:
        """An account.

        Raises:
            ConfigurationError: There is none with that uid.
        """
        account = self._desk.treasury.accounts.get(uid)
        if account is None:
            raise ConfigurationError(f"there is no account {uid}")
        return account

    def deposit(self, uid: int, asset: str, amount: int) -> None:
        """Add to an account, or withdraw with a negative amount.

        Raises:
            ConfigurationError: There is no such account, or it has not as much.
        """
        account, now_us = self.account(uid), self._clock()
        if account.free(asset) + amount < 0:
            raise ConfigurationError(f"account {uid} has not so much {asset} to withdraw")
        self._desk.treasury.move(uid, asset, free=amount)
        self._desk.tell(BalanceUpdate(uid=uid, time_us=now_us, asset=asset, delta=amount))
        self._desk.tell_positions(now_us)

    def lock_externally(self, uid: int, asset: str, amount: int) -> None:
        """Let another system lock part of a balance, or unlock it with a negative amount.

        Raises:
            ConfigurationError: There is no such account, or not as much to lock or unlock.
        """
        account, now_us = self.account(uid), self._clock()
        held = account.external_locks.get(asset, 0)
        if account.free(asset) < amount or held + amount < 0:
            raise ConfigurationError(f"account {uid} has not so much {asset} to lock or unlock")
        account.external_locks[asset] = held + amount
        self._desk.treasury.move(uid, asset, free=-amount, locked=amount)
        self._desk.tell(ExternalLockUpdate(uid=uid, time_us=now_us, asset=asset, delta=amount))
        self._desk.tell_positions(now_us)

    # ------------------------------------------------------------------------------------------------- orders

    def place(self, uid: int, new: NewOrder) -> Placement:
        """Place an order.

        Raises:
            Rejection: It is refused.
        """
        account, now_us = self.account(uid), self._clock()
        placement.check_order(self._desk, account, new, now_us)
        placed = placement.place(self._desk, account, new, now_us)
        self._desk.attend(now_us)
        return placed

    def test(self, uid: int, new: NewOrder, *, routed: bool = False) -> None:
        """Check an order without sending it to matching.

        Raises:
            Rejection: It would be refused.
        """
        account = self.account(uid)
        if routed:
            placement.check_routed(self._desk, account, new)
        placement.check_order(self._desk, account, new, self._clock())

    def route(self, uid: int, new: NewOrder) -> Placement:
        """Place an order that uses smart order routing.

        Raises:
            Rejection: It is refused.
        """
        account, now_us = self.account(uid), self._clock()
        placement.check_routed(self._desk, account, new)
        placement.check_order(self._desk, account, new, now_us)
        placed = placement.place(self._desk, account, new, now_us, routed=True)
        self._desk.attend(now_us)
        return placed

    def cancel(
        self,
        uid: int,
        key: OrderKey,
        *,
        new_client_order_id: str = "",
        restriction: CancelRestrictions | None = None,
    ) -> Ended:
        """Cancel an order, and with it the whole list that it belongs to.

        Raises:
            Rejection: There is no such open order, or the restriction does not hold.
        """
        now_us = self._clock()
        ended = order_changes.cancel(
            self._desk, uid, key, now_us, new_client_order_id=new_client_order_id, restriction=restriction
        )
        self._desk.attend(now_us)
        return ended

    def cancel_replace(
        self,
        uid: int,
        key: OrderKey,
        new: NewOrder,
        mode: CancelReplaceMode,
        *,
        cancel_client_order_id: str = "",
        restriction: CancelRestrictions | None = None,
        refusal: Rejection | None = None,
    ) -> Replacement:
        """Cancel an order and place another; see `order_changes.cancel_replace`.

        Raises:
            Rejection: The symbol does not allow it, or the new order cannot be placed; nothing has changed.
        """
        now_us = self._clock()
        replaced = order_changes.cancel_replace(
            self._desk,
            self.account(uid),
            now_us,
            key=key,
            new=new,
            mode=mode,
            cancel_client_order_id=cancel_client_order_id,
            restriction=restriction,
            refusal=refusal,
        )
        self._desk.attend(now_us)
        return replaced

    def amend(self, uid: int, key: OrderKey, quantity: int, *, new_client_order_id: str = "") -> AmendedOrder:
        """Reduce an order's quantity; it keeps its place in the book.

        Raises:
            Rejection: There is no such open order, or it cannot be amended so.
        """
        now_us = self._clock()
        amended = order_changes.amend(self._desk, uid, key, quantity, now_us, new_client_order_id=new_client_order_id)
        self._desk.attend(now_us)
        return amended

    def cancel_all(self, uid: int, symbol: str) -> list[Ended]:
        """Cancel all open orders and lists of a symbol.

        Raises:
            Rejection: Nothing is open.
        """
        now_us = self._clock()
        ended = order_changes.cancel_all(self._desk, uid, symbol, now_us)
        self._desk.attend(now_us)
        return ended

    # ------------------------------------------------------------------------------------------------- order lists

    def place_list(self, uid: int, new: NewOrderList) -> ListPlacement:
        """Place an order list.

        Raises:
            Rejection: It is refused.
        """
        account, now_us = self.account(uid), self._clock()
        list_placement.check_list(self._desk, account, new, now_us)
        placed = list_placement.place_list(self._desk, account, new, now_us)
        self._desk.attend(now_us)
        return placed

    def cancel_list(
        self,
        uid: int,
        symbol: str,
        *,
        list_id: int | None = None,
        client_order_id: str | None = None,
        new_client_order_id: str = "",
    ) -> ListCancellation:
        """Cancel an order list.

        Raises:
            Rejection: There is no such open list.
        """
        now_us = self._clock()
        order_list = self._open_list(uid, symbol, list_id, client_order_id)
        ended = order_changes.cancel_list(self._desk, order_list, now_us, new_client_order_id=new_client_order_id)
        self._desk.attend(now_us)
        return ended

    def _open_list(self, uid: int, symbol: str, list_id: int | None, client_order_id: str | None) -> OrderList:
        placement.market_of(self._desk, symbol)
        history = self._desk.history
        if list_id is not None:
            found = history.open_lists[uid].get(list_id)
        else:
            found = history.open_list_named(uid, client_order_id or "")
        is_other = found is not None and client_order_id not in (None, found.client_order_id)
        if found is None or is_other or found.symbol != symbol:
            raise cancel_rejected(UNKNOWN_ORDER)
        return found

"""What each type of order needs and takes, as one table that serves single orders and the legs of order lists.

A leg's parameters carry its prefix (``above_price``, ``pending_above_stop_price``); what the legs of a list share, such
as the quantity of an OCO pair, carries none and is not this table's concern.

Source: Binance Spot documentation, "Trading requests" (conditional parameters), "Order lists" and "Pegged orders".
"""

from __future__ import annotations

from typing import Any

import msgspec

from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.models.order_models import PegPriceType
from cryptotrader.protocol.rules import (
    BAD_COMBINATION,
    NOT_REQUIRED,
    AtLeastOne,
    ExactlyOne,
    Given,
    MustBe,
    NotWith,
    Rule,
    Together,
    Violation,
    all_missing,
    missing,
    wire_name,
)

UNSUPPORTED_COMBINATION = -1014
NOT_AN_OCO_TYPE = -1158
ICEBERG_WITHOUT_GTC = -1160
BOTH_LEGS_LIMIT = -1168
OPO_WORKING_MUST_BE_BUY = -1222
OPO_PENDING_MUST_BE_SELL = -1223
NEW_ORDER_REJECTED = -2010

_PEGS = ("peg_price_type", "peg_offset_type", "peg_offset_value")
_TRIGGERS = ("stop_price", "trailing_delta")
CONDITIONAL = ("time_in_force", "price", "quantity", "quote_order_qty", *_TRIGGERS, "iceberg_qty", *_PEGS)
"""The parameters that depend on the order's type."""


class OrderForm(msgspec.Struct, frozen=True):
    """What one type of order needs and takes; a parameter that is not named is refused.

    Attributes:
        needs: All of these; ``price`` may be left out of a pegged order.
        one_of: Exactly one of these, where there are any.
        any_of: At least one of these, where there are any.
        takes: Further parameters.
    """

    needs: tuple[str, ...] = ()
    one_of: tuple[str, ...] = ()
    any_of: tuple[str, ...] = ()
    takes: tuple[str, ...] = ()


_STOP = OrderForm(needs=("quantity",), any_of=_TRIGGERS)
_STOP_LIMIT = OrderForm(needs=("time_in_force", "price", "quantity"), any_of=_TRIGGERS, takes=("iceberg_qty", *_PEGS))
ORDER_FORMS: dict[OrderType, OrderForm] = {
    OrderType.LIMIT: OrderForm(needs=("time_in_force", "price", "quantity"), takes=("iceberg_qty", *_PEGS)),
    OrderType.LIMIT_MAKER: OrderForm(needs=("price", "quantity"), takes=("iceberg_qty", *_PEGS)),
    OrderType.MARKET: OrderForm(one_of=("quantity", "quote_order_qty")),
    OrderType.STOP_LOSS: _STOP,
    OrderType.STOP_LOSS_LIMIT: _STOP_LIMIT,
    OrderType.TAKE_PROFIT: _STOP,
    OrderType.TAKE_PROFIT_LIMIT: _STOP_LIMIT,
}


class OrderParameters(msgspec.Struct, frozen=True):
    """The conditional parameters of one order, or of one leg of an order list.

    Attributes:
        prefix: What the leg's parameters begin with.
        shared: What the leg needs and has in common with others, or is given later: not checked here.
    """

    prefix: str = ""
    shared: tuple[str, ...] = ()

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        sent = {name: given[self.prefix + name] for name in CONDITIONAL if self.prefix + name in given}
        kind = given.get(f"{self.prefix}type")
        if kind is None:
            return missing(f"{self.prefix}type") if sent else None
        form = ORDER_FORMS[kind]
        return (
            self._missing(kind, form, sent)
            or self._superfluous(kind, form, sent)
            or self._iceberg_that_cannot_rest(sent)
            or self._peg_that_does_not_fit(kind, sent, given)
        )

    def _missing(self, kind: OrderType, form: OrderForm, sent: dict[str, Any]) -> Violation | None:
        optional = {*self.shared, *(("price",) if "peg_price_type" in sent else ())}
        for name in form.needs:
            if name not in sent and name not in optional:
                return missing(self.prefix + name, f"for a {kind} order")
        for names in (form.any_of, form.one_of):
            if names and not sent.keys() & names and not optional & set(names):
                return all_missing(tuple(self.prefix + name for name in names))
        return None

    def _superfluous(self, kind: OrderType, form: OrderForm, sent: dict[str, Any]) -> Violation | None:
        both = [wire_name(self.prefix + name) for name in form.one_of if name in sent]
        if len(both) > 1:
            problem = f"send only one of {', '.join(self.prefix + name for name in form.one_of)}"
            return Violation(problem, BAD_COMBINATION, f"Conflicting fields: {both}")
        allowed = {*form.needs, *form.one_of, *form.any_of, *form.takes}
        if "iceberg_qty" in sent and "iceberg_qty" in form.takes:
            allowed.add("time_in_force")  # any iceberg order may say that it is GTC
        name = next((name for name in sent if name not in allowed), None)
        if name is None:
            return None
        problem = f"{self.prefix}{name} cannot be sent for a {kind} order"
        if name in _PEGS:
            return Violation(problem, NEW_ORDER_REJECTED, "This order type may not use pegged price.")
        return Violation(problem, NOT_REQUIRED, f"Parameter '{wire_name(self.prefix + name)}' sent when not required.")

    def _iceberg_that_cannot_rest(self, sent: dict[str, Any]) -> Violation | None:
        if "iceberg_qty" not in sent or sent.get("time_in_force", TimeInForce.GTC) == TimeInForce.GTC:
            return None
        iceberg, time_in_force = f"{self.prefix}iceberg_qty", f"{self.prefix}time_in_force"
        if self.prefix:
            return _not_good_till_cancelled(iceberg, time_in_force)
        return Violation(
            f"{iceberg} needs {time_in_force} GTC", UNSUPPORTED_COMBINATION, "Unsupported order combination."
        )

    def _peg_that_does_not_fit(self, kind: OrderType, sent: dict[str, Any], given: Given) -> Violation | None:
        peg_price, offset_type, offset_value = (self.prefix + name for name in _PEGS)
        if broken := Together((offset_type, offset_value)).broken_by(given):
            return broken
        peg = sent.get("peg_price_type")
        if peg is None:
            return missing(peg_price, f"with {offset_type}") if offset_type in given else None
        if kind == OrderType.LIMIT_MAKER and peg == PegPriceType.MARKET_PEG:
            text = "This price peg cannot be used with this order type."
            return Violation(f"{peg_price}: a {kind} order cannot follow the opposite side", NEW_ORDER_REJECTED, text)
        if kind == OrderType.LIMIT and peg == PegPriceType.PRIMARY_PEG and sent["time_in_force"] != TimeInForce.GTC:
            problem = f"{self.prefix}time_in_force must be GTC for a {kind} order with {PegPriceType.PRIMARY_PEG}"
            return Violation(problem, UNSUPPORTED_COMBINATION, "Unsupported order combination.")
        return None


_TAKE_PROFITS = (OrderType.TAKE_PROFIT, OrderType.TAKE_PROFIT_LIMIT)
_STOP_LOSSES = (OrderType.STOP_LOSS, OrderType.STOP_LOSS_LIMIT)
_OCO_TYPES = {OrderType.LIMIT_MAKER, *_TAKE_PROFITS, *_STOP_LOSSES}


class _Misplaced(msgspec.Struct, frozen=True):
    """Order types that an OCO pair of one side cannot have on one of its legs."""

    side: Side
    leg: str
    types: tuple[OrderType, ...]
    code: int
    text: str


_MISPLACED = (
    _Misplaced(Side.BUY, "above", (OrderType.LIMIT_MAKER,), -1165, "A limit order in a buy OCO must be below."),
    _Misplaced(Side.SELL, "below", (OrderType.LIMIT_MAKER,), -1166, "A limit order in a sell OCO must be above."),
    _Misplaced(Side.BUY, "below", _STOP_LOSSES, -1196, "A stop loss order in a buy OCO must be above."),
    _Misplaced(Side.SELL, "above", _STOP_LOSSES, -1197, "A stop loss order in a sell OCO must be below."),
    _Misplaced(Side.BUY, "above", _TAKE_PROFITS, -1198, "A take profit order in a buy OCO must be below."),
    _Misplaced(Side.SELL, "below", _TAKE_PROFITS, -1199, "A take profit order in a sell OCO must be above."),
)


class OcoLegs(msgspec.Struct, frozen=True):
    """Which types the two legs of an OCO pair may have.

    Attributes:
        prefix: What the parameters of the pair begin with.
    """

    prefix: str = ""

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        types = {}
        for leg in ("above", "below"):
            name = f"{self.prefix}{leg}_type"
            if name not in given:
                return missing(name, "for an OCO pair")
            types[leg] = given[name]
            if given[name] not in _OCO_TYPES:
                problem = f"{name}: {given[name]} cannot be in an OCO pair"
                return Violation(problem, NOT_AN_OCO_TYPE, "Order type not supported in OCO.")
        if set(types.values()) == {OrderType.LIMIT_MAKER}:
            problem = f"{self.prefix}above_type and {self.prefix}below_type: only one can be {OrderType.LIMIT_MAKER}"
            return Violation(problem, BOTH_LEGS_LIMIT, "At least one OCO order must be contingent.")
        for row in _MISPLACED:
            if given[f"{self.prefix}side"] == row.side and types[row.leg] in row.types:
                return Violation(f"{self.prefix}{row.leg}_type: {row.text}", row.code, row.text)
        return None


class IcebergLeg(msgspec.Struct, frozen=True):
    """An iceberg leg whose type follows from its parameters: it needs a time in force, which must be GTC."""

    iceberg: str
    time_in_force: str

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        if self.iceberg not in given or given.get(self.time_in_force) == TimeInForce.GTC:
            return None
        return _not_good_till_cancelled(self.iceberg, self.time_in_force)


def _not_good_till_cancelled(iceberg: str, time_in_force: str) -> Violation:
    text = f"Parameter '{wire_name(iceberg)}' is not supported if `{wire_name(time_in_force)}` is not GTC."
    return Violation(f"{iceberg} needs {time_in_force} GTC", ICEBERG_WITHOUT_GTC, text)


_LIMITS = (OrderType.LIMIT, OrderType.LIMIT_MAKER)
_WORKING: tuple[Rule, ...] = (MustBe("working_type", _LIMITS), OrderParameters("working_"))
_ABOVE_AND_BELOW: tuple[Rule, ...] = (
    OcoLegs("pending_"),
    OrderParameters("pending_above_", shared=("quantity",)),
    OrderParameters("pending_below_", shared=("quantity",)),
)
OPO_SIDES: tuple[Rule, ...] = (
    MustBe("working_side", (Side.BUY,), OPO_WORKING_MUST_BE_BUY, "Working order in an OPO list must be a bid."),
    MustBe("pending_side", (Side.SELL,), OPO_PENDING_MUST_BE_SELL, "Pending orders in an OPO list must be asks."),
)

BY_ORDER = AtLeastOne(("order_id", "orig_client_order_id"))
"""An order is named by its id, by its client id, or by both."""

ORDER_RULES: tuple[Rule, ...] = (OrderParameters(),)
SOR_RULES: tuple[Rule, ...] = (MustBe("type", (OrderType.LIMIT, OrderType.MARKET)), OrderParameters())
CANCEL_REPLACE_RULES: tuple[Rule, ...] = (
    AtLeastOne(("cancel_order_id", "cancel_orig_client_order_id")),
    OrderParameters(),
)
STOP_AND_LIMIT_RULES: tuple[Rule, ...] = (
    AtLeastOne(_TRIGGERS),
    Together(("stop_limit_price", "stop_limit_time_in_force")),
    IcebergLeg("stop_iceberg_qty", "stop_limit_time_in_force"),
)
"""``orderList.place``: the stop leg is a STOP_LOSS_LIMIT when it has a price."""

OCO_RULES: tuple[Rule, ...] = (
    OcoLegs(),
    OrderParameters("above_", shared=("quantity",)),
    OrderParameters("below_", shared=("quantity",)),
)
OTO_RULES: tuple[Rule, ...] = (*_WORKING, OrderParameters("pending_"))
OTOCO_RULES: tuple[Rule, ...] = (*_WORKING, *_ABOVE_AND_BELOW)
OPO_RULES: tuple[Rule, ...] = (*OPO_SIDES, *_WORKING, OrderParameters("pending_", shared=("quantity",)))
OPOCO_RULES: tuple[Rule, ...] = (*OPO_SIDES, *_WORKING, *_ABOVE_AND_BELOW)

PREVENTED_MATCH_RULES: tuple[Rule, ...] = (
    ExactlyOne(("prevented_match_id", "order_id")),
    NotWith("from_prevented_match_id", ("prevented_match_id",)),
)

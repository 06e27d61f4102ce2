"""Which parameters of a request go together, as rows that client and exchange both check.

A rule is asked with the parameters that are sent, by attribute, and answers what is wrong with them: in our words for
the caller, in Binance's code and text for the exchange. What an order needs is in ``order_rules``.

Source: Binance Spot documentation, "Error codes" and the parameter tables of the requests.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import Enum
from typing import Any, Protocol

import msgspec

from cryptotrader.models.base_models import OrderType, Side, SymbolStatus, TimeInForce, to_micros
from cryptotrader.models.order_models import CancelRestrictions, PegOffsetType, PegPriceType

MANDATORY = -1102
NOT_REQUIRED = -1106
TOO_LONG = -1127
BAD_COMBINATION = -1128
NOT_VALID = -1130

_HOUR = 3_600_000_000
_INVALID: dict[type[Enum], tuple[int, str]] = {
    TimeInForce: (-1115, "Invalid timeInForce."),
    OrderType: (-1116, "Invalid orderType."),
    Side: (-1117, "Invalid side."),
    SymbolStatus: (-1122, "Invalid symbolStatus."),
    CancelRestrictions: (-1145, "Invalid cancelRestrictions"),
    PegPriceType: (-1210, "Invalid pegPriceType."),
    PegOffsetType: (-1211, "Invalid pegOffsetType."),
}
"""Enums whose undocumented values have an error of their own."""

Given = Mapping[str, Any]
"""The parameters that are sent: values by attribute."""


class Violation(msgspec.Struct, frozen=True):
    """What breaks a rule.

    Attributes:
        problem: In our words, with the attributes' names.
        code: Binance's error code.
        text: Binance's text, with the parameters' names on the wire.
    """

    problem: str
    code: int = BAD_COMBINATION
    text: str = "Combination of optional parameters invalid."


class Rule(Protocol):
    """Any rule."""

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""


def wire_name(attribute: str) -> str:
    """``time_in_force`` -> ``timeInForce``: an attribute's name on the wire."""
    first, *rest = attribute.split("_")
    return first + "".join(part[:1].upper() + part[1:] for part in rest)


def missing(attribute: str, why: str = "") -> Violation:
    """A mandatory parameter is not sent; ``why`` says what makes it mandatory."""
    text = f"Mandatory parameter '{wire_name(attribute)}' was not sent, was empty/null, or malformed."
    return Violation(f"{attribute} is required{f' {why}' if why else ''}", MANDATORY, text)


def all_missing(fields: tuple[str, ...]) -> Violation:
    """None of several parameters is sent."""
    first, second = fields[:2]
    text = f"Param '{wire_name(first)}' or '{wire_name(second)}' must be sent, but both were empty/null!"
    return Violation(f"one of {', '.join(fields)} is required", MANDATORY, text)


def undocumented(attribute: str, value: Enum) -> Violation:
    """An enum's value is not one that Binance lists."""
    otherwise = NOT_VALID, f"Data sent for parameter '{wire_name(attribute)}' is not valid."
    return Violation(f"{attribute}: {value.value!r} is not documented", *_INVALID.get(type(value), otherwise))


class AtMostOne(msgspec.Struct, frozen=True):
    """At most one of these parameters may be sent."""

    fields: tuple[str, ...]

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        sent = [name for name in self.fields if name in given]
        return Violation(f"send only one of {', '.join(sent)}") if len(sent) > 1 else None


class AtLeastOne(msgspec.Struct, frozen=True):
    """At least one of these parameters must be sent."""

    fields: tuple[str, ...]

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        return None if any(name in given for name in self.fields) else all_missing(self.fields)


class ExactlyOne(msgspec.Struct, frozen=True):
    """Exactly one of these parameters must be sent."""

    fields: tuple[str, ...]

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        return AtLeastOne(self.fields).broken_by(given) or AtMostOne(self.fields).broken_by(given)


class Together(msgspec.Struct, frozen=True):
    """Two parameters that are sent both or not at all."""

    fields: tuple[str, str]

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        if sum(name in given for name in self.fields) != 1:
            return None
        names = ", ".join(wire_name(name) for name in self.fields)
        text = f"Fields [{names}] must be sent together or omitted entirely."
        return Violation(f"send both of {', '.join(self.fields)}, or neither", BAD_COMBINATION, text)


class NotWith(msgspec.Struct, frozen=True):
    """A parameter that excludes others."""

    field: str
    others: tuple[str, ...]

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        if self.field not in given:
            return None
        sent = [name for name in self.others if name in given]
        return Violation(f"{self.field} cannot be sent with {', '.join(sent)}") if sent else None


class MustBe(msgspec.Struct, frozen=True):
    """A parameter that may have only some of the values of its enum.

    Attributes:
        field: Attribute of the request.
        values: The values it may have.
        code: Binance's error code.
        text: Binance's text; empty for the one that names the parameter.
    """

    field: str
    values: tuple[str, ...]
    code: int = NOT_VALID
    text: str = ""

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        value = given.get(self.field)
        if value is None or value in self.values:
            return None
        text = self.text or f"Data sent for parameter '{wire_name(self.field)}' is not valid."
        return Violation(f"{self.field} must be {' or '.join(self.values)}, not {value}", self.code, text)


class MaxHours(msgspec.Struct, frozen=True):
    """``start_time`` and ``end_time`` may not be further apart than this."""

    hours: int

    def broken_by(self, given: Given) -> Violation | None:
        """What is wrong with the parameters, if anything."""
        start, end = given.get("start_time"), given.get("end_time")
        if start is None or end is None or to_micros(end) - to_micros(start) <= self.hours * _HOUR:
            return None
        text = f"More than {self.hours} hours between startTime and endTime."
        return Violation(f"start_time and end_time are more than {self.hours} hours apart", TOO_LONG, text)

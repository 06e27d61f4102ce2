"""Requests of the WebSocket API as declarations: the class of a request is its whole description.

From ``class DepthRequest(Request[OrderBookSnapshot])`` and its ``api = Method(…)`` are derived: the JSON parameters,
the checks before sending, the weight, the decoder of the result, the exchange's parsing, and the row in ``REGISTRY``.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Mapping
from datetime import date, time, timedelta
from decimal import Decimal
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, Self, TypeVar, get_args
from uuid import UUID

import msgspec
from msgspec import Meta, inspect

from cryptotrader.errors import RequestInvalid
from cryptotrader.models.base_models import is_documented, plain
from cryptotrader.models.untagged import ResultDecoder, result_decoder
from cryptotrader.protocol.rules import MaxHours, Rule, Violation, undocumented

R_co = TypeVar("R_co", covariant=True)

if TYPE_CHECKING:
    Amount = Decimal | str
else:
    Amount = Decimal
"""A price or quantity; a caller may write it as text, which goes to the wire as written."""

LARGEST = 2**63 - 1
"""The largest whole number that a parameter can have: Binance keeps them in 64 bits."""

Whole = Annotated[int, Meta(ge=0, le=LARGEST)]
"""A whole number: a time, a delta, an id of the caller's own."""

OrderNumber = Annotated[int, Meta(ge=0, le=LARGEST)]
"""An id that Binance gave."""

Limit = Annotated[int, Meta(ge=1, le=1000, extra_json_schema={"default": 500})]
"""Most entries of an answer."""

ClientOrderId = Annotated[str, Meta(pattern=r"^[a-zA-Z0-9-_]{1,36}\Z")]
"""A new id of the caller's own."""

LEAST_STRATEGY_TYPE = 1_000_000
StrategyType = Annotated[int, Meta(ge=LEAST_STRATEGY_TYPE, le=LARGEST)]
"""Values below are reserved."""

PegOffset = Annotated[int, Meta(ge=0, le=100)]
"""Price levels into the book."""

_AS_THEY_ARE = (Decimal, bytes, bytearray, memoryview, date, time, timedelta, UUID)
"""What is not made into text, so that the check of types meets it."""

_MOST_DIGITS = 20
_AMOUNT = re.compile(r"[0-9]{1,20}(\.[0-9]{1,20})?")
"""Legal range of decimal parameters (error -1100)."""
_DECIMAL_TEXT = re.compile(r"[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?", re.IGNORECASE)
"""How decimals are written, among others by ``str``; they go to the wire without the exponent."""

_SYMBOL = re.compile(r"[A-Z0-9._\-\u0080-\U0010ffff]{1,20}")
"""Legal range of symbols (error -1100); some names are not ASCII."""

TimeZone = Annotated[
    str,
    Meta(
        pattern=r"^(-(0?[0-9]|1[01])(:[0-5][0-9])?|-12(:00)?|\+?(0?[0-9]|1[0-3])(:[0-5][0-9])?|\+?14(:00)?)$",
        description="hours and minutes from UTC, -12:00 to +14:00: ``-1:00``, ``05:45``, ``8``",
        extra_json_schema={"default": "0"},
    ),
]
WindowSize = Annotated[
    str,
    Meta(
        pattern=r"^([1-9]m|[1-5][0-9]m|[1-9]h|1[0-9]h|2[0-3]h|[1-7]d)$",
        description="``1m`` to ``59m``, ``1h`` to ``23h``, ``1d`` to ``7d``",
        extra_json_schema={"default": "1d"},
    ),
]


class SecurityType(StrEnum):
    """What a request must prove."""

    NONE = "NONE"  # nothing
    TRADE = "TRADE"  # a signature, or a session logged on, with a key that may trade
    USER_DATA = "USER_DATA"  # a signature, or a session logged on, with a key that may read the account
    USER_STREAM = "USER_STREAM"  # a signature, or a session logged on
    SIGNED = "SIGNED"  # a signature of its own


class Signing(StrEnum):
    """How a request that must prove something does so."""

    UNLESS_LOGGED_ON = "UNLESS_LOGGED_ON"  # by a signature; on a logged-on session by its timestamp alone
    ALWAYS = "ALWAYS"  # by a signature of its own
    NEVER = "NEVER"  # by the logged-on session that it comes on


class Tiers(msgspec.Struct, frozen=True):
    """Weight by the value of an integer parameter: the first step whose bound is not exceeded.

    Attributes:
        by: Attribute of the request.
        default: Its value when not sent.
        steps: (highest value, weight), ascending.
    """

    by: str
    default: int
    steps: tuple[tuple[int, int], ...]

    def of(self, request: Request[Any]) -> int:
        """Weight of one request."""
        value = getattr(request, self.by)
        return _step(self.steps, self.default if value is None else value)


class PerSymbol(msgspec.Struct, frozen=True):
    """Weight by how many symbols are asked for.

    Attributes:
        all: Weight when neither ``symbol`` nor ``symbols`` is sent.
        one: Weight of ``symbol``, where it differs from ``symbols`` with a single name.
        steps: (highest number of symbols, weight of the request); used when given.
        each: Weight of each symbol otherwise …
        cap: … up to this weight.
    """

    all: int
    one: int | None = None
    steps: tuple[tuple[int, int], ...] = ()
    each: int = 0
    cap: int = 0

    def of(self, request: Request[Any]) -> int:
        """Weight of one request."""
        single = getattr(request, "symbol", None) is not None
        if single and self.one is not None:
            return self.one
        count = 1 if single else len(getattr(request, "symbols", None) or ())
        if count == 0:
            return self.all
        return _step(self.steps, count) if self.steps else min(self.cap, self.each * count)


class WhenGiven(msgspec.Struct, frozen=True):
    """Weight by whether a parameter is sent.

    Attributes:
        field: Attribute of the request.
        weight: Weight when it is sent, and not ``False``.
        otherwise: Weight when it is not.
    """

    field: str
    weight: int
    otherwise: int

    def of(self, request: Request[Any]) -> int:
        """Weight of one request."""
        value = getattr(request, self.field)
        return self.otherwise if value is None or value is False else self.weight


def _step(steps: tuple[tuple[int, int], ...], value: int) -> int:
    return next((weight for bound, weight in steps if value <= bound), steps[-1][1])


Weight = int | Tiers | PerSymbol | WhenGiven


class Method(msgspec.Struct, frozen=True):
    """What Binance documents of one method.

    Attributes:
        name: On the wire, such as ``order.place``.
        security: What must be proven.
        weight: Request weight, fixed or by the parameters.
        weight_of_bad_symbol: Weight when the symbol is not listed, where that differs.
        orders: How much it adds to the unfilled order count.
        free_on_success: The weight is charged only when the request fails.
        rules: Which parameters go together.
        source: Section of Binance's documentation.
        signing: How it is proven; without meaning where ``security`` is ``NONE``.
    """

    name: str
    security: SecurityType = SecurityType.NONE
    weight: Weight = 1
    weight_of_bad_symbol: int | None = None
    orders: int = 0
    free_on_success: bool = False
    rules: tuple[Rule, ...] = ()
    source: str = ""
    signing: Signing = Signing.UNLESS_LOGGED_ON

    @property
    def is_signed(self) -> bool:
        """Whether it carries a timestamp and, unless the session stands for it, a signature."""
        return self.security is not SecurityType.NONE and self.signing is not Signing.NEVER


class Form(msgspec.Struct, frozen=True):
    """What the checks have to know of a request's parameters.

    Attributes:
        amounts: The decimals, as attribute and as name on the wire.
        texts: Names on the wire of texts of which no pattern is declared.
        lists: Names on the wire of what may be a list.
        enums: Names on the wire of those with listed values.
        remembers: Whether the rules look at nothing but which parameters are sent and at the values of enums.
        sound: What was sent and found to break no rule: the names, and the values of enums.
    """

    amounts: tuple[tuple[str, str], ...]
    texts: tuple[str, ...]
    lists: tuple[str, ...]
    enums: tuple[str, ...]
    remembers: bool
    sound: set[tuple[str | None, ...]]


@functools.cache
def form_of(kind: type[Request[Any]]) -> Form:
    """The form of a kind of request."""
    kinds: defaultdict[type[inspect.Type], list[tuple[str, str]]] = defaultdict(list)
    for field in inspect.type_info(kind).fields:  # type: ignore[attr-defined]  # it is a struct
        for part in getattr(field.type, "types", (field.type,)):
            if getattr(part, "pattern", None) is None:
                kinds[type(part)].append((field.name, field.encode_name))
    return Form(
        amounts=tuple(kinds[inspect.DecimalType]),
        texts=tuple(name for _, name in kinds[inspect.StrType]),
        lists=tuple(name for _, name in kinds[inspect.VarTupleType]),
        enums=tuple(name for _, name in kinds[inspect.EnumType]),
        remembers=not any(isinstance(rule, MaxHours) for rule in kind.api.rules),
        sound=set(),
    )


REGISTRY: dict[str, type[Request[Any]]] = {}
"""Every declared request by its method's name."""


class Request(msgspec.Struct, Generic[R_co], frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Base of all requests; the type argument is the result.

    Raises:
        TypeError: At declaration, when ``api`` is missing or its name is declared twice.
    """

    api: ClassVar[Method]
    result_type: ClassVar[Any]
    result_decoder: ClassVar[ResultDecoder]

    def __init_subclass__(cls, **config: Any) -> None:
        super().__init_subclass__(**config)
        method = cls.__dict__.get("api")
        if not isinstance(method, Method):
            raise TypeError(f"{cls.__name__} declares no api = Method(…)")
        known = REGISTRY.get(method.name)
        # msgspec makes a class twice when it has to add slots; only another class of that name is a mistake
        if known is not None and (known.__module__, known.__qualname__) != (cls.__module__, cls.__qualname__):
            raise TypeError(f"{method.name} is declared by {known.__qualname__} and {cls.__qualname__}")
        (result,) = get_args(cls.__dict__["__orig_bases__"][0])
        cls.result_type = result
        cls.result_decoder = result_decoder(result)
        REGISTRY[method.name] = cls

    @property
    def weight(self) -> int:
        """Request weight of this request."""
        weight = type(self).api.weight
        return weight if isinstance(weight, int) else weight.of(self)

    def violation(self, sent: Mapping[str, Any] | None = None) -> Violation | None:
        """What breaks the documented rules between parameters, if anything does.

        The amounts of the request must be ``Decimal``, as they are in a request that was decoded.

        Args:
            sent: The parameters by their names on the wire; with them, what was once found sound is
                not looked at anew.
        """
        form, shape = form_of(type(self)), None
        if sent is not None:
            shape = (*sent, *map(sent.get, form.enums))
            if shape in form.sound:
                return None
        given = {name: value for name in self.__struct_fields__ if (value := getattr(self, name)) is not None}
        for name, value in given.items():
            if isinstance(value, Enum) and not is_documented(value):
                return undocumented(name, value)
        broken = next((broken for rule in type(self).api.rules if (broken := rule.broken_by(given))), None)
        if broken is None and shape is not None and form.remembers:
            form.sound.add(shape)
        return broken

    def params(self) -> dict[str, Any]:
        """The parameters to send, checked.

        Raises:
            RequestInvalid: A parameter has the wrong type, is out of range, or does not go with another.
        """
        return self._checked()[1]

    def checked(self) -> Self:
        """The request with each parameter as what it stands for: decimals, and values of enums, in place of texts.

        Raises:
            RequestInvalid: A parameter has the wrong type, is out of range, or does not go with another.
        """
        return self._checked()[0]

    def _checked(self) -> tuple[Self, dict[str, Any]]:
        if not self.__struct_fields__:
            return self, {}
        form = form_of(type(self))
        try:
            params: dict[str, Any] = msgspec.to_builtins(self, builtin_types=_AS_THEY_ARE)
            if float in map(type, params.values()):
                name = next(name for name, value in params.items() if type(value) is float)
                raise RequestInvalid(f"{name}: send decimals as str or Decimal, not float", method=self.api.name)
            checked = msgspec.convert(params, type(self))
        except (msgspec.ValidationError, TypeError) as error:
            raise RequestInvalid(str(error), method=self.api.name) from error
        for attribute, name in form.amounts:
            if name in params:
                params[name] = self._amount(attribute, params[name], checked)
        self._check_texts(form, params)
        for name in form.lists:
            if isinstance(value := params.get(name), tuple):
                params[name] = list(value)
        if broken := checked.violation(params):
            raise RequestInvalid(broken.problem, method=self.api.name)
        return checked, params

    def _amount(self, attribute: str, given: Decimal | int | str, checked: Self) -> str:
        if _AMOUNT.fullmatch(text := str(given)):
            return text
        value: Decimal = getattr(checked, attribute)
        if not value.is_finite():
            raise RequestInvalid(f"{attribute}: {value} is not a number", method=self.api.name)
        if abs(value.adjusted()) > _MOST_DIGITS or _AMOUNT.fullmatch(text := plain(value)) is None:
            problem = f"{attribute}: {value} is negative or has more than {_MOST_DIGITS} digits on a side of the point"
            raise RequestInvalid(problem, method=self.api.name)
        if isinstance(given, str) and _DECIMAL_TEXT.fullmatch(given) is None:
            # Python reads more as a number than one would take for it: 1_0 as ten, digits of any script
            raise RequestInvalid(f"{attribute}: {given!a} is not written in plain digits: {text}", method=self.api.name)
        return text

    def _check_texts(self, form: Form, params: dict[str, Any]) -> None:
        for name in form.texts:
            text = params.get(name, "")
            if not isinstance(text, str):
                continue  # a list, where a text might be
            if not text.isascii() and not _is_unicode(text):
                raise RequestInvalid(f"{name}: {text!a} is not Unicode text", method=self.api.name)
            if name == "symbol" and name in params and _SYMBOL.fullmatch(text) is None:
                near = "".join(filter(_SYMBOL.fullmatch, text.upper()))
                hint = f"; did you mean {near}?" if near else ""
                raise RequestInvalid(f"{text!r} is not a symbol{hint}", method=self.api.name)


def _is_unicode(text: str) -> bool:
    """Whether a text can be sent: half a surrogate pair cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True

"""Objects that are one of several models and carry no tag: told apart by the fields that each must have.

``order.cancel`` answers a cancelled order or, where the order belongs to a list, a cancelled list.
"""

from __future__ import annotations

from types import UnionType
from typing import Any, Protocol, TypeVar, Union, get_args, get_origin

import msgspec

A = TypeVar("A", bound=msgspec.Struct)
B = TypeVar("B", bound=msgspec.Struct)


class ResultDecoder(Protocol):
    """What decodes the result of a request."""

    def decode(self, data: bytes | msgspec.Raw, /) -> Any:
        """Decode one JSON value.

        Raises:
            msgspec.MsgspecError: It is not of the documented form.
        """


class UntaggedDecoder:
    """Decodes objects of several models.

    Args:
        kinds: The models; the first whose mandatory fields are all there is taken.
        many: Whether the JSON value is a list of them.
    """

    def __init__(self, kinds: tuple[type[msgspec.Struct], ...], *, many: bool) -> None:
        self._decoders = {kind: msgspec.json.Decoder(kind) for kind in kinds}
        self._keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
        self._items = msgspec.json.Decoder(list[msgspec.Raw]) if many else None

    def decode(self, data: bytes | msgspec.Raw, /) -> Any:
        """Decode one JSON value.

        Raises:
            msgspec.MsgspecError: It is none of the models.
        """
        if self._items is None:
            return self._decode_one(data)
        return [self._decode_one(item) for item in self._items.decode(data)]

    def _decode_one(self, data: bytes | msgspec.Raw) -> msgspec.Struct:
        kind = _kind_of(self._keys.decode(data).keys(), tuple(self._decoders))
        return self._decoders[kind].decode(data)


def result_decoder(kind: Any) -> ResultDecoder:
    """The decoder of a result: of a model, a list, a union with tags or, as a whole or in a list, one without."""
    many = get_origin(kind) is list
    kinds = get_args(get_args(kind)[0] if many else kind)
    is_union = get_origin(get_args(kind)[0] if many else kind) in {Union, UnionType}
    if is_union and all(isinstance(item, type) and issubclass(item, msgspec.Struct) for item in kinds):
        return UntaggedDecoder(kinds, many=many)
    decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(kind)
    return decoder


def convert_either(data: dict[str, Any], first: type[A], second: type[B]) -> A | B:
    """The model that an object is.

    Raises:
        msgspec.ValidationError: It is neither.
    """
    kind: type[A | B] = _kind_of(data.keys(), (first, second))
    return msgspec.convert(data, kind)


def _kind_of(keys: Any, kinds: tuple[type[Any], ...]) -> type[Any]:
    for kind in kinds:
        if all(field.encode_name in keys for field in msgspec.structs.fields(kind) if field.required):
            return kind
    raise msgspec.ValidationError(f"Object is none of {', '.join(kind.__name__ for kind in kinds)}")

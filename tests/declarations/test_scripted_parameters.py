"""The parameters that the library declares beside those that the scripted exchange has from the documentation."""

from __future__ import annotations

import msgspec
import pytest

import cryptotrader.requests  # noqa: F401 - fills REGISTRY
from cryptotrader.protocol.channel import CHANNELS
from cryptotrader.protocol.request import REGISTRY, SecurityType, Signing
from scripted.events import MARKET
from scripted.parameters import ALWAYS_SIGNED, METHODS, SIGNED


@pytest.mark.parametrize("method", METHODS)
def test_a_method_takes_what_is_documented(method):
    fields = msgspec.structs.fields(REGISTRY[method])
    declared = {f"{field.encode_name}{'!' if field.required else ''}" for field in fields}
    assert declared == set(METHODS[method].split())


@pytest.mark.parametrize("method", METHODS)
def test_a_method_is_signed_where_that_is_documented(method):
    api = REGISTRY[method].api
    assert api.is_signed == (method in SIGNED)
    assert (api.security is not SecurityType.NONE and api.signing is Signing.ALWAYS) == (method in ALWAYS_SIGNED)


def test_streams_are_those_that_are_documented():
    kinds = [[channel.pattern for channel in CHANNELS if channel.match(stream) is not None] for stream in MARKET]
    assert sorted(kinds) == sorted([channel.pattern] for channel in CHANNELS)

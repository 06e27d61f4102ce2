"""One test for each method of the WebSocket API, derived from ``REGISTRY``: a new method without a check fails."""

from __future__ import annotations

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Protocol, TypeVar

import cryptotrader.requests  # noqa: F401 - fills the registry
from cryptotrader.diagnostics.trial import Finding, Outcome, Test, Trial
from cryptotrader.protocol.request import REGISTRY, Request

R = TypeVar("R")
C = TypeVar("C")


class Ask(Protocol):
    """Sends a request; returns its result, or raises as ``ApiConnection.call`` does."""

    async def __call__(self, request: Request[R]) -> R:
        """Send a request."""


def method_tests(
    folders: tuple[str, ...],
    checks: Mapping[str, C],
    run: Callable[[str, C, Trial], Awaitable[str | Finding]],
) -> dict[str, Test]:
    """A test for each method whose request stands in one of the folders of ``cryptotrader.requests``.

    They run in the order of the checks; methods without one come last, and fail.

    Args:
        folders: Which methods a diagnostic covers.
        checks: Its checks, by the names of the methods.
        run: Gives a check what it needs and runs it; called with the method's name, its check and the trial.
    """
    covered = [name for name, request in REGISTRY.items() if request.__module__.split(".")[-2] in folders]
    in_order = [*(name for name in checks if name in covered), *(name for name in covered if name not in checks)]
    return {name: functools.partial(_method, name, checks, run) for name in in_order}


async def _method(
    name: str,
    checks: Mapping[str, C],
    run: Callable[[str, C, Trial], Awaitable[str | Finding]],
    trial: Trial,
) -> str | Finding:
    check = checks.get(name)
    if check is None:
        return Finding(Outcome.FAILED, "no check is written for this method")
    return await run(name, check, trial)

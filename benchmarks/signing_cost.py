#!/usr/bin/env python3
"""What the signature of one order costs with each kind of key.

python benchmarks/signing_cost.py --signatures 20000
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from decimal import Decimal

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from cryptotrader.credentials import Credentials, Ed25519Key, HmacKey, RsaKey
from cryptotrader.models.base_models import OrderType, Side, TimeInForce
from cryptotrader.protocol.signing import signature_payload
from cryptotrader.requests import OrderPlaceRequest
from harness import Section, interleaved, versions

API_KEY = "k" * 64
ROUNDS = 7
RSA_SHARE = 20  # an RSA signature costs so much more that fewer of them measure as well


def order() -> dict[str, object]:
    """The parameters of a limit order, as they are sent."""
    request = OrderPlaceRequest(
        symbol="BTCUSDT",
        side=Side.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        quantity=Decimal("0.001"),
        price=Decimal("50000.5"),
        new_client_order_id="ct-7d1fe3a0c95b4c7f8a2e",
    )
    return {**request.params(), "timestamp": 1723161255343, "apiKey": API_KEY}


def keys() -> dict[str, Credentials]:
    """A fresh key of each kind."""
    return {
        "HMAC-SHA256": HmacKey(API_KEY, "not-a-secret-" * 5),
        "Ed25519": Ed25519Key.generate(API_KEY),
        "RSA 2048": RsaKey(API_KEY, generate_private_key(65537, 2048)),
        "RSA 4096": RsaKey(API_KEY, generate_private_key(65537, 4096)),
    }


def run(signatures: int = 20_000) -> Section:
    """Measure all kinds in turns."""
    params = order()

    def payload() -> None:
        for _ in range(signatures):
            signature_payload(params)

    def signing(key: Credentials, count: int) -> Callable[[], float]:
        def measure() -> float:
            text, started = signature_payload(params), time.process_time()
            for _ in range(count):
                key.sign(text)
            return (time.process_time() - started) / count * 1e6

        return measure

    def timed_payload() -> float:
        started = time.process_time()
        payload()
        return (time.process_time() - started) / signatures * 1e6

    ways: dict[str, Callable[[], float]] = {"text to sign (all kinds)": timed_payload}
    for name, key in keys().items():
        ways[name] = signing(key, signatures // RSA_SHARE if isinstance(key, RsaKey) else signatures)
    section = Section(
        "Signing",
        f"python benchmarks/signing_cost.py --signatures {signatures}",
        "CPU time to sign a limit order of eight parameters and an API key; with Ed25519 a session can be logged on "
        f"once instead, and orders need no signature. {versions('cryptography')}; medians of {ROUNDS} interleaved "
        "rounds.",
        ("what", "µs CPU"),
    )
    for name, values in interleaved(ways, ROUNDS).items():
        section.rows.append((name, f"{statistics.median(values):.1f}"))
    return section


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--signatures", type=int, default=20_000)
    run(**vars(parser.parse_args())).print()

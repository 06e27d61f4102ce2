"""Sign with keys of each kind, ask for several accounts over one connection, and meet the errors of bad keys.

Runs an exchange inside of this program, which makes the keys.

python examples/keys_use.py
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path

from cryptotrader import Binance, ConfigurationError, Ed25519Key, Endpoint, HmacKey, RequestRejected
from cryptotrader.credentials import Credentials, from_environment, from_file
from cryptotrader.requests import AccountStatusRequest, SessionStatusRequest
from cryptotrader.simulator import DemoKeys, LocalExchange


async def use_each(endpoint: Endpoint, keys: DemoKeys) -> None:
    """The same request with a key of each kind."""
    for key in (keys.ed25519, keys.rsa, keys.hmac):
        async with Binance(endpoint, key) as binance:
            account = await binance.call(AccountStatusRequest())
            session = await binance.call(SessionStatusRequest())
        how = "logged on once" if session.api_key else "each request signed"
        print(f"{type(key).__name__}: account {account.uid}, {how}")


async def use_another(endpoint: Endpoint, first: DemoKeys, second: DemoKeys) -> None:
    """One request of another account, over the connection of the first."""
    async with Binance(endpoint, first.ed25519) as binance:
        for key in (None, second.hmac, None):
            account = await binance.call(AccountStatusRequest(), key=key)
            print(f"{'the key of the connection' if key is None else 'an ad-hoc key'}: account {account.uid}")


def read_keys(folder: Path, keys: DemoKeys) -> None:
    """From a PEM file, and from the environment."""
    (_, api_key, path), _ = keys.write(folder)
    print(from_file(path, api_key=api_key))
    print(from_environment(environment={"BINANCE_API_KEY": api_key, "BINANCE_PRIVATE_KEY_FILE": str(path)}))


def meet_unusable(folder: Path) -> None:
    """Keys that cannot even be made: nothing is sent."""
    (folder / "id_rsa.pub").write_text("-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n")
    (folder / "locked.pem").write_text(
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nMIIB\n-----END ENCRYPTED PRIVATE KEY-----\n"
    )
    attempts: list[Callable[[], Credentials]] = [
        lambda: from_file("missing.pem", api_key="A"),
        lambda: from_file(folder / "id_rsa.pub", api_key="A"),
        lambda: from_file(folder / "locked.pem", api_key="A"),
        lambda: from_environment(environment={}),
    ]
    for attempt in attempts:
        try:
            attempt()
        except ConfigurationError as error:
            print(f"not usable: {str(error).removeprefix(f'{folder}/')}")


async def meet_refused(exchange: LocalExchange, keys: DemoKeys) -> None:
    """Keys that the exchange does not take."""
    exchange.revoke(keys.hmac.api_key)
    refused: dict[str, Credentials] = {
        "wrong private key": Ed25519Key.generate(keys.ed25519.api_key),
        "unknown or revoked": keys.hmac,
        "no API key at all": HmacKey("not-a-key", "secret"),
    }
    for what, key in refused.items():
        async with Binance(exchange.endpoint, key) as binance:
            try:
                await binance.call(AccountStatusRequest())
            except RequestRejected as error:
                print(f"{what}: code {error.code}, {error.message}")


async def show(folder: Path) -> None:
    """All of it."""
    async with LocalExchange(["BTCUSDT"]) as exchange:
        first, second = exchange.demo_keys
        await use_each(exchange.endpoint, first)
        await use_another(exchange.endpoint, first, second)
        read_keys(folder, first)
        meet_unusable(folder)
        await meet_refused(exchange, second)


def main() -> None:
    """Read the arguments and run."""
    argparse.ArgumentParser(description="Sign with keys of each kind, and meet the errors of bad ones.").parse_args()
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(show(Path(folder)))


if __name__ == "__main__":
    main()

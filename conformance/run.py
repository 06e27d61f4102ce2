#!/usr/bin/env python3
"""Other people's clients against the local exchange, each in an environment of its own that holds only them.

python conformance/run.py --environment .venv-conformance
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from environment import DEFAULT, prepared

HERE = Path(__file__).parent
CLIENTS = ("python_binance_client", "ccxt_client", "official_sdk_client")
PATIENCE_SECONDS = 180


def main() -> None:
    """Set up what is needed, run every client, and leave with 1 when a check fails."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--environment", type=Path, default=DEFAULT)
    python = prepared(parser.parse_args().environment)
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder, exchange(Path(folder)) as (port, keys):
        for client in CLIENTS:
            print(f"{client}:", flush=True)
            command = [str(python), f"{client}.py", str(port), str(keys)]
            done = subprocess.run(command, cwd=HERE, timeout=PATIENCE_SECONDS, check=False)
            failed += [client] if done.returncode else []
    print(f"failed: {', '.join(failed)}" if failed else f"all checks of {len(CLIENTS)} clients passed")
    sys.exit(1 if failed else 0)


@contextlib.contextmanager
def exchange(folder: Path) -> Iterator[tuple[int, Path]]:
    """The local exchange, and a file with the keys of one of its accounts."""
    command = [sys.executable, "-m", "cryptotrader", "simulator", "--port", "0", "--rate", "100", "--keys", str(folder)]
    process = subprocess.Popen([*command, "--symbols", "BTCUSDT,ETHUSDT,BNBUSDT"], stderr=subprocess.PIPE, text=True)
    try:
        if process.stderr is None:
            raise RuntimeError("the exchange tells nothing")
        port = int(re.search(r":(\d+) trading", process.stderr.readline()).group(1))  # type: ignore[union-attr]
        process.stderr.readline()
        _, hmac_key, _, secret = process.stderr.readline().split()
        _, ed25519_key, _, pem = process.stderr.readline().split()
        keys = folder / "keys.json"
        keys.write_text(
            json.dumps(
                {
                    "hmac": {"api_key": hmac_key, "secret": secret},
                    "ed25519": {"api_key": ed25519_key, "private_key": Path(pem).read_text()},
                }
            )
        )
        yield port, keys
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    main()

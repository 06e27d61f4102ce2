"""What the conformance programs share. They run where only a foreign client is installed, not this library.

Each is called with ``PORT KEYS_FILE`` and prints one line for each check; it exits with 1 when one fails.
"""

import asyncio
import inspect
import json
import sys
import traceback
from pathlib import Path

PATIENCE = 30.0


class Surroundings:
    """The exchange to talk to.

    Attributes:
        port: Its port on this machine.
        keys: API keys by kind: ``hmac`` (api_key, secret) and ``ed25519`` (api_key, private_key as PEM).
    """

    def __init__(self, port, keys):
        self.port = port
        self.keys = keys
        self.http = f"http://127.0.0.1:{port}"
        self.ws = f"ws://127.0.0.1:{port}"


def run(*checks):
    """Run the checks, one after another; a check takes the surroundings and raises when something is wrong."""
    where = Surroundings(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
    failed = 0
    for check in checks:
        name = check.__doc__.splitlines()[0]
        try:
            if inspect.iscoroutinefunction(check):
                asyncio.run(asyncio.wait_for(check(where), PATIENCE))
            else:
                check(where)
        except Exception:
            failed += 1
            print(f"FAILED {name}")
            traceback.print_exc()
        else:
            print(f"ok     {name}")
    sys.exit(1 if failed else 0)


def require(holds, what):
    """Fail a check."""
    if not holds:
        raise AssertionError(what)

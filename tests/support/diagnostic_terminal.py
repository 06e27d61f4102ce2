"""A diagnostic as its user sees it: a process of its own in a pseudo-terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import subprocess
import sys
from dataclasses import dataclass

from cryptotrader.diagnostics.reporting import LONGEST_TIMEOUT
from waiting import PATIENCE, eventually

GREEN, RED, YELLOW, CYAN = "\x1b[32m", "\x1b[31m", "\x1b[33m", "\x1b[36m"
NEVER = f"{LONGEST_TIMEOUT:g}"
"""For ``--timeout``, where nothing may hang on how long something takes."""
_COLOUR = re.compile(r"\x1b\[\d*m")


@dataclass(frozen=True)
class Ended:
    """What a diagnostic left behind."""

    code: int
    shown: str

    @property
    def text(self):
        """Without colours."""
        return _COLOUR.sub("", self.shown)

    @property
    def flat(self):
        """The text in one line, as it was before it was folded."""
        return " ".join(self.text.split())

    @property
    def report(self):
        """What ``--json`` printed; fails when anything else was printed."""
        return json.loads(self.shown)


def key_of(account, kind="hmac", folder=None):
    """What the environment says of an exchange's demonstration account; a PEM file goes into the folder."""
    if kind == "hmac":
        return {"BINANCE_API_KEY": account.hmac.api_key, "BINANCE_API_SECRET": account.hmac_secret}
    api_key, path = next((api_key, path) for written, api_key, path in account.write(folder) if written.lower() == kind)
    return {"BINANCE_API_KEY": api_key, "BINANCE_PRIVATE_KEY_FILE": str(path)}


class Terminal:
    """Starts a diagnostic, or whatever command is given, on a terminal of its own.

    It finds no keys in its environment but those given in ``key``.
    """

    def __init__(self, script, *arguments, port=None, key=None):
        command = [sys.executable, "-m", f"cryptotrader.diagnostics.{script}"] if isinstance(script, str) else script
        where = [] if port is None else ["--endpoint", f"ws://127.0.0.1:{port}"]
        keyless = {name: value for name, value in os.environ.items() if not name.startswith("BINANCE_")}
        self._master, slave = pty.openpty()
        self.process = subprocess.Popen(
            [*command, *where, *arguments],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            env=keyless | (key or {}),
        )
        os.close(slave)
        self._shown = bytearray()

    def wait_for(self, text):
        """Read until a text is shown."""

        def look():
            if text in self._shown.decode("utf-8", "replace"):
                return True
            assert self._read(), f"ended without {text!r}: {self._shown.decode()}"
            return False

        eventually(look, f"{text!r} after {self._shown.decode()}")

    def type(self, text):
        """Type a line."""
        os.write(self._master, f"{text}\n".encode())

    def end(self):
        """Read to the end of the process."""
        try:
            while self._read():
                pass
            return Ended(self.process.wait(PATIENCE), self._shown.decode().replace("\r\n", "\n"))
        finally:
            self.process.kill()
            self.process.wait()
            os.close(self._master)

    def _read(self):
        ready, _, _ = select.select([self._master], [], [], PATIENCE)
        assert ready, f"nothing more was shown after {self._shown.decode()}"
        try:
            read = os.read(self._master, 65_536)
        except OSError:  # the other end is closed
            return False
        self._shown.extend(read)
        return bool(read)


def run_diagnostic(script, *arguments, port=None, key=None):
    """Run one to its end."""
    return Terminal(script, *arguments, port=port, key=key).end()

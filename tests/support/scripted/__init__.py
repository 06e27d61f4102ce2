"""An exchange written from Binance's documentation alone: a witness that shares nothing with the library.

The library's own exchange is built from the client's declarations, so the two share mistakes. This one imports the
standard library, ``websockets`` and ``cryptography``, and nothing else: it answers documented text, and holds what it
is sent against documented rules. What breaks one is a violation, and violations fail the test.
"""

from scripted.checking import Asked, Keys
from scripted.server import ScriptedExchange

__all__ = ["Asked", "Keys", "ScriptedExchange"]

"""The protocol without I/O: no socket, task, clock, randomness or environment."""

"""Pytest plugin: a running local exchange as a fixture."""

"""Scripts that try the library against a real endpoint, one for each component; run with ``python -m``."""

"""Changes one place of a module after another, and runs the tests that reach it: one of them must fail."""

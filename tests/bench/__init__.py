"""Measures speed as ratios within one run: `make bench`. Nothing here is a test, and no test asserts a time."""

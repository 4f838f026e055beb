"""Fault tests: real processes that are killed, stopped and starved, at a small size with every test run and in full by
`make faults`."""

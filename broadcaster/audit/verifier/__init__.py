"""The verifier of the audit log, in rooms that import the standard library and one another alone, and that Python 3.9 can read:
`broadcaster.audit.stand_alone` makes of them the one file that an auditor gets."""

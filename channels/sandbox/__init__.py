"""Stand-ins for the platforms: a process of its own that speaks their HTTP, keeps a ledger of what it took, misbehaves
on demand and shows a wall. Built from the platforms' specifications; it knows nothing of our own channels.
"""

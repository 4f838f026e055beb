"""`make soak`: an hour of ordinary work with ordinary accidents, and nothing grows and nothing is stuck at its end."""

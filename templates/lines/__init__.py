"""What is said aloud or printed of a message. A package, so that importlib.resources finds it however it is installed."""

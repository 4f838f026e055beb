"""Names of places and offices in two languages. A package, so that importlib.resources finds it however it is installed."""

"""The public pages of the website channel. A package, so that importlib.resources finds it however it is installed."""

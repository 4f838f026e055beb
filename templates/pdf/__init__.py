"""Layouts of PDFs. A package, so that importlib.resources finds it however it is installed."""

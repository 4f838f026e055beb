"""What the HTTP clients of the channels answer and raise: every exception class of the four, and some of each made by hand."""

import importlib
import inspect
import pkgutil

import aiohttp
import requests
import tweepy
import urllib3
from urllib3.exceptions import MaxRetryError

NOT_OURS = (
    ".web",
    "pytest_plugin",
    "test_utils",
    "worker",
    ".asynchronous",
    "urllib3.contrib",
    "urllib3.http2",
)  # servers, test tools, AsyncClient, and what needs libraries that are not here
LIBRARIES = {"requests", "urllib3", "aiohttp", "tweepy"}


def exception_classes():
    found = set()
    for library in (requests, urllib3, aiohttp, tweepy):
        modules = pkgutil.walk_packages(library.__path__, library.__name__ + ".", onerror=lambda _: None)
        names = [library.__name__, *(m.name for m in modules)]
        for name in names:
            if any(part in name for part in NOT_OURS):
                continue
            for value in vars(importlib.import_module(name)).values():
                if inspect.isclass(value) and issubclass(value, BaseException):
                    found.add(value)
    return {cls for cls in found if cls.__module__.split(".")[0] in LIBRARIES}


def full_name(cls):
    return f"{cls.__module__}.{cls.__qualname__}"


def bare(cls):
    """An instance without its constructor's arguments: as little as an exception can know of itself."""
    exc = cls.__new__(cls)
    exc.args = ()
    return exc


def wrapped(reason):
    return requests.ConnectionError(MaxRetryError(None, "/path?secret", reason))


def response(status, **headers):
    made = requests.Response()
    made.status_code, made.reason, made._content = status, "reason", b"{}"
    made.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
    return made

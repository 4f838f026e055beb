"""A real Chromium without a window, driven over its DevTools protocol (chromedevtools.github.io/devtools-protocol)."""

import itertools
import json
import os
import re
import shutil
import subprocess
import time
from contextlib import contextmanager

from websockets.sync.client import connect

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
PATIENCE_S = 60
#: Quiet: no first run, no updates, no calls home; the tests' own pages on loopback are all it is to reach.
FLAGS = (
    "--headless=new", "--remote-debugging-port=0", "--no-first-run", "--no-default-browser-check", "--disable-gpu",
    "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
    "--disable-dev-shm-usage", "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)  # fmt: skip


def installed():
    """Path of a Chromium, or nothing."""
    return next(filter(None, map(shutil.which, NAMES)), "")


class Tab:
    """One page in a browser context of its own: cookies and storage of no other test are in it."""

    def __init__(self, browser, session):
        self._browser, self._session = browser, session
        self.events = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **params):
        return self._browser.call(method, params, session=self._session)

    def open(self, address, *, before=""):
        """Loads the address; `before` runs in the page ahead of its own scripts."""
        if before:
            self.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        self.call("Page.navigate", url=address)
        self.until("document.readyState === 'complete' && location.href !== 'about:blank'")

    def ask(self, expression):
        """The value of a JavaScript expression in the page, awaited where it is a promise."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, expression):
        deadline = time.monotonic() + PATIENCE_S
        while not self.ask(expression):
            assert time.monotonic() < deadline, f"never true: {expression}"
            time.sleep(0.05)

    def errors(self):
        """What the page's console complained of: uncaught errors, refusals by the policy, network failures."""
        self.ask("1")  # whatever happened before is now among the events
        thrown = [
            e["params"]["exceptionDetails"] for e in self.events if e["method"] == "Runtime.exceptionThrown"
        ]
        logged = [e["params"]["entry"] for e in self.events if e["method"] == "Log.entryAdded"]
        return [t["text"] for t in thrown] + [e["text"] for e in logged if e["level"] == "error"]

    def requests(self):
        sent = [e["params"]["request"] for e in self.events if e["method"] == "Network.requestWillBeSent"]
        return [request["url"] for request in sent]

    def accessible(self):
        """(role, name or text) of what a screen reader is told, in its order; frames and generic boxes left out."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        told = [n for n in nodes if not n["ignored"]]
        return [(n["role"]["value"], n.get("name", {}).get("value", "")) for n in told]


class Chromium:
    def __init__(self, socket):
        self._socket = socket
        self._ids = itertools.count(1)
        self._tabs = {}

    def call(self, method, params=None, *, session=None):
        wanted = next(self._ids)
        message = {"id": wanted, "method": method, "params": params or {}}
        self._socket.send(json.dumps(message | ({"sessionId": session} if session else {})))
        while True:
            answer = json.loads(self._socket.recv(timeout=PATIENCE_S))
            if answer.get("id") == wanted:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            if answer.get("sessionId") in self._tabs:
                self._tabs[answer["sessionId"]].append(answer)

    @contextmanager
    def tab(self):
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", {"url": "about:blank", "browserContextId": context})
        attached = self.call("Target.attachToTarget", {"targetId": target["targetId"], "flatten": True})
        session = attached["sessionId"]
        tab = Tab(self, session)
        self._tabs[session] = tab.events
        try:
            yield tab
        finally:
            del self._tabs[session]
            self.call("Target.disposeBrowserContext", {"browserContextId": context})


@contextmanager
def running(path, profile):
    """A browser that ends with the block."""
    rootless = [] if os.geteuid() else ["--no-sandbox"]  # its sandbox refuses to run as root
    process = subprocess.Popen(
        [path, *FLAGS, *rootless, f"--user-data-dir={profile}"],
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
    )
    try:
        with connect(_address(process), max_size=None, open_timeout=PATIENCE_S, compression=None) as socket:
            yield Chromium(socket)
    finally:
        process.terminate()
        process.wait(PATIENCE_S)
        process.stderr.close()


def _address(process):
    """Chromium says on its standard error where it listens."""
    said = []
    for line in process.stderr:
        said.append(line.decode(errors="replace"))
        if found := re.match(r"DevTools listening on (ws://\S+)", said[-1]):
            return found[1]
    raise AssertionError("Chromium did not start:\n" + "".join(said[-20:]))

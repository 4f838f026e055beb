// The live board: shows what changed, says so in one short sentence now and then, can be held still, and tells when it is old.
const live = document.querySelector("[data-live]");
const SAY_EVERY_MS = 10_000;

if (live) {
  const note = document.getElementById("live-note");
  const summary = document.getElementById("live-summary");
  const pause = document.getElementById("live-pause");
  let source = null;
  let said = { text: "", at: 0 };

  const tell = (text) => { note.textContent = text; note.hidden = !text; };

  const say = (text) => {
    if (text === said.text || Date.now() - said.at < SAY_EVERY_MS) return;
    said = { text, at: Date.now() };
    summary.textContent = text;
  };

  // Whoever stands on a link stays on it.
  const show = (html) => {
    const here = live.contains(document.activeElement) ? document.activeElement.getAttribute("href") : null;
    live.innerHTML = html;
    if (here) [...live.querySelectorAll("a")].find((a) => a.getAttribute("href") === here)?.focus({ preventScroll: true });
  };

  const stop = () => { source?.close(); source = null; };

  const start = () => {
    source = new EventSource(live.dataset.live);
    source.addEventListener("board", (event) => {
      const sent = JSON.parse(event.data);
      show(sent.html);
      say(sent.summary);
      tell("");
    });
    source.addEventListener("away", () => tell("The broadcaster cannot look at its database just now. What you see may be old; it goes on by itself."));
    source.addEventListener("ended", () => {
      stop();
      pause.hidden = true;
      tell("Your session has ended, so this stands still. ");
      const link = document.createElement("a");
      link.href = location.pathname;
      link.className = "govuk-link";
      link.textContent = "Sign in again";
      note.append(link);
    });
    source.addEventListener("error", () => {
      if (!source) return;
      tell("The connection is lost. What you see may be old; it goes on by itself when the connection is back.");
      if (source.readyState === EventSource.CLOSED) { stop(); setTimeout(() => pause.getAttribute("aria-pressed") === "false" && !source && start(), 5_000); }
    });
  };

  pause.hidden = false;
  pause.addEventListener("click", () => {
    const holds = pause.getAttribute("aria-pressed") === "false";
    pause.setAttribute("aria-pressed", String(holds));
    pause.textContent = holds ? "Let it go on" : "Hold it still";
    if (holds) { stop(); tell(`Held still since ${new Date().toLocaleTimeString()}. Sending goes on.`); } else { tell(""); start(); }
  });
  start();
}

for (const button of document.querySelectorAll("[data-copy]")) {
  const text = document.getElementById(button.dataset.copy);
  button.hidden = false;
  button.addEventListener("click", async () => {
    const note = document.getElementById("copied-note");
    try {
      await navigator.clipboard.writeText(text.textContent);
      note.textContent = "Copied.";
    } catch {
      getSelection().selectAllChildren(text);
      note.textContent = "It is selected: copy it with your keyboard or your phone's menu.";
    }
  });
}

// What the pages do beyond plain HTML: everything works without it.
import { initAll } from "./vendor/govuk-frontend.min.js";

document.body.classList.add("js-enabled", "govuk-frontend-supported");
initAll();

function waited(seconds) {
  if (seconds < 120) return `${seconds} ${seconds === 1 ? "second" : "seconds"}`;
  return seconds < 7200 ? `${Math.floor(seconds / 60)} minutes` : `${Math.floor(seconds / 3600)} hours`;
}

for (const each of document.querySelectorAll("[data-waited]")) {
  const began = Date.now() - 1000 * Number(each.dataset.waited);
  setInterval(() => {
    each.textContent = waited(Math.floor((Date.now() - began) / 1000));
  }, 1000);
}

if (document.querySelector("[data-live], [data-copy]")) import("./board.js");

// A message that waits for approval: once it is decided, this goes where that is shown.
const waits = document.querySelector("[data-waits]");
if (waits) {
  const source = new EventSource(waits.dataset.waits);
  source.addEventListener("board", (event) => {
    const { state } = JSON.parse(event.data);
    if (state === "submitted") return;
    source.close();
    if (state === "released") location.assign(waits.dataset.then);
    else location.reload();
  });
  source.addEventListener("ended", () => source.close());
}

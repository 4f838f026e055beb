// While somebody writes: what is typed is kept, and every channel's text stands beside it. Without this the form works too.
const form = document.querySelector("[data-look]");

function start() {
  const kept = document.getElementById("kept");
  const place = document.getElementById("look");
  const panel = place.parentElement;
  let timer = 0;
  let asked = 0;
  let sent = false;

  async function look() {
    const mine = ++asked;
    const body = new FormData(form);
    body.delete("image");
    try {
      const answer = await fetch(form.dataset.look, { method: "POST", body, headers: { Accept: "application/json" }, redirect: "manual" });
      if (!answer.ok) throw new Error();
      const said = await answer.json();
      if (sent) return;
      form.elements.sheet.value = said.sheet;
      history.replaceState(null, "", `?sheet=${said.sheet}`);
      kept.textContent = `Kept at ${new Date(said.saved_at).toLocaleTimeString("en-GB")}. Nobody has been told anything yet.`;
      kept.hidden = false;
      if (mine !== asked) return;
      place.innerHTML = said.shown;
      panel.hidden = false;
    } catch {
      kept.textContent = "Not kept just now: the connection is lost, or your session has ended. What you typed is still here; send it, and you will be asked to sign in.";
      kept.hidden = false;
    }
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 700);
  });
  form.addEventListener("submit", () => {
    sent = true;
    clearTimeout(timer);
  });
  if (form.elements.sheet.value || location.search || form.elements.base.value !== "0") look();
}

if (form) start();

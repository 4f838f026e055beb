// While the log is being checked, its progress; without this the page has a link to look again.
const look = async () => {
  const before = document.getElementById("check");
  if (!before || !("running" in before.dataset)) return;
  try {
    const answer = await fetch("/audit/seal", { headers: { Accept: "text/html" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const after = page.getElementById("check");
    if (!after) return; // signed out meanwhile: what stands there stays
    before.innerHTML = after.innerHTML;
    before.className = after.className;
    if (!("running" in after.dataset)) delete before.dataset.running;
  } catch {
    // the connection is away: the next look tells
  }
  setTimeout(look, 1000);
};
setTimeout(look, 500);

// Passkeys, where the browser knows them (WebAuthn Level 3's JSON forms).
const place = document.getElementById("passkey");
const known = window.PublicKeyCredential && PublicKeyCredential.parseRequestOptionsFromJSON;

async function ask(address, body, token) {
  const headers = { Accept: "application/json", ...(token && { "X-CSRF-Token": token }) };
  const answer = await fetch(address, { method: "POST", body, headers });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

async function signIn(button) {
  const again = button.dataset.passkey === "again";
  const options = PublicKeyCredential.parseRequestOptionsFromJSON(await ask("/sign-in/passkey/options"));
  const credential = await navigator.credentials.get({ publicKey: options });
  const said = await ask(again ? "/sign-in/passkey/again" : "/sign-in/passkey", JSON.stringify(credential.toJSON()));
  if (!button.dataset.stay) return location.assign(button.dataset.next || said.onward);
  // The session has another cookie now, and so each form of this page another token.
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = said.csrf;
  const form = button.closest("form");
  if (button.dataset.stay === "send") return form.requestSubmit();
  const code = form.querySelector("#code");
  if (code) code.closest(".govuk-form-group").hidden = true;
  place.replaceChildren(Object.assign(document.createElement("p"), { className: "govuk-body", role: "status", textContent: "Your passkey was accepted." }));
}

async function make(button) {
  const form = document.getElementById("new-passkey");
  const options = PublicKeyCredential.parseCreationOptionsFromJSON(await ask("/me/passkeys/options", undefined, button.dataset.csrf));
  const credential = await navigator.credentials.create({ publicKey: options });
  form.elements.answer.value = JSON.stringify(credential.toJSON());
  form.submit();
}

async function use(button) {
  const problem = document.getElementById("passkey-problem");
  problem.textContent = "";
  try {
    await (button.dataset.passkey === "new" ? make(button) : signIn(button));
  } catch (error) {
    const told = { NotAllowedError: "The passkey was not used. Try again, or go on below.", InvalidStateError: "This device has a passkey of yours already." };
    problem.textContent = told[error.name] || error.message;
  }
}

if (place && known) {
  place.hidden = false;
  for (const button of place.querySelectorAll("[data-passkey]")) button.addEventListener("click", () => use(button));
}

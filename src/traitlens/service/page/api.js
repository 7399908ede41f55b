// Asks the service. Where it needs a key, that is kept in the cookie which it reads, so that pictures
// come with it, too: until the browser is closed, and sent to nobody else.

import { $ } from "./elements.js";

const COOKIE = "traitlens_key";
const BUSY = [429, 503];
const RETRIES = 3;

/** Return the answer to a question as JSON; raise Error with what the service says against it. */
export async function ask(path, options = {}) {
  for (let tries = 0; ; tries++) {
    const answer = await fetch(path, options);
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    if (answer.status === 401) return new Promise(lock); // until the page is loaded again
    if (!BUSY.includes(answer.status) || tries === RETRIES) throw refusal(answer, said);
    await pause(1_000 * (Number(answer.headers.get("retry-after")) || 1));
    options.signal?.throwIfAborted();
  }
}

/** Return after some milliseconds. */
export const pause = (ms) => new Promise((done) => setTimeout(done, ms));

function refusal(answer, { detail }) {
  const text = Array.isArray(detail) ? detail[0]?.msg : detail;
  const error = new Error(String(text ?? `the service answered ${answer.status}`));
  error.status = answer.status;
  return error;
}

function lock() {
  if ($("lock").open) return;
  const given = document.cookie.split("; ").some((one) => one.startsWith(`${COOKIE}=`));
  $("refused").textContent = given ? "That key is not accepted." : "";
  $("lock").showModal();
}

/** Return a key as a quoted cookie value: what must not be in one as octal numbers (RFC 2109). */
function quoted(key) {
  const octal = (sign) => `\\${sign.charCodeAt(0).toString(8).padStart(3, "0")}`;
  return `"${key.replaceAll(/[^\w!#$%&'*+./:<=>?@^`{|}~-]/g, octal)}"`;
}

$("unlock").addEventListener("submit", () => {
  const secure = location.protocol === "https:" ? "; Secure" : "";
  document.cookie = `${COOKIE}=${quoted($("key").value)}; Path=/; SameSite=Strict${secure}`;
  location.reload();
});

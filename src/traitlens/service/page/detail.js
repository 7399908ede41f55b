// One token: its picture, what it has, why it is an answer, and what looks like it.

import { $, button, image, make, nameOf } from "./elements.js";
import { asked, go, leaveToken, link } from "./address.js";
import { ask } from "./api.js";
import { explain } from "./explanation.js";
import { beside, hitOf } from "./results.js";

const NEIGHBOURS = 8;

const dialog = $("detail");
let looking = new AbortController(); // at one token
let shown = "";

/** Show the token that the address names, or none. */
export async function showToken() {
  const { token, words } = asked();
  if (token === shown) return;
  shown = token;
  looking.abort();
  looking = new AbortController();
  if (!token) return dialog.close();
  const { signal } = looking;
  try {
    const hit = hitOf(token) ?? (await ask(`/tokens/${encodeURIComponent(token)}`, { signal }));
    if (signal.aborted) return;
    draw(hit);
    if (words) explain(hit, words, parts(), signal);
    await drawNeighbours(token, signal);
  } catch (error) {
    if (!signal.aborted) fail(error);
  }
}

function fail(error) {
  const said = make("p", { id: "name", className: "note", text: error.message });
  if (!dialog.querySelector(".stage"))
    dialog.replaceChildren(make("div", { className: "bar" }, said, close()));
  if (!dialog.open) dialog.showModal();
}

function draw(hit) {
  const large = image(hit.picture, hit.caption);
  const stage = make("div", { className: "stage" }, large);
  const figure = make("figure", {}, stage, make("figcaption", { className: "soft" }));
  const traits = make("dl", { className: "traits" }, ...hit.traits.map(trait));
  const about = make(
    "div",
    { className: "about" },
    make("p", { className: "soft", text: facts(hit) }),
    make("div", { className: "why" }),
    traits,
    actions(hit),
  );
  const near = make("div", { className: "near" });
  const used = dialog.contains(document.activeElement) && document.activeElement.className;
  dialog.replaceChildren(bar(hit), make("div", { className: "sides" }, figure, about), near);
  dialog.scrollTop = 0;
  if (dialog.open) focusAgain(used);
  else dialog.showModal();
}

/** Focus the button of the bar that was used, or that closes: the others were drawn anew. */
function focusAgain(used) {
  const buttons = [...dialog.querySelectorAll(".bar button:enabled")];
  (buttons.find(({ className }) => className === used) ?? buttons.at(-1)).focus();
}

/** Return the parts of the dialog that an explanation is shown in. */
const parts = () => ({
  stage: dialog.querySelector(".stage"),
  caption: dialog.querySelector("figcaption"),
  why: dialog.querySelector(".why"),
  traits: dialog.querySelector(".traits"),
});

const close = () =>
  button("", () => dialog.close(), { className: "round cross", "aria-label": "Close" });

function bar(hit) {
  const [before, after] = beside(hit.token_uid);
  const step = (token, className, name) => {
    const element = button("", () => go({ token }, { replace: true }), {
      className: `round ${className}`,
      "aria-label": name,
      "aria-keyshortcuts": name === "Next" ? "ArrowRight" : "ArrowLeft",
    });
    element.disabled = !token;
    return element;
  };
  const steps =
    before || after ? [step(before, "back", "Previous"), step(after, "forth", "Next")] : [];
  return make(
    "div",
    { className: "bar" },
    make("h2", { id: "name", text: nameOf(hit) }),
    ...steps,
    close(),
  );
}

function facts(hit) {
  const { rarity, copies } = hit;
  const rank =
    rarity && `rarity ${rarity.rank.toLocaleString()} of ${rarity.tokens.toLocaleString()}`;
  return [rank, copies > 1 && `${copies} tokens have this picture`, hit.token_uid]
    .filter(Boolean)
    .join(" · ");
}

function trait({ type, value, matched }) {
  const said = matched ? [make("span", { className: "unseen", text: " (asked for)" })] : [];
  const row = make(
    "div",
    { className: matched ? "matched" : "" },
    make("dt", { text: type }),
    make("dd", { text: value }, ...said),
  );
  Object.assign(row.dataset, { type, value });
  return row;
}

function actions(hit) {
  const like = make("a", {
    className: "main",
    href: link({ token: "", q: "", like: hit.token_uid }),
    text: "More like this",
  });
  const alone = make("a", {
    href: `?${new URLSearchParams({ token: hit.token_uid })}`,
    text: "Link to it",
  });
  like.addEventListener("click", (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    go({ token: "", q: "", like: hit.token_uid }, { picture: null });
  });
  return make("p", { className: "actions" }, like, alone);
}

async function drawNeighbours(token, signal) {
  const found = await ask(`/search?${new URLSearchParams({ like: token, k: NEIGHBOURS })}`, {
    signal,
  });
  if (signal.aborted || !found.hits.length) return;
  const others = found.hits.map((hit) => {
    const name = nameOf(hit);
    const open = make(
      "a",
      { href: link({ token: hit.token_uid }), title: name },
      image(hit.thumbnail, name),
    );
    open.addEventListener("click", (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      go({ token: hit.token_uid });
    });
    return make("li", {}, open);
  });
  const title = make("h3", { id: "near", text: "Looks like it" });
  dialog
    .querySelector(".near")
    .replaceChildren(title, make("ul", { "aria-labelledby": "near" }, ...others));
}

dialog.addEventListener("close", () => asked().token && leaveToken());
dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
dialog.addEventListener("keydown", (event) => {
  const [before, after] = beside(shown);
  const token = { ArrowLeft: before, ArrowRight: after }[event.key];
  if (token) go({ token }, { replace: true });
});

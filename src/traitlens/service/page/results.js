// The hits: found while one types, more of them while one scrolls.

import { $, image, make, nameOf } from "./elements.js";
import { asked, go, link, where } from "./address.js";
import { ask } from "./api.js";
import { welcome } from "./welcome.js";

const FIRST = 48; // hits of the first page, and of a list; page.css says why so many
const LARGEST = 4 * FIRST; // later ones are larger, as each costs a search
const DEEPEST = 10_000; // no search goes further down
const AHEAD_PX = 1_500; // how far above its end a list grows

const list = $("hits");
let answered = ""; // what the hits on the page answer
let hits = new Map(); // by token_uid, best first
let next = 0; // where the next page begins
let search = new AbortController();

/** Return a hit that is on the page; undefined for others. */
export const hitOf = (token) => hits.get(token);

/** Return the hits before and after one, where there are any. */
export function beside(token) {
  const all = [...hits.keys()];
  const place = all.indexOf(token);
  return place < 0 ? [] : [all[place - 1], all[place + 1]];
}

/** Show what the address asks for, unless it is shown. */
export async function showHits() {
  const now = asked();
  const question = JSON.stringify([
    now.words,
    now.mode,
    now.like,
    now.filters,
    history.state?.picture,
  ]);
  if (question === answered) return;
  answered = question;
  search.abort();
  search = new AbortController();
  if (now.words || now.like || now.picture || now.filters.length) return page(now, 0);
  clear("");
  await greet(search.signal);
}

async function greet(signal) {
  $("welcome").hidden = false;
  try {
    await welcome($("welcome"), signal);
  } catch (error) {
    if (!signal.aborted) $("note").textContent = error.message;
  }
}

/** Show the hits from the place `skip` on. */
async function page(now, skip) {
  const { signal } = search;
  const k = Math.max(FIRST, Math.min(LARGEST, skip));
  $("answer").ariaBusy = "true";
  try {
    const answer = await found(now, { k, skip, mode: now.mode }, signal);
    if (signal.aborted) return;
    if (skip === 0) begin(now, answer);
    add(answer.hits);
    next = skip + k;
    more(answer.hits.length === k && next < DEEPEST);
  } catch (error) {
    if (signal.aborted) return;
    if (skip === 0) clear(error.message);
    $("note").textContent = error.message;
    $("more").hidden = skip === 0;
  } finally {
    if (!signal.aborted) $("answer").ariaBusy = "false";
  }
}

function found(now, options, signal) {
  const question = new FormData();
  // Filters alone have no best: the looks of what they say give their tokens an order.
  const bare = !now.words && !now.like && !now.picture;
  const given = {
    ...options,
    q: bare
      ? now.filters
          .map((one) => one[1])
          .join(" ")
          .slice(0, 2_000)
      : now.words,
    mode: bare ? "dense" : options.mode,
    like: now.like,
    where: where(now.filters),
  };
  for (const [name, value] of Object.entries(given)) if (value !== "") question.append(name, value);
  if (!now.picture) return ask(`/search?${new URLSearchParams(question)}`, { signal });
  question.append("picture", now.picture);
  return ask("/image-search", { method: "POST", body: question, signal });
}

function begin(now, answer) {
  clear(answer.note ?? "");
  const ms = Math.round(Object.values(answer.timings).reduce((sum, part) => sum + part, 0));
  const tokens = `${answer.matching.toLocaleString()} ${answer.matching === 1 ? "token" : "tokens"}`;
  const found = `${tokens}${answer.matching ? ", best first" : ""}`;
  $("count").textContent = `${answer.fits ? found : "nothing fits"} · ${ms} ms`;
  if (!answer.fits) $("note").append(" ", nearest());
  $("understood").replaceChildren(...answer.terms.map(term), ...answer.unknown.map(unknown));
  if (scrollY > list.offsetTop) scrollTo({ top: 0 });
}

function nearest() {
  const open = make("a", { href: link({ mode: "dense" }), text: "Show what looks nearest" });
  open.addEventListener("click", (event) => {
    event.preventDefault();
    go({ mode: "dense" });
  });
  return open;
}

function clear(note) {
  hits = new Map();
  list.replaceChildren();
  $("understood").replaceChildren();
  $("welcome").hidden = true;
  $("count").textContent = "";
  $("note").textContent = note;
  more(false);
}

function add(found) {
  // An index that took the old one's place between two pages may repeat some.
  const fresh = found.filter((hit) => !hits.has(hit.token_uid));
  for (const hit of fresh) hits.set(hit.token_uid, hit);
  for (let place = 0; place < fresh.length; place += FIRST) {
    const start = hits.size - fresh.length + place + 1;
    const cards = fresh.slice(place, place + FIRST).map(card);
    list.append(make("ol", { className: "hits", start }, ...cards));
  }
}

function term({ meant, wanted, means }) {
  const title = `${wanted ? "" : "without "}${means.join(" or ")}`;
  const said = wanted ? [] : [make("span", { className: "unseen", text: "not " })];
  return make("li", { className: `term${wanted ? "" : " unwanted"}`, title }, ...said, meant);
}

function unknown(word) {
  const said = make("span", { className: "unseen", text: "unknown: " });
  return make("li", { className: "term unknown", title: "nothing here is called so" }, said, word);
}

function card(hit) {
  const matched = hit.traits.filter((trait) => trait.matched).slice(0, 4);
  const tags = [
    ...matched.map((trait) => make("span", { className: "tag", text: trait.value })),
    ...hit.missing.slice(0, 3).map(missing),
  ];
  if (hit.copies > 1)
    tags.push(make("span", { className: "tag plain", text: `${hit.copies} alike` }));
  const name = make("span", { className: "name", text: nameOf(hit) });
  const about = make(
    "span",
    { className: "about" },
    name,
    make("span", { className: "tags" }, ...tags),
  );
  const open = make(
    "a",
    { href: link({ token: hit.token_uid }) },
    image(hit.thumbnail, hit.caption),
    about,
  );
  open.dataset.token = hit.token_uid;
  return make("li", { className: "hit" }, open);
}

function missing(said) {
  const spoken = make("span", { className: "unseen", text: "without " });
  return make("span", { className: "tag missing", title: `without ${said}` }, spoken, said);
}

// A click opens a token here; with a key held, in a tab of its own as any link.
list.addEventListener("click", (event) => {
  const open = event.target.closest("a[data-token]");
  if (!open || event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
  event.preventDefault();
  go({ token: open.dataset.token });
});

// Arrows walk over the hits.
list.addEventListener("keydown", (event) => {
  const columns = Number(getComputedStyle(list.firstChild).getPropertyValue("--columns"));
  const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: columns, ArrowUp: -columns }[event.key];
  const here = event.target.closest(".hit");
  if (!step || !here) return;
  event.preventDefault();
  const all = [...list.querySelectorAll(".hit")];
  all[all.indexOf(here) + step]?.firstChild.focus();
});

const near = new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && grow(), {
  rootMargin: `${AHEAD_PX}px`,
});

function more(is) {
  near.disconnect(); // and anew, so that an end that is still near is noticed
  $("more").hidden = !is;
  if (is) near.observe($("more"));
}

function grow() {
  near.disconnect();
  page(asked(), next);
}
$("more").addEventListener("click", grow);

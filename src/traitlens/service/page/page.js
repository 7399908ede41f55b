// The page: what is asked is in the address, so a link brings it back. Texts of tokens are hostile
// and only ever become text.

const PAGE = 48;
const FACET_VALUES = 60; // of one type that are listed; the search finds the others
const SMALL_PX = 96; // below this a picture is pixel art and is enlarged as such

const $ = (id) => document.getElementById(id);
const form = $("form"), words = $("words"), file = $("file"), chip = $("chip"), hits = $("hits");
const detail = $("detail"), more = $("more"), drop = $("drop");

let picture = null; // a File, which no address can hold
let question = 0; // the number of the last search: answers to older ones are not shown
let shown = 0;

/** Return an element with a class, a text, attributes and children. */
function make(tag, { className = "", text = "", ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  element.className = className;
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

// What is asked

const address = () => new URLSearchParams(location.search);
const filters = () => address().getAll("f").map((pair) => JSON.parse(pair));

/** Return the filters in the language of `where`: any value of a type, and all of the types. */
function whereOf(pairs) {
  const quoted = (said) => `"${said.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const types = Map.groupBy ? Map.groupBy(pairs, ([type]) => type) : grouped(pairs);
  return [...types.values()]
    .map((some) => `(${some.map(([type, value]) => `${quoted(type)}=${quoted(value)}`).join(" OR ")})`)
    .join(" AND ");
}

function grouped(pairs) {
  const types = new Map();
  for (const pair of pairs) types.set(pair[0], [...(types.get(pair[0]) ?? []), pair]);
  return types;
}

/** Change the address and ask again; `replace` while someone types. */
function ask(changes, { replace = false } = {}) {
  const next = address();
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of [value].flat()) if (one) next.append(name, one);
  }
  const query = next.toString();
  history[replace ? "replaceState" : "pushState"](null, "", query ? `?${query}` : location.pathname);
  show();
}

// Answers

async function json(url, options) {
  const answer = await fetch(url, options);
  const said = await answer.json().catch(() => ({ detail: answer.statusText }));
  if (!answer.ok) throw new Error(typeof said.detail === "string" ? said.detail : "that cannot be searched for");
  return said;
}

function searched(skip) {
  const now = address();
  const asked = { k: PAGE, skip, mode: now.get("mode") ?? "hybrid" };
  if (now.get("q")) asked.q = now.get("q");
  const where = whereOf(filters());
  if (where) asked.where = where;
  if (picture) {
    const body = new FormData();
    body.append("picture", picture);
    for (const [name, value] of Object.entries(asked)) body.append(name, value);
    return json("/image-search", { method: "POST", body });
  }
  if (now.get("like")) asked.like = now.get("like");
  if (!asked.q && !asked.like) return null;
  return json(`/search?${new URLSearchParams(asked)}`);
}

/** Show what the address asks for. */
async function show() {
  const now = address(), number = ++question;
  if (words.value.trim() !== (now.get("q") ?? "")) words.value = now.get("q") ?? "";
  for (const radio of form.elements.mode) radio.checked = radio.value === (now.get("mode") ?? "hybrid");
  showChip(now.get("like"));
  showFacets(number);
  await add(number, 0);
}

async function add(number, skip) {
  const asking = searched(skip);
  if (!asking) return welcome(number);
  try {
    const answer = await asking;
    if (number !== question) return;
    if (skip === 0) hits.replaceChildren();
    hits.append(...answer.hits.map(card));
    shown = skip + answer.hits.length;
    more.hidden = answer.hits.length < PAGE;
    const ms = Math.round(answer.timings.encode_ms + answer.timings.search_ms + answer.timings.fetch_ms);
    $("count").textContent = `${shown.toLocaleString()} shown of ${answer.matching.toLocaleString()} tokens · ${ms} ms`;
    $("note").textContent = answer.note ?? "";
    if (skip === 0) showTerms(answer);
  } catch (error) {
    if (number !== question) return;
    hits.replaceChildren();
    more.hidden = true;
    $("count").textContent = "";
    $("note").textContent = error.message;
  }
}

/** Say what there is, before anything is asked. */
async function welcome(number) {
  const health = await json("/health");
  if (number !== question) return;
  hits.replaceChildren();
  $("understood").replaceChildren();
  more.hidden = true;
  $("note").textContent = "";
  $("count").textContent = `${health.tokens.toLocaleString()} tokens. Describe one, or drop a picture anywhere.`;
}

function showTerms(answer) {
  const terms = answer.terms.map((term) =>
    make("span", {
      className: `term${term.wanted ? "" : " unwanted"}`,
      text: term.meant,
      title: `${term.wanted ? "" : "without "}${term.means.join(" or ")}`,
    }),
  );
  const unknown = answer.unknown.map((word) =>
    make("span", { className: "term unknown", text: word, title: "nothing here is called so" }),
  );
  $("understood").replaceChildren(...terms, ...unknown);
}

function image(src, alt) {
  const element = make("img", { src, alt, loading: "lazy", decoding: "async" });
  element.addEventListener("load", () =>
    element.classList.toggle("pixels", element.naturalWidth <= SMALL_PX),
  );
  return element;
}

const nameOf = (token) => `${token.collection} #${token.token_id}`;

function card(hit) {
  const matched = hit.traits.filter((trait) => trait.matched);
  const tags = [
    ...matched.slice(0, 4).map((trait) => make("span", { className: "tag", text: trait.value })),
    ...hit.missing.slice(0, 3).map((said) => make("span", { className: "tag missing", text: said })),
  ];
  const about = make("span", { className: "about" }, make("span", { className: "name", text: nameOf(hit) }), ...tags);
  if (hit.copies > 1) about.append(make("span", { className: "tag missing", text: `${hit.copies} alike` }));
  const button = make("button", { type: "button" }, image(hit.thumbnail, hit.caption), about);
  button.addEventListener("click", () => open(hit));
  return make("li", { className: "hit" }, button);
}

// One token

async function open(hit) {
  const traits = make("dl");
  for (const trait of hit.traits) {
    traits.append(make("dt", { text: trait.type }), make("dd", { text: trait.value, className: trait.matched ? "matched" : "" }));
  }
  const large = image(hit.picture, hit.caption);
  large.classList.add("large");
  const rarity = hit.rarity ? `rarity ${hit.rarity.rank.toLocaleString()} of ${hit.rarity.tokens.toLocaleString()}` : "";
  const alike = hit.copies > 1 ? `${hit.copies} tokens have this picture` : "";
  const like = make("button", { type: "button", className: "main", text: "More like this" });
  like.addEventListener("click", () => {
    detail.close();
    picture = null;
    ask({ like: hit.token_uid, q: "" });
  });
  const close = make("button", { type: "button", text: "Close" });
  close.addEventListener("click", () => detail.close());
  const near = make("div", { className: "near", role: "group", "aria-label": "Neighbours" });
  const about = make(
    "div", {},
    make("h2", { id: "name", text: nameOf(hit) }),
    make("p", { className: "soft", text: [rarity, alike, hit.token_uid].filter(Boolean).join(" · ") }),
    traits,
    make("div", { className: "actions" }, like, close),
  );
  detail.replaceChildren(make("div", { className: "detail" }, large, about, near));
  detail.showModal();
  const found = await json(`/search?${new URLSearchParams({ like: hit.token_uid, k: 6 })}`);
  near.append(...found.hits.map((other) => {
    const button = make("button", { type: "button", title: nameOf(other) }, image(other.thumbnail, nameOf(other)));
    button.addEventListener("click", () => open(other));
    return button;
  }));
}

detail.addEventListener("click", (event) => event.target === detail && detail.close());

// Filters

async function facetsOf(pairs) {
  const where = whereOf(pairs);
  return (await json(`/facets${where ? `?${new URLSearchParams({ where })}` : ""}`)).facets;
}

/** Return the counts; of a type that is chosen those without that choice, so that more can be added. */
async function counts(chosen) {
  const types = [...new Set(chosen.map(([type]) => type))];
  const without = (type) => facetsOf(chosen.filter((pair) => pair[0] !== type));
  const [all, ...own] = await Promise.all([facetsOf(chosen), ...types.map(without)]);
  types.forEach((type, place) => (all[type] = own[place][type] ?? {}));
  return all;
}

async function showFacets(number) {
  const chosen = filters();
  const found = await counts(chosen).catch(() => null);
  if (number !== question || !found) return;
  const opened = new Set([...$("facets").querySelectorAll("details[open]")].map((one) => one.dataset.type));
  const isChosen = (type, value) => chosen.some((pair) => pair[0] === type && pair[1] === value);
  $("facets").replaceChildren(...Object.entries(found).map(([type, values]) => {
    const sorted = Object.entries(values).sort(([a, m], [b, n]) => isChosen(type, b) - isChosen(type, a) || n - m || a.localeCompare(b));
    const items = sorted.slice(0, FACET_VALUES).map(([value, tokens]) => choice(type, value, tokens, isChosen(type, value)));
    const group = make("details", { "data-type": type }, make("summary", { text: type }), make("ul", {}, ...items));
    group.open = opened.has(type) || (opened.size === 0 && type === "collection") || chosen.some((pair) => pair[0] === type);
    return group;
  }));
}

function choice(type, value, tokens, isChosen) {
  const box = make("input", { type: "checkbox" });
  box.checked = isChosen;
  box.addEventListener("change", () => {
    const others = filters().filter((pair) => pair[0] !== type || pair[1] !== value);
    const next = box.checked ? [...others, [type, value]] : others;
    ask({ f: next.map((pair) => JSON.stringify(pair)) });
  });
  return make("li", {}, make("label", {}, box, make("span", { text: value }), make("span", { text: tokens.toLocaleString() })));
}

// Words and pictures

let typing = 0;
words.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(() => ask({ q: words.value.trim() }, { replace: true }), 180);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  clearTimeout(typing);
  ask({ q: words.value.trim() });
});
for (const radio of form.elements.mode) {
  radio.addEventListener("change", () => ask({ mode: radio.value === "hybrid" ? "" : radio.value }));
}

function showChip(like) {
  chip.hidden = !picture && !like;
  if (chip.hidden) return;
  const src = picture ? URL.createObjectURL(picture) : `/thumbnails/${encodeURIComponent(like)}`;
  const preview = make("img", { src, alt: "" });
  preview.addEventListener("load", () => picture && URL.revokeObjectURL(src));
  chip.replaceChildren(preview, make("span", { text: picture ? "your picture ✕" : "like this ✕" }));
  chip.setAttribute("aria-label", "Search without the picture");
}

function use(given) {
  if (!given || !/^(image|video)\//.test(given.type)) return;
  picture = given;
  ask({ like: "" });
}

chip.addEventListener("click", () => {
  picture = null;
  file.value = "";
  ask({ like: "" });
});
file.addEventListener("change", () => use(file.files[0]));
addEventListener("paste", (event) => use(event.clipboardData.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.hidden = false;
});
addEventListener("dragleave", (event) => event.relatedTarget === null && (drop.hidden = true));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.hidden = true;
  use(event.dataTransfer.files[0]);
});
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== words && !detail.open) {
    event.preventDefault();
    words.focus();
  }
});
more.addEventListener("click", () => add(question, shown));
addEventListener("popstate", () => {
  picture = null;
  show();
});
show();

// The filters: every trait of the index with how many tokens have it.

import { $, button, make } from "./elements.js";
import { asked, go, toggle, where } from "./address.js";
import { ask } from "./api.js";

const VALUES = 60; // of one type that are listed at once; "Find a trait" finds the others
const FOUND_TYPES = 24;

let counted = null; // the filters that the counts are of
let facets = {};

async function facetsOf(filters) {
  return (
    await ask(
      filters.length ? `/facets?${new URLSearchParams({ where: where(filters) })}` : "/facets",
    )
  ).facets;
}

/** Return the counts; of a type that is chosen those without that choice, so that more can be added. */
async function counts(chosen) {
  const types = [...new Set(chosen.map(([type]) => type))];
  const without = (type) => facetsOf(chosen.filter((one) => one[0] !== type));
  const [all, ...own] = await Promise.all([facetsOf(chosen), ...types.map(without)]);
  types.forEach((type, place) => (all[type] = own[place][type] ?? {}));
  return all;
}

/** Show the counts for the filters that are chosen, unless they are shown. */
export async function showFacets() {
  const { filters } = asked();
  const wanted = JSON.stringify(filters);
  if (wanted === counted) return;
  counted = wanted;
  showChosen(filters);
  const found = await counts(filters)
    .catch(() => facetsOf([])) // the hits say what is wrong with a filter
    .catch(() => null);
  if (wanted !== counted || !found) return;
  facets = found;
  draw();
}

function showChosen(filters) {
  const chips = filters.map(([type, value]) => {
    const name = `${type}: ${value}`;
    return make(
      "li",
      {},
      button(name, () => toggle(type, value), {
        "aria-label": `Without ${name}`,
        className: "tag close",
      }),
    );
  });
  if (chips.length > 1)
    chips.push(
      make(
        "li",
        {},
        button("Clear", () => go({ f: [] }), { className: "plain" }),
      ),
    );
  $("chosen").replaceChildren(...chips);
  $("unfold").textContent = filters.length ? `Filters (${filters.length})` : "Filters";
}

/** Draw the types, and of those that are open the values; only what is looked for. */
function draw() {
  const sought = $("find").value.trim().toLowerCase();
  const opened = new Set(
    [...$("facets").querySelectorAll("details[open]")].map((one) => one.dataset.type),
  );
  const focused = document.activeElement?.dataset.choice;
  const chosen = new Set(asked().filters.map(([type]) => type));
  const types = Object.keys(facets)
    .sort(byTokens())
    .map((type) => [type, matching(type, sought)])
    .filter(([, values]) => values.length);
  $("facets").replaceChildren(
    ...types.slice(0, sought ? FOUND_TYPES : undefined).map(([type, values]) => {
      const isFirst = opened.size === 0 && type === "collection";
      return group(
        type,
        values,
        Boolean(sought) || opened.has(type) || isFirst || chosen.has(type),
      );
    }),
  );
  if (!types.length)
    $("facets").append(make("p", { className: "soft", text: "No trait is called so." }));
  if (focused)
    [...$("facets").querySelectorAll("input")]
      .find((one) => one.dataset.choice === focused)
      ?.focus();
}

/** Return an order of types: the collections, then what most tokens have. */
function byTokens() {
  const sum = (values) => Object.values(values).reduce((total, tokens) => total + tokens, 0);
  const tokens = new Map(Object.entries(facets).map(([type, values]) => [type, sum(values)]));
  tokens.set("collection", Infinity);
  return (a, b) => (a === b ? 0 : tokens.get(b) - tokens.get(a) || a.localeCompare(b));
}

/** Return the values [value, tokens] of a type that hold what is sought; all where its name does. */
function matching(type, sought) {
  const values = Object.entries(facets[type]);
  if (type.toLowerCase().includes(sought)) return values;
  return values.filter(([value]) => value.toLowerCase().includes(sought));
}

function group(type, values, isOpen) {
  const count = make("span", { className: "soft", text: values.length.toLocaleString() });
  const details = make(
    "details",
    { "data-type": type },
    make("summary", {}, make("span", { text: type }), count),
  );
  const fill = () => details.children.length === 1 && details.append(choices(type, values));
  details.addEventListener("toggle", fill);
  if (isOpen) fill();
  details.open = isOpen;
  return details;
}

function choices(type, values) {
  const { filters } = asked();
  const isChosen = (value) => filters.some((one) => one[0] === type && one[1] === value);
  const best = values.toSorted(
    ([a, m], [b, n]) => isChosen(b) - isChosen(a) || n - m || a.localeCompare(b),
  );
  const items = best
    .slice(0, VALUES)
    .map(([value, tokens]) => choice(type, value, tokens, isChosen(value)));
  if (best.length > VALUES) {
    items.push(
      make("li", {
        className: "soft",
        text: `and ${(best.length - VALUES).toLocaleString()} more: find them above`,
      }),
    );
  }
  return make("ul", {}, ...items);
}

function choice(type, value, tokens, isChosen) {
  const box = make("input", { type: "checkbox", "data-choice": JSON.stringify([type, value]) });
  box.checked = isChosen;
  box.addEventListener("change", () => toggle(type, value));
  const count = make("span", { className: "soft", text: tokens.toLocaleString() });
  return make("li", {}, make("label", {}, box, make("span", { text: value }), count));
}

$("find").addEventListener("input", draw);
$("unfold").addEventListener("click", () => {
  const isOpen = $("unfold").ariaExpanded !== "true";
  $("unfold").ariaExpanded = String(isOpen);
});

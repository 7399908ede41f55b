// Before anything is asked: what there is, and searches to begin with, made of what is in the index.

import { image, make } from "./elements.js";
import { link } from "./address.js";
import { ask } from "./api.js";

const EXAMPLES = 6;
const PICTURES = 4; // of each
const RAREST = 4; // tokens that have a trait which makes a good example
const COMMONEST_SHARE = 0.2; // of all tokens
const WORDS = /^\p{L}[\p{L} '-]{3,22}$/u;

/** Show in a box how many tokens there are, and examples. */
export async function welcome(box, signal) {
  const [{ tokens }, { facets }] = await Promise.all([
    ask("/health", { signal }),
    ask("/facets", { signal }),
  ]);
  const headline = make("p", { className: "headline", text: "Find any NFT by describing it." });
  const many = `${tokens.toLocaleString()} tokens are here.`;
  const how = make("p", {
    className: "soft",
    text: `${many} Say what one looks like, or drop a picture anywhere.`,
  });
  const examples = make("ul", { className: "examples", "aria-label": "Searches to begin with" });
  box.replaceChildren(headline, how, examples);
  for (const words of chosen(facets, tokens)) {
    const { hits } = await ask(`/search?${new URLSearchParams({ q: words, k: PICTURES })}`, {
      signal,
    });
    examples.append(example(words, hits));
  }
}

/** Return values to search for, at random, each of another type of trait where there are enough. */
function chosen(facets, tokens) {
  const types = Object.entries(facets).filter(([type]) => type !== "collection");
  const values = types.flatMap(([type, counts]) =>
    Object.entries(counts)
      .filter(([value, n]) => n >= RAREST && n <= COMMONEST_SHARE * tokens && WORDS.test(value))
      .map(([value]) => ({ type, words: value.toLowerCase(), at: Math.random() })),
  );
  values.sort((a, b) => a.at - b.at);
  const firsts = values.filter(
    (one, place) => values.findIndex(({ type }) => type === one.type) === place,
  );
  return [...new Set([...firsts, ...values].map(({ words }) => words))].slice(0, EXAMPLES);
}

function example(words, hits) {
  const pictures = make(
    "span",
    { className: "mosaic" },
    ...hits.map((hit) => image(hit.thumbnail, "")),
  );
  const open = make(
    "a",
    { href: link({ q: words }) },
    pictures,
    make("span", { className: "name", text: words }),
  );
  return make("li", {}, open);
}

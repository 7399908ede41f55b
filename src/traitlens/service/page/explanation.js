// Why a token is an answer: how close it is, which words it meets, and where in the picture.

import { button, make } from "./elements.js";
import { ask } from "./api.js";

const SMOOTH = 24; // px of the overlay for each cell of the grid
const VEIL = 0.8; // how dark it is where nothing speaks for the words
const MASK = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
const HOT = 0.5; // a cell above it counts when the place is told in words

/** Add an explanation to the parts of a token's view; nothing where there is none to be had. */
export async function explain(token, words, parts, signal) {
  const query = new URLSearchParams({ q: words });
  const path = `/explanations/${encodeURIComponent(token.token_uid)}?${query}`;
  const found = await ask(path, { signal }).catch(() => null);
  if (!found || signal.aborted) return;
  showWhy(found, words, parts.why);
  if (found.heat?.length) addHeat(found.heat, words, parts);
  for (const mask of found.masks ?? []) if (MASK.test(mask.image)) addMask(mask, token, parts);
}

function showWhy({ terms = [], closer_than: closer, note }, words, why) {
  const title = make("h3", { text: `Why it fits “${words}”` });
  const items = terms.map(({ meant, matched, trait }) => {
    const said = matched ? (trait ?? "yes") : "not among its traits";
    return make(
      "li",
      { className: matched ? "met" : "unmet" },
      make("span", { text: meant }),
      make("span", { className: "soft", text: said }),
    );
  });
  const close =
    typeof closer === "number"
      ? [`Its looks are closer to the words than ${percent(closer)} of the others.`]
      : [];
  const sentences = [...close, note]
    .filter(Boolean)
    .map((text) => make("p", { className: "soft", text }));
  why.replaceChildren(title, make("ul", {}, ...items), ...sentences);
}

/** Return a share as a percentage, never rounded up to all. */
const percent = (share) => `${(Math.floor(share * 1_000) / 10).toLocaleString()} %`;

function addHeat(heat, words, { stage, caption }) {
  const place = placeOf(heat);
  const said = `What speaks for “${words}” is ${place}.`;
  const show = button("Show where", () => {
    const isOn = show.ariaPressed !== "true";
    show.ariaPressed = String(isOn);
    stage.querySelector("canvas")?.remove();
    if (isOn) stage.append(overlay(heat, stage.querySelector("img"), said));
    caption.lastChild.textContent = isOn ? said : "";
  });
  show.ariaPressed = "false";
  caption.replaceChildren(show, make("span", { role: "status" }));
}

/** Return a veil over a picture that is clear where the heat is. */
function overlay(heat, picture, label) {
  const rows = heat.length,
    columns = heat[0].length;
  const grid = make("canvas", { width: columns, height: rows }).getContext("2d");
  const pixels = grid.createImageData(columns, rows); // black, and as opaque as the cell is cold
  heat.flat().forEach((warm, cell) => (pixels.data[4 * cell + 3] = 255 * VEIL * (1 - warm)));
  grid.putImageData(pixels, 0, 0);
  const width = SMOOTH * columns; // and as wide to its height as the picture, to lie on it
  const height = Math.round((width * picture.naturalHeight) / picture.naturalWidth);
  const canvas = make("canvas", { width, height, role: "img", "aria-label": label });
  const drawn = canvas.getContext("2d");
  drawn.imageSmoothingQuality = "high";
  drawn.drawImage(grid.canvas, 0, 0, width, height);
  return canvas;
}

/** Return where the most of the heat is, in words. */
function placeOf(heat) {
  const rows = heat.length,
    columns = heat[0].length;
  const most = Math.max(...heat.flat());
  let weight = 0,
    down = 0,
    right = 0,
    hot = 0;
  heat.forEach((row, y) =>
    row.forEach((warm, x) => {
      if (warm < HOT * most) return;
      hot += 1;
      weight += warm;
      down += (warm * (y + 0.5)) / rows;
      right += (warm * (x + 0.5)) / columns;
    }),
  );
  if (hot > (rows * columns) / 2) return "all over the picture";
  const third = (share, names) => names[Math.min(2, Math.floor((3 * share) / weight))];
  const height = third(down, ["at the top", "in the middle", "at the bottom"]);
  const side = third(right, ["on the left", "", "on the right"]);
  return [height, side].filter(Boolean).join(", ");
}

/** Have the value of a trait show its part of the picture while it is pointed at. */
function addMask({ type, value, image: mask }, token, { stage, traits }) {
  const row = [...traits.children].find(
    (one) => one.dataset.type === type && one.dataset.value === value,
  );
  if (!row) return;
  const show = () => {
    hide();
    const part = make("img", { src: token.picture, alt: "" });
    part.className = stage.querySelector("img").className;
    part.style.maskImage = `url("${mask}")`;
    stage.append(make("span", { className: "part" }, part));
  };
  const hide = () => stage.querySelector(".part")?.remove();
  const value_ = row.querySelector("dd");
  const pointed = button("", () => stage.scrollIntoView({ block: "nearest" }), {
    title: "Show it in the picture",
  });
  pointed.append(...value_.childNodes);
  value_.replaceChildren(pointed);
  for (const when of ["pointerenter", "focus", "click"]) pointed.addEventListener(when, show);
  for (const when of ["pointerleave", "blur"]) pointed.addEventListener(when, hide);
}

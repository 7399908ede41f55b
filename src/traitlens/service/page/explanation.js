// Why a token is an answer: how close it is, which words it meets, and where in the picture.

import { button, make } from "./elements.js";
import { ask, pause } from "./api.js";

const PAUSE_MS = 400; // an explanation costs some 250 pictures: none for what one passes by
const SMOOTH = 24; // px of the overlay for each cell of the grid
const VEIL = 0.8; // how dark it is where nothing speaks for the words
const MASK = /^data:image\/png;base64,[A-Za-z0-9+/=]+$/;
const HOT = 0.5; // a cell above it counts when the place is told in words

/** Add an explanation to the parts of a token's view; nothing where there is none to be had. */
export async function explain(token, words, parts, signal) {
  await pause(PAUSE_MS);
  if (signal.aborted) return;
  const query = new URLSearchParams({ q: words });
  const path = `/explanations/${encodeURIComponent(token.token_uid)}?${query}`;
  const found = await ask(path, { signal }).catch(() => null);
  if (!found || signal.aborted) return;
  showWhy(found, words, parts.why);
  const maps = heats(found, words);
  if (maps.length) addHeats(maps, parts);
  for (const mask of found.masks ?? []) if (MASK.test(mask.image)) addMask(mask, token, parts);
}

function showWhy({ terms = [], closer_than: closer, note }, words, why) {
  const title = make("h3", { text: `Why it fits “${words}”` });
  const items = terms.map(({ meant, wanted = true, matched, trait }) => {
    const said = trait ?? (matched === wanted ? "one of its traits" : "not among its traits");
    return make(
      "li",
      { className: matched ? "met" : "unmet" },
      make("span", { text: wanted ? meant : `no ${meant}` }),
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

/** Return what there is a heat map of: each of the words, and all of them; [name, heat] each. */
function heats({ terms = [], heat }, words) {
  const each = terms.filter((term) => term.heat?.length).map((term) => [term.meant, term.heat]);
  const all = heat?.length && (each.length !== 1 || terms.length > 1) ? [[words, heat]] : [];
  return [...each, ...all];
}

/** Have a button for each heat map lay it over the picture, and say where it is hot. */
function addHeats(heats, { stage, caption }) {
  const told = make("span", { role: "status" });
  const buttons = heats.map(([name, heat]) => {
    const show = button(heats.length === 1 ? "Show where" : name, () => {
      const isOn = show.ariaPressed !== "true";
      for (const one of buttons) one.ariaPressed = String(isOn && one === show);
      told.textContent = isOn ? `What speaks for “${name}” is ${placeOf(heat)}.` : "";
      stage.querySelector("canvas")?.remove();
      if (isOn) stage.append(overlay(heat, stage.querySelector("img"), told.textContent));
    });
    show.ariaPressed = "false";
    return show;
  });
  const label = heats.length > 1 ? [make("span", { text: "Show where:" })] : [];
  caption.replaceChildren(...label, ...buttons, told);
}

/** Return a veil over a picture that is clear where the heat is. */
function overlay(heat, picture, label) {
  const [rows, columns] = [heat.length, heat[0].length];
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
  const [rows, columns] = [heat.length, heat[0].length];
  const most = Math.max(...heat.flat());
  let [weight, down, right, hot] = [0, 0, 0, 0];
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

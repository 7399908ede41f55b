// The page: what is asked is in the address; whatever changes it has the page shown anew.

import { $, image, make } from "./elements.js";
import { asked, go } from "./address.js";
import { showToken } from "./detail.js";
import { showFacets } from "./facets.js";
import { showHits } from "./results.js";

const PAUSE_MS = 180; // in typing, after which one is searched for

const [form, words, file, chip, drop] = ["form", "words", "file", "chip", "drop"].map($);
let typing = 0;
let isFresh = true; // whether the next words are an entry of the history of their own

function show() {
  const now = asked();
  if (words.value.trim() !== now.words) words.value = now.words;
  for (const radio of form.elements.mode) radio.checked = radio.value === now.mode;
  document.title = now.words ? `${now.words} · traitlens` : "traitlens";
  showChip(now);
  showFacets();
  showHits().then(showToken); // which may be one of them
}

function showChip({ picture, like }) {
  chip.hidden = !picture && !like;
  if (chip.hidden) return;
  const src = picture ? URL.createObjectURL(picture) : `/thumbnails/${encodeURIComponent(like)}`;
  const preview = image(src, "");
  if (picture) preview.addEventListener("load", () => URL.revokeObjectURL(src));
  chip.replaceChildren(preview, make("span", { text: picture ? "your picture" : "like this" }));
  chip.setAttribute("aria-label", "Search without the picture");
}

// Words

function searchWords() {
  clearTimeout(typing);
  if (words.value.trim() === asked().words) return;
  go({ q: words.value.trim(), token: "" }, { replace: !isFresh });
  isFresh = false;
}
words.addEventListener("input", () => {
  clearTimeout(typing);
  typing = setTimeout(searchWords, PAUSE_MS);
});
words.addEventListener("change", () => (isFresh = true));
form.addEventListener("submit", (event) => {
  event.preventDefault();
  searchWords();
  isFresh = true;
});
for (const radio of form.elements.mode) {
  radio.addEventListener("change", () => go({ mode: radio.value === "hybrid" ? "" : radio.value }));
}

// Pictures

function searchPicture(given) {
  if (given && /^(image|video)\//.test(given.type)) go({ like: "", token: "" }, { picture: given });
}
chip.addEventListener("click", () => go({ like: "" }, { picture: null }));
file.addEventListener("change", () => {
  searchPicture(file.files[0]);
  file.value = ""; // so that the same one can be chosen again
});
addEventListener("paste", (event) => searchPicture(event.clipboardData.files[0]));
addEventListener("dragover", (event) => {
  event.preventDefault();
  drop.hidden = !event.dataTransfer.types.includes("Files");
});
addEventListener("dragleave", (event) => event.relatedTarget === null && (drop.hidden = true));
addEventListener("drop", (event) => {
  event.preventDefault();
  drop.hidden = true;
  searchPicture(event.dataTransfer.files[0]);
});

addEventListener("keydown", (event) => {
  const isWriting = event.target.matches("input:not([type=checkbox], [type=radio])");
  if (event.key !== "/" || isWriting || document.querySelector("dialog[open]")) return;
  event.preventDefault();
  words.focus();
});
addEventListener("popstate", show);
show();

// Elements of the page. Texts of tokens are hostile: they only ever become text or attributes.

const SMALL_PX = 96; // below this a picture is pixel art and is enlarged as such
const RETRIES = 4; // of a picture that does not come, as when too many are asked for at once

export const $ = (id) => document.getElementById(id);

/** Return an element with a class, a text, attributes and children. */
export function make(tag, { className = "", text = "", ...attributes } = {}, ...children) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/** Return a button that does something. */
export function button(text, act, attributes = {}) {
  const element = make("button", { type: "button", text, ...attributes });
  element.addEventListener("click", act);
  return element;
}

/** Return a picture, loaded when it comes near; pixel art stays sharp. */
export function image(src, alt) {
  const element = make("img", { src, alt, loading: "lazy", decoding: "async", draggable: "false" });
  let tries = 0;
  element.addEventListener("load", () =>
    element.classList.toggle("pixels", element.naturalWidth <= SMALL_PX),
  );
  element.addEventListener("error", () => {
    if (++tries > RETRIES) return element.classList.add("broken");
    setTimeout(() => element.isConnected && (element.src = src), 500 * 2 ** tries);
  });
  return element;
}

export const nameOf = (token) => `${token.collection} #${token.token_id}`;

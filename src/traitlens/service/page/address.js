// What is asked is in the address, so a link brings it back. A picture cannot be: it is remembered
// beside its entry of the history, for the way back.

const pictures = new Map(); // the picture of an entry of the history: id -> File

/** Return what is asked now. */
export function asked() {
  const now = new URLSearchParams(location.search);
  return {
    words: now.get("q") ?? "",
    mode: now.get("mode") ?? "hybrid",
    like: now.get("like") ?? "",
    filters: now.getAll("f").map(pair).filter(Boolean),
    picture: pictures.get(history.state?.picture) ?? null,
    token: now.get("token") ?? "", // the one that is looked at
  };
}

/** Return a filter [type, value] of the address; null for what is none. */
function pair(text) {
  try {
    const [type, value, ...more] = JSON.parse(text);
    return typeof type === "string" && typeof value === "string" && !more.length
      ? [type, value]
      : null;
  } catch {
    return null;
  }
}

/** Return the address with some names changed; empty values are left out. */
export function link(changes) {
  const next = new URLSearchParams(location.search);
  for (const [name, value] of Object.entries(changes)) {
    next.delete(name);
    for (const one of [value].flat()) if (one) next.append(name, one);
  }
  const query = next.toString();
  return query ? `?${query}` : location.pathname;
}

/** Go to the address with some names changed; `picture` null is none, and without it the old one. */
export function go(changes, { replace = false, picture } = {}) {
  const state = { ...history.state, depth: depth(changes.token, replace) };
  if (picture !== undefined) state.picture = picture && remembered(picture);
  history[replace ? "replaceState" : "pushState"](state, "", link(changes));
  dispatchEvent(new PopStateEvent("popstate", { state }));
}

function remembered(picture) {
  const id = `${performance.timeOrigin}/${pictures.size}`; // of this page, as it was loaded this time
  pictures.set(id, picture);
  return id;
}

/** Return how many entries back the list lies behind a token; 0 where it was never shown. */
function depth(token, replace) {
  const here = history.state?.depth ?? 0;
  if (!token) return 0;
  if (!asked().token) return 1;
  return here && !replace ? here + 1 : here;
}

/** Go from a token back to the list. */
export function leaveToken() {
  if (history.state?.depth) history.go(-history.state.depth);
  else go({ token: "" }, { replace: true });
}

/** Return filters in the language of `where`: any value of a type, and all of the types. */
export function where(filters) {
  const quoted = (said) => `"${said.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const types = new Map();
  for (const [type, value] of filters) {
    types.set(type, [...(types.get(type) ?? []), `${quoted(type)}=${quoted(value)}`]);
  }
  return [...types.values()].map((some) => `(${some.join(" OR ")})`).join(" AND ");
}

/** Go to the same search with a filter more, or less. */
export function toggle(type, value) {
  const { filters } = asked();
  const others = filters.filter((one) => one[0] !== type || one[1] !== value);
  const next = others.length < filters.length ? others : [...filters, [type, value]];
  go({ f: next.map((one) => JSON.stringify(one)) });
}

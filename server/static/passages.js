// A passage as a row that opens its article there.
import { el } from "./dom.js";
import { t } from "./strings.js";
import { cut, langOf } from "./text.js";
import { set } from "./type.js";

/** The whole passage (the style sheet shortens it), the words it matched by in bold. @param {(place: object) => void} open */
export function passageRow(hit, open) {
  const { title, source, text, start, end, spans, score } = hit;
  const chars = Array.from(text);
  const lang = langOf(text);
  const words = cut(chars, spans, start).flatMap((piece) => {
    const nodes = set(chars.slice(piece.start - start, piece.end - start).join(""), lang);
    return piece.inside ? el("b", {}, ...nodes) : nodes;
  });
  const button = el(
    "button",
    { type: "button", lang, onclick: () => open({ start, end, words: text }) },
    el("cite", { lang: langOf(title) }, ...set(title)),
    el("small", {}, source),
    el("small", { className: "score", lang: document.documentElement.lang }, t.score(score.toFixed(2))),
    el("span", { className: "passage" }, ...words),
  );
  return el("li", {}, button);
}

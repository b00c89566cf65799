// A turn of the conversation as elements: the question a headline, the answer body text, its sources footnotes.
import { openArticle } from "./article.js";
import { el } from "./dom.js";
import { t } from "./strings.js";
import { cut, langOf, markers, plain } from "./text.js";

const LANGS = { "zh-TW": "zh-Hant", "zh-CN": "zh-Hans", "zh-HK": "zh-Hant-HK" };

/** A turn; `again` is called to answer its question once more. */
export function turnNode(turn, busy, again) {
  const node = el(
    "article",
    { className: "turn" },
    el("h2", { tabIndex: -1, lang: langOf(turn.question) }, turn.question),
    el("div", { className: "answer", ariaLive: "polite" }),
  );
  fill(node, turn, busy, again);
  return node;
}

/** Draw the turn's answer as it now stands into its live region. */
export function fill(node, turn, busy, again) {
  const region = node.querySelector(".answer");
  region.ariaBusy = String(busy);
  region.replaceChildren(...parts(turn, busy, again).filter(Boolean));
}

function parts(turn, busy, again) {
  const { answer, error } = turn;
  if (answer?.grounded) return [prose(answer.answer, answer), ...notes(answer), footnotes(answer), meta(answer, again)];
  if (answer) return [refusal(answer), meta(answer, again)];
  if (busy) return [turn.text ? prose(turn.text) : waiting(turn)];
  if (error) return [failure(error), el("p", { className: "meta" }, button(t.again, again, "again"))];
  return [prose(turn.text), el("p", { className: "meta" }, t.stopped, button(t.again, again, "again"))];
}

function button(label, onclick, className = "") {
  return el("button", { type: "button", className, onclick }, label);
}

/** Answer text with its markers as superscript buttons; without the answer (while streaming) they are still mute. */
function prose(text, answer) {
  const citations = new Map(answer?.citations.map((citation) => [citation.marker, citation]));
  const lang = LANGS[answer?.script] ?? langOf(text);
  const mark = (number) => {
    if (!answer) return el("button", { type: "button", className: "cite", disabled: true }, String(number));
    return citations.has(number) ? cite(citations.get(number)) : `[${number}]`;
  };
  const nodes = markers(answer ? text : text.replace(/\[\d*$/, "")).map((part) =>
    part.number ? el("span", { className: "together" }, part.before, mark(part.number), part.after) : part.text,
  );
  return el("div", { className: "prose", lang }, ...nodes);
}

function cite(citation) {
  const node = button(String(citation.marker), () => openCitation(citation), "cite");
  node.ariaLabel = t.cite(citation.marker, citation.title);
  return node;
}

function openCitation({ article_id, start, end, quote, marker }) {
  return openArticle(article_id, { start, end, words: quote, marker });
}

function notes(answer) {
  return answer.notes.map((note) => el("p", { className: "quiet" }, note));
}

function footnotes(answer) {
  const rows = answer.citations.map((citation) =>
    el(
      "li",
      { value: citation.marker },
      el(
        "button",
        { type: "button", lang: langOf(citation.quote), onclick: () => openCitation(citation) },
        el("cite", {}, citation.title),
        el("small", {}, citation.source),
        el("q", {}, citation.quote),
      ),
    ),
  );
  return el("ol", { className: "footnotes", ariaLabel: t.sources }, ...rows);
}

function refusal(answer) {
  const rows = answer.nearest.map((hit) => el("li", {}, nearest(hit)));
  return el(
    "aside",
    { className: "note refusal" },
    el("h3", {}, t.refusal),
    el("p", { lang: LANGS[answer.script] ?? langOf(answer.answer) }, answer.answer),
    ...notes(answer),
    rows.length && el("h4", {}, t.nearest),
    rows.length && el("ul", {}, ...rows),
  );
}

/** A passage as a link to its place: the whole of it (the style sheet shortens it), the words it matched by in bold. */
function nearest({ article_id, title, source, text, start, end, spans }) {
  const chars = Array.from(text);
  const words = cut(chars, spans, start).map((piece) => {
    const string = chars.slice(piece.start - start, piece.end - start).join("");
    return piece.inside ? el("b", {}, string) : string;
  });
  return el(
    "button",
    { type: "button", lang: langOf(text), onclick: () => openArticle(article_id, { start, end, words: text }) },
    el("cite", {}, title),
    el("small", {}, source),
    el("span", { className: "passage" }, ...words),
  );
}

function meta(answer, again) {
  const facts = [
    answer.generator === "extractive" ? t.extractive : t.written(answer.generator),
    t.confidence(Math.round(answer.confidence * 100)),
    t.seconds((answer.timings_ms.total / 1000).toFixed(2)),
  ];
  const copy = button(t.copy, async () => {
    await navigator.clipboard.writeText(plain(answer));
    copy.textContent = t.copied;
  });
  copy.hidden = !navigator.clipboard; // browsers keep it from pages served over plain http
  return el("p", { className: "meta" }, answer.grounded && el("span", {}, facts.join(" · ")), copy, button(t.again, again, "again"));
}

function waiting(turn) {
  const titles = [...new Set(turn.hits?.map((hit) => hit.title))].slice(0, 3);
  const words = titles.length ? t.reading(titles.map((title) => `《${title}》`).join("")) : t.searching;
  return el("p", { className: "waiting" }, words);
}

function failure({ kind, message, wait }) {
  return el(
    "aside",
    { className: "note error" },
    el("h3", {}, t.failed),
    el("p", {}, t.advice[kind](wait)),
    message && el("p", { className: "quiet" }, message),
  );
}

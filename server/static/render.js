// A turn of the conversation as elements: the question a headline, the answer body text, its sources footnotes.
import { openArticle } from "./article.js";
import { attachCard } from "./card.js";
import { el } from "./dom.js";
import { opinion } from "./feedback.js";
import { passageRow } from "./passages.js";
import { t } from "./strings.js";
import { followUps } from "./suggest.js";
import { langOf, markers, plain } from "./text.js";
import { set } from "./type.js";

const LANGS = { "zh-TW": "zh-Hant", "zh-CN": "zh-Hans", "zh-HK": "zh-Hant-HK" };

/**
 * What a reader may do with a turn; all but `say` is null where the conversation is only read.
 * @typedef {{again: () => void, edit: (turn: object, question: string) => void, ask: (question: string, script: string) => void,
 *   rated: () => void, useKey: (key: string) => void, asked: () => string[], say: (words: string) => void}} Actions
 */

/** A turn; while `busy` its answer is under way. @param {Actions} actions */
export function turnNode(turn, busy, actions) {
  const lang = langOf(turn.question);
  const node = el(
    "article",
    { className: "turn" },
    el("h2", { tabIndex: -1, lang }, ...set(turn.question, lang)),
    el("div", { className: "answer", ariaLive: "polite" }),
  );
  fill(node, turn, busy, actions);
  return node;
}

/** Draw the turn's answer as it now stands into its live region. */
export function fill(node, turn, busy, actions) {
  const region = node.querySelector(".answer");
  region.ariaBusy = String(busy);
  region.replaceChildren(...parts(node, turn, busy, actions).filter(Boolean));
}

function parts(node, turn, busy, actions) {
  const { answer, error } = turn;
  if (answer?.grounded) {
    return [prose(answer.answer, answer), ...notes(answer), footnotes(answer), ...foot(node, turn, actions)];
  }
  if (answer) return [refusal(answer), ...foot(node, turn, actions)];
  if (busy) return [turn.text ? prose(turn.text) : waiting(turn)];
  if (error) return [failure(error, actions), el("p", { className: "meta" }, ...mending(node, turn, actions))];
  return [turn.text && prose(turn.text), el("p", { className: "meta" }, el("span", {}, t.stopped), ...mending(node, turn, actions))];
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
  const nodes = markers(answer ? text : text.replace(/\[\d*$/, "")).flatMap((part) =>
    part.number ? el("span", { className: "together" }, part.before, mark(part.number), part.after) : set(part.text, lang),
  );
  return el("div", { className: "prose", lang }, ...nodes);
}

function cite(citation) {
  const node = el("button", { type: "button", className: "cite" }, String(citation.marker));
  node.ariaLabel = t.cite(citation.marker, citation.title);
  attachCard(node, citation, () => openCitation(citation));
  return node;
}

function openCitation({ article_id, start, end, quote, marker }) {
  return openArticle(article_id, { start, end, words: quote, marker });
}

function notes(answer) {
  return answer.notes.map((note) => el("p", { className: "quiet", lang: langOf(note) }, note));
}

function footnotes(answer) {
  const rows = answer.citations.map((citation, i) => {
    const lang = langOf(citation.quote);
    const before = answer.citations[i - 1]; // of the same article: its title is not said twice
    const titled = before?.article_id !== citation.article_id || before.title !== citation.title;
    const open = el(
      "button",
      { type: "button", lang, onclick: () => openCitation(citation) },
      titled && el("cite", { lang: langOf(citation.title) }, ...set(citation.title)),
      titled && el("small", {}, citation.source),
      el("q", {}, ...set(citation.quote, lang)),
    );
    return el("li", { value: citation.marker }, open);
  });
  return el("ol", { className: "footnotes", ariaLabel: t.sources }, ...rows);
}

function refusal(answer) {
  const lang = LANGS[answer.script] ?? langOf(answer.answer);
  return el(
    "aside",
    { className: "note refusal", ariaLabel: t.refusal },
    el("h3", {}, t.refusal),
    el("p", { lang }, ...set(answer.answer, lang)),
    ...notes(answer),
    answer.nearest.length ? el("h4", {}, t.nearest) : el("p", { className: "quiet" }, t.noNearest),
    answer.nearest.length && el("ul", {}, ...answer.nearest.map(row)),
  );
}

const row = (hit) => passageRow(hit, (place) => openArticle(hit.article_id, place));

/** What stands under an answer: facts and tools, the passages considered, questions to go on with. */
function foot(node, turn, actions) {
  const { answer, hits } = turn;
  const facts = [
    answer.generator === "extractive" ? t.extractive : t.written(answer.generator),
    t.confidence(Math.round(answer.confidence * 100)),
    t.seconds((answer.timings_ms.total / 1000).toFixed(2)),
  ];
  const considered = el("ul", { className: "considered", hidden: true, ariaLabel: t.consideredLabel }, ...(hits ?? []).map(row));
  const unfold = button(t.considered(hits?.length), () => {
    considered.hidden = !considered.hidden;
    unfold.ariaExpanded = String(!considered.hidden);
  }, "unfold");
  unfold.ariaExpanded = "false";
  return [
    answer.grounded && el("p", { className: "quiet facts" }, facts.join(" · ")),
    el(
      "div",
      { className: "meta" },
      copyButton(answer),
      ...mending(node, turn, actions),
      hits?.length && unfold,
      actions.rated && opinion(turn, actions.say, actions.rated),
    ),
    considered,
    actions.ask && followers(turn, actions),
  ];
}

function copyButton(answer) {
  const copy = button(t.copy, async () => {
    await navigator.clipboard.writeText(plain(answer));
    copy.textContent = t.copied;
  });
  copy.hidden = !navigator.clipboard; // browsers keep it from pages served over plain http
  return copy;
}

function mending(node, turn, { again, edit }) {
  if (!edit) return [];
  return [button(t.again, again, "again"), button(t.edit, () => editing(node, turn, edit), "edit")];
}

/** Put a box in place of the headline. */
function editing(node, turn, edit) {
  const headline = node.querySelector("h2");
  if (!headline.isConnected) return;
  const box = el("textarea", { className: "headline", value: turn.question, ariaLabel: t.question, lang: headline.lang, rows: 1 });
  const form = el("form", { className: "editing" }, box, el("div", {}, el("button", {}, t.ask), button(t.cancel, leave)));
  form.onsubmit = (event) => {
    event.preventDefault();
    if (box.value.trim()) edit(turn, box.value.trim());
  };
  form.onkeydown = (event) => {
    if (event.isComposing || event.keyCode === 229) return; // 229: Safari's input methods
    if (event.key === "Escape") leave(event.stopPropagation());
    if (event.key !== "Enter" || event.shiftKey || event.target !== box) return;
    event.preventDefault();
    form.requestSubmit();
  };
  function leave() {
    form.replaceWith(headline);
    node.querySelector(".edit").focus();
  }
  headline.replaceWith(form);
  box.focus();
  box.select();
}

function followers(turn, { asked, ask }) {
  const questions = followUps(turn, asked());
  if (!questions.length) return null;
  const rows = questions.map((question) => {
    const lang = langOf(question);
    return el("li", {}, el("button", { type: "button", lang, onclick: () => ask(question, turn.answer.script) }, ...set(question, lang)));
  });
  return el("section", { className: "follow", ariaLabel: t.follow }, el("h3", {}, t.follow), el("ul", {}, ...rows));
}

function waiting(turn) {
  const titles = [...new Set(turn.hits?.map((hit) => hit.title))].slice(0, 3);
  const words = titles.length ? t.reading(titles.map((title) => `《${title}》`).join("")) : t.searching;
  return el("p", { className: "waiting" }, ...set(words));
}

function failure({ kind, message, wait }, { useKey }) {
  const advice = t.advice[kind] ?? t.advice.server;
  return el(
    "aside",
    { className: "note error", ariaLabel: t.failed },
    el("h3", {}, t.failed),
    el("p", {}, advice(wait)),
    message && el("p", { className: "quiet" }, message),
    kind === "key" && useKey && keyForm(useKey),
  );
}

function keyForm(useKey) {
  const box = el("input", { type: "password", required: true, pattern: "[!-~]+", autocomplete: "off", ariaLabel: t.keyLabel, placeholder: t.keyLabel });
  const form = el("form", { className: "key" }, box, el("button", {}, t.useKey));
  form.onsubmit = (event) => {
    event.preventDefault();
    useKey(box.value);
  };
  return form;
}

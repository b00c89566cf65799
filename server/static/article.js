// Articles in the sheet: one opened at the cited words, or the list of all with a search box.
import { openBring } from "./bring.js";
import { el } from "./dom.js";
import { notice } from "./notice.js";
import { passageRow } from "./passages.js";
import { page, show } from "./sheet.js";
import { key } from "./state.js";
import { Failure, getJSON, remove } from "./stream.js";
import { t } from "./strings.js";
import { cut, langOf, rests } from "./text.js";
import { set } from "./type.js";

const PAUSE = 250; // milliseconds after a key before searching
const PASSAGES = 12;

/** The words to mark: offsets into the article's body, the words that stood there, and the citation's number. */
/** @typedef {{start: number, end: number, words: string, marker?: number}} Place */

/** Open an article, at a place if one is given. @param {string} id @param {Place} [place] */
export async function openArticle(id, place) {
  const shown = await show(async () => {
    const article = await getJSON(`/api/articles/${encodeURIComponent(id)}`);
    return { heading: article.title, nodes: articleNodes(article, place) };
  });
  const mark = shown && page.querySelector("mark");
  if (!mark) return;
  mark.focus({ preventScroll: true });
  const below = mark.getBoundingClientRect().top - page.getBoundingClientRect().top;
  page.scrollTop += below - page.clientHeight / 3; // scrollIntoView would move the conversation too
}

function articleNodes({ id, title, source, industry, date, url, body }, place) {
  const chars = Array.from(body);
  const lang = langOf(body);
  const found = place && chars.slice(place.start, place.end).join("") === place.words;
  return [
    el("p", { className: "kicker", lang }, industry),
    el("h2", { lang }, ...set(title, lang)),
    el("p", { className: "byline" }, el("span", { lang }, source), ...dated(date), ` · ${t.chars(chars.length)}`, ...linked(url), ...removal(id)),
    place && !found && el("aside", { className: "note" }, el("p", {}, t.moved), el("p", { lang }, ...set(place.words, lang))),
    el("div", { className: "body", lang }, ...flow(chars, found ? place : undefined, lang)),
  ].filter(Boolean);
}

function dated(date) {
  return date ? [" · ", el("time", { dateTime: date }, date)] : [];
}

/** A link to where the article came out; to nothing but http and https. */
function linked(url) {
  if (!/^https?:\/\//i.test(url ?? "")) return [];
  return [" · ", el("a", { href: url, target: "_blank", rel: "noopener noreferrer" }, t.original)];
}

/** A button that removes the article when it is pressed twice, for whoever has given the key. */
function removal(id) {
  if (!key.get()) return [];
  const button = el("button", { type: "button", className: "remove" }, t.removeArticle);
  button.onclick = async () => {
    if (button.textContent !== t.sure) return (button.textContent = t.sure);
    try {
      await remove(`/api/articles/${encodeURIComponent(id)}`);
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      return notice(failure.message || t.advice.offline());
    }
    notice(t.removedArticle);
    document.dispatchEvent(new Event("articles"));
    openContents();
  };
  return [" · ", button];
}

/** The body as one flow: its characters untouched, the place in a <mark>, and empty elements to rest at. */
function flow(chars, place, lang) {
  const starts = rests(chars);
  return cut(chars, place ? [[place.start, place.end]] : []).map(({ start, end, inside }) => {
    const nodes = [];
    let at = start;
    for (const rest of starts.filter((offset) => offset >= start && offset < end)) {
      nodes.push(...set(chars.slice(at, rest).join(""), lang), el("span", { className: "rest" }));
      at = rest;
    }
    nodes.push(...set(chars.slice(at, end).join(""), lang));
    return inside ? el("mark", { tabIndex: -1, "data-marker": place.marker ?? "" }, ...nodes) : el("span", {}, ...nodes);
  });
}

/** Open the list of all articles. */
export function openContents() {
  let query = ""; // outlives a change of language
  return show(async () => {
    const { articles } = await getJSON("/api/articles");
    return { heading: t.contents, nodes: contentsNodes(articles, query, (typed) => (query = typed)) };
  });
}

function contentsNodes(articles, query, typed) {
  const box = el("input", { type: "search", id: "find", maxLength: 200, value: query, placeholder: t.find, ariaLabel: t.find, autocomplete: "off" });
  const count = el("p", { className: "unseen", role: "status" });
  const list = el("div", {}, ...articleList(articles));
  let timer = 0;
  let latest = 0;

  async function search() {
    const mine = ++latest;
    const words = box.value.trim().toLowerCase();
    typed(box.value);
    if (!words) return list.replaceChildren(...articleList(articles));
    const fits = ({ title, source, industry }) => [title, source, industry].some((text) => text.toLowerCase().includes(words));
    const titles = articles.filter(fits);
    const { hits } = await getJSON(`/api/search?${new URLSearchParams({ q: words, k: PASSAGES })}`).catch(none);
    if (mine !== latest) return;
    const rows = hits.map((hit) => passageRow(hit, (place) => openArticle(hit.article_id, place)));
    count.textContent = t.found(titles.length, hits.length);
    list.replaceChildren(
      ...articleList(titles),
      ...(rows.length ? [el("h2", { className: "industry" }, t.passages), el("ul", { className: "passages" }, ...rows)] : []),
      ...(rows.length || titles.length ? [] : [el("p", { className: "quiet" }, t.nothing)]),
    );
  }

  box.oninput = () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE);
  };
  if (query) search();
  const industries = [...new Set(articles.map(({ industry }) => industry))];
  const bring = el("button", { type: "button", id: "bring", onclick: () => openBring(industries) }, t.bring);
  return [box, count, list, bring];
}

/** Without the passages where the server does not bring them: titles are found all the same. */
function none(failure) {
  if (!(failure instanceof Failure)) throw failure;
  return { hits: [] };
}

/** Articles under their industries. */
export function articleList(articles) {
  const industries = Map.groupBy(articles, (article) => article.industry);
  return [...industries].flatMap(([industry, rows]) => [
    el("h2", { className: "industry", lang: langOf(industry) }, industry),
    el("ul", { className: "contents" }, ...rows.map(row)),
  ]);
}

function row({ id, title, source, date, chars }) {
  const lang = langOf(title);
  const open = el("button", { type: "button", lang, onclick: () => openArticle(id) }, ...set(title, lang));
  return el("li", {}, open, el("small", {}, el("span", { lang: langOf(source) }, source), ...dated(date), ` · ${t.chars(chars)}`));
}

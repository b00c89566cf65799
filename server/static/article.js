// The sheet beside the conversation: an article opened at the cited words, or the list of all articles.
import { el } from "./dom.js";
import { Failure, getJSON } from "./stream.js";
import { t } from "./strings.js";
import { cut, langOf, rests } from "./text.js";

const sheet = document.querySelector("#sheet");
const page = sheet.querySelector(".page");
const title = sheet.querySelector("#sheet-title");
const narrow = matchMedia("(max-width: 64rem)");
let opener = null;
let latest = 0;

/** The words to mark: offsets into the article's body, the words that stood there, and the citation's number. */
/** @typedef {{start: number, end: number, words: string, marker?: number}} Place */

/** Open an article, at a place if one is given. @param {string} id @param {Place} [place] */
export async function openArticle(id, place) {
  await show(async () => {
    const article = await getJSON(`/api/articles/${encodeURIComponent(id)}`);
    return { heading: article.title, nodes: articleNodes(article, place) };
  });
  const mark = page.querySelector("mark");
  if (!mark) return;
  mark.focus({ preventScroll: true });
  const below = mark.getBoundingClientRect().top - page.getBoundingClientRect().top;
  page.scrollTop += below - page.clientHeight / 3; // scrollIntoView would move the conversation too
}

/** Open the list of all articles. */
export function openContents() {
  return show(async () => ({ heading: t.contents, nodes: await contents() }));
}

/** The list of all articles, by industry. */
export async function contents() {
  const { articles } = await getJSON("/api/articles");
  const industries = Map.groupBy(articles, (article) => article.industry);
  return [...industries].flatMap(([industry, rows]) => [
    el("h3", { lang: langOf(industry) }, industry),
    el("ul", { className: "contents" }, ...rows.map(row)),
  ]);
}

export function closeSheet() {
  sheet.close();
}

function row({ id, title, source, chars }) {
  const open = el("button", { type: "button", lang: langOf(title), onclick: () => openArticle(id) }, title);
  return el("li", {}, open, el("small", {}, `${source} · ${t.chars(chars)}`));
}

/** Show the heading and nodes that `load` brings; what arrives after a later call is dropped. */
async function show(load) {
  const mine = ++latest;
  if (!sheet.contains(document.activeElement)) opener = document.activeElement;
  page.replaceChildren(el("p", { className: "quiet" }, t.loading));
  if (!sheet.open) narrow.matches ? sheet.showModal() : sheet.show();
  const shown = await load().catch(unread);
  if (mine !== latest) return;
  title.textContent = shown.heading;
  title.lang = langOf(shown.heading);
  page.replaceChildren(...shown.nodes);
  page.scrollTop = 0;
}

function unread(failure) {
  if (!(failure instanceof Failure)) throw failure;
  return { heading: t.unread, nodes: [el("p", {}, failure.message || t.advice.offline())] };
}

function articleNodes({ title, source, industry, body }, place) {
  const chars = Array.from(body);
  const lang = langOf(body);
  const found = place && chars.slice(place.start, place.end).join("") === place.words;
  return [
    el("p", { className: "kicker", lang }, industry),
    el("h2", { lang }, title),
    el("p", { className: "byline" }, `${source} · ${t.chars(chars.length)}`),
    place && !found && el("aside", { className: "note" }, el("p", {}, t.moved), el("p", { lang }, place.words)),
    el("div", { className: "body", lang }, ...flow(chars, found ? place : undefined)),
  ].filter(Boolean);
}

/** The body as one flow: its characters untouched, the place in a <mark>, and empty elements to rest at. */
function flow(chars, place) {
  const starts = rests(chars);
  return cut(chars, place ? [[place.start, place.end]] : []).map(({ start, end, inside }) => {
    const nodes = [];
    let at = start;
    for (const rest of starts.filter((offset) => offset >= start && offset < end)) {
      nodes.push(chars.slice(at, rest).join(""), el("span", { className: "rest" }));
      at = rest;
    }
    nodes.push(chars.slice(at, end).join(""));
    return inside ? el("mark", { tabIndex: -1, "data-marker": place.marker ?? "" }, ...nodes) : el("span", {}, ...nodes);
  });
}

sheet.querySelector(".close").onclick = closeSheet;
sheet.onclick = (event) => event.target === sheet && closeSheet(); // the backdrop
sheet.onclose = () => opener?.focus();

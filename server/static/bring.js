// Bringing in articles, for whoever holds the server's key: a form in the sheet, and what became of each file.
import { openArticle } from "./article.js";
import { el } from "./dom.js";
import { show } from "./sheet.js";
import { key } from "./state.js";
import { Failure, post, postForm } from "./stream.js";
import { t } from "./strings.js";
import { langOf } from "./text.js";
import { set } from "./type.js";

const KINDS = ".txt,.md,.markdown,.html,.htm,.pdf,.docx,.jsonl,.ndjson";
const TOLD = ["industry", "source", "date"]; // what may be said of files and pages that do not tell it

/** Open the form. @param {string[]} industries those that there are, to choose from */
export function openBring(industries) {
  const typed = {}; // outlives a change of language
  return show(() => ({ heading: t.bring, nodes: formNodes(industries, typed) }));
}

function formNodes(industries, typed) {
  const field = (name, label, properties) => {
    const keep = () => (typed[name] = input.value);
    const input = el("input", { name, value: typed[name] ?? "", autocomplete: "off", oninput: keep, ...properties });
    return el("label", {}, el("span", {}, label), input);
  };
  const files = el("input", { type: "file", multiple: true, accept: KINDS });
  const known = el("datalist", { id: "industries" }, ...industries.map((value) => el("option", { value })));
  const secret = field("key", t.keyLabel, { type: "password", value: key.get(), required: true, pattern: "[!-~]+" });
  const button = el("button", { className: "main" }, t.bringSend);
  const results = el("ul", { className: "brought" });
  const form = el(
    "form",
    { className: "bring" },
    el("p", { className: "quiet" }, t.bringAbout),
    el("label", {}, el("span", {}, t.bringFiles), files),
    field("url", t.bringAddress, { type: "url", pattern: "https?://.+", placeholder: "https://", maxLength: 2000 }),
    el("p", { className: "quiet" }, t.bringTold),
    field("industry", t.industry, { maxLength: 100 }),
    field("source", t.source, { maxLength: 100 }),
    field("date", t.published, { type: "date" }),
    secret,
    button,
    known,
  );
  form.elements.industry.setAttribute("list", "industries");

  form.onsubmit = async (event) => {
    event.preventDefault();
    const { url } = form.elements;
    if (!files.files.length && !url.value) return results.replaceChildren(el("li", {}, t.bringNothing));
    key.set(form.elements.key.value);
    button.disabled = true;
    button.textContent = t.bringing;
    results.replaceChildren(...(await brought(form, files.files, url.value)));
    button.disabled = false;
    button.textContent = t.bringSend;
    document.dispatchEvent(new Event("articles"));
  };
  return [form, el("div", { role: "status" }, results)];
}

/** Send it, and say what became of it. @returns {Promise<Node[]>} */
async function brought(form, files, url) {
  const told = TOLD.map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value);
  try {
    const data = new FormData();
    for (const file of files) data.append("file", file);
    for (const [name, value] of told) data.append(name, value);
    const response = files.length ? await postForm("/api/articles", data) : await post("/api/articles", { url, ...Object.fromEntries(told) });
    const { files: outcomes } = await response.json();
    form.elements.url.value = "";
    return outcomes.map(outcomeNode);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    if (failure.kind === "key") key.set(""); // not this one
    return [el("li", {}, el("b", {}, t.states.refused), ` ${failure.message || t.advice.offline()}`)];
  }
}

function outcomeNode({ name, state, reason, articles }) {
  const titles = articles.map(({ id, title }) => {
    const lang = langOf(title);
    return el("button", { type: "button", lang, onclick: () => openArticle(id) }, ...set(title, lang));
  });
  return el("li", {}, el("b", {}, t.states[state]), ` ${name} `, ...titles, reason && el("small", {}, reason));
}

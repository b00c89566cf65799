// The chat page: wires the form, the conversation, the sheet and the keyboard.
// style.css lays it out; strings.js holds its words; bring.js brings in articles.
import { openArchive } from "./archive.js";
import { articleList, openContents } from "./article.js";
import { hideCard } from "./card.js";
import { el } from "./dom.js";
import { notice, watchServer, whisper } from "./notice.js";
import { fill, turnNode } from "./render.js";
import { download, fromAddress, linkTo } from "./share.js";
import { closeSheet, redraw } from "./sheet.js";
import { showKeys, showLink } from "./slip.js";
import { draft, enter, history, key, nameOf, newTalk, saveTalk, set, settings, state } from "./state.js";
import { answerEvents, Failure, getJSON } from "./stream.js";
import { speak, t } from "./strings.js";
import { leads } from "./suggest.js";
import { langOf } from "./text.js";

const $ = (selector) => document.querySelector(selector);
const box = $("#question");
const night = matchMedia("(prefers-color-scheme: dark)");
const DAY = 86_400_000; // milliseconds
let running = null; // the AbortController of the answer under way
let articles = [];

// ---- drawing

function draw() {
  speak(settings.language);
  const { turns } = state.talk;
  const nodes = turns.map((turn, i) => turnNode(turn, running !== null && i === turns.length - 1, actions()));
  $("#turns").replaceChildren(...nodes);
  $("#front").hidden = turns.length > 0;
  $("#shared").hidden = !state.shared;
  $("#ask").classList.toggle("closed", state.shared);
  for (const button of document.querySelectorAll(".languages button")) button.ariaPressed = String(button.lang === settings.language);
  $("#home").ariaLabel = `${t.name} · ${t.home}`;
  $("#script").value = settings.script;
  drawDate();
  drawEdition();
  drawTools();
  drawArticles();
}

function drawDate() {
  const today = new Date();
  const date = new Intl.DateTimeFormat(settings.language, { dateStyle: "full" }).format(today);
  const lunar = new Intl.DateTimeFormat(`${settings.language}-u-ca-chinese`, { dateStyle: "long" }).formatToParts(today);
  const part = (type) => lunar.find((piece) => piece.type === type).value;
  const moon = settings.language === "en" ? "" : ` ${part("yearName")}年${part("month")}${part("day")}`;
  $("#date").textContent = date + moon;
}

function drawEdition() {
  const edition = settings.edition ?? (night.matches ? "night" : "day");
  document.documentElement.dataset.edition = edition;
  $("#edition").textContent = edition === "night" ? t.day : t.night;
}

function drawTools() {
  $("#export").hidden = !state.talk.turns.some((turn) => turn.answer);
  $("#send").textContent = running ? t.stop : t.ask;
  $("#send").ariaLabel = running ? t.stopLabel : t.askLabel;
  const paper = settings.language === "en" ? "Yewen 業問" : `${t.name} Yewen`;
  document.title = [nameOf(state.talk), paper].filter(Boolean).join(" · ");
}

function drawArticles() {
  const day = Math.floor((Date.now() - new Date().getTimezoneOffset() * 60_000) / DAY);
  $("#leads").replaceChildren(...leads(articles, day).map(lead));
  $("#shelf").replaceChildren(...articleList(articles));
  const scopes = (name) => {
    const values = [...new Set(articles.map((article) => article[name]))];
    return el("optgroup", { label: t[name] }, ...values.map((value) => el("option", { value: JSON.stringify([name, value]), lang: langOf(value) }, value)));
  };
  $("#scope").replaceChildren(el("option", { value: "[]" }, t.all), scopes("industry"), scopes("source"));
  $("#scope").value = JSON.stringify(settings.scope);
  if ($("#scope").selectedIndex < 0) $("#scope").value = "[]"; // its articles are gone
  $("#time").hidden = !articles.some((article) => article.date);
  for (const day of ["since", "until"]) $(`#${day}`).value = settings[day];
}

function lead(question) {
  return el("li", {}, el("button", { type: "button", lang: langOf(question), onclick: () => ask(question, readersScript()) }, question));
}

/** The script of an answer to a question that the reader did not write: the interface's. */
function readersScript() {
  return { "zh-Hant": "zh-TW", "zh-Hans": "zh-CN" }[settings.language] ?? "auto";
}

async function loadArticles() {
  try {
    ({ articles } = await getJSON("/api/articles"));
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    if (failure.kind === "offline" || failure.kind === "unready") watchServer(loadArticles);
    return;
  }
  drawArticles();
}

// ---- asking

/** What a reader may do with the turns of the conversation shown. @returns {import("./render.js").Actions} */
function actions() {
  const say = notice;
  if (state.shared) return { say, again: null, edit: null, ask: null, rated: null, useKey: null, asked: null };
  const asked = () => state.talk.turns.map((turn) => turn.question);
  return { say, again, edit, ask, rated: keep, useKey, asked };
}

/**
 * Ask, adding a turn to the conversation. `script` is used where the reader has chosen none;
 * `old` is the turn that this one is to replace, put back if nothing comes of it.
 */
async function ask(question, script = "auto", old = null) {
  running?.abort();
  const { talk } = state;
  if (talk.turns.at(-1)?.error) talk.turns.pop(); // its question went back into the box
  const turn = { question, script, text: "" };
  const request = { question, history: history(talk.turns), script: settings.script === "auto" ? script : settings.script };
  const [filter, value] = JSON.parse($("#scope").value);
  if (filter) request[filter] = value;
  for (const day of ["since", "until"]) if (!$("#time").hidden && settings[day]) request[day] = settings[day];
  const mine = (running = new AbortController());
  talk.turns.push(turn);
  draw();
  const last = () => $("#turns").lastElementChild; // drawn anew when the language changes
  last().scrollIntoView({ block: "start" });
  if (document.activeElement !== box) last().querySelector("h2").focus({ preventScroll: true });
  try {
    for await (const { event, data } of answerEvents(request, mine.signal)) {
      if (event === "retrieved") turn.hits = data.hits;
      if (event === "delta") turn.text += data.text;
      if (event === "answer") turn.answer = data;
      else if (mine === running) fill(last(), turn, true, actions());
    }
  } catch (failure) {
    if (!mine.signal.aborted) refuse(turn, failure);
  }
  if (mine === running) running = null;
  settle(talk, turn, old);
}

/** The turn is over: keep it, or the one it was to replace. */
function settle(talk, turn, old) {
  const at = talk.turns.indexOf(turn);
  if (at < 0) return; // taken away meanwhile
  if (old?.answer && !turn.answer) {
    talk.turns[at] = old;
    if (box.value === turn.question) writeBox("");
    notice([turn.error && t.advice[turn.error.kind]?.(turn.error.wait), t.restored].filter(Boolean).join(" "));
  }
  keep(talk);
  if (talk !== state.talk) return; // another conversation is shown by now
  fill($("#turns").children[at], talk.turns[at], false, actions());
  if (turn.answer) whisper(turn.answer.grounded ? t.arrived(turn.answer.citations.length) : t.refusal);
  drawTools();
}

/** Keep what went wrong with the turn, and its question in the box. */
function refuse(turn, failure) {
  if (!(failure instanceof Failure)) throw failure;
  turn.error = { kind: failure.kind, message: failure.message, wait: failure.wait };
  if (!box.value) writeBox(turn.question);
  if (failure.kind === "offline" || failure.kind === "unready") watchServer();
}

function keep(talk = state.talk) {
  talk.updated = Date.now();
  if (!saveTalk(talk)) notice(t.full);
}

/** Answer the last question once more. */
function again() {
  const old = state.talk.turns.pop();
  if (box.value === old.question) writeBox("");
  ask(old.question, old.script, old);
}

/** Ask another question in place of a turn; what followed goes, and can be had back. */
function edit(turn, question) {
  const { talk } = state;
  const before = [...talk.turns];
  const at = before.indexOf(turn);
  if (box.value === turn.question) writeBox("");
  talk.turns = before.slice(0, at);
  ask(question, turn.script);
  const later = before.length - at - 1;
  if (!later) return;
  notice(t.dropped(later), () => {
    stop();
    talk.turns = before;
    keep(talk);
    draw();
  });
}

function useKey(text) {
  key.set(text);
  loadArticles();
  again();
}

function stop() {
  running?.abort();
}

function writeBox(text) {
  box.value = text;
  draft.set(text);
}

// ---- conversations

/** Show a conversation. */
function turnTo(talk, shared = false) {
  if (talk.id === state.talk.id && shared === state.shared) return;
  stop();
  running = null;
  if (location.hash && !shared) window.history.replaceState(null, "", location.pathname);
  enter(talk, shared);
  draw();
  scrollTo(0, 0);
}

function fresh() {
  turnTo(newTalk());
  box.focus();
}

function reopen(talk) {
  turnTo(talk);
  closeSheet();
}

async function readAddress() {
  const shared = await fromAddress();
  if (shared === undefined) notice(t.broken);
  if (shared) turnTo(newTalk(shared.turns, shared.name), true);
}

// ---- wiring

$("#ask").onsubmit = (event) => {
  event.preventDefault();
  const question = box.value.trim();
  if (running) return stop();
  if (!question) return;
  writeBox("");
  if (matchMedia("(pointer: coarse)").matches) box.blur(); // the screen keyboard makes room for the answer
  ask(question);
};

box.oninput = () => draft.set(box.value);
box.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return; // 229: Safari's input methods
  event.preventDefault();
  if (!running) $("#ask").requestSubmit();
};

document.onkeydown = (event) => {
  const writing = event.target.matches("textarea, select, input");
  if (event.isComposing || event.defaultPrevented) return;
  if (event.key === "Escape") hideCard() || (running ? stop() : closeSheet());
  else if (event.key === "/" && !writing) box.focus();
  else if (event.key === "?" && !writing) showKeys();
  else if (event.ctrlKey && event.shiftKey && event.code === "KeyO") fresh();
  else return;
  if (event.key !== "Escape") event.preventDefault(); // Escape is the dialogs' own too
};

for (const button of document.querySelectorAll(".languages button")) {
  button.onclick = () => {
    set("language", button.lang);
    draw();
    redraw();
  };
}
$("#home").onclick = fresh;
$("#contents").onclick = openContents;
$("#archive").onclick = () => openArchive(reopen, fresh);
$("#fresh").onclick = fresh;
$("#help").onclick = showKeys;
$("#edition").onclick = () => {
  set("edition", document.documentElement.dataset.edition === "night" ? "day" : "night");
  drawEdition();
};
$("#script").onchange = (event) => set("script", event.target.value);
$("#scope").onchange = (event) => set("scope", JSON.parse(event.target.value));
$("#time").onchange = ({ target }) => set(target.id, target.value);
document.addEventListener("articles", loadArticles); // some came or went
$("#export").onclick = async ({ target }) => {
  if (target.value === "link") showLink(await linkTo(state.talk));
  else if (target.value) download(state.talk, target.value);
};
$("#keep").onclick = () => {
  const mine = newTalk(state.talk.turns, state.talk.name);
  keep(mine);
  turnTo(mine);
};
night.onchange = drawEdition;
addEventListener("offline", () => watchServer());
addEventListener("hashchange", readAddress);

box.value = draft.get();
draw();
loadArticles();
readAddress();
$("#turns").lastElementChild?.scrollIntoView();

// The chat page: wires the form, the conversation, the sheet and the keyboard.
// style.css lays it out; strings.js holds its words; it covers no thumbs up or down and no uploads.
import { closeSheet, contents, openContents } from "./article.js";
import { el } from "./dom.js";
import { download } from "./export.js";
import { fill, turnNode } from "./render.js";
import { history, save, state } from "./state.js";
import { answerEvents, Failure } from "./stream.js";
import { speak, t } from "./strings.js";

const $ = (selector) => document.querySelector(selector);
const box = $("#question");
const night = matchMedia("(prefers-color-scheme: dark)");
let running = null; // the AbortController of the answer under way

function draw() {
  speak(state.language);
  const nodes = state.turns.map((turn, i) => turnNode(turn, running !== null && i === state.turns.length - 1, again));
  $("#turns").replaceChildren(...nodes);
  $("#front").hidden = state.turns.length > 0;
  $("#leads").replaceChildren(...t.questions.map((question) => el("li", {}, lead(...question))));
  for (const button of document.querySelectorAll(".languages button")) button.ariaPressed = String(button.lang === state.language);
  $("#script").value = state.script;
  drawDate();
  drawEdition();
  drawTools();
}

function lead(question, translation) {
  const original = translation && el("small", { lang: "zh-Hant" }, question);
  return el("button", { type: "button", onclick: () => ask(question) }, translation ?? question, original);
}

function drawDate() {
  const today = new Date();
  const date = new Intl.DateTimeFormat(state.language, { dateStyle: "full" }).format(today);
  const lunar = new Intl.DateTimeFormat(`${state.language}-u-ca-chinese`, { dateStyle: "long" }).formatToParts(today);
  const part = (type) => lunar.find((piece) => piece.type === type).value;
  const moon = state.language === "en" ? "" : ` ${part("yearName")}年${part("month")}${part("day")}`;
  $("#date").textContent = date + moon;
}

function drawEdition() {
  const edition = state.edition ?? (night.matches ? "night" : "day");
  document.documentElement.dataset.edition = edition;
  $("#edition").textContent = edition === "night" ? t.day : t.night;
}

function drawTools() {
  $("#export").hidden = !state.turns.some((turn) => turn.answer);
  $("#send").textContent = running ? t.stop : t.ask;
  $("#send").ariaLabel = running ? t.stopLabel : t.askLabel;
}

async function drawShelf() {
  $("#shelf").replaceChildren(...(await contents().catch(() => []))); // the front page does without it
}

async function ask(question) {
  if (state.turns.at(-1)?.error) state.turns.pop(); // its question went back into the box
  const turn = { question, text: "" };
  const request = { question, history: history(), script: state.script };
  const mine = (running = new AbortController());
  state.turns.push(turn);
  draw();
  const last = () => $("#turns").lastElementChild; // drawn anew when the language changes
  last().scrollIntoView({ block: "start" });
  if (document.activeElement !== box) last().querySelector("h2").focus({ preventScroll: true });
  try {
    for await (const { event, data } of answerEvents(request, mine.signal)) {
      if (event === "retrieved") turn.hits = data.hits;
      if (event === "delta") turn.text += data.text;
      if (event === "answer") turn.answer = data;
      else fill(last(), turn, true, again);
    }
  } catch (failure) {
    if (!mine.signal.aborted) refuse(turn, failure);
  }
  if (mine !== running) return; // a new conversation began meanwhile
  running = null;
  delete turn.hits;
  save();
  fill(last(), turn, false, again);
  drawTools();
}

/** Keep what went wrong with the turn, and its question in the box. */
function refuse(turn, failure) {
  if (!(failure instanceof Failure)) throw failure;
  turn.error = { kind: failure.kind, message: failure.message, wait: failure.wait };
  if (!box.value) box.value = turn.question;
}

function again() {
  const { question } = state.turns.pop();
  if (box.value === question) box.value = "";
  ask(question);
}

function stop() {
  running?.abort();
}

function fresh() {
  stop();
  running = null;
  state.turns = [];
  save();
  draw();
  box.focus();
}

function set(name, value) {
  state[name] = value;
  save();
}

$("#ask").onsubmit = (event) => {
  event.preventDefault();
  const question = box.value.trim();
  if (running) return stop();
  if (!question) return;
  box.value = "";
  if (matchMedia("(pointer: coarse)").matches) box.blur(); // the screen keyboard makes room for the answer
  ask(question);
};

box.onkeydown = (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return; // 229: Safari's input methods
  event.preventDefault();
  if (!running) $("#ask").requestSubmit();
};

document.onkeydown = (event) => {
  if (event.isComposing) return;
  if (event.key === "Escape") running ? stop() : closeSheet();
  if (event.key === "/" && !event.target.matches("textarea, select")) {
    event.preventDefault();
    box.focus();
  }
  if (event.ctrlKey && event.shiftKey && event.code === "KeyO") {
    event.preventDefault();
    fresh();
  }
};

for (const button of document.querySelectorAll(".languages button")) {
  button.onclick = () => {
    set("language", button.lang);
    draw();
    drawShelf();
  };
}
$("#contents").onclick = openContents;
$("#fresh").onclick = fresh;
$("#edition").onclick = () => {
  set("edition", document.documentElement.dataset.edition === "night" ? "day" : "night");
  drawEdition();
};
$("#script").onchange = (event) => set("script", event.target.value);
$("#export").onclick = ({ target }) => target.value && download(state.turns, target.value);
night.onchange = drawEdition;

draw();
drawShelf();
$("#turns").lastElementChild?.scrollIntoView();

// What the browser remembers, in localStorage: the reader's settings, the draft, and each conversation under a key
// of its own, so that two tabs do not overwrite each other's.
import { isTurn } from "./shapes.js";

const SETTINGS = "yewen.settings";
const DRAFT = "yewen.draft";
const TALK = "yewen.talk.";
const CURRENT = "yewen.current"; // in sessionStorage: each tab has its own
const KEY = "yewen.key"; // the same: the server's key is forgotten with the tab

/** A conversation. turns: [{question, script?, text, hits?, answer?, error?, rating?}]; one with neither answer nor error was stopped. */
/** @typedef {{id: string, name: string, updated: number, turns: object[]}} Talk */

function read(key, storage = localStorage) {
  try {
    return JSON.parse(storage.getItem(key));
  } catch {
    return null; // unreadable or forbidden: start afresh
  }
}

/** Whether it was kept: the storage may be full or forbidden. */
function write(key, value, storage = localStorage) {
  try {
    if (value === null) storage.removeItem(key);
    else storage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false;
  }
}

/** zh-Hant, zh-Hans or en, by the first of the browser's languages. */
function browserLanguage() {
  if (!/^zh/i.test(navigator.language)) return "en";
  return /hant|tw|hk|mo/i.test(navigator.language) ? "zh-Hant" : "zh-Hans";
}

/** edition: day, night, or null for the system's choice. scope: [] or ["industry"|"source", its name]. since, until: days or "". */
export const settings = { language: browserLanguage(), edition: null, script: "auto", scope: [], since: "", until: "", ...read(SETTINGS) };

export function set(name, value) {
  settings[name] = value;
  write(SETTINGS, settings);
}

export const draft = { get: () => String(read(DRAFT) ?? ""), set: (text) => write(DRAFT, text || null) };
export const key = { get: () => String(read(KEY, sessionStorage) ?? ""), set: (text) => write(KEY, text, sessionStorage) };

/** A new conversation, kept only once it has a turn. @returns {Talk} */
export function newTalk(turns = [], name = "") {
  return { id: crypto.getRandomValues(new Uint32Array(2)).join("-"), name, updated: Date.now(), turns };
}

/** The conversation of that id as it was kept, or null. @returns {Talk|null} */
export function readTalk(id) {
  const talk = read(TALK + id);
  if (!Array.isArray(talk?.turns)) return null;
  return { id, name: String(talk.name ?? ""), updated: Number(talk.updated) || 0, turns: talk.turns.filter(isTurn) };
}

/** All conversations kept, latest first. @returns {Talk[]} */
export function allTalks() {
  let keys = [];
  try {
    keys = Object.keys(localStorage).filter((name) => name.startsWith(TALK));
  } catch {
    // forbidden: there are none
  }
  return keys.map((name) => readTalk(name.slice(TALK.length))).filter(Boolean).sort((a, b) => b.updated - a.updated);
}

/** Keep a conversation. @param {Talk} talk @returns {boolean} whether there was room */
export function saveTalk(talk) {
  return write(TALK + talk.id, talk.turns.length ? talk : null);
}

export function deleteTalk(talk) {
  write(TALK + talk.id, null);
}

/** What this tab shows. shared: it came by a link and is only read. */
export const state = { talk: null, shared: false };
enter(readTalk(read(CURRENT, sessionStorage)) ?? newTalk());

/** Show that conversation in this tab from now on. @param {Talk} talk */
export function enter(talk, shared = false) {
  Object.assign(state, { talk, shared });
  if (!shared) write(CURRENT, talk.id, sessionStorage);
}

/** What a conversation is called: its given name, or its first question. @param {Talk} talk */
export function nameOf(talk) {
  return talk.name || talk.turns[0]?.question || "";
}

/** The latest answered turns of some as the messages the answer endpoint takes: at most 40, each of at most 8,000 characters. */
export function history(turns) {
  const message = (role, text) => ({ role, content: Array.from(text).slice(0, 8000).join("") });
  return turns
    .filter((turn) => turn.answer)
    .slice(-20)
    .flatMap((turn) => [message("user", turn.question), message("assistant", turn.answer.answer)]);
}

// What the browser remembers: the conversation and the reader's settings, in localStorage.

const KEY = "yewen.1";

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {}; // unreadable or forbidden: start afresh
  }
}

/** zh-Hant, zh-Hans or en, by the first of the browser's languages. */
function browserLanguage() {
  if (!/^zh/i.test(navigator.language)) return "en";
  return /hant|tw|hk|mo/i.test(navigator.language) ? "zh-Hant" : "zh-Hans";
}

/**
 * turns: [{question, text, answer?, error?}]; a turn with neither answer nor error was stopped.
 * edition: day, night, or null for the system's choice.
 */
export const state = { turns: [], language: browserLanguage(), edition: null, script: "auto", ...remembered() };

export function save() {
  try {
    localStorage.setItem(KEY, JSON.stringify(state));
  } catch {
    // full or forbidden: the conversation then lasts as long as the page
  }
}

/** The latest turns as the messages the answer endpoint takes: at most 40, each of at most 8,000 characters. */
export function history() {
  const message = (role, text) => ({ role, content: Array.from(text).slice(0, 8000).join("") });
  return state.turns
    .filter((turn) => turn.answer)
    .slice(-20)
    .flatMap((turn) => [message("user", turn.question), message("assistant", turn.answer.answer)]);
}

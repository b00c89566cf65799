// Short notices above the question box, spoken by screen readers, and the watch over a server that went away.
import { el } from "./dom.js";
import { t } from "./strings.js";

const place = document.querySelector("#notices");
const LASTS = 10_000; // milliseconds; one under the pointer or with the focus stays
let watching = false;

/** Show a notice for a while. @param {string} text @param {() => void} [undo] puts back what was done */
export function notice(text, undo) {
  const node = el("p", {}, el("span", {}, text));
  if (undo) node.append(button(t.undo, () => (node.remove(), undo())));
  place.replaceChildren(node);
  const leave = () => (node.matches(":hover, :focus-within") ? setTimeout(leave, LASTS) : node.remove());
  setTimeout(leave, LASTS);
}

function button(label, onclick) {
  return el("button", { type: "button", onclick }, label);
}

/** Speak to screen readers alone. */
export function whisper(text) {
  if (!place.querySelector("p:not(.unseen)")) place.replaceChildren(el("p", { className: "unseen" }, text));
}

/** Say that the server is away, and when it is back. @param {() => void} [back] */
export async function watchServer(back) {
  if (watching) return;
  watching = true;
  place.replaceChildren(el("p", { className: "away" }, t.away));
  for (let wait = 1000; !(await alive()); wait = Math.min(wait * 1.5, 15_000)) {
    await new Promise((again) => setTimeout(again, wait));
  }
  watching = false;
  notice(t.back);
  back?.();
}

async function alive() {
  try {
    return (await fetch("/readyz", { cache: "no-store" })).ok;
  } catch {
    return false;
  }
}

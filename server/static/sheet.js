// The sheet beside the conversation; on a narrow screen it rises from below. It shows one thing at a time.
import { el } from "./dom.js";
import { Failure } from "./stream.js";
import { t } from "./strings.js";
import { langOf } from "./text.js";
import { set } from "./type.js";

const sheet = document.querySelector("#sheet");
const title = sheet.querySelector("#sheet-title");
const narrow = matchMedia("(max-width: 64rem)");
let opener = null;
let latest = 0;
let shownBy = null; // draws the same once more, for a change of language

export const page = sheet.querySelector(".page");

/**
 * Show the heading and nodes that `load` brings; what arrives after a later call is dropped.
 * @param {() => Promise<{heading: string, nodes: Node[]}>|{heading: string, nodes: Node[]}} load
 * @returns {Promise<boolean>} whether it is this that is shown
 */
export async function show(load) {
  const mine = ++latest;
  shownBy = load;
  if (!sheet.contains(document.activeElement)) opener = document.activeElement;
  if (!sheet.open) {
    page.replaceChildren(el("p", { className: "quiet" }, t.loading));
    narrow.matches ? sheet.showModal() : sheet.show();
  }
  await draw(load, mine);
  if (mine === latest) page.scrollTop = 0;
  return mine === latest;
}

/** Draw what is shown once more, where it was scrolled to. */
export async function redraw() {
  if (!sheet.open) return;
  const at = page.scrollTop;
  await draw(shownBy, ++latest);
  page.scrollTop = at;
}

async function draw(load, mine) {
  let shown;
  try {
    shown = await load();
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    const advice = t.advice[failure.kind] ?? t.advice.server;
    shown = { heading: t.unread, nodes: [el("p", {}, failure.message || advice())] };
  }
  if (mine !== latest) return;
  title.replaceChildren(...set(shown.heading));
  title.lang = langOf(shown.heading);
  page.replaceChildren(...shown.nodes);
}

/** @returns {boolean} whether it was open */
export function closeSheet() {
  const open = sheet.open;
  sheet.close();
  return open;
}

sheet.querySelector(".close").onclick = closeSheet;
sheet.onclick = (event) => {
  if (event.target === sheet) closeSheet(); // the backdrop; a handler that returned false would undo other clicks
};
sheet.onclose = () => {
  latest++;
  if (opener?.isConnected) opener.focus();
};

// The conversations this browser keeps, in the sheet: opened, renamed, deleted.
import { el } from "./dom.js";
import { notice } from "./notice.js";
import { redraw, show } from "./sheet.js";
import { allTalks, deleteTalk, nameOf, saveTalk, settings, state } from "./state.js";
import { t } from "./strings.js";
import { langOf } from "./text.js";
import { set } from "./type.js";

/** Open the list. @param {(talk: object) => void} enter shows a conversation @param {() => void} left the one shown was deleted */
export function openArchive(enter, left) {
  return show(() => {
    const talks = allTalks();
    const rows = talks.map((talk) => row(talk, enter, left));
    const about = el("p", { className: "quiet" }, talks.length ? t.kept : t.noTalks);
    return { heading: t.archive, nodes: [about, el("ul", { className: "archive" }, ...rows)] };
  });
}

function row(talk, enter, left) {
  const name = nameOf(talk);
  const lang = langOf(name);
  const when = new Intl.DateTimeFormat(settings.language, { dateStyle: "medium", timeStyle: "short" }).format(talk.updated);
  const open = el("button", { type: "button", className: "name", lang, onclick: () => enter(talk) }, ...set(name, lang));
  if (talk.id === state.talk.id) open.ariaCurrent = "true";
  const node = el(
    "li",
    {},
    open,
    el("small", {}, `${when} · ${t.asked(talk.turns.length)}`),
    el("button", { type: "button", className: "rename", ariaLabel: t.renameLabel(name), onclick: () => renaming(node, talk) }, t.rename),
    el("button", { type: "button", className: "remove", ariaLabel: t.removeLabel(name), onclick: () => remove(talk, left) }, t.remove),
  );
  return node;
}

function renaming(node, talk) {
  const box = el("input", { type: "text", maxLength: 100, value: nameOf(talk), ariaLabel: t.renameLabel(nameOf(talk)) });
  const form = el("form", {}, box, el("button", {}, t.rename), el("button", { type: "button", onclick: redraw }, t.cancel));
  form.onsubmit = (event) => {
    event.preventDefault();
    const kept = talk.id === state.talk.id ? state.talk : talk;
    kept.name = box.value.trim();
    saveTalk(kept);
    redraw();
  };
  form.onkeydown = (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    redraw();
  };
  node.replaceChildren(form);
  box.focus();
  box.select();
}

function remove(talk, left) {
  const shown = talk.id === state.talk.id;
  deleteTalk(talk);
  if (shown) {
    state.talk.turns = []; // an answer still under way must not bring it back
    left();
  }
  notice(t.removed, () => {
    saveTalk(talk);
    redraw();
  });
  redraw();
}


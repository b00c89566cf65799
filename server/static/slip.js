// A slip laid over the page: the table of keys, or the link to a conversation.
import { el } from "./dom.js";
import { t } from "./strings.js";

const LONG = 8000; // characters of a link past which programs begin to cut it
const slip = document.querySelector("#slip");

function lay(title, ...nodes) {
  slip.querySelector("h2").textContent = title;
  slip.querySelector(".text").replaceChildren(...nodes.filter(Boolean));
  if (!slip.open) slip.showModal();
}

/** Show the table of keys. */
export function showKeys() {
  const rows = t.keys.flatMap(([key, does]) => [el("dt", {}, ...key.split(" + ").flatMap((cap, i) => [i && " + ", el("kbd", {}, cap)])), el("dd", {}, does)]);
  lay(t.keysTitle, el("dl", {}, ...rows));
}

/** Show a link to copy. @param {string} link */
export function showLink(link) {
  const box = el("input", { type: "text", readOnly: true, value: link, ariaLabel: t.linkLabel, onfocus: () => box.select() });
  const copy = el("button", { type: "button", className: "main" }, t.copyLink);
  copy.onclick = async () => {
    box.select();
    if (navigator.clipboard) await navigator.clipboard.writeText(link);
    else document.execCommand("copy"); // a page served over plain http has no other way
    copy.textContent = t.copied;
  };
  lay(t.linkTitle, el("p", {}, t.linkAbout), link.length > LONG && el("p", { className: "quiet" }, t.linkLong(link.length)), el("p", { className: "link" }, box, copy));
}

slip.querySelector(".close").onclick = () => slip.close();
slip.onclick = (event) => {
  if (event.target === slip) slip.close(); // the backdrop
};

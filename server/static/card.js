// The card that a citation's marker shows: on hover, on keyboard focus, or on a first tap.
import { el } from "./dom.js";
import { t } from "./strings.js";
import { langOf } from "./text.js";
import { set } from "./type.js";

const card = document.querySelector("#card");
const GAP = 6; // pixels between marker and card
let owner = null;
let timer = 0;

/** Let a marker show its citation; `open` opens the article. */
export function attachCard(marker, citation, open) {
  let touched = false;
  const later = (wait, act) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
  marker.onpointerdown = (event) => {
    touched = event.pointerType === "touch";
  };
  marker.onpointerenter = (event) => {
    if (event.pointerType !== "touch") later(150, () => show(marker, citation, open, t.open));
  };
  marker.onpointerleave = (event) => {
    if (event.pointerType !== "touch") later(250, hideUnlessPointed);
  };
  marker.onfocus = () => {
    if (marker.matches(":focus-visible") && !touched) show(marker, citation, open, t.open);
  };
  marker.onblur = () => later(0, hideUnlessPointed);
  marker.onclick = () => {
    if (touched && owner !== marker) return show(marker, citation, open, t.tapAgain);
    hideCard();
    open();
  };
}

function show(marker, { title, source, industry, quote }, open, hint) {
  if (!marker.isConnected) return;
  hideCard();
  owner = marker;
  const lang = langOf(quote);
  card.replaceChildren(
    el("cite", { lang: langOf(title) }, ...set(title)),
    el("small", { lang }, `${source} · ${industry}`),
    el("q", { lang }, ...set(quote, lang)),
    el("small", { className: "hint" }, hint),
  );
  card.onclick = () => {
    hideCard();
    open();
  };
  marker.setAttribute("aria-describedby", "card");
  card.showPopover();
  settle(marker.getBoundingClientRect());
}

/** Below the marker, or above it where there is no room. */
function settle(marker) {
  const { offsetWidth: width, offsetHeight: height } = card;
  const below = marker.bottom + GAP;
  const left = Math.min(marker.left - 24, document.documentElement.clientWidth - width - 12);
  card.style.left = `${Math.max(12, left)}px`;
  card.style.top = `${below + height > innerHeight ? Math.max(GAP, marker.top - GAP - height) : below}px`;
}

function hideUnlessPointed() {
  if (!card.matches(":hover") && !owner?.matches(":hover, :focus-visible")) hideCard();
}

/** @returns {boolean} whether a card was shown */
export function hideCard() {
  clearTimeout(timer);
  if (!owner) return false;
  owner.removeAttribute("aria-describedby");
  owner = null;
  card.hidePopover();
  return true;
}

card.onpointerleave = hideUnlessPointed;
addEventListener("scroll", hideCard, { capture: true, passive: true });
addEventListener("pointerdown", ({ target }) => card.contains(target) || target === owner || hideCard(), { capture: true });

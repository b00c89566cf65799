// An opinion of an answer, up or down with a reason, for the server to keep.
import { el } from "./dom.js";
import { Failure, post } from "./stream.js";
import { t } from "./strings.js";

/** Two buttons and, once one is pressed, a line for the reason. @param {(words: string) => void} say @param {() => void} rated */
export function opinion(turn, say, rated) {
  const node = el("span", { className: "opinion" });
  const thumb = (rating) =>
    el("button", { type: "button", value: rating, ariaPressed: String(turn.rating === rating), onclick: () => askWhy(rating) }, t[rating]);
  const rest = () => node.replaceChildren(thumb("up"), thumb("down"));

  function askWhy(rating) {
    const reason = el("input", { type: "text", maxLength: 1000, placeholder: t.why[rating], ariaLabel: t.why[rating] });
    const form = el("form", {}, reason, el("button", {}, t.send), el("button", { type: "button", onclick: leave }, t.cancel));
    form.onsubmit = (event) => {
      event.preventDefault();
      leave();
      send(rating, reason.value.trim());
    };
    form.onkeydown = (event) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      leave();
    };
    function leave() {
      rest();
      node.querySelector(`[value=${rating}]`).focus();
    }
    node.replaceChildren(form);
    reason.focus();
  }

  async function send(rating, reason) {
    const { answer, grounded, citations, index } = turn.answer;
    const quotes = citations.map(({ article_id, start, end, quote }) => ({ article_id, start, end, quote }));
    try {
      await post("/api/feedback", { question: turn.question, answer, grounded, citations: quotes, rating, reason, index });
    } catch (failure) {
      if (!(failure instanceof Failure)) throw failure;
      const missing = failure.status === 404 || failure.status === 405;
      return say(missing ? t.unsent.missing : (t.unsent[failure.kind] ?? t.unsent.other));
    }
    turn.rating = rating;
    rated();
    rest();
    say(t.thanks);
  }

  rest();
  return node;
}

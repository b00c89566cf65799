// Text by code point. The server counts offsets in code points; a JavaScript string counts UTF-16 units.

/** The language tag whose fonts suit a text: what its commonest telling characters say. */
export function langOf(text) {
  const count = (telling) => text.match(telling)?.length ?? 0;
  if (!/\p{Script=Han}/u.test(text)) return "en";
  return count(/[们这国来时说为个会车产业发动电对问后于与长开关]/g) > count(/[們這國來時說為個會車產業發動電對問後於與長開關]/g)
    ? "zh-Hans"
    : "zh-Hant";
}

/**
 * Cut an article's characters from `from` to `to` at the edges of `spans`.
 * @param {string[]} chars code points, the first of them at `origin` in the article
 * @param {[number, number][]} spans offsets into the article, in any order, perhaps overlapping
 * @returns {{start: number, end: number, inside: boolean}[]} offsets into the article
 */
export function cut(chars, spans, origin = 0) {
  const pieces = [];
  const last = origin + chars.length;
  let at = origin;
  const take = (end, inside) => {
    if (end > at) pieces.push({ start: at, end, inside });
    at = Math.max(at, end);
  };
  for (const [start, end] of [...spans].sort((a, b) => a[0] - b[0])) {
    take(Math.min(start, last), false);
    take(Math.min(end, last), true);
  }
  take(last, false);
  return pieces;
}

const STOP = /[\u3002\uff01\uff1f!?]/;
const OPEN = /[\p{Pi}\p{Ps}]/u;
const CLOSE = /[\p{Pf}\p{Pe}]/u;

/**
 * Where to rest while reading a body: after its line breaks, before a numbered heading, and after
 * a sentence once 120 characters have passed (300 inside quotation marks, which may be unbalanced).
 * @param {string[]} chars
 * @returns {number[]} offsets at which a paragraph starts
 */
export function rests(chars) {
  const starts = [];
  let paragraph = 0;
  let depth = 0;
  let ended = false;
  chars.forEach((char, i) => {
    const broken = chars[i - 1] === "\n" && char !== "\n";
    if (broken || (ended && !STOP.test(char) && !CLOSE.test(char))) {
      const length = i - paragraph;
      const heading = /^0\d /.test(chars.slice(i, i + 3).join(""));
      if (broken || heading || length >= 300 || (length >= 120 && depth === 0)) {
        starts.push((paragraph = i));
        depth = 0;
      }
      ended = false;
    }
    if (OPEN.test(char)) depth++;
    if (CLOSE.test(char)) depth = Math.max(0, depth - 1);
    ended = STOP.test(char) || (ended && CLOSE.test(char));
  });
  return starts;
}

/** An answer's text cut at its [1] markers, each with the character before it and the stops after it, not to be parted. */
export function markers(text) {
  const parts = [];
  let at = 0;
  for (const match of text.matchAll(/(\S?)\[(\d+)\]([\p{Po}\p{Pe}\p{Pf}]{0,2})/gu)) {
    parts.push({ text: text.slice(at, match.index) });
    parts.push({ before: match[1], number: Number(match[2]), after: match[3] });
    at = match.index + match[0].length;
  }
  return [...parts, { text: text.slice(at) }];
}

/** An answer and its sources as plain text. */
export function plain(answer) {
  const notes = answer.citations.map((c) => `[${c.marker}] 《${c.title}》 (${c.source}) ${c.quote}`);
  return [answer.answer, ...notes].join("\n\n");
}

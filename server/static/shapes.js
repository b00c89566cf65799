// The shapes that drawing relies on, checked for what comes out of a link or the browser's storage.

const string = (value) => typeof value === "string";
const number = (value) => typeof value === "number" && Number.isFinite(value);
const offset = (value) => Number.isInteger(value) && value >= 0;
const listOf = (check) => (value) => Array.isArray(value) && value.every(check);
const shape = (fields) => (value) =>
  typeof value === "object" && value !== null && Object.entries(fields).every(([name, check]) => check(value[name]));
const optional = (check) => (value) => value === undefined || check(value);

const place = { article_id: string, title: string, source: string, industry: string, start: offset, end: offset, score: number };
const isCitation = shape({ ...place, marker: offset, quote: string });
const isHit = shape({ ...place, text: string, spans: listOf(listOf(offset)) });
const isAnswer = shape({
  answer: string,
  grounded: (value) => typeof value === "boolean",
  confidence: number,
  script: string,
  generator: string,
  citations: listOf(isCitation),
  nearest: listOf(isHit),
  notes: listOf(string),
  timings_ms: shape({ total: number }),
  index: string,
});

/** Is it a turn of a conversation? */
export const isTurn = shape({
  question: string,
  text: optional(string),
  script: optional(string),
  hits: optional(listOf(isHit)),
  answer: optional(isAnswer),
  error: optional(shape({ kind: string, message: string, wait: number })),
  rating: optional(string),
});

/** Is it what a shared link holds? */
export const isShared = shape({ name: string, turns: listOf(shape({ question: string, answer: isAnswer })) });

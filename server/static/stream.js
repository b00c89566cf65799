// Speaking with the server: JSON, and an answer as server-sent events. What fails is thrown as a Failure.
import { key } from "./state.js";

/** kind: offline, cut (the stream ended early), key (401), busy (429), unready (503), or server (the rest). */
export class Failure extends Error {
  constructor(kind, message = "", wait = 0, status = 0) {
    super(message);
    this.kind = kind;
    this.wait = wait; // seconds to wait before asking again
    this.status = status;
  }
}

async function call(path, options) {
  let response;
  const headers = { ...options?.headers, ...(key.get() && { authorization: `Bearer ${key.get()}` }) };
  try {
    response = await fetch(path, { ...options, headers });
  } catch (error) {
    if (options?.signal?.aborted) throw error;
    throw new Failure("offline");
  }
  if (response.ok) return response;
  const body = await response.json().catch(() => ({})); // a proxy's error page is not JSON
  throw new Failure(
    { 401: "key", 429: "busy", 503: "unready" }[response.status] ?? "server",
    body.error?.message ?? `HTTP ${response.status}`,
    Number(response.headers.get("retry-after")) || 0,
    response.status,
  );
}

export async function getJSON(path) {
  return (await call(path)).json();
}

/** Send a document as JSON. @returns {Promise<Response>} */
export function post(path, document, signal) {
  return call(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(document), signal });
}

/** Send a form with its files. @returns {Promise<Response>} */
export function postForm(path, form) {
  return call(path, { method: "POST", body: form });
}

/** @returns {Promise<Response>} */
export function remove(path) {
  return call(path, { method: "DELETE" });
}

/** Decode a body of server-sent events; an event cut by a chunk's edge waits in the tail for its rest. */
export async function* events(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let tail = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    const blocks = (tail + value).split(/\r\n\r\n|\n\n|\r\r/);
    tail = blocks.pop();
    for (const block of blocks) {
      const fields = { event: "message", data: [] };
      for (const line of block.split(/\r\n|\n|\r/)) {
        const [, name, text] = line.match(/^([^:]*):? ?(.*)$/s);
        if (name === "data") fields.data.push(text);
        else if (name === "event") fields.event = text;
      }
      if (fields.data.length) yield { event: fields.event, data: JSON.parse(fields.data.join("\n")) };
    }
  }
}

/** Ask, yielding the events `retrieved`, `delta` and at last `answer`; the stream's `error` is thrown. */
export async function* answerEvents(request, signal) {
  const response = await post("/api/answer", { ...request, stream: true }, signal);
  let answered = false;
  try {
    for await (const { event, data } of events(response.body)) {
      if (event === "error") throw new Failure("server", data.error.message);
      answered ||= event === "answer";
      yield { event, data };
    }
  } catch (error) {
    if (error instanceof Failure || signal.aborted) throw error;
  }
  if (!answered) throw new Failure("cut");
}

// A conversation as a file (Markdown to read, JSON to keep) or as a link that holds all of it in its fragment.
// The fragment never reaches a server. Whoever opens a link may have written it: what it holds is checked and capped.
import { isShared } from "./shapes.js";
import { nameOf } from "./state.js";
import { plain } from "./text.js";

const MARK = "#share=";
const LARGEST = 2 ** 21; // bytes of a conversation out of a link

const answered = (talk) => talk.turns.filter((turn) => turn.answer);

const FORMATS = {
  md: ["text/markdown", (talk) => [talk.name && `# ${oneLine(talk.name)}\n`, ...answered(talk).map(markdown)].filter(Boolean).join("\n")],
  json: ["application/json", (talk) => JSON.stringify({ name: nameOf(talk), turns: answered(talk).map(bare) }, null, 2)],
};

const oneLine = (text) => text.replace(/\s+/g, " ");
const markdown = ({ question, answer }) => `## ${oneLine(question)}\n\n${plain(answer)}\n`;
const bare = ({ question, answer }) => ({ question, answer });

/** Download the answered turns. @param {"md"|"json"} format */
export function download(talk, format) {
  const [type, write] = FORMATS[format];
  const url = URL.createObjectURL(new Blob([write(talk)], { type: `${type};charset=utf-8` }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `yewen.${format}`;
  link.click();
  URL.revokeObjectURL(url);
}

/** The answered turns as a link to this page. */
export async function linkTo(talk) {
  const text = JSON.stringify({ name: nameOf(talk), turns: answered(talk).map(bare) });
  const packed = new Blob([text]).stream().pipeThrough(new CompressionStream("deflate-raw"));
  const bytes = new Uint8Array(await new Response(packed).arrayBuffer());
  const characters = Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
  return location.origin + location.pathname + MARK + btoa(characters).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

/** The conversation that the address holds: null if none, undefined if it cannot be read. */
export async function fromAddress() {
  if (!location.hash.startsWith(MARK)) return null;
  try {
    const characters = atob(location.hash.slice(MARK.length).replace(/-/g, "+").replace(/_/g, "/"));
    const shared = JSON.parse(await unpack(Uint8Array.from(characters, (character) => character.charCodeAt(0))));
    return isShared(shared) ? { name: shared.name, turns: shared.turns.map(bare) } : undefined;
  } catch {
    return undefined; // cut off by a mail program, or never one of ours
  }
}

async function unpack(bytes) {
  const reader = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const pieces = [];
  for (let size = 0; ; ) {
    const { done, value } = await reader.read();
    if (done) return new Blob(pieces).text();
    size += value.length;
    if (size > LARGEST) throw new RangeError("a shared conversation of more than 2 MiB");
    pieces.push(value);
  }
}

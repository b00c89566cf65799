// The conversation as a file: Markdown to read, JSON to keep.
import { plain } from "./text.js";

const FORMATS = {
  md: ["text/markdown", (turns) => turns.map((turn) => `## ${turn.question}\n\n${plain(turn.answer)}\n`).join("\n")],
  json: ["application/json", (turns) => JSON.stringify(turns.map(({ question, answer }) => ({ question, answer })), null, 2)],
};

/** Download the answered turns. @param {"md"|"json"} format */
export function download(turns, format) {
  const [type, write] = FORMATS[format];
  const answered = turns.filter((turn) => turn.answer);
  const url = URL.createObjectURL(new Blob([write(answered)], { type }));
  const link = document.createElement("a");
  link.href = url;
  link.download = `yewen.${format}`;
  link.click();
  URL.revokeObjectURL(url);
}

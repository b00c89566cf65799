// Questions to start with and to go on with, drawn from titles and quotes: no question is written here beforehand.
import { langOf } from "./text.js";
import { wide } from "./type.js";

const ASKING = /如何|[為为]何|何[時时]|何[處处]|[為为]什[麼么]|什[麼么]|怎|多少|多久|[誰谁]|哪|[嗎吗]|是否|能否|會不會|会不会/;
const STOPS = /[,，。!！?？;；:：]/;
const inner = (text) => text.replaceAll("「", "『").replaceAll("」", "』").replace(/[“"]([^“”"]*)[”"]/g, "『$1』");
const WHOLE = {
  "zh-Hant": (title) => `「${inner(title)}」是怎麼回事？`,
  "zh-Hans": (title) => `“${title.replace(/[“"]([^“”"]*)[”"]/g, "‘$1’")}”是怎么回事？`,
  en: (title) => (title.endsWith("?") ? title : `What is “${title}” about?`),
};
const TERM = {
  "zh-Hant": (term) => `「${term}」指的是什麼？`,
  "zh-Hans": (term) => `“${term}”指的是什么？`,
  en: (term) => `What does “${term}” mean?`,
};

/**
 * A question that an article with this title should answer: its first clause if that asks, else what the title is about.
 * A clause behind another leans on it, and by itself asks for too much (…,中國汽車還有多少機會?).
 */
export function questionOf(title) {
  const lang = langOf(title);
  const bare = title.replace(/^\s*[【［[][^】］\]]*[】］\]]/, "").trim() || title; // without a column's name
  if (lang === "en") return WHOLE.en(bare);
  const [first] = bare.split(STOPS);
  if (ASKING.test(first) && Array.from(first).length >= 8 && balanced(first)) return `${first.trim()}？`;
  const closed = bare.replace(/[,，。!！?？;；:：\s]+$/, "");
  return WHOLE[lang](closed.replace(/[,:;!?](?!\d)/g, wide));
}

function balanced(text) {
  return (text.match(/[“「『《(（]/g)?.length ?? 0) === (text.match(/[”」』》)）]/g)?.length ?? 0);
}

/**
 * Some of the articles' questions, other ones every day, taken in turn from the industries.
 * @param {{title: string, industry: string}[]} articles
 */
export function leads(articles, day, count = 4) {
  const rows = [...Map.groupBy(articles, (article) => article.industry).values()];
  const longest = Math.max(0, ...rows.map((row) => row.length));
  const turns = Array.from({ length: longest }, (_, i) => rows.map((row) => row[i])).flat().filter(Boolean);
  const start = turns.length > count ? (day * count) % turns.length : 0;
  const chosen = [...turns.slice(start), ...turns.slice(0, start)].map((article) => questionOf(article.title));
  return [...new Set(chosen)].slice(0, count);
}

/**
 * Questions that may follow an answer: what the quotes put in quotation marks, then the titles that were considered.
 * @param {object} turn @param {string[]} asked questions of this conversation
 */
export function followUps(turn, asked, count = 3) {
  const { citations, nearest } = turn.answer;
  const said = asked.join("\n");
  const terms = citations.flatMap(({ quote }) =>
    [...quote.matchAll(/[“「]([^“”「」,，。!?]{3,12})[”」]/g)]
      .filter(([, term]) => !said.includes(term))
      .map(([, term]) => TERM[langOf(quote)](term)),
  );
  const cited = citations.map(({ title }) => title);
  const others = [...nearest, ...(turn.hits ?? [])].map(({ title }) => title).filter((title) => !cited.includes(title));
  const titles = [...new Set([...others, ...cited])];
  const all = [...new Set([...terms.slice(0, count - 1), ...titles.map(questionOf)])];
  return all.filter((question) => !asked.includes(question)).slice(0, count);
}

/** Finds the parts of a Markdown text to check: code blocks, headings, links and names in backquotes. */

/**
 * @typedef {object} Block
 * @property {string} source path of the file it is in, from the repository's root
 * @property {number} line the number of its first line of code, from 1
 * @property {string} lang
 * @property {string[]} flags what follows the language
 * @property {string} code
 * @property {string} heading the nearest heading above
 */

const FENCE = /^( *)(`{3,})([^`]*)$/;

/**
 * @param {string} source
 * @param {string} text
 */
export function parseMarkdown(source, text) {
  /** @type {Block[]} */
  const blocks = [];
  const headings = [];
  const links = [];
  const names = [];
  let heading = "";
  const lines = text.split("\n");
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at];
    const fence = FENCE.exec(line);
    if (fence) {
      const { block, end } = readBlock(lines, at, fence);
      blocks.push({ source, heading, ...block });
      at = end;
      continue;
    }
    const title = /^#+ (.*)$/.exec(line)?.[1];
    if (title !== undefined) {
      heading = title;
      headings.push(title);
    }
    const found = { source, line: at + 1 };
    const prose = line.replace(/`[^`]*`/g, "");
    for (const [, target] of prose.matchAll(/\]\(([^)\s]+)\)/g))
      links.push({ ...found, target });
    for (const [, name] of line.matchAll(/`([^`]+)`/g))
      names.push({ ...found, name });
  }
  return { blocks, headings, links, names, lines };
}

function readBlock(lines, start, [, indent, ticks, info]) {
  const [lang = "", ...flags] = info.trim().split(/\s+/);
  let end = start + 1;
  while (end < lines.length && lines[end].trim() !== ticks) end++;
  const code = lines
    .slice(start + 1, end)
    .map((line) => line.slice(indent.length))
    .join("\n");
  return { block: { line: start + 2, lang, flags, code }, end };
}

/** Returns the anchors that GitHub generates for headings. */
export function anchorsOf(headings) {
  const seen = new Map();
  return headings.map((heading) => {
    const slug = heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N}\s_-]/gu, "")
      .replace(/\s/g, "-");
    const before = seen.get(slug) ?? 0;
    seen.set(slug, before + 1);
    return before === 0 ? slug : `${slug}-${before}`;
  });
}

/** Returns the text of a source file's JSDoc comments as Markdown, on the same lines. */
export function jsDocAsMarkdown(text) {
  let inside = false;
  return text
    .split("\n")
    .map((line) => {
      if (/^\s*\/\*\*/.test(line)) inside = true;
      const wasInside = inside;
      if (inside && line.includes("*/")) inside = false;
      if (!wasInside) return "";
      return line.replace(/^\s*(?:\/\*\*|\*\/|\* ?)/, "").replace(/\*\/$/, "");
    })
    .join("\n");
}

// @ts-check
/** Converts runs to the lines of the screen. */
import { flat } from "./changes.mjs";
import {
  activity,
  duration,
  outcome,
  ownProgress,
  progress,
  stepOutcome,
} from "./text.mjs";

/** @import { Run, Step } from "./types.mjs" */

/** @typedef {"bold" | "dim" | "red" | "green" | "yellow" | "cyan" | "inverse"} Style */
/** @typedef {{ text: string, style?: Style }} Segment */
/** @typedef {Segment[]} Line */

/**
 * @typedef {object} Screen
 * @property {number} width
 * @property {number} height
 * @property {number} now
 * @property {number} beganAt
 * @property {number} endsAt when the demo ends, unless a run is restarted before
 * @property {number} selected index of a run
 * @property {boolean} hasKeys
 * @property {string} message the last action, or why it was refused
 */

const BAR_CELLS = 10;
/** A narrower screen has no bars. */
const BAR_WIDTH = 100;
const LABEL_CELLS = 20;

/**
 * Returns the lines of the whole screen, which never exceed its width and height. Each run gets one line
 * while there is room. The remaining lines go to the steps of the selected run, then of runs in progress,
 * then of the others.
 *
 * @param {Run[]} runs
 * @param {Screen} screen
 * @returns {Line[]}
 */
export function layout(runs, screen) {
  const { width, height } = screen;
  const foot = footer(runs, screen);
  const room = Math.max(1, height - 1 - foot.length);
  const lines = [title(screen), ...body(runs, screen, room), ...foot];
  return lines.slice(-height).map((line) => fit(line, width));
}

/** @param {Screen} screen @returns {Line} */
const title = ({ now, beganAt }) => [
  { text: "Workflows of example/convex ", style: "bold" },
  { text: `on the local deployment's engine  ${duration(now - beganAt)}` },
];

/** @param {Run[]} runs @param {Screen} screen @param {number} room @returns {Line[]} */
function body(runs, screen, room) {
  const { selected, now } = screen;
  if (runs.length >= room) return headersAround(runs, screen, room);
  const details = runs.map((run) => detailsOf(run, now));
  const shares = share(
    runs.map((run, index) => ({
      wants: details[index]?.length ?? 0,
      rank: index === selected ? 0 : run.state === "inProgress" ? 1 : 2,
    })),
    room - runs.length,
  );
  return runs.flatMap((run, index) => [
    header(run, index === selected, screen),
    ...shorten(details[index] ?? [], shares[index] ?? 0),
  ]);
}

/** Without room for more: as many runs as fit, the chosen one among them. @param {Run[]} runs @param {Screen} screen @param {number} room */
function headersAround(runs, screen, room) {
  const { selected } = screen;
  const first = Math.max(
    0,
    Math.min(selected - Math.floor(room / 2), runs.length - room),
  );
  return runs
    .slice(first, first + room)
    .map((run, index) => header(run, first + index === selected, screen));
}

/**
 * Divides lines among runs by rank. Runs of the same rank get equal parts. The first rank leaves a third
 * to the next.
 *
 * @param {{ wants: number, rank: number }[]} runs
 * @param {number} room
 * @returns {number[]}
 */
export function share(runs, room) {
  const shares = runs.map(() => 0);
  let left = room;
  const give = (/** @type {number} */ rank, /** @type {number} */ upTo) => {
    for (let given = 0, gave = true; gave && given < upTo && left > 0;) {
      gave = false;
      for (const [index, run] of runs.entries()) {
        const has = shares[index] ?? 0;
        if (run.rank !== rank || has >= run.wants) continue;
        if (left === 0 || given === upTo) break;
        shares[index] = has + 1;
        left--;
        given++;
        gave = true;
      }
    }
  };
  give(0, Math.ceil((2 * room) / 3));
  give(1, Infinity);
  give(0, Infinity);
  give(2, Infinity);
  return shares;
}

/** @param {Run} run @param {boolean} isSelected @param {Screen} screen @returns {Line} */
function header(run, isSelected, { now, width }) {
  const { done, all } = ownProgress(run.steps);
  const { startedAt = now, endedAt = now } = run;
  const isStarted = run.state !== "queued";
  return [
    { text: isSelected ? "> " : "  ", style: "cyan" },
    runIcon(run),
    {
      text: ` ${run.label.padEnd(LABEL_CELLS)} `,
      style: isSelected ? "inverse" : "bold",
    },
    {
      text: width < BAR_WIDTH ? " " : ` ${bar(done, all)} `,
      style: "dim",
    },
    { text: isStarted ? `${done}/${all}`.padEnd(8) : "".padEnd(8) },
    {
      text: (isStarted ? duration(endedAt - startedAt) : "").padStart(8),
      style: "dim",
    },
    { text: `  ${run.answer ? waiting(run, now) : outcome(run)}` },
    ...(run.asExpected === false
      ? [{ text: "  (not expected)", style: /** @type {Style} */ ("red") }]
      : []),
  ];
}

/** @param {Run} run @param {number} now */
function waiting({ answer, answersAt }, now) {
  if (answersAt === undefined) return `press a to ${answer}`;
  return `press a to ${answer}, or wait ${seconds(answersAt - now)}`;
}

const seconds = (/** @type {number} */ ms) =>
  `${Math.max(0, Math.ceil(ms / 1000))} s`;

/** @param {Run} run @returns {Segment} */
function runIcon({ state, asExpected, answer }) {
  if (state === "queued") return { text: "·", style: "dim" };
  if (state === "inProgress")
    return answer
      ? { text: "?", style: "yellow" }
      : { text: "▶", style: "cyan" };
  const text = { completed: "✓", failed: "✗", canceled: "⊘" }[state];
  return { text, style: asExpected ? "green" : "red" };
}

/** @param {number} done @param {number} all */
function bar(done, all) {
  const cells = all === 0 ? 0 : Math.floor((BAR_CELLS * done) / all);
  return "█".repeat(cells) + "░".repeat(BAR_CELLS - cells);
}

/**
 * @typedef {object} Detail
 * @property {Line} line
 * @property {boolean} matters more than the line of a completed step
 */

/** @param {Run} run @param {number} now @returns {Detail[]} */
function detailsOf(run, now) {
  if (run.state === "queued") return [];
  const isOver = run.endedAt !== undefined;
  return [
    {
      line: [{ text: `      ${run.note}`, style: "dim" }],
      matters: false,
    },
    ...flat(run.steps).map(({ step, depth }) => ({
      line: stepLine(step, depth, now, isOver),
      matters: step.completedAt === undefined,
    })),
  ];
}

/** @param {Step} step @param {number} depth @param {number} now @param {boolean} isOver whether its run has ended @returns {Line} */
function stepLine(step, depth, now, isOver) {
  const { number, name, startedAt, completedAt, result, attempt } = step;
  const attempts =
    attempt !== undefined && attempt > 1
      ? `  attempt ${attempt} of ${step.maxAttempts}`
      : "";
  return [
    { text: " ".repeat(6 + 3 * depth) },
    stepIcon(step),
    { text: ` ${number} ${name}` },
    { text: attempts, style: "yellow" },
    { text: `  ${duration((completedAt ?? now) - startedAt)}`, style: "dim" },
    {
      text: `  ${result ? stepOutcome(result) : isOver ? "in flight when the run ended" : activity(step)}`,
      style: result?.kind === "failed" ? "red" : "dim",
    },
  ];
}

/** @param {Step} step @returns {Segment} */
function stepIcon({ kind, result }) {
  switch (result?.kind) {
    case "success":
      return { text: "✓", style: "green" };
    case "failed":
      return { text: "✗", style: "red" };
    case "canceled":
      return { text: "⊘", style: "yellow" };
    case undefined:
      return kind === "event"
        ? { text: "?", style: "yellow" }
        : kind === "sleep"
          ? { text: "z", style: "cyan" }
          : { text: "▶", style: "cyan" };
  }
}

/**
 * Picks the most important lines, and keeps their order. Steps in flight come first, then the last of the others.
 *
 * @param {Detail[]} details
 * @param {number} room
 * @returns {Line[]}
 */
export function shorten(details, room) {
  if (details.length <= room) return details.map(({ line }) => line);
  if (room === 0) return [];
  const shown = new Set(
    details
      .map(({ matters }, index) => ({ matters, index }))
      .sort(
        (a, b) => Number(b.matters) - Number(a.matters) || b.index - a.index,
      )
      .slice(0, room - 1)
      .map(({ index }) => index),
  );
  return [
    [
      {
        text: `      … ${details.length - shown.size} more`,
        style: "dim",
      },
    ],
    ...details.filter((_, index) => shown.has(index)).map(({ line }) => line),
  ];
}

/** @param {Run[]} runs @param {Screen} screen @returns {Line[]} */
function footer(runs, { width, hasKeys, message, now, endsAt }) {
  const ended = runs.filter(({ endedAt }) => endedAt !== undefined).length;
  const { done, all } = runs.reduce(
    (sum, { steps }) => {
      const { done, all } = progress(steps);
      return { done: sum.done + done, all: sum.all + all };
    },
    { done: 0, all: 0 },
  );
  const count = `${ended} of ${runs.length} runs ended, ${done} of ${all} steps `;
  const cells = Math.max(0, width - count.length - 2);
  const filled = Math.floor((cells * ended) / Math.max(1, runs.length));
  return [
    [
      { text: count, style: "bold" },
      { text: "█".repeat(filled), style: "green" },
      { text: "░".repeat(cells - filled), style: "dim" },
    ],
    [{ text: message, style: "yellow" }],
    ...(hasKeys ? [keysLine(endsAt - now)] : []),
  ];
}

/** @param {number} leftMs until the demo ends @returns {Line} */
const keysLine = (leftMs) =>
  leftMs < Infinity
    ? [
        { text: `The demo ends in ${seconds(leftMs)}.`, style: "bold" },
        { text: "   ↑↓ choose a run   r restart it   q quit", style: "dim" },
      ]
    : [
        {
          text: "↑↓ choose a run   a answer   c cancel   r restart   q quit",
          style: "dim",
        },
      ];

/** Cuts off what is too wide, line breaks included. @param {Line} line @param {number} width @returns {Line} */
export function fit(line, width) {
  let left = width;
  /** @type {Line} */
  const fitted = [];
  for (const { text, style } of line) {
    const cells = [...text.replaceAll(/\s/g, " ")];
    if (left <= 0) break;
    const cut = cells.length > left;
    fitted.push({
      text: cut ? `${cells.slice(0, left - 1).join("")}…` : cells.join(""),
      style,
    });
    left -= cells.length;
  }
  return fitted;
}

const CODES = {
  ...{ bold: 1, dim: 2, inverse: 7 },
  ...{ red: 31, green: 32, yellow: 33, cyan: 36 },
};

/** @param {Line} line @param {boolean} colors */
export const paint = (line, colors) =>
  line
    .map(({ text, style }) =>
      colors && style ? `\x1b[${CODES[style]}m${text}\x1b[0m` : text,
    )
    .join("");

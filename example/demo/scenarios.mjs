// @ts-check
/** The demo's runs: each workflow of example/convex, with arguments that make its waits short. */

/** @import { Scenario } from "./types.mjs" */

const completed = (/** @type {unknown} */ result) => ({
  type: "completed",
  result,
});

/**
 * @param {{ fail?: boolean }} [options]
 * @returns {Scenario[]}
 */
export const scenarios = ({ fail = false } = {}) => [
  {
    name: "example",
    label: "example",
    note: fail
      ? "its action fails as often as it is tried, for --fail"
      : "its action fails twice and is retried; a sleep of 5 s shortened to 0.5 s",
    start: {
      path: "example:start",
      args: { exampleArg: "James", failures: fail ? 3 : 2, sleepMs: 500 },
    },
    expected: completed("Hello, James!"),
  },
  {
    name: "onboarding",
    label: "onboarding",
    note: "days shortened to 0.3 s; waits for an email to be verified",
    start: {
      path: "onboarding:start",
      args: { name: "Ada", dayMs: 300, outages: 2 },
    },
    answer: {
      label: "verify the email",
      call: async (_call, workflowId) => ({
        path: "onboarding:verifyEmail",
        args: { workflowId },
      }),
    },
    expected: completed({ email: "ada@example.com", rounds: 2 }),
  },
  {
    name: "approval",
    label: "approval",
    note: "waits for a decision",
    start: { path: "approval:start", args: { title: "A new chair" } },
    answer: approve(),
    restartArgs: {},
    expected: completed("approved"),
  },
  {
    name: "approval",
    label: "approval (nobody)",
    note: "nobody decides; its deadline of a day shortened to 3 s",
    start: {
      path: "approval:start",
      args: { title: "A new boat", timeoutMs: 3000 },
    },
    answer: { ...approve(), byItself: false },
    restartArgs: {},
    expected: completed("expired"),
  },
  {
    name: "signals",
    label: "signals",
    note: "each question waits for its answer, by the id of an event",
    start: {
      path: "signals:start",
      args: { questions: ["Tea or coffee?", "Milk?", "Sugar?"] },
    },
    answer: {
      label: "answer the question",
      call: async (call, workflowId) => {
        const { question, answerId } = await call("signals:open", {
          workflowId,
        });
        const text = question.includes(" or ") ? "Tea" : "Yes";
        return { path: "signals:answer", args: { answerId, text } };
      },
    },
    expected: completed(["Tea", "Yes", "Yes"]),
  },
  {
    name: "fanOut",
    label: "fanOut",
    note: "two children with five children",
    start: { path: "fanOut:start", args: { takesMs: 400 } },
    expected: completed({ sales: 3100, best: "Barcelona" }),
  },
  {
    name: "transcription",
    label: "transcription",
    note: "five parts at the same time; the service is down for some of them at first",
    start: { path: "transcription:start", args: { file: "talk.mp3" } },
    expected: { type: "completed" },
  },
  {
    name: "transcription",
    label: "transcription (jpg)",
    note: "no recording: should fail, without a second attempt",
    start: { path: "transcription:start", args: { file: "holiday.jpg" } },
    expected: { type: "failed", error: "holiday.jpg is no recording" },
  },
  {
    name: "booking",
    label: "booking",
    note: "reserves three things, then waits for payment",
    start: {
      path: "booking:start",
      args: { items: ["flight", "hotel", "car"] },
    },
    answer: {
      label: "pay",
      call: async (_call, workflowId) => ({
        path: "booking:pay",
        args: { workflowId },
      }),
    },
    expected: completed({ booked: true }),
  },
  {
    name: "booking",
    label: "booking (sold out)",
    note: "no car is left: should release what it reserved",
    start: {
      path: "booking:start",
      args: { items: ["flight", "hotel", "car"], soldOut: "car" },
    },
    expected: completed({ booked: false, why: "No car is left" }),
  },
  {
    name: "subscription",
    label: "subscription",
    note: "months shortened to 0.4 s; a run lasts 2 of them, and starts the next",
    start: {
      path: "subscription:start",
      args: { customer: "Ada", months: 3, monthMs: 400, monthsPerRun: 2 },
    },
    expected: { type: "completed", result: { renewals: 2 } },
  },
  {
    name: "race",
    label: "race",
    note: "two providers; the slower one's offer comes too late to matter",
    start: { path: "race:start", args: { flight: "LIS-OSL" } },
    expected: completed({ provider: "Swift", price: 180 }),
  },
  {
    name: "trip",
    label: "trip",
    note: "two children, of which one sleeps 5 s, shortened to 0.4 s",
    start: {
      path: "trip:start",
      args: { city: "Lisbon", nights: 3, confirmAfterMs: 400 },
    },
    restartArgs: {},
    expected: { type: "completed", result: { total: 360 } },
  },
  {
    name: "batch",
    label: "batch",
    note: "200 items, three steps each",
    start: { path: "batch:start", args: { count: 200 } },
    isLarge: true,
    expected: completed({ saved: 160, skipped: 40 }),
  },
];

/** @returns {NonNullable<Scenario["answer"]>} */
function approve() {
  return {
    event: "decision",
    label: "approve",
    call: async (_call, workflowId) => ({
      path: "approval:decide",
      args: { workflowId, approved: true },
    }),
  };
}

export const scenarioNames = [...new Set(scenarios().map(({ name }) => name))];

// @ts-check
/** `npm run screenshots` writes the README's pictures of the console, with runs of the example. */
import { mkdir, readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import { ROOT } from "../paths.mjs";
import { launchBrowser } from "./browser.mjs";
import { endedRuns, functionStep, MINUTE_MS, runRow } from "./seeds.mjs";
import { serveConsole } from "./servedConsole.mjs";

const IMAGES = path.join(ROOT, "_autodocs/images");

/** The size of the pictures. They have twice as many pixels, so they are sharp. */
const SIZE = { width: 1280, height: 720 };

/** The same font on every machine. */
const FONT = `
@font-face {
  font-family: Inter;
  font-weight: 100 900;
  src: url(data:font/woff2;base64,${await readFile(
    createRequire(import.meta.url).resolve(
      "@fontsource-variable/inter/files/inter-latin-wght-normal.woff2",
    ),
    "base64",
  )});
}
body .wfc { font-family: Inter, sans-serif; }`;

const served = await serveConsole();
const browser = await launchBrowser();
try {
  await mkdir(IMAGES, { recursive: true });
  const now = Date.now();
  await served.insert("workflows", endedRuns(400, now - 4 * MINUTE_MS));
  const failed = await seedOrder(now - 3 * MINUTE_MS);
  await Promise.all([
    served.call("approval:start", { title: "A standing desk" }),
    served.call("welcome:signUp", { name: "Ada" }),
    served.call("trip:start", { city: "Lisbon", nights: 3 }),
  ]);
  for (const theme of /** @type {const} */ (["light", "dark"])) {
    await shoot(`console-runs-${theme}`, theme, "", ".wfc-rows .wfc-row");
    const step = `#/runs/${failed}?step=4`;
    await shoot(`console-run-${theme}`, theme, step, ".wfc-attempts");
  }
} finally {
  await browser.close();
  await served.close();
}

/**
 * @param {string} name
 * @param {"light" | "dark"} colorScheme
 * @param {string} hash
 * @param {string} shown what the page has once it is ready
 */
async function shoot(name, colorScheme, hash, shown) {
  const page = await browser.newPage({
    ...{ viewport: SIZE, deviceScaleFactor: 2, colorScheme, timezoneId: "UTC" },
  });
  await page.goto(`${served.url}console${hash}`);
  await page.addStyleTag({ content: FONT });
  await page.locator(shown).first().waitFor();
  // Wait until live parts have settled.
  await page.waitForTimeout(1500);
  const file = path.join(IMAGES, `${name}.png`);
  await page.screenshot({ path: file });
  console.log(path.relative(ROOT, file));
  await page.close();
}

/**
 * Inserts a run that shows every feature.
 *
 * @param {number} startedAt
 */
async function seedOrder(startedAt) {
  const at = (/** @type {number} */ ms) => startedAt + ms;
  const [workflowId = ""] = await served.insert("workflows", [
    {
      ...runRow("orders:fulfil"),
      args: { orderId: "ord_8f2c", items: [{ sku: "desk-120", count: 1 }] },
      runResult: {
        kind: "failed",
        error:
          "Error: The courier didn't accept ord_8f2c: 503 Service Unavailable\n    at fulfil (../convex/orders.ts:41:18)",
      },
      failedAt: { stepNumber: 6, line: "fulfil (../convex/orders.ts:41:18)" },
      _creationTime: startedAt,
      endedAt: at(61_400),
    },
  ]);
  const success = { kind: "success", returnValue: null };
  const unavailable = "Error: 503 Service Unavailable";
  /** @type {[string, number, number, object, object?][]} */
  const steps = [
    ["orders:load", 0, 240, { functionType: "query" }],
    ["inventory:reserve", 260, 900, { functionType: "mutation" }],
    ["payments:authorize", 920, 6100, {}],
    ["emails:sendConfirmation", 920, 3300, {}],
    [
      "payments:capture",
      6150,
      24_900,
      {},
      {
        retry: { maxAttempts: 5, initialBackoffMs: 4000, base: 2 },
        failedAttempts: 2,
        dueAt: at(21_300),
        attempts: [
          { startedAt: at(6200), endedAt: at(9100), error: unavailable },
          { startedAt: at(13_200), endedAt: at(15_400), error: unavailable },
        ],
      },
    ],
    ["packed", 25_000, 43_500, { kind: "event" }],
    [
      "courier:book",
      43_600,
      61_300,
      { runResult: { kind: "failed", error: unavailable } },
      {
        retry: { maxAttempts: 3, initialBackoffMs: 4000, base: 2 },
        failedAttempts: 2,
        dueAt: at(58_900),
        attempts: [
          { startedAt: at(43_700), endedAt: at(46_000), error: unavailable },
          { startedAt: at(50_300), endedAt: at(52_100), error: unavailable },
        ],
      },
    ],
  ];
  await served.insert(
    "steps",
    steps.map(([name, from, to, fields, row = {}], stepNumber) => {
      const times = { startedAt: at(from), completedAt: at(to) };
      const common = { args: { orderId: "ord_8f2c" }, runResult: success };
      const step = functionStep(name, { ...common, ...times, ...fields });
      if (step.kind !== "function") {
        delete step.functionType;
        delete step.handle;
        step.args = {};
      }
      return { workflowId, stepNumber, step, ...row };
    }),
  );
  return workflowId;
}

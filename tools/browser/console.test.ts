// @vitest-environment node
/** The console in a real browser, on the example's page and a local backend. */
import type { WorkflowHistory } from "@convex-dev/workflow";
import { replayHistory } from "@convex-dev/workflow/test";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import path from "node:path";
import type { Browser, BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { approval } from "../../example/convex/approval.js";
import { copyExample } from "../local-backend/testing/appCopy.js";
import { eventually } from "../local-backend/testing/eventually.js";
import { launchBrowser } from "./browser.mjs";
import { doneSteps, endedRuns, functionStep, runRow } from "./seeds.mjs";
import { serveConsole } from "./servedConsole.mjs";

/** Denials depend on environment variables, so a test can change them while a page is open. */
const CONSOLE = `
import { workflow } from "./workflow.js";

export const { listRuns, getRun, listSteps, stats, cancel, restart, cleanup, sendEvent } =
  workflow.console({
    authorize: (_ctx, { operation }) =>
      !(process.env.DENIED ?? "").split(" ").includes(operation),
  });
`;

const RUNS = 1000;
const STEPS = 2000;
const NOW = Date.now();

let served: Awaited<ReturnType<typeof serveConsole>>;
let browser: Browser;
let context: BrowserContext;
let page: Page;
/** Errors on the pages of the current test. */
let problems: string[] = [];
const closing: (() => Promise<unknown>)[] = [];
const ids = { big: "", hostile: "" };

const HTML = `<img src=x onerror="globalThis.isHacked = true"><b>bold</b>`;

beforeAll(async () => {
  const { app, remove } = await copyExample();
  closing.push(remove);
  await writeFile(path.join(app, "convex/console.ts"), CONSOLE);
  [served, browser] = await Promise.all([
    serveConsole({ app }),
    launchBrowser(),
  ]);
  closing.push(
    () => served.close(),
    () => browser.close(),
  );
  await served.insert("workflows", endedRuns(RUNS - 1, NOW - 300_000));
  await seedHostile();
});

afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

afterEach(async () => {
  served.setEnvironment({ DENIED: "" });
  await context?.close();
  expect(problems).toEqual([]);
});

async function seedBig() {
  const began = Date.now();
  const [id] = await served.insert("workflows", [
    {
      ...runRow("batch:batch"),
      runResult: { kind: "success", returnValue: { saved: STEPS } },
      endedAt: began + STEPS * 90,
    },
  ]);
  ids.big = id!;
  await served.insert("steps", doneSteps(ids.big, STEPS, began));
}

async function seedHostile() {
  let deep: unknown = HTML;
  for (let depth = 0; depth < 25; depth++) deep = { [`in ${depth}`]: [deep] };
  const args = {
    deep,
    html: HTML,
    big: 2n ** 62n,
    bytes: new Uint8Array(100_000).buffer,
    long: "x".repeat(100_000),
    many: Array.from({ length: 3000 }, (_, at) => at),
    [`${"k".repeat(500)}`]: "\u202Ertl\u0000 \uD83D\uDE00",
  };
  const error = `Error: ${HTML}\n${"y".repeat(16_000)}`;
  const [id] = await served.insert("workflows", [
    {
      ...runRow(`${"deep/".repeat(40)}${HTML}:run`),
      args: args as never,
      runResult: { kind: "failed", error },
      _creationTime: NOW,
      endedAt: NOW + 1,
    },
  ]);
  ids.hostile = id!;
  await served.insert("steps", [
    {
      ...{ workflowId: id!, stepNumber: 0 },
      step: functionStep(HTML, {
        ...{ args: args as never, startedAt: NOW, completedAt: NOW + 1 },
        runResult: { kind: "failed", error },
      }),
      attempts: [{ startedAt: NOW, endedAt: NOW, error }],
      retry: { maxAttempts: 3, initialBackoffMs: 1, base: 2 },
      failedAttempts: 1,
    },
  ]);
}

/** Opens the console in a new context. */
async function open(
  hash = "",
  options: Parameters<Browser["newContext"]>[0] = {},
) {
  context = await browser.newContext({
    ...{ viewport: { width: 1280, height: 800 }, timezoneId: "UTC" },
    permissions: ["clipboard-read", "clipboard-write"],
    ...options,
  });
  page = await context.newPage();
  page.setDefaultTimeout(20_000);
  problems = [];
  page.on("pageerror", (error) => problems.push(String(error)));
  await page.goto(`${served.url}console${hash}`);
  await page.locator(".wfc").waitFor();
  return page;
}

const runPage = (id: string, query = "") => `#/runs/${id}${query}`;

const rows = (selector = ".wfc-rows .wfc-row") => page.locator(selector);
const row = (id: string) => page.locator(`[data-id="${id}"]`);
const tab = (name: RegExp | string) =>
  page.getByRole("button", { name }).and(page.locator(".wfc-tab"));
const button = (name: string | RegExp, scope = page.locator(".wfc")) =>
  scope.getByRole("button", { name, exact: typeof name === "string" });
const dialog = () => page.getByRole("dialog");
const notice = () => page.locator(".wfc-notice");

/** Clicks a button, then the one in the dialog that opens. */
async function act(name: string | RegExp, confirmation: string) {
  await button(name).click();
  await button(confirmation, dialog()).click();
}

/** Waits until the page of a run shows its status. */
const showsStatus = (status: string) =>
  eventually(() => text(".wfc-run-title")).toContain(status);

const goTo = (hash: string) =>
  page.evaluate((to) => void (location.hash = to), hash);

/** Returns the visible text of an element. */
const text = (selector: string) => page.locator(selector).innerText();

const startApproval = (title: string) =>
  served.call("approval:start", { title }) as Promise<string>;

const statusOf = async (workflowId: string) =>
  (await served.call("approval:status", { workflowId })).type as string;

describe("the runs page", () => {
  test("shows a run live from start to end without moving anything", async () => {
    await open();
    await rows().first().waitFor();
    await page.evaluate(() => {
      const shifts: unknown[] = [];
      Object.assign(globalThis, { shifts });
      new PerformanceObserver((list) => {
        for (const entry of list.getEntries()) shifts.push(entry.toJSON());
      }).observe({ type: "layout-shift", buffered: false });
    });
    const id = await startApproval("A chair");
    await row(id).waitFor();
    await eventually(() => row(id).innerText()).toMatch(
      /In progress[^]*approval:approval[^]*1 \/ 1[^]*decision/,
    );
    await served.call("approval:decide", { workflowId: id, approved: true });
    await eventually(() => row(id).innerText()).toMatch(/Completed[^]*2/);
    expect(await page.evaluate(() => (globalThis as any).shifts)).toEqual([]);

    // A count of any length moves nothing either.
    const last = tab(/Canceled/);
    const before = await last.boundingBox();
    for (const count of ["–", "9", "1,000+"]) {
      await page.evaluate((text) => {
        for (const each of document.querySelectorAll(".wfc-tabs .wfc-count"))
          each.textContent = text;
      }, count);
      expect(await last.boundingBox(), count).toEqual(before);
    }
  });

  test("filters by status, workflow, id and time, and keeps the filters in the URL", async () => {
    await open();
    await tab(/Failed/).click();
    await eventually(
      async () =>
        new Set(await page.locator(".wfc-rows .wfc-status").allInnerTexts()),
    ).toEqual(new Set(["Failed"]));
    await page.getByLabel("Workflow", { exact: true }).fill("trip:trip");
    await eventually(
      async () =>
        new Set(await page.locator(".wfc-rows .wfc-cell-name").allInnerTexts()),
    ).toEqual(new Set(["trip:trip"]));
    const count = await rows().count();
    await page.getByLabel("Started").selectOption("Last hour");
    await eventually(() => rows().count()).toBeLessThan(count);
    expect(new URL(page.url()).hash).toBe(
      "#/?status=failed&name=trip%3Atrip&range=1h",
    );
    const shown = await page.locator(".wfc-cell-id").allInnerTexts();

    await page.reload();
    await eventually(() =>
      page.locator(".wfc-cell-id").allInnerTexts(),
    ).toEqual(shown);
    expect(
      await page.getByLabel("Workflow", { exact: true }).inputValue(),
    ).toBe("trip:trip");

    await page.getByLabel("Id, or how it begins").fill(shown[1]!);
    await eventually(() =>
      page.locator(".wfc-cell-id").allInnerTexts(),
    ).toEqual([shown[1]]);
    await page.getByLabel("Id, or how it begins").fill("nothing");
    await page.getByText("No run matches these filters").waitFor();
    await button("Remove all filters").click();
    await eventually(() => rows().count()).toBeGreaterThan(10);

    // Find the oldest ten, after pages without a match.
    await page
      .getByLabel("Id, or how it begins")
      .fill("0000000000000000001000");
    await eventually(() => text(".wfc-footer")).toMatch(/^10 runs/);
    await page.getByLabel("Id, or how it begins").fill("");
    await eventually(() => rows().count()).toBeGreaterThan(10);

    // A link with times shows the runs between them.
    const since = new Date(NOW - 35.5 * 60_000).toISOString();
    const until = new Date(NOW - 25.5 * 60_000).toISOString();
    await goTo(`#/?since=${since}&until=${until}`);
    await eventually(() => rows().count()).toBe(10);
    expect(await page.getByLabel("Started before").inputValue()).toBe(
      until.slice(0, 16),
    );
  });

  test("pages through 1,000 runs, newest first, and renders only those in view", async () => {
    await open(`#/?until=${new Date(NOW + 1).toISOString()}`);
    await rows().first().waitFor();
    expect(await text(".wfc-footer")).toContain("The newest 50 runs");
    served.calls.clear();
    const seen = new Map<number, string>();
    let most = 0;
    await eventually(async () => {
      const shown = await page.evaluate(() =>
        [...document.querySelectorAll<HTMLElement>("[data-id]")].map(
          (each) =>
            [Number(each.ariaRowIndex), each.dataset.id!] as [number, string],
        ),
      );
      for (const [index, id] of shown) seen.set(index, id);
      most = Math.max(most, shown.length);
      await page.locator(".wfc-scroller").evaluate((scroller) => {
        scroller.scrollTop += scroller.clientHeight;
      });
      return text(".wfc-footer");
    }).toMatch(/^1,000 runs/);
    await eventually(async () =>
      rows().last().getAttribute("aria-rowindex"),
    ).toBe("1001");
    expect(most).toBeLessThan(60);
    expect(new Set(seen.values()).size).toBe(seen.size);
    // Each page is queried again with a fixed end once the next page begins there.
    expect(served.calls.get("console:listRuns")).toBeLessThanOrEqual(2 * 20);

    // The list keeps its scroll position when you come back, even in the middle.
    const scroller = page.locator(".wfc-scroller");
    const scrolled = () => scroller.evaluate(({ scrollTop }) => scrollTop);
    await scroller.evaluate((element) => (element.scrollTop = 20_000));
    const last = seen.get(570)!;
    await row(last).getByRole("link").click();
    await page.locator(".wfc-run-header").waitFor();
    await page.keyboard.press("Escape");
    await row(last).waitFor();
    expect(await scrolled()).toBe(20_000);
    // Another list starts at its top.
    await tab(/Failed/).click();
    await eventually(scrolled).toBe(0);
  });

  test("asks before it acts on several runs, and shows how many", async () => {
    const waiting = await Promise.all(["a", "b", "c"].map(startApproval));
    await open("#/?name=approval%3Aapproval");
    for (const id of waiting) await row(id).getByRole("checkbox").check();
    await button(/^Cancel/).click();
    await dialog().getByText("Cancel 3 runs?").waitFor();
    await button("Back", dialog()).click();
    expect(await statusOf(waiting[0]!)).toBe("inProgress");

    await act(/^Cancel/, "Cancel 3 runs");
    await notice().getByText("Canceled 3 runs.").waitFor();
    for (const id of waiting)
      await eventually(() => row(id).innerText()).toContain("Canceled");

    for (const id of waiting.slice(0, 2))
      await row(id).getByRole("checkbox").check();
    await act(/^Restart/, "Restart 2 runs");
    for (const id of waiting.slice(0, 2))
      await eventually(() => row(id).innerText()).toContain("In progress");

    await row(waiting[2]!).getByRole("checkbox").check();
    await act(/^Clean up/, "Clean up 1 run");
    await row(waiting[2]!).waitFor({ state: "detached" });
  });

  test("works with the keyboard alone", async () => {
    await open();
    await rows().first().waitFor();
    const focused = () =>
      page.evaluate(
        () =>
          document.activeElement?.closest<HTMLElement>("[data-id]")?.dataset.id,
      );
    const shown = await page.locator(".wfc-cell-id").allInnerTexts();
    await page.keyboard.press("j");
    await eventually(focused).toBe(shown[0]);
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    await page.keyboard.press("k");
    await eventually(focused).toBe(shown[1]);
    await page.keyboard.press("x");
    await page.getByText("1 selected").waitFor();
    await page.keyboard.press("Escape");
    await page.getByText("1 selected").waitFor({ state: "detached" });
    await page.keyboard.press("/");
    await page.keyboard.type("jjk");
    expect(await page.getByLabel("Id, or how it begins").inputValue()).toBe(
      "jjk",
    );
    await page.getByLabel("Id, or how it begins").fill("");
    await page.keyboard.press("Escape");
    await eventually(() => rows().count()).toBeGreaterThan(3);
    await page.keyboard.press("j");
    await eventually(focused).toBeDefined();
    const id = (await focused())!;
    await page.keyboard.press("Enter");
    await page.locator(".wfc-run-header").waitFor();
    expect(page.url()).toContain(id);
    await page.keyboard.press("Escape");
    await page.locator(".wfc-runs").waitFor();
  });
});

describe("the run page", () => {
  beforeAll(seedBig);

  test("shows a run with 2,000 steps with few requests and few elements, and zooms into its timeline, pans, and fits it again", async () => {
    await open();
    await rows().first().waitFor();
    served.calls.clear();
    const began = performance.now();
    await goTo(runPage(ids.big));
    await page.locator(".wfc-seg-succeeded[data-kind]").first().waitFor();
    console.log(
      `2,000 steps: shown after ${Math.round(performance.now() - began)} ms`,
    );
    expect(await text(".wfc-facts")).toContain("2,000 done");
    await eventually(() =>
      served.calls.get("console:listSteps"),
    ).toBeGreaterThan(0);
    expect(served.calls.get("console:listSteps")).toBeLessThanOrEqual(3);
    const elements = () => page.locator(".wfc *").count();
    expect(await elements()).toBeLessThan(1000);

    const width = async () =>
      (await page.locator('[data-step="0"] .wfc-seg').boundingBox())!.width;
    const ticks = () => page.locator(".wfc-tick").allInnerTexts();
    const before = await ticks();
    const fitted = await width();
    for (let times = 0; times < 6; times++) await page.keyboard.press("+");
    await eventually(ticks).not.toEqual(before);
    await page.mouse.move(700, 500);
    await page.mouse.wheel(-100_000, 0);
    await eventually(ticks).toContain("0");
    expect(await width()).toBeGreaterThan(fitted * 5);
    await page.mouse.wheel(300, 0);
    await eventually(ticks).not.toContain("0");
    await button("Fit").click();
    await eventually(ticks).toEqual(before);

    // A link to a step loads the pages before it.
    await goTo(runPage(ids.big, "?step=1999"));
    await page.locator('[data-step="1999"] .wfc-seg').waitFor();
    await page
      .getByRole("region", { name: "Details of the step" })
      .getByText("item:1999")
      .waitFor();
    expect(await elements()).toBeLessThan(1000);
    expect(served.calls.get("console:listSteps")).toBeLessThanOrEqual(3 * 20);
  });

  test("shows steps, waits and events live, and sends an event", async () => {
    const id = await startApproval("A lamp");
    await open(runPage(id));
    const waiting = page.locator('[data-step="1"]');
    await waiting.locator('[data-kind="waiting"]').waitFor();
    await waiting.locator('[data-kind="due"]').waitFor({ state: "attached" });
    await page.keyboard.press("j");
    await page.keyboard.press("j");
    const details = page.locator(".wfc-details");
    await details.getByText("event “decision”").waitFor();
    await eventually(() => details.innerText()).toMatch(
      /Times out\s*in (1 d|23 h 59 min|24 h)/,
    );

    await tab(/Events/).click();
    expect(await page.getByLabel("Event", { exact: true }).inputValue()).toBe(
      "decision",
    );
    await page.getByLabel("Value, as JSON").fill("{ approved: true }");
    await button("Send").click();
    await page.getByRole("alert").getByText("The value isn't JSON").waitFor();
    await page.getByLabel("Value, as JSON").fill('{ "approved": true }');
    await button("Send").click();
    await notice().getByText("Sent “decision”.").waitFor();
    await eventually(() => text(".wfc-event-table tbody")).toMatch(
      /decision\s+Consumed[^]*approved: true/,
    );
    await showsStatus("Completed");
    await eventually(() => text(".wfc-panels")).toContain('"approved"');
  });

  test("cancels, restarts from a step, copies and cleans up", async () => {
    const id = await startApproval("A desk");
    await open(runPage(id, "?view=list"));
    await page.locator('[data-step="1"]').getByText("Waiting").waitFor();
    await act("Cancel", "Cancel 1 run");
    await showsStatus("Canceled");
    await page.locator('[data-step="1"] button').click();
    await button("Restart from here").click();
    await dialog()
      .getByText("Step 1, decision, and all steps after it run again")
      .waitFor();
    await button("Restart", dialog()).click();
    await showsStatus("In progress");
    await served.call("approval:decide", { workflowId: id, approved: false });
    await showsStatus("Completed");

    await button("Copy as JSON", page.locator(".wfc-run-header")).click();
    await notice().getByText("Copied the run.").waitFor();
    const copied = JSON.parse(
      await page.evaluate(() => navigator.clipboard.readText()),
    );
    expect(copied).toMatchObject({
      ...{
        workflowId: id,
        status: "completed",
        steps: [{}, {}, {}].slice(0, copied.steps.length),
      },
      runResult: { kind: "success", returnValue: "rejected" },
    });
    expect(copied.steps.length).toBeGreaterThanOrEqual(2);

    const [download] = await Promise.all([
      page.waitForEvent("download"),
      button("History").click(),
    ]);
    const file = await readFile(await download.path(), "utf8");
    expect(
      await replayHistory(approval, JSON.parse(file) as WorkflowHistory),
    ).toEqual({
      ...{ kind: "ok", reached: 2 },
      result: { kind: "success", returnValue: "rejected" },
    });

    await act("Clean up", "Clean up 1 run");
    await page.locator(".wfc-runs").waitFor();
    await goTo(runPage(id));
    await page.getByText("This run doesn't exist").waitFor();
  });

  test("restarts a failed run from its last failed step", async () => {
    const id = (await served.call("transcription:start", {
      file: "holiday.jpg",
    })) as string;
    await open(runPage(id));
    await showsStatus("Failed");
    await eventually(() => text(".wfc-panel-error")).toMatch(
      /holiday.jpg is no recording[^]*at step 0|at step 0[^]*holiday.jpg is no recording/,
    );
    const generationOf = async () =>
      Number(/Generation\s*(\d+)/.exec(await text(".wfc-facts"))![1]);
    const before = await generationOf();
    await button("Restart").click();
    const choice = dialog().getByLabel(/Run the last failed step/);
    expect(await choice.isChecked()).toBe(true);
    await button("Restart 1 run", dialog()).click();
    await notice().getByText("Restarted 1 run.").waitFor();
    await eventually(generationOf).toBeGreaterThan(before);
    await showsStatus("Failed");
  });

  test("links a parent to its children and back", async () => {
    const id = (await served.call("trip:start", {
      city: "Lisbon",
      nights: 3,
      confirmAfterMs: 3_600_000,
    })) as string;
    await open(runPage(id));
    await page
      .locator(".wfc-fact")
      .getByText(/bookHotel/)
      .click();
    await page
      .locator(".wfc-fact")
      .getByText(/trip:planTrip, step \d/)
      .click();
    await eventually(() => page.url()).toMatch(new RegExp(`${id}\\?step=\\d$`));
    await page.locator(".wfc-details").waitFor();
  });
});

test("an action that authorize denies is hidden or fails with a reason, and appears as soon as it is allowed", async () => {
  served.setEnvironment({ DENIED: "listRuns stats getRun listSteps" });
  await open();
  await page.getByText("The server refused this").waitFor();
  await page
    .getByText("Not authorized to call listRuns of this console.")
    .waitFor();
  expect(await page.content()).not.toContain("batch:batch");
  served.setEnvironment({ DENIED: "" });
  await rows().first().waitFor();

  served.setEnvironment({ DENIED: "getRun listSteps" });
  await goTo(runPage(ids.hostile));
  await page
    .getByText("Not authorized to call getRun of this console.")
    .waitFor();
  expect(await page.content()).not.toContain("batch:fetchItem");

  const id = await startApproval("A vase");
  served.setEnvironment({ DENIED: "cancel sendEvent" });
  await goTo(runPage(id));
  await act("Cancel", "Cancel 1 run");
  await notice()
    .getByText("Not authorized to call cancel of this console.")
    .waitFor();
  await tab(/Events/).click();
  await button("Send").click();
  await page
    .getByRole("alert")
    .getByText("Not authorized to call sendEvent")
    .waitFor();
  expect(await statusOf(id)).toBe("inProgress");
});

describe("hostile values", () => {
  test("are shown as text at any length and depth, and never widen the page", async () => {
    await open(runPage(ids.hostile, "?step=0"), {
      viewport: { width: 380, height: 800 },
    });
    const details = page.locator(".wfc-details");
    await details.getByText("Attempts").waitFor();
    // The step's values load after the rest of it.
    await details.getByText("7 fields").waitFor();
    // Opens everything that is closed, level by level.
    for (let level = 0; level < 80; level++) {
      const closed = details.locator('[aria-expanded="false"]');
      if ((await closed.count()) === 0) break;
      await closed.first().click();
    }
    const shown = await details.innerText();
    expect(shown).toContain(HTML);
    expect(shown).toContain("4611686018427387904n");
    expect(shown).toContain("100,000 bytes: 00 00");
    expect(shown).toContain("Show all 100,000 characters");
    expect(shown).toContain("Show 100 more");
    await page.keyboard.press("Escape");
    await details.waitFor({ state: "detached" });
    const [name, bar] = await Promise.all(
      [".wfc-cell-name", ".wfc-cell-bar"].map((cell) =>
        page.locator(`[data-step="0"] ${cell}`).boundingBox(),
      ),
    );
    expect(name!.x + name!.width).toBeLessThanOrEqual(bar!.x);
    expect(bar!.width).toBeGreaterThan(150);
    await button(/^Show all 16,/).click();
    await button("Arguments").click();
    expect(
      await page.evaluate(() => ({
        isHacked: "isHacked" in globalThis,
        images: document.images.length,
        width: document.documentElement.scrollWidth,
        wide: [...document.querySelectorAll(".wfc *")].filter(
          (each) => each.getBoundingClientRect().left > 380,
        ).length,
      })),
    ).toEqual({ isHacked: false, images: 0, width: 380, wide: 0 });
    await goTo("#/");
    await rows().first().waitFor();
    expect(
      await page.evaluate(() => document.documentElement.scrollWidth),
    ).toBe(380);
  });
});

describe("for everyone", () => {
  const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

  async function violations(rules?: string[]) {
    const found = await page.evaluate(
      (runOnly) => (globalThis as any).axe.run(".wfc", { runOnly }),
      rules,
    );
    return found.violations.map(
      ({
        id,
        nodes,
      }: {
        id: string;
        nodes: { html: string; failureSummary: string }[];
      }) =>
        `${id}: ${nodes.map(({ html, failureSummary }) => `${html.slice(0, 200)} ${failureSummary}`).join("\n")}`,
    );
  }

  /** The themes only differ in their colors, so check structure once. */
  async function expectAccessible(place: string) {
    await page.emulateMedia({ colorScheme: "light" });
    expect(await violations(), place).toEqual([]);
    await page.emulateMedia({ colorScheme: "dark" });
    expect(await violations(["color-contrast"]), place).toEqual([]);
  }

  test.each([380, 1280])(
    "axe finds nothing wrong in either theme, at a width of %d",
    async (width) => {
      const id = await startApproval(`${width} wide`);
      await open("", { viewport: { width, height: 800 } });
      await row(id).waitFor();
      await page.addScriptTag({ path: axe });
      await expectAccessible("runs");
      await row(id).getByRole("checkbox").check();
      await button(/^Cancel/).click();
      await dialog().waitFor();
      await expectAccessible("a confirmation");
      await page.keyboard.press("Escape");
      await dialog().waitFor({ state: "detached" });
      for (const [hash, shown] of [
        [runPage(id, "?step=1"), ".wfc-details .wfc-tree"],
        [runPage(id, "?view=events"), ".wfc-events tbody"],
        [runPage(ids.hostile, "?view=list&step=0"), ".wfc-attempts"],
        [runPage("none"), ".wfc-message"],
      ] as const) {
        await goTo(hash);
        await page.locator(shown).first().waitFor();
        await expectAccessible(hash);
      }
    },
  );

  test("the app's own element styles don't affect the console", async () => {
    await open(runPage(ids.hostile, "?step=0"));
    await page.locator(".wfc-details").getByText("Attempts").waitFor();
    const before = await page.screenshot();
    await page.addStyleTag({
      content:
        "header, section, nav, aside, button, code, ul, li, dl, dd, dt, h1, h2, h3, p, pre, input, label, span, a, table, td { display: block; margin: 9px; padding: 7px; color: red; background: lime; border: 3px solid; font: italic 30px serif; float: right; text-transform: uppercase; }",
    });
    expect(Buffer.compare(before, await page.screenshot())).toBe(0);
  });
});

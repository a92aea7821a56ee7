// @ts-check
/** Creates runs as rows of the component, for pages that need many. */

/** @typedef {Record<string, any>} Row */

export const MINUTE_MS = 60_000;

/**
 * Creates `count` ended runs, one for each minute until `now`. Every seventh failed, every eleventh was canceled.
 *
 * @param {number} count
 * @param {number} now
 * @returns {Row[]}
 */
export function endedRuns(count, now) {
  const names = ["onboarding:onboarding", "batch:batch", "trip:trip"];
  return Array.from({ length: count }, (_, at) => {
    const startedAt = now - (count - at) * MINUTE_MS;
    return {
      ...runRow(names[at % names.length] ?? ""),
      args: { at },
      runResult:
        at % 7 === 0
          ? { kind: "failed", error: `Error: Card ${at} was declined` }
          : at % 11 === 0
            ? { kind: "canceled" }
            : { kind: "success", returnValue: at },
      _creationTime: startedAt,
      endedAt: startedAt + 1500 + ((at * 7919) % 50_000),
    };
  });
}

/**
 * @param {string} name
 * @returns {Row}
 */
export const runRow = (name) => ({
  ...{ name, workflowHandle: "function://none", args: {} },
  ...{ generationNumber: 0, engineVersion: 1 },
});

/**
 * Creates `count` completed steps, one after another.
 *
 * @param {string} workflowId
 * @param {number} count
 * @param {number} startedAt
 * @returns {Row[]}
 */
export const doneSteps = (workflowId, count, startedAt) =>
  Array.from({ length: count }, (_, stepNumber) => ({
    ...{ workflowId, stepNumber },
    step: functionStep("batch:fetchItem", {
      args: { item: stepNumber },
      startedAt: startedAt + stepNumber * 90,
      completedAt: startedAt + stepNumber * 90 + 70,
      runResult: { kind: "success", returnValue: stepNumber },
    }),
  }));

/**
 * @param {string} name
 * @param {Row} fields
 * @returns {Row}
 */
export const functionStep = (name, fields) => ({
  ...{ kind: "function", functionType: "action", handle: "function://none" },
  ...{ name, inProgress: fields.runResult === undefined, argsSize: 0 },
  ...fields,
});

import { v, type Validator } from "convex/values";
import { describe, expect, test } from "vitest";
import {
  drain,
  newBackend,
  rows,
  startHandler,
  statusOf,
  useBackend,
  type Backend,
} from "../../testing/harness.js";
import { completed } from "../../testing/statuses.js";
import { eventStates, send } from "../../testing/events.js";
import { expectStorableRows, textOf } from "../../testing/storable.js";
import { MAX_RESULT_BYTES } from "../../shared/limits.js";
import { expectRefused } from "../../testing/directCalls.js";
import {
  defineEvent,
  type WorkflowCtx,
  type WorkflowId,
} from "../../client/index.js";

// An event's value, from its sender to the step that awaits it.

useBackend();

type Payload = Pick<
  Parameters<typeof send>[1],
  "value" | "error" | "validator"
>;
type AnyValidator = Validator<any, "required" | "optional", any>;

const sendGo = (t: Backend, workflowId: WorkflowId, payload: Payload) =>
  send(t, { workflowId, name: "go", ...payload } as Parameters<typeof send>[1]);

/** Returns what a handler gets from "go" after a replay. */
const awaiting = (validator?: AnyValidator) => async (step: WorkflowCtx) => {
  const got: unknown = await step
    .awaitEvent({ name: "go", validator })
    .catch((error: Error) => `${error.constructor.name}: ${error.message}`);
  await step.sleep(1);
  return got;
};

const value = {
  text: "yes",
  list: [1, 2n],
  bytes: new ArrayBuffer(3),
  nothing: null,
};
const validator = v.object({
  text: v.string(),
  list: v.array(v.union(v.number(), v.int64())),
  bytes: v.bytes(),
  nothing: v.null(),
});
/** A value with fields that `named` doesn't name, at any depth. */
const extra = {
  a: 1,
  extra: true,
  list: [
    { b: 2, extra: true },
    { c: "3", extra: true },
  ],
  byKey: { one: { a: 4, extra: true } },
};
const named = v.object({
  a: v.number(),
  list: v.array(
    v.union(v.object({ b: v.number() }), v.object({ c: v.string() })),
  ),
  byKey: v.record(v.string(), v.object({ a: v.number() })),
});
const parsed = { a: 1, list: [{ b: 2 }, { c: "3" }], byKey: { one: { a: 4 } } };
const unexpected = expect.stringMatching(
  /^Error: The value sent for event "go" is not what awaitEvent expects: /,
) as string;
const large = textOf(MAX_RESULT_BYTES);

const payloads: [
  string,
  Payload,
  { awaitedAs?: AnyValidator; becomes: unknown },
][] = [
  ["its value", { value }, { awaitedAs: validator, becomes: value }],
  ["the value, without a validator", { value }, { becomes: value }],
  [
    "the value, if only the sender has a validator",
    { value: 7, validator: v.number() },
    { becomes: 7 },
  ],
  ["null, if it was sent without a value", {}, { becomes: null }],
  ["null, if that is awaited", {}, { awaitedAs: v.null(), becomes: null }],
  [
    "its value without the fields that the wait doesn't name",
    { value: extra },
    { awaitedAs: named, becomes: parsed },
  ],
  [
    "its value without the fields that the sender doesn't name",
    { value: extra, validator: named },
    { becomes: parsed },
  ],
  [
    "its value without the fields that neither side names",
    { value: extra, validator: named },
    { awaitedAs: named, becomes: parsed },
  ],
  [
    "an error, if the value doesn't match the validator of the wait",
    { value: "seven" },
    { awaitedAs: v.number(), becomes: unexpected },
  ],
  [
    "an error, if a value is awaited and none was sent",
    {},
    { awaitedAs: v.number(), becomes: unexpected },
  ],
  ["the error sent", { error: "Declined" }, { becomes: "Error: Declined" }],
  [
    "the error sent, whatever the wait's validator",
    { error: "Declined" },
    { awaitedAs: v.number(), becomes: "Error: Declined" },
  ],
  ["an empty error", { error: "" }, { becomes: "Error: " }],
  [
    "a very long error, shortened",
    { error: "x".repeat(2_000_000) },
    {
      becomes: expect.stringMatching(
        /^Error: x{16000,17000}[^x].{0,100}$/,
      ) as string,
    },
  ],
  [
    "a value of 800 KiB",
    { value: large },
    { awaitedAs: v.string(), becomes: large },
  ],
];

/** Both orders of sending and awaiting an event. */
const ways: [string, boolean][] = [
  ["sent before it is awaited", true],
  ["sent while it is awaited", false],
];

describe.each(ways)("an event %s", (_way, startAsync) => {
  test.each(payloads)(
    "gives the handler %s",
    async (_what, payload, { awaitedAs, becomes }) => {
      const t = newBackend();
      const handler = awaiting(awaitedAs);
      const workflowId = await startHandler(t, handler, { startAsync });
      await sendGo(t, workflowId, payload);
      await expectStorableRows(t);
      await drain();
      expect(await eventStates(t)).toEqual(["go consumed"]);
      expect(await statusOf(t, workflowId)).toEqual(completed(becomes));
    },
  );
});

let deep: unknown = "deep";
for (let level = 0; level < 20; level++) deep = [deep];

test.each<[string, Payload, RegExp]>([
  [
    "doesn't match its own validator",
    { value: 7, validator: v.string() },
    /^Invalid value for event "go": .*string/,
  ],
  [
    "is missing, and its own validator asks for one",
    { validator: v.string() },
    /^Invalid value for event "go": /,
  ],
  [
    "is over 800 KiB: the error gives its size, the maximum and its beginning",
    { value: `begins ${textOf(MAX_RESULT_BYTES + 1 - "begins ".length)}` },
    /^(?=[^]{0,17000}$).*819201 bytes.*819200 bytes.*begins xxx/,
  ],
  ["is nested too deep", { value: deep }, /event "go".*nested/],
  [
    "has too many fields",
    {
      value: Object.fromEntries(
        Array.from({ length: 1025 }, (_, field) => [`f${field}`, field]),
      ),
    },
    /event "go".*1025 fields/,
  ],
])(
  "sendEvent throws and writes nothing if the value %s",
  async (_what, payload, error) => {
    const t = newBackend();
    const workflowId = await startHandler(t, awaiting(v.string()));
    await expectRefused(t, error, () => sendGo(t, workflowId, payload));
    // The event can still be sent.
    await sendGo(t, workflowId, { value: "as it should be" });
    await drain();
    expect(await statusOf(t, workflowId)).toEqual(completed("as it should be"));
  },
);

test("a definition from defineEvent provides the name and the validator on both sides", async () => {
  const approval = defineEvent({
    name: "approval",
    validator: v.object({ approved: v.boolean() }),
  });
  const t = newBackend();
  const workflowId = await startHandler(t, async (step) => {
    const { approved } = await step.awaitEvent({ ...approval, timeout: 1000 });
    const again = await step.awaitEvent(approval);
    return [approved, again.approved];
  });
  await expectRefused(t, /event "approval"/, () =>
    send(t, { ...approval, workflowId, value: { approved: "perhaps" } }),
  );
  await send(t, { ...approval, workflowId, value: { approved: true } });
  await send(t, { ...approval, workflowId, value: { approved: false } });
  await drain();
  expect(await statusOf(t, workflowId)).toEqual(completed([true, false]));
  const names = (await rows(t, "events")).map(({ name }) => name);
  expect(names).toEqual(["approval", "approval"]);
});

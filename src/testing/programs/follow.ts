import { expect } from "vitest";
import { PROGRAMS } from "./programs.js";

/** A deployment of the programs' app. */
export interface Backend {
  call(name: "start" | "manage" | "look", args: object): Promise<unknown>;
  advance(ms: number): Promise<void>;
  /** Runs until no work remains. */
  drain(): Promise<void>;
}

/** Runs a program and returns its outcome. */
export async function follow(title: string, backend: Backend) {
  const { input, meanwhile = [] } = PROGRAMS[title]!;
  const id = (await backend.call("start", {
    title,
    ...(input === undefined ? {} : { input }),
  })) as string;
  let now = 0;
  for (const [at, request] of meanwhile) {
    await backend.advance(at - now);
    now = at;
    await backend.call("manage", { id, request });
  }
  await backend.drain();
  const { effects, ...ended } = (await backend.call("look", { id })) as {
    effects: unknown[];
  };
  return { ...ended, effects: inAnyOrder(effects) };
}

/** Returns a program's expected outcome. */
export function expected(title: string) {
  const { returns, ends, writes = [], calls } = PROGRAMS[title]!;
  const status = ends ?? { type: "completed" as const, result: returns };
  const kind = {
    completed: "success",
    failed: "failed",
    canceled: "canceled",
  }[status.type];
  return {
    status,
    ends: calls ?? [kind],
    effects: inAnyOrder(writes),
  };
}

const inAnyOrder = (values: unknown[]) =>
  values.map((value) => [text(value), value] as const).sort(byText);

const text = (value: unknown) =>
  JSON.stringify(value, (_key, inner) =>
    typeof inner === "bigint" ? `${inner}` : (inner as unknown),
  );

const byText = (
  a: readonly [string, unknown],
  b: readonly [string, unknown],
) => (a[0] < b[0] ? -1 : a[0] > b[0] ? 1 : 0);

export const followsAsExpected = async (title: string, backend: Backend) =>
  expect(await follow(title, backend)).toEqual(expected(title));

import type { HopStyle } from "./program.js";

/** Waits for `count` microtasks, in one of the ways that handlers use unknowingly. */
export async function hop(style: HopStyle, count: number): Promise<void> {
  switch (style) {
    case "await":
      for (let i = 0; i < count; i++) await Promise.resolve();
      return;
    case "then": {
      let chain = Promise.resolve();
      for (let i = 0; i < count; i++) chain = chain.then(() => undefined);
      return await chain;
    }
    case "thenable":
      return void (await thenable(count));
    case "generator":
      for await (const _ of countTo(count));
      return;
    case "nested":
      return await nested(count);
  }
}

function thenable(depth: number): Promise<unknown> {
  const inner = depth > 0 ? () => thenable(depth - 1) : () => undefined;
  return {
    then: (resolve: (value: unknown) => void) => resolve(inner()),
  } as Promise<unknown>;
}

async function* countTo(count: number) {
  for (let i = 0; i < count; i++) yield i;
}

async function nested(depth: number): Promise<void> {
  if (depth > 0) await nested(depth - 1);
}

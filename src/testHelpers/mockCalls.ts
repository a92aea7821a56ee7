import { convexToJson, jsonToConvex, type Value } from "convex/values";
import type { Backend, Mock } from "./backends.js";

interface Address {
  name?: string;
  reference?: string;
  functionHandle?: string;
}

/** Returns the handle that convex-test gives to a function called in `componentPath`. */
export function pathOf(address: Address, componentPath: string): string {
  const { name, reference, functionHandle } = address;
  if (functionHandle !== undefined) return functionHandle;
  if (name !== undefined) return `function://${componentPath};${name}`;
  // For example, _reference/childComponent/emails/outbox/send.
  const [, , child, ...rest] = (reference ?? "").split("/");
  const fn = rest.pop();
  const component = [componentPath, child].filter(Boolean).join("/");
  return `function://${component};${rest.join("/")}:${fn}`;
}

export const findMock = (
  { mocks }: Backend,
  address: Address,
  componentPath = "",
): Mock | undefined => {
  const path = pathOf(address, componentPath);
  return mocks.find((mock) => mock.path === path);
};

/** Calls `fn` as Convex calls a function, so its result must be storable. */
export const callMock = async ({ fn }: Mock, args: unknown) =>
  jsonToConvex(convexToJson(((await fn(args)) ?? null) as Value));

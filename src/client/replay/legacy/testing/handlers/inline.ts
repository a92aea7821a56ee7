import { act, hops, message, mutate, read, type Handler } from "./calls.js";

const inline = { inline: true };

export const inlineOnly: Handler = async (step) => {
  const x: unknown = await mutate(step, "i1", {}, inline);
  const y: unknown = await read(step, "i2", { of: x }, inline);
  let caught = "";
  try {
    await mutate(step, "i3", { error: "inline failure" }, inline);
  } catch (error) {
    caught = message(error);
  }
  return [
    x,
    y,
    caught,
    await mutate(step, "plain", { caught }),
    await mutate(step, "i4", {}, inline),
  ];
};

export const inlineAmongOthers: Handler = async (step) => {
  const parts = await Promise.all([
    mutate(step, "n1"),
    mutate(step, "i1", {}, inline),
    read(step, "i2", {}, inline),
    act(step, "n2"),
  ]);
  const more = await Promise.all([
    read(step, "i3", {}, inline),
    read(step, "i4", {}, inline),
  ]);
  return [parts, more, await mutate(step, "n3")];
};

/** Under 0.4, the replay of this handler asks for steps in another order than its first turn. */
export const inlineBranches: Handler = async (step) => {
  const quick = async (): Promise<unknown> => [
    await mutate(step, "i1", {}, inline),
    await mutate(step, "i2", {}, inline),
    await mutate(step, "n1"),
  ];
  const slow = async (): Promise<unknown> => {
    await hops(30);
    return [await mutate(step, "i3", {}, inline), await mutate(step, "n2")];
  };
  return await Promise.all([quick(), slow()]);
};

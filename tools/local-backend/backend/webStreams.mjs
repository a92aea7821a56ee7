// @ts-check
import vm from "node:vm";
import { contextCode } from "./globalsCode.mjs";

/** Evaluated only on demand, because it takes longer than most functions, and few need streams. */
const streams = new vm.Script(contextCode().streams, {
  filename: "convex:/_system/streams.js",
});
const lazily = new vm.Script(
  `(function (names, load) {
    for (const name of names)
      Object.defineProperty(globalThis, name, {
        configurable: true,
        get() {
          const classes = load();
          for (const each of names) set(each, classes[each]);
          return globalThis[name];
        },
        set: (value) => set(name, value),
      });
    function set(name, value) {
      Object.defineProperty(globalThis, name, { value, writable: true, configurable: true });
    }
  })`,
  { filename: "convex:/_system/lazily.js" },
);

const NAMES = [
  ...["ByteLengthQueuingStrategy", "CountQueuingStrategy"],
  ...["ReadableByteStreamController", "ReadableStream"],
  ...["ReadableStreamBYOBReader", "ReadableStreamBYOBRequest"],
  ...["ReadableStreamDefaultController", "ReadableStreamDefaultReader"],
  ...["TextDecoderStream", "TextEncoderStream"],
  ...["TransformStream", "TransformStreamDefaultController"],
  ...["WritableStream", "WritableStreamDefaultController"],
  "WritableStreamDefaultWriter",
];

/** @param {import("node:vm").Context} context gets the globals of web streams */
export function installWebStreams(context) {
  lazily.runInContext(context)(NAMES, () => streams.runInContext(context));
}

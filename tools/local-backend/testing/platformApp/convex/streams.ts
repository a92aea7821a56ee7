/** Web streams. */
import { actionGeneric as action, queryGeneric as query } from "convex/server";

const NAMES = [
  ...["ReadableStream", "WritableStream", "TransformStream"],
  ...["TextDecoderStream", "TextEncoderStream"],
  ...["ByteLengthQueuingStrategy", "CountQueuingStrategy"],
  ...["ReadableStreamDefaultReader", "WritableStreamDefaultWriter"],
];

/** As the AI SDK does when its module is evaluated. */
class Upper extends TransformStream<string, string> {
  constructor() {
    super({
      transform: (chunk, controller) =>
        controller.enqueue(chunk.replace("GR", "gr")),
    });
  }
}

export const kinds = query({
  args: {},
  handler: async () => ({
    missing: NAMES.filter((name) => !(name in globalThis)),
    readOnly: NAMES.filter((name) => {
      const before = Reflect.get(globalThis, name) as unknown;
      Reflect.set(globalThis, name, 1);
      const after = Reflect.get(globalThis, name) as unknown;
      Reflect.set(globalThis, name, before);
      return after !== 1;
    }),
  }),
});

export const splits = query({
  args: {},
  handler: async () => {
    const bytes = new TextEncoder().encode("GRüße 🙂!");
    const cuts = [0, 5, 11, 12, bytes.length];
    const source = new ReadableStream<Uint8Array>({
      start(controller) {
        cuts.slice(1).forEach((end, i) => {
          controller.enqueue(bytes.subarray(cuts[i], end));
        });
        controller.close();
      },
    });
    const seen: string[] = [];
    await source
      .pipeThrough(new TextDecoderStream() as never)
      .pipeThrough(new Upper())
      .pipeTo(
        new WritableStream({ write: (text: string) => void seen.push(text) }),
      );
    return seen;
  },
});

export const bodies = action({
  args: {},
  handler: async () => {
    const streamed = new ReadableStream<string>({
      start(controller) {
        controller.enqueue("one");
        controller.enqueue(", two");
        controller.close();
      },
    }).pipeThrough(new TextEncoderStream());
    const response = new Response("three");
    const texts = [];
    for await (const chunk of response.body! as never as AsyncIterable<Uint8Array>)
      texts.push(new TextDecoder().decode(chunk));
    const reader = new Response("two").body!.getReader();
    const { value } = await reader.read();
    return [
      await new Response(streamed).text(),
      texts.join(""),
      new Response().body,
      Array.from(value!),
    ];
  },
});

/** Web streams, which each context creates when it needs them, because V8 has none. */
import { TransformStream } from "web-streams-polyfill";

export {
  ByteLengthQueuingStrategy,
  CountQueuingStrategy,
  ReadableByteStreamController,
  ReadableStream,
  ReadableStreamBYOBReader,
  ReadableStreamBYOBRequest,
  ReadableStreamDefaultController,
  ReadableStreamDefaultReader,
  TransformStream,
  TransformStreamDefaultController,
  WritableStream,
  WritableStreamDefaultController,
  WritableStreamDefaultWriter,
} from "web-streams-polyfill";

class Pair {
  #transform;

  constructor(transformer) {
    this.#transform = new TransformStream(transformer);
  }
  get readable() {
    return this.#transform.readable;
  }
  get writable() {
    return this.#transform.writable;
  }
}

export class TextEncoderStream extends Pair {
  constructor() {
    const encoder = new TextEncoder();
    super({
      transform(chunk, controller) {
        const bytes = encoder.encode(String(chunk));
        if (bytes.byteLength > 0) controller.enqueue(bytes);
      },
    });
  }
  get encoding() {
    return "utf-8";
  }
}

export class TextDecoderStream extends Pair {
  #decoder;

  constructor(label = "utf-8", options = {}) {
    const decoder = new TextDecoder(label, options);
    /** The first bytes of a character that continues in the next chunk. */
    let rest = new Uint8Array();
    const decode = (bytes, controller) => {
      const text = decoder.decode(bytes);
      if (text !== "") controller.enqueue(text);
    };
    super({
      transform(chunk, controller) {
        const bytes = joined(rest, bytesOf(chunk));
        const length = wholeCharacters(bytes);
        rest = bytes.slice(length);
        decode(bytes.subarray(0, length), controller);
      },
      flush(controller) {
        decode(rest, controller);
      },
    });
    this.#decoder = decoder;
  }
  get encoding() {
    return this.#decoder.encoding;
  }
}

function bytesOf(chunk) {
  return ArrayBuffer.isView(chunk)
    ? new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    : new Uint8Array(chunk);
}

function joined(first, second) {
  const all = new Uint8Array(first.length + second.length);
  all.set(first);
  all.set(second, first.length);
  return all;
}

/** Returns the number of bytes up to a UTF-8 character that is cut at the end. */
function wholeCharacters(bytes) {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back];
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

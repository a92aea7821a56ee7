import { once } from "node:events";
import { WebSocket } from "ws";

/** Sends single messages of the sync protocol, to test cases that no client produces. */
export class RawSyncClient {
  readonly received: any[] = [];
  closed: { code: number; reason: string } | undefined;
  readonly #socket: WebSocket;

  constructor(url: string) {
    this.#socket = new WebSocket(`${url.replace("http", "ws")}/api/1.0.0/sync`);
    this.#socket.on("message", (data: Buffer) =>
      this.received.push(JSON.parse(data.toString())),
    );
    this.#socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
  }

  async connect(sessionId = "session") {
    await once(this.#socket, "open");
    this.send({ type: "Connect", sessionId, connectionCount: 0 });
    return this;
  }

  send(message: object | string) {
    this.#socket.send(
      typeof message === "string" ? message : JSON.stringify(message),
    );
  }

  /** Adds queries, by id, to an empty query set. */
  watch(queries: Record<number, string>) {
    this.send({
      type: "ModifyQuerySet",
      baseVersion: 0,
      newVersion: 1,
      modifications: Object.entries(queries).map(([id, udfPath]) => ({
        type: "Add",
        queryId: Number(id),
        udfPath,
        args: [{}],
      })),
    });
  }

  mutate(requestId: number, udfPath: string, args: object = {}) {
    this.send({ type: "Mutation", requestId, udfPath, args: [args] });
  }

  /** Cuts the connection without a close message. */
  cut() {
    this.#socket.terminate();
  }

  ofType(type: string) {
    return this.received.filter((message) => message.type === type);
  }
}

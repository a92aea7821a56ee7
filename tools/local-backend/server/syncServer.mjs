import { once } from "node:events";
import { WebSocketServer } from "ws";
import { MutationMemory } from "./mutationMemory.mjs";
import { SyncSession } from "./syncSession.mjs";

const SYNC_PATH = /^\/api\/[^/]+\/sync$/;

/** Clients consider a connection dead after a minute of silence. */
const PING_MS = 15_000;

/** How long clients have to close their connection. */
const CLOSING_MS = 500;

const GOING_AWAY = 1001;
const INTERNAL_ERROR = 1011;

/**
 * Serves WebSocket connections of `ConvexClient`, `ConvexReactClient` and
 * `npx convex run --watch`.
 */
export class SyncServer {
  #webSockets = new WebSocketServer({ noServer: true });
  /** @type {Set<SyncSession>} */
  #sessions = new Set();
  #mutations = new MutationMemory();
  #pings = setInterval(() => this.#ping(), PING_MS);
  #shared;

  /** @param {{ call: Function, clock: import("./clock.mjs").Clock, adminKey: string }} shared */
  constructor(shared) {
    this.#shared = shared;
  }

  /** Takes over the connection of an HTTP server's `upgrade` event. */
  upgrade(request, socket, head) {
    const { pathname } = new URL(request.url, "http://localhost");
    if (!SYNC_PATH.test(pathname)) {
      return socket.end(
        "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n",
      );
    }
    this.#webSockets.handleUpgrade(request, socket, head, (webSocket) =>
      this.#serve(webSocket),
    );
  }

  /** @param {import("../backend/types.mjs").TableSet} [writes] without them, anything may have changed */
  dataChanged(writes) {
    for (const session of this.#sessions) session.dataChanged(writes);
  }

  async close() {
    clearInterval(this.#pings);
    const { clients } = this.#webSockets;
    const closed = [...clients].map((webSocket) => once(webSocket, "close"));
    for (const webSocket of clients) webSocket.close(GOING_AWAY);
    const giveUp = setTimeout(() => {
      for (const webSocket of clients) webSocket.terminate();
    }, CLOSING_MS);
    await Promise.all(closed);
    clearTimeout(giveUp);
  }

  #serve(webSocket) {
    const fail = (reason) => webSocket.close(INTERNAL_ERROR, reason);
    const session = new SyncSession({
      ...this.#shared,
      mutations: this.#mutations,
      // Does nothing if the connection is already closed.
      send: (message) => webSocket.send(JSON.stringify(message), () => {}),
      fail,
    });
    this.#sessions.add(session);
    webSocket.on("close", () => this.#sessions.delete(session));
    // A `close` event follows.
    webSocket.on("error", () => {});
    webSocket.on("message", (data) => {
      try {
        session.receive(JSON.parse(data));
      } catch (error) {
        console.error(`A client's message was refused: ${error.message}`);
        fail("InternalServerError");
      }
    });
  }

  #ping() {
    for (const webSocket of this.#webSockets.clients) {
      webSocket.send(JSON.stringify({ type: "Ping" }), () => {});
    }
  }
}

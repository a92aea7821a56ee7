import { HttpError } from "./http.mjs";

/**
 * What comes before the first push: a client that was connected to an earlier
 * server waits for it, rather than be told that its queries don't exist;
 * whoever sends a request is told what to wait for.
 */
export class FirstPush {
  #isDone = false;
  #announce;
  #done = new Promise((resolve) => (this.#announce = resolve));

  finish() {
    this.#isDone = true;
    this.#announce();
  }

  /** @returns a call that waits for it */
  waitingFor(call) {
    return async (request) => {
      await this.#done;
      return call(request);
    };
  }

  /** @returns a call that is refused before it */
  requiredFor(call) {
    return (request) => {
      if (this.#isDone) return call(request);
      throw new HttpError(
        400,
        "NothingPushed",
        "No functions have been pushed to the local server yet: see what `npm run dev:local` prints.",
      );
    };
  }
}

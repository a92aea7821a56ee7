import { HttpError } from "./http.mjs";

/**
 * Handles connections and requests before the first push. A client of an earlier server waits for the push, because
 * its queries don't exist yet. A request gets an error that names the push.
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

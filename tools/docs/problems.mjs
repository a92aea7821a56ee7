/** Collects the documents' problems, each with its location. */
export class Problems {
  /** @type {{ source: string, line?: number, message: string }[]} */
  found = [];

  /**
   * @param {{ source: string, line?: number }} place
   * @param {string} message
   */
  add({ source, line }, message) {
    this.found.push({ source, line, message });
  }

  /**
   * Removes the deliberate errors. Each `<!-- wrong: text -->` of a document must have caused one problem with that
   * text.
   */
  takeOutIntended({ source, lines }) {
    const intended = lines.flatMap((text, at) => {
      const wrong = /^<!-- wrong: (.*) -->$/.exec(text)?.[1];
      return wrong === undefined ? [] : [{ wrong, line: at + 1 }];
    });
    for (const { wrong, line } of intended) {
      const next =
        intended.find((other) => other.line > line)?.line ?? Infinity;
      const isAbout = (problem) =>
        problem.source === source &&
        problem.line > line &&
        problem.line < next &&
        problem.message.includes(wrong);
      if (!this.found.some(isAbout))
        this.add({ source, line }, `the checker did not complain: ${wrong}`);
      this.found = this.found.filter((problem) => !isAbout(problem));
    }
  }

  *texts() {
    for (const { source, line, message } of this.found)
      yield `${line === undefined ? source : `${source}:${line}`}: ${message}`;
  }
}

/**
 * Runs inside each function's context, after its globals are installed: loads
 * modules and calls the function. What crosses to the host is text, functions
 * of the host that take and give text, and the bundle's own module functions.
 */
(function (host, bundle) {
  "use strict";
  const { parse, stringify } = JSON;
  const convexError = Symbol.for("ConvexError");
  const modules = new Map();
  let evaluating = 0;

  function load(path) {
    const known = modules.get(path);
    if (known) return known.exports;
    const module = { exports: {} };
    modules.set(path, module);
    const evaluate = bundle.moduleFunction(path);
    const require = (specifier) => {
      // An import statement's is called while its module is evaluated, that of
      // a dynamic import afterwards.
      if (evaluating === 0 && !host.allowsDynamicImport)
        throw new Error(
          "Dynamic import is not supported in queries and mutations",
        );
      return load(bundle.resolve(path, specifier));
    };
    evaluating++;
    try {
      evaluate(module.exports, require, module);
    } finally {
      evaluating--;
    }
    return module.exports;
  }

  /** Has a router answer an HTTP request. Bodies cross in base64. */
  async function respond(router, argsJson) {
    const [{ method, url, headers, body }] = parse(argsJson);
    const route = router.lookup(new URL(url).pathname, method);
    const bytes = body && Uint8Array.from(atob(body), (c) => c.charCodeAt(0));
    const response = route
      ? await route[0].invokeHttpAction(
          new Request(url, { method, headers, body: bytes }),
        )
      : new Response("No matching routes found", { status: 404 });
    const answer = new Uint8Array(await response.arrayBuffer());
    return stringify({
      status: response.status,
      headers: [...response.headers],
      body: btoa(Array.from(answer, (b) => String.fromCharCode(b)).join("")),
    });
  }

  /** What the caller of the function is told of whatever it has thrown. */
  function describe(thrown) {
    const isObject = typeof thrown === "object" && thrown !== null;
    const stack = isObject && typeof thrown.stack === "string" && thrown.stack;
    return stringify({
      message: `Uncaught ${text(thrown)}`,
      frames: stack ? stack : "",
      // The function's own wrapper has turned it into text already.
      data: isObject && convexError in thrown ? String(thrown.data) : undefined,
    });
  }

  function text(thrown) {
    try {
      return String(thrown);
    } catch {
      return "[object]";
    }
  }

  return {
    /** Acts when the microtasks run next. */
    invoke(path, name, method, argsJson) {
      void Promise.resolve()
        .then(() => {
          const target = load(path)[name];
          if (method === "invokeHttp") return respond(target, argsJson);
          // An action's first argument is the request's id.
          return method === "invokeAction"
            ? target[method]("", argsJson)
            : target[method](argsJson);
        })
        .then(
          (result) => host.settle(true, result),
          (thrown) => host.settle(false, describe(thrown)),
        );
    },
  };
});

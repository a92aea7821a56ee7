// @vitest-environment node
import { once } from "node:events";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import net, { type AddressInfo } from "node:net";
import path from "node:path";
import { ConvexClient } from "convex/browser";
import {
  afterAll,
  afterEach,
  beforeAll,
  describe,
  expect,
  test,
  vi,
} from "vitest";
import { ROOT } from "../paths.mjs";
import { run } from "../run.mjs";
import { parseDevOptions } from "./devOptions.mjs";
import { findServer } from "./devState.mjs";
import { action, mutation, query } from "./server/testServer.js";
import { copyExample, moveFunctions, writeNotes } from "./testing/appCopy.js";
import { descendantsOf, isAlive } from "./testing/descendants.js";
import {
  convex,
  killLeftovers,
  startDev,
  startDevByNpm,
  startDevWith,
  startPushedDev,
  whenPushed,
} from "./testing/devProcess.js";
import { eventually } from "./testing/eventually.js";

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

let app: string;
let removeApp: () => Promise<void>;
beforeAll(async () => {
  ({ app, remove: removeApp } = await copyExample());
});
afterAll(async () => {
  killLeftovers();
  await removeApp();
});

describe("a running server", () => {
  const ENV_FILE = "CONVEX_URL=https://mine.convex.cloud\n";
  let server: Awaited<ReturnType<typeof startPushedDev>>;
  let client: ConvexClient;
  let seen: unknown[];

  beforeAll(async () => {
    await writeFile(path.join(app, ".env.local"), ENV_FILE);
    const port = await freePort();
    const options = ["--port", `${port}`, "--admin-key", "the key|1:2"];
    server = await startPushedDev(app, ...options);
    expect(server.url).toBe(`http://127.0.0.1:${port}`);
    client = new ConvexClient(server.url, { logger: false });
    seen = [];
    client.onUpdate(query("notes:list"), {}, (value) => void seen.push(value));
  });
  afterAll(async () => {
    await client?.close();
    await server?.dev.stop();
  });

  const addNote = (text: string) =>
    client.mutation(mutation("notes:add"), { text });

  test("prints two lines that let the Convex CLI call functions", async () => {
    const cli = path.join(ROOT, "node_modules/convex/bin/main.js");
    const lines = server.dev.output.match(/^ *export .*$/gm)!;
    expect(lines).toHaveLength(2);
    const script = `${lines.join("\n")}\nexec "$1" "$0" run notes:list`;
    const { code, output } = await run(
      "sh",
      ["-c", script, cli, process.execPath],
      { cwd: app },
    );
    expect(code, output).toBe(0);
    expect(output).toContain('"listed"');
  });

  test("prints commands of its own app, and the parts of it that it doesn't serve", async () => {
    const { output } = server.dev;
    expect(output).toContain(
      `npm run convex -- --app ${app} run welcome:signUp '{ "name": "…" }'`,
    );
    expect(output).toContain(
      `npm run convex -- --app ${app} run --watch notes:job '{}'`,
    );
    expect(output).not.toContain("exampleArg");
    expect(output).toMatch(/doesn't serve:\n {2}- crons[^\n]*\nPushed/);
  });

  test("pushes a change and keeps the data, even after a change that doesn't build", async () => {
    await addNote("kept");
    const broken = path.join(app, "convex/broken.ts");
    await writeFile(broken, 'import "./nowhere.js";');
    await server.dev.prints(/nowhere\.js[^]*Not pushed/);
    await writeFile(broken, "export {};");
    await writeNotes(app, "changed");
    await eventually(() => seen.at(-1)).toEqual(["changed", "kept"]);
  });

  test("is the only one for its app", async () => {
    const second = startDev(app);
    expect(await second.exits()).toBe(1);
    expect(second.output).toContain(`a local server already: ${server.url}`);
  });

  test("a function that loops blocks neither other calls nor a signal", async () => {
    void client.action(action("notes:loop"), {}).catch(() => {});
    await server.dev.prints("'looping'");
    await addNote("meanwhile");
    expect(seen.at(-1)).toContain("meanwhile");
    expect(await server.dev.stop("SIGTERM")).toBe(0);
  });

  test("doesn't change an .env.local, which may name a real deployment", async () => {
    const content = await readFile(path.join(app, ".env.local"), "utf8");
    expect(content).toBe(ENV_FILE);
  });

  test("can be restarted on its port, and subscriptions continue", async () => {
    const { url } = server;
    const key = { CONVEX_SELF_HOSTED_ADMIN_KEY: "of the environment" };
    server = await whenPushed(
      app,
      startDevWith(key, app, "--port", new URL(url).port),
    );
    expect(server).toMatchObject({ url, adminKey: "of the environment" });
    // The notes were lost with the first server, because they are in memory.
    await eventually(() => seen.at(-1)).toEqual(["changed"]);
    await addNote("after");
    expect(seen.at(-1)).toEqual(["changed", "after"]);
  });
});

describe("without a running server", () => {
  let otherApp: string;
  let removeOther: () => Promise<void>;
  beforeAll(async () => {
    ({ app: otherApp, remove: removeOther } = await copyExample());
    await moveFunctions(otherApp, "src/backend");
    await writeFile(
      path.join(otherApp, "src/backend/auth.config.ts"),
      'export default { providers: [{ domain: process.env.LOGIN_DOMAIN!, applicationID: "x" }] };',
    );
  });
  afterEach(killLeftovers);
  afterAll(() => removeOther());

  test("stopping ends a push, frees the port and leaves nothing behind", async () => {
    const dev = startDev(otherApp);
    await dev.prints("Pushing");
    let children: number[] = [];
    await eventually(async () => {
      children = await descendantsOf(dev.child.pid!);
      return children;
    }).not.toEqual([]);
    const { url } = (await findServer(otherApp))!;
    expect(await dev.stop()).toBe(0);

    expect(dev.output).not.toMatch(/pushed/i);
    await eventually(() => children.filter(isAlive)).toEqual([]);
    await expect(fetch(`${url}/version`)).rejects.toThrow();
    expect(await findServer(otherApp)).toBeUndefined();
    expect(existsSync(path.join(otherApp, ".env.local"))).toBe(false);
  });

  test("names the variable that a push lacks, and stops when npm is killed", async () => {
    const dev = startDevByNpm(otherApp);
    await dev.prints(/LOGIN_DOMAIN is used in auth config file[^]*Not pushed/);
    const { url } = (await findServer(otherApp))!;
    const children = await descendantsOf(dev.child.pid!);
    expect(children).not.toEqual([]);
    dev.child.kill("SIGKILL");
    await eventually(() => children.filter(isAlive)).toEqual([]);
    await expect(fetch(`${url}/version`)).rejects.toThrow();
    expect(await findServer(otherApp)).toBeUndefined();
  });

  test("a taken port is reported", async () => {
    const blocker = net.createServer().listen(0, "127.0.0.1");
    await once(blocker, "listening");
    const { port } = blocker.address() as AddressInfo;
    const dev = startDev(otherApp, "--site-port", `${port}`);
    expect(await dev.exits()).toBe(1);
    expect(dev.output).toContain(`Port ${port} is taken`);
    blocker.close();
  });

  test.each([
    ["--port", "http", '--port must be a number up to 65535, not "http"'],
    ["--app", "/nowhere", "/nowhere has no convex/"],
    ["--fast", "", "--fast"],
  ])("%s %s is refused", (option, value, message) => {
    expect(() => parseDevOptions([option, value])).toThrow(message);
  });

  test("the CLI says how to start one", async () => {
    const { code, output } = await convex(otherApp, "run", "notes:list");
    expect(code).toBe(1);
    expect(output).toContain("npm run dev:local");
  });
});

async function freePort() {
  const blocker = net.createServer().listen(0, "127.0.0.1");
  await once(blocker, "listening");
  const { port } = blocker.address() as AddressInfo;
  blocker.close();
  return port;
}

import { once } from "node:events";

/** Only this machine can connect. */
const HOST = "127.0.0.1";

/**
 * @param {import("node:http").Server} server
 * @param {number} port 0: any that is free
 * @returns {Promise<string>} its URL
 * @throws if the port is taken
 */
export async function listen(server, port) {
  server.listen(port, HOST);
  try {
    await once(server, "listening");
  } catch (error) {
    if (error.code !== "EADDRINUSE") throw error;
    throw new Error(
      `Port ${port} is taken. Choose another with --port or --site-port, or leave it out to get a free one.`,
      { cause: error },
    );
  }
  return `http://${HOST}:${server.address().port}`;
}

/**
 * Stops accepting connections, and cuts the existing ones after `goodbye`.
 *
 * @param {import("node:http").Server} server
 */
export async function close(server, goodbye = async () => {}) {
  const closed = once(server, "close");
  server.close();
  await goodbye();
  server.closeAllConnections();
  await closed;
}

// A telephone line to the server, so that a connection can be cut under a client.
import { once } from "node:events";
import { connect, createServer } from "node:net";

export async function line(origin) {
  const { hostname, port } = new URL(origin);
  const ends = new Set();
  const server = createServer((near) => {
    const far = connect(Number(port), hostname);
    near.pipe(far).pipe(near);
    for (const end of [near, far]) {
      ends.add(end);
      end.on("error", () => {});
      end.on("close", () => {
        ends.delete(end);
        near.destroy();
        far.destroy();
      });
    }
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  const address = `127.0.0.1:${server.address().port}/graphql`;
  return {
    http: `http://${address}`,
    ws: `ws://${address}`,
    cut: () => ends.forEach((end) => end.resetAndDestroy()),
  };
}

// graphql-ws: everything over one WebSocket.
import { deepEqual, equal, ok } from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { OPERATIONS, say, snapshot } from "./documents.mjs";
import { line } from "./line.mjs";
import { check, done, given, signedIn, within } from "./report.mjs";
import { story } from "./story.mjs";

const { ws, cut } = await line(given.origin);
const make = (options) => createClient({ url: ws, webSocketImpl: WebSocket, retryAttempts: 0, ...options });

async function* follow(client, query, variables) {
  try {
    yield* client.iterate({ query, variables });
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors;
    yield { errors };
  }
}

async function ask(client, query, variables) {
  for await (const result of follow(client, query, variables)) return result;
}

const ann = make({ connectionParams: signedIn });
await story({
  ask: (...operation) => ask(ann, ...operation),
  follow: (...operation) => follow(ann, ...operation),
  cut,
});

await check("without a token in connection_init one is nobody", async () => {
  const nobody = make();
  deepEqual((await ask(nobody, OPERATIONS.WhoAmI)).data, { viewer: null });
  await nobody.dispose();
});

await check("a bad token in connection_init closes with 4401, and the client does not come back", async () => {
  let sockets = 0;
  const stranger = make({
    connectionParams: { authorization: "Bearer nonsense" },
    retryAttempts: 5,
    on: { opened: () => (sockets += 1) },
  });
  const reason = await ask(stranger, OPERATIONS.WhoAmI).catch((close) => close);
  deepEqual([reason.code, sockets], [4401, 1]);
});

await check("a token may be got anew for each connection", async () => {
  let got = 0;
  const client = make({ connectionParams: async () => ((got += 1), signedIn) });
  ok((await ask(client, OPERATIONS.WhoAmI)).data.viewer);
  await client.terminate();
  ok((await ask(client, OPERATIONS.WhoAmI)).data.viewer);
  equal(got, 2);
  await client.dispose();
});

await check("the client's own pings are answered with what they said", async () => {
  let pong;
  const answered = new Promise((resolve) => (pong = resolve));
  const client = make({
    lazy: false,
    on: {
      connected: (socket) => socket.send(JSON.stringify({ type: "ping", payload: { said: "hello" } })),
      pong: (received, payload) => received && pong(payload),
    },
  });
  deepEqual(await within(answered), { said: "hello" });
  await client.dispose();
});

await check("a client that retries by itself loses nothing", async () => {
  const client = make({ connectionParams: signedIn, retryAttempts: 5, retryWait: async () => {} });
  const heard = new Set();
  const { after, known } = await snapshot();
  const feed = client.iterate({
    query: OPERATIONS.BoardAsAttendeeLive,
    variables: { boardId: given.boardId, after },
  });
  const until = async (body) => {
    while (!heard.has(body)) {
      const { questionBoard } = (await within(feed.next())).value.data;
      const { __typename, node } = questionBoard;
      if (__typename === "Added" && !known.has(node.id)) heard.add(node.body);
    }
  };
  await Promise.all([until("Un?"), say("Un?")]);
  cut();
  await say("Deux?");
  await until("Deux?");
  deepEqual([...heard], ["Un?", "Deux?"]);
  await client.dispose();
});

done();

// graphql-sse, each operation over a connection of its own; and the stream as EventSource would read it.
import { deepEqual, equal, match } from "node:assert/strict";
import { createClient } from "graphql-sse";
import { OPERATIONS, say, snapshot } from "./documents.mjs";
import { line } from "./line.mjs";
import { check, done, given, signedIn, within } from "./report.mjs";
import { story } from "./story.mjs";

const { http, cut } = await line(given.origin);
const client = createClient({ url: http, headers: signedIn, retryAttempts: 0 });
const follow = (query, variables) => client.iterate({ query, variables });

async function ask(query, variables) {
  const results = [];
  for await (const result of follow(query, variables)) results.push(result);
  equal(results.length, 1);
  return results[0];
}

await story({ ask, follow, cut });

/** The stream's blocks, from a raw request. */
async function open(headers, after) {
  const control = new AbortController();
  const response = await fetch(`${given.origin}/graphql`, {
    method: "POST",
    signal: control.signal,
    headers: { "content-type": "application/json", accept: "text/event-stream", ...signedIn, ...headers },
    body: JSON.stringify({
      query: OPERATIONS.BoardAsAttendeeLive,
      variables: { boardId: given.boardId, after },
    }),
  });
  return { response, blocks: blocks(response.body), close: () => control.abort() };
}

async function* blocks(body) {
  let text = "";
  for await (const chunk of body.pipeThrough(new TextDecoderStream())) {
    const parts = (text + chunk).split("\n\n");
    text = parts.pop();
    for (const part of parts.filter((part) => !part.startsWith(":"))) {
      yield Object.fromEntries(part.split("\n").map((row) => row.split(/: ?(.*)/s, 2)));
    }
  }
}

const added = async (stream, known) => {
  for (;;) {
    const { id, event, data } = (await within(stream.blocks.next())).value;
    const { __typename, cursor, node } = JSON.parse(data).data.questionBoard;
    if (__typename === "Added" && !known.has(node.id)) return { id, event, cursor, body: node.body };
  }
};

await check("each event has its cursor as id", async () => {
  const { after, known } = await snapshot();
  const stream = await open({}, after);
  match(stream.response.headers.get("content-type"), /^text\/event-stream(;|$)/);
  await say("With id?");
  const first = await added(stream, known);
  deepEqual([first.event, first.id, first.body], ["next", first.cursor, "With id?"]);
  stream.close();
});

await check("Last-Event-ID goes on from there, whatever `after` was", async () => {
  const { after, known } = await snapshot();
  const before = await open({}, after);
  await say("Heard?");
  const { id } = await added(before, known);
  before.close();
  await say("Missed?");
  const again = await open({ "last-event-id": id }, after);
  equal((await added(again, known)).body, "Missed?");
  again.close();
});

await check("a stream without buffering and without a cache", async () => {
  const stream = await open({});
  match(stream.response.headers.get("cache-control") ?? "", /no-cache|no-store/);
  equal(stream.response.headers.get("content-length"), null);
  stream.close();
});

await check("a query by plain HTTP beside it", async () => {
  const response = await fetch(http, {
    method: "POST",
    headers: { "content-type": "application/json", accept: "application/json, text/event-stream", ...signedIn },
    body: JSON.stringify({ query: OPERATIONS.WhoAmI }),
  });
  match(response.headers.get("content-type"), /^application\/json/);
  equal((await response.json()).data.viewer.account.email, "ann@example.com");
});

done();

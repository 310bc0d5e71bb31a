// The client of docs/live.md, compiled.
import { deepEqual, equal } from "node:assert/strict";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { OPERATIONS, ask, say } from "./documents.mjs";
import { line } from "./line.mjs";
import { check, done, given, signedIn, within } from "./report.mjs";

const { follow } = await import(given.client);
const { ws, cut } = await line(given.origin);
const client = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: signedIn, retryAttempts: 0 });

async function snapshot() {
  const { questionBoard } = await ask(OPERATIONS.BoardAsAttendee, { boardId: given.boardId });
  const rows = [questionBoard.board, ...questionBoard.questions.nodes].map((row) => [row.id, row]);
  return { cursor: questionBoard.cursor, rows: new Map(rows) };
}

function following(variables) {
  const control = new AbortController();
  let state;
  let look = () => {};
  const show = (next) => ((state = next), look());
  const feed = { snapshot, document: OPERATIONS.BoardAsAttendeeLive, variables, show, signIn: async () => {} };
  const ended = follow(client, feed, control.signal);
  const until = (holds) => within(new Promise((resolve) => {
    look = () => state && holds(state.rows) && resolve(state);
    look();
  }));
  return { ended, until, stop: () => control.abort() };
}

await check("rows come, change and go, and a lost connection is taken up again", async () => {
  const { ended, until, stop } = following({ boardId: given.boardId });
  await until((rows) => rows.has(given.boardId));
  const { id } = await say("Here?");
  await until((rows) => rows.get(id)?.body === "Here?");
  cut();
  const other = { authorization: `Bearer ${given.otherToken}` };
  await ask(OPERATIONS.Upvote, { questionId: id }, other);
  await until((rows) => rows.get(id).votes === 1);
  await ask("mutation ($id: ID!) { withdrawQuestion(questionId: $id) { problems { code } } }", { id });
  await until((rows) => !rows.has(id));
  stop();
  equal(await ended, "stopped");
});

await check("what cannot be followed is thrown", async () => {
  const reason = await following({ boardId: given.nothing }).ended.catch((errors) => errors);
  deepEqual(reason.map(({ extensions }) => extensions.code), ["NOT_FOUND"]);
});

await check("it stops when it is told to", async () => {
  const { ended, until, stop } = following({ boardId: given.boardId });
  await until((rows) => rows.has(given.boardId));
  stop();
  equal(await ended, "stopped");
});

done();

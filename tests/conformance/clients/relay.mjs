// Relay: its runtime, with what its compiler made of relay/hall.js, over fetch and graphql-ws.
import { deepEqual, equal } from "node:assert/strict";
import { createRequire } from "node:module";
import { parse } from "graphql";
import { createClient } from "graphql-ws";
import relay from "relay-runtime";
import WebSocket from "ws";
import { OPERATIONS, ask as askPast, say } from "./documents.mjs";
import { iterate } from "./iterate.mjs";
import { line } from "./line.mjs";
import { check, done, given, signedIn, within } from "./report.mjs";
import { story } from "./story.mjs";

const { ConnectionHandler, Environment, Network, Observable, RecordSource, Store } = relay;
const { commitLocalUpdate, commitMutation, createOperationDescriptor, fetchQuery, requestSubscription } = relay;
const require = createRequire(import.meta.url);
const compiled = (name) => require(`${given.artifacts}/${name}.graphql.js`);

const { http, ws, cut } = await line(given.origin);
const sockets = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: signedIn, retryAttempts: 0 });
const answers = [];

/** Where the compiler has put the texts into a file of trusted documents, an id; graphql-ws wants a query all the same. */
const document = ({ text, id }) => (text ? { query: text } : { query: "", documentId: id });

const environment = new Environment({
  store: new Store(new RecordSource()),
  network: Network.create(
    async (request, variables) => {
      const headers = { "content-type": "application/json", accept: "application/graphql-response+json", ...signedIn };
      const body = JSON.stringify({ ...document(request), variables });
      const response = await fetch(http, { method: "POST", headers, body });
      answers.push(await response.json());
      return answers.at(-1);
    },
    (request, variables) => Observable.create((sink) => sockets.subscribe({ ...document(request), variables }, sink)),
  ),
});


// What the story asks, as Relay compiled it.
const COMPILED = {
  WhoAmI: "hallViewerQuery",
  AskQuestion: "hallAskMutation",
  Node: "hallNodeQuery",
  BoardAsAttendeeLive: "hallBoardSubscription",
};
const nameOf = (text) => parse(text).definitions[0].name.value;

async function query(name, variables) {
  const request = compiled(name);
  environment.retain(createOperationDescriptor(request, variables));
  return fetchQuery(environment, request, variables).toPromise();
}

async function mutate(name, variables) {
  return new Promise((onCompleted, onError) => {
    commitMutation(environment, { mutation: compiled(name), variables, onCompleted, onError });
  });
}

async function ask(text, variables = {}) {
  const name = COMPILED[nameOf(text)];
  if (!name) return environment.getNetwork().execute({ text, operationKind: "query" }, variables, {}).toPromise();
  const data = await (name.endsWith("Mutation") ? mutate(name, variables) : query(name, variables));
  return { data, errors: answers.at(-1).errors };
}

async function* follow(text, variables) {
  const subscription = compiled(COMPILED[nameOf(text)]);
  const subscribe = (sink) => {
    const to = { onNext: sink.next, onError: sink.error, onCompleted: sink.complete };
    return { unsubscribe: requestSubscription(environment, { subscription, variables, ...to }).dispose };
  };
  try {
    for await (const data of iterate(subscribe)) yield { data };
  } catch (errors) {
    if (!Array.isArray(errors)) throw errors;
    yield { errors };
  }
}

await story({ ask, follow, cut });

const inStore = (read) => {
  let found;
  commitLocalUpdate(environment, (store) => (found = read(store)));
  return found;
};

await check("a list is refetched by its owner's id, and its pages become one list", async () => {
  const names = () =>
    inStore((store) =>
      ConnectionHandler.getConnection(store.get(given.networkId), "hall_members")
        .getLinkedRecords("edges")
        .map((edge) => edge.getLinkedRecord("node").getValue("name")),
    );
  await query("hallNetworkQuery", { id: given.networkId });
  deepEqual(names(), ["Ann"]);
  const { endCursor, hasNextPage } = answers.at(-1).data.network.members.pageInfo;
  equal(hasNextPage, true);
  await query("hallMembersQuery", { id: given.networkId, count: 1, cursor: endCursor });
  deepEqual(names(), ["Ann", "Olga"]);
});

await check("numbers that a feed brings are in the store", async () => {
  const { id } = await say("How many?");
  const { questionBoard } = await query("hallBoardQuery", { boardId: given.boardId });
  const votes = () => inStore((store) => store.get(id).getValue("votes"));
  equal(votes(), 0);
  const feed = follow(OPERATIONS.BoardAsAttendeeLive, { boardId: given.boardId, after: questionBoard.cursor });
  await askPast(OPERATIONS.Upvote, { questionId: id }, { authorization: `Bearer ${given.otherToken}` });
  while (votes() !== 1) await within(feed.next());
  await feed.return();
});

done();

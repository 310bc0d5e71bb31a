// urql, twice: with subscriptions over graphql-ws, and with subscriptions as server-sent events.
import { equal, match } from "node:assert/strict";
import { Client, fetchExchange, subscriptionExchange } from "@urql/core";
import { parse } from "graphql";
import { createClient } from "graphql-ws";
import { toAsyncIterable } from "wonka";
import WebSocket from "ws";
import { OPERATIONS } from "./documents.mjs";
import { line } from "./line.mjs";
import { check, done, given, signedIn } from "./report.mjs";
import { story } from "./story.mjs";

const { http, ws, cut } = await line(given.origin);
const sockets = createClient({ url: ws, webSocketImpl: WebSocket, connectionParams: signedIn, retryAttempts: 0 });
const overSockets = subscriptionExchange({
  forwardSubscription: ({ query, variables }) => ({
    subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
  }),
});

const types = [];
const listening = async (...request) => {
  const response = await fetch(...request);
  types.push(response.headers.get("content-type"));
  return response;
};

const client = new Client({
  url: http,
  preferGetMethod: false,
  fetch: listening,
  fetchOptions: { headers: signedIn },
  fetchSubscriptions: given.over === "sse",
  exchanges: given.over === "sse" ? [fetchExchange] : [overSockets, fetchExchange],
  requestPolicy: "network-only",
});

const told = ({ data, error }) => {
  if (error?.networkError) throw error;
  return { data, errors: error?.graphQLErrors };
};

async function ask(text, variables) {
  const isMutation = parse(text).definitions[0].operation === "mutation";
  return told(await (isMutation ? client.mutation(text, variables) : client.query(text, variables)).toPromise());
}

async function* follow(text, variables) {
  for await (const result of toAsyncIterable(client.subscription(text, variables))) {
    yield told(result);
    if (result.error || !result.hasNext) return; // urql leaves a source open whose operation has failed
  }
}

await story({ ask, follow, cut });

await check("a list of types with text/event-stream in it does not make a query a stream", async () => {
  await client.query(OPERATIONS.WhoAmI, {}).toPromise();
  match(types.at(-1), /^application\/graphql-response\+json/);
});

await check("a query by GET", async () => {
  const headers = { ...signedIn, "graphql-require-preflight": "true" };
  const options = { preferGetMethod: "force", fetchOptions: { headers } };
  const { data } = told(await client.query(OPERATIONS.WhoAmI, {}, options).toPromise());
  equal(data.viewer.account.email, "ann@example.com");
});

done();

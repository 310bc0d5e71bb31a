// Apollo Client: HttpLink for queries and mutations, GraphQLWsLink for subscriptions, one normalised cache.
import { deepEqual, equal } from "node:assert/strict";
import { readFileSync } from "node:fs";
import { ApolloClient, ApolloLink, CombinedGraphQLErrors, HttpLink, InMemoryCache } from "@apollo/client";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { OperationTypeNode, buildSchema, isAbstractType, parse } from "graphql";
import { createClient } from "graphql-ws";
import WebSocket from "ws";
import { OPERATIONS, ask as askPast, say } from "./documents.mjs";
import { iterate } from "./iterate.mjs";
import { line } from "./line.mjs";
import { check, done, given, signedIn, within } from "./report.mjs";
import { story } from "./story.mjs";

globalThis.WebSocket ??= WebSocket; // as in browsers, and in Node.js from version 22 on
const { http, ws, cut } = await line(given.origin);

// As @graphql-codegen/fragment-matcher would write it: a cache must know which types an interface has.
const schema = buildSchema(readFileSync(new URL("../../../schema.graphql", import.meta.url), "utf8"));
const possibleTypes = Object.fromEntries(
  Object.values(schema.getTypeMap())
    .filter(isAbstractType)
    .map((type) => [type.name, schema.getPossibleTypes(type).map(({ name }) => name)]),
);

const socket = createClient({ url: ws, connectionParams: signedIn, retryAttempts: 0 });
const client = new ApolloClient({
  cache: new InMemoryCache({ possibleTypes }),
  link: ApolloLink.split(
    ({ operationType }) => operationType === OperationTypeNode.SUBSCRIPTION,
    new GraphQLWsLink(socket),
    new HttpLink({ uri: http, headers: signedIn }),
  ),
});

const told = ({ data, error }) => {
  if (error && !CombinedGraphQLErrors.is(error)) throw error;
  return { data, errors: error?.errors };
};

async function ask(text, variables) {
  const document = parse(text);
  const options = { variables, errorPolicy: "all" };
  const isMutation = document.definitions[0].operation === OperationTypeNode.MUTATION;
  return told(
    await (isMutation
      ? client.mutate({ mutation: document, ...options })
      : client.query({ query: document, fetchPolicy: "network-only", ...options })),
  );
}

async function* follow(text, variables) {
  const source = client.subscribe({ query: parse(text), variables, errorPolicy: "all", fetchPolicy: "no-cache" });
  for await (const result of iterate((sink) => source.subscribe(sink))) yield told(result);
}

await story({ ask, follow, cut });

await check("the cache normalises by id: numbers that a feed brings are in the query's answer", async () => {
  const { id } = await say("How many?");
  const query = parse(OPERATIONS.BoardAsAttendee);
  const variables = { boardId: given.boardId };
  const votes = (data) => data.questionBoard.questions.nodes.find((node) => node.id === id).votes;
  const { data } = await client.query({ query, variables, fetchPolicy: "network-only" });
  equal(votes(data), 0);
  deepEqual(Object.keys(client.cache.extract()).filter((key) => key === `Question:${id}`), [`Question:${id}`]);

  const following = client
    .subscribe({ query: parse(OPERATIONS.BoardAsAttendeeLive), variables: { ...variables, after: data.questionBoard.cursor } })
    .subscribe({});
  const counted = new Promise((resolve) => {
    const watching = client.watchQuery({ query, variables, fetchPolicy: "cache-only" });
    watching.subscribe(({ data }) => votes(data) === 1 && resolve());
  });
  await askPast(OPERATIONS.Upvote, { questionId: id }, { authorization: `Bearer ${given.otherToken}` });
  await within(counted);
  following.unsubscribe();
});

done();

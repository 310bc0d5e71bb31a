// What every client does: query, mutation, subscription, error, reconnect with cursor.
//
// A client is here { ask, follow, cut }: `ask` gives { data, errors }, `follow` a stream of them that throws when its
// connection is lost, and `cut` cuts the line.
import { deepEqual, equal } from "node:assert/strict";
import { setTimeout as pause } from "node:timers/promises";
import { OPERATIONS, say, snapshot } from "./documents.mjs";
import { check, given, within } from "./report.mjs";

const { boardId, nothing } = given;
const codes = (errors) => (errors ?? []).map((error) => error.extensions?.code);

/** Events of the board, from a cursor on, and from the last cursor again when the connection is lost. */
async function* events(client, after) {
  for (;;) {
    try {
      for await (const { data, errors } of client.follow(OPERATIONS.BoardAsAttendeeLive, { boardId, after })) {
        deepEqual(errors ?? [], []);
        after = data.questionBoard.cursor ?? after;
        yield data.questionBoard;
      }
    } catch (lost) {
      if (lost.code === "ERR_ASSERTION" || lost.code >= 4000) throw lost; // the server has said why
      await pause(20);
      continue;
    }
    throw new Error("the feed has ended");
  }
}

/** The questions that come after a snapshot. */
async function* questions(client, { after, known }) {
  for await (const { __typename, node } of events(client, after)) {
    if (__typename === "Added" && !known.has(node.id)) yield node.body;
  }
}

/** Ask a question, and wait for what the feed tells next. */
async function heard(feed, body) {
  const [next] = await Promise.all([within(feed.next()), say(body)]);
  return next.value;
}

export async function story(client) {
  await check("query", async () => {
    const { data } = await client.ask(OPERATIONS.WhoAmI);
    equal(data.viewer.account.email, "ann@example.com");
  });

  await check("mutation", async () => {
    const { data } = await client.ask(OPERATIONS.AskQuestion, { boardId, body: "By mutation?" });
    deepEqual([data.askQuestion.question.body, data.askQuestion.problems], ["By mutation?", []]);
  });

  await check("a mutation that is refused has a problem and no error", async () => {
    const { data, errors } = await client.ask(OPERATIONS.AskQuestion, { boardId, body: "" });
    deepEqual([data.askQuestion.problems.map(({ code }) => code), errors ?? []], [["INVALID"], []]);
  });

  await check("subscription", async () => {
    const feed = questions(client, await snapshot());
    equal(await heard(feed, "Live?"), "Live?");
    equal(await heard(feed, "Still live?"), "Still live?");
    await feed.return();
  });

  await check("a field that is refused leaves the others", async () => {
    const { data, errors } = await client.ask(OPERATIONS.Node, { id: nothing });
    deepEqual([data.viewer.account.email, data.node, codes(errors)], ["ann@example.com", null, ["NOT_FOUND"]]);
  });

  await check("a document that does not validate is refused with a code", async () => {
    const { data, errors } = await client.ask("query Wrong { thereIsNoSuchField }");
    deepEqual([data ?? null, codes(errors)], [null, ["INVALID"]]);
  });

  await check("a subscription that is refused ends alone", async () => {
    const sibling = questions(client, await snapshot());
    equal(await heard(sibling, "Before?"), "Before?");
    const refused = [];
    for await (const result of client.follow(OPERATIONS.BoardAsAttendeeLive, { boardId: nothing })) refused.push(result);
    deepEqual(refused.map(({ errors }) => codes(errors)), [["NOT_FOUND"]]);
    equal(await heard(sibling, "After?"), "After?");
    await sibling.return();
  });

  await check("reconnect with cursor", async () => {
    const feed = questions(client, await snapshot());
    equal(await heard(feed, "One?"), "One?");
    client.cut();
    await say("Two?");
    equal((await within(feed.next())).value, "Two?");
    client.cut();
    equal(await heard(feed, "Three?"), "Three?");
    await feed.return();
  });
}

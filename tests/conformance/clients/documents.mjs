// The operations of examples/, by name; and what a program asks past its client.
import { readFileSync, readdirSync } from "node:fs";
import { parse, print, separateOperations } from "graphql";
import { given, signedIn } from "./report.mjs";

const examples = new URL("../../../examples/", import.meta.url);
const documents = readdirSync(examples).map((name) => parse(readFileSync(new URL(name, examples), "utf8")));

export const OPERATIONS = Object.assign(
  { Node: "query Node($id: ID!) { viewer { account { email } } node(id: $id) { __typename id } }" },
  ...documents.map(separateOperations).map((parts) => Object.fromEntries(
    Object.entries(parts).map(([name, document]) => [name, print(document)]),
  )),
);

/** Ask without the client, and without its line. */
export async function ask(query, variables, headers = signedIn) {
  const response = await fetch(`${given.origin}/graphql`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify({ query, variables }),
  });
  const { data, errors } = await response.json();
  if (errors) throw new Error(JSON.stringify(errors));
  return data;
}

/** Ask the panel. */
export async function say(body) {
  const { askQuestion } = await ask(OPERATIONS.AskQuestion, { boardId: given.boardId, body });
  if (askQuestion.problems.length) throw new Error(JSON.stringify(askQuestion.problems));
  return askQuestion.question;
}

/** The board as it is now: where its feed goes on, and which questions it has. Behind a slow server some come again. */
export async function snapshot() {
  const { questionBoard } = await ask(OPERATIONS.BoardAsAttendee, { boardId: given.boardId });
  return { after: questionBoard.cursor, known: new Set(questionBoard.questions.nodes.map(({ id }) => id)) };
}

// The rules of @graphql-eslint for a schema, recommended and Relay's, with what we do otherwise and why.
import { readFileSync } from "node:fs";
import plugin from "@graphql-eslint/eslint-plugin";
import { ESLint } from "eslint";
import { buildSchema, isObjectType } from "graphql";
import { done, given, report } from "../clients/report.mjs";

const schema = buildSchema(readFileSync(given.sdl, "utf8"));
const within = (name) => (schema.getType(name) ? schema.getPossibleTypes(schema.getType(name)) : []).map(String);

// What has no id of its own, because a cache has nothing to keep it for.
const WITHOUT_ID = {
  suffixes: ["Connection", "Edge", "Payload", "Permissions"],
  types: [
    ...within("FeedEvent"), // an event is applied, and gone
    ...within("Snapshot"), // a view of the moment, as the root's own field
    "PageInfo",
    "Permission", // what `viewerCan` says of one action
    "Problem",
    "RateLimit", // of the moment
    "Viewer", // there is one
    ...["AttendeeLine", "QuestionCount", "Report", "SessionOverlap", "VisitorBurst"], // results, counted when asked for
  ],
};

const EXCEPTIONS = {
  "@graphql-eslint/strict-id-in-types": ["error", { exceptions: WITHOUT_ID }],
  // `nodes` beside `edges` is what GitHub, Shopify and GitLab have. A list that is short by nature is a plain list.
  "@graphql-eslint/relay-edge-types": [
    "error",
    { withEdgeSuffix: true, shouldImplementNode: true, listTypeCanWrapOnlyEdgeType: false },
  ],
  // A snapshot is named by its feed, and so is the list in it: `escalations { cursor escalations(first: 20) { … } }`.
  "@graphql-eslint/no-typename-prefix": "off",
};

const eslint = new ESLint({
  cwd: given.folder,
  overrideConfigFile: true,
  overrideConfig: {
    files: ["**/*.graphql"],
    plugins: { "@graphql-eslint": plugin },
    languageOptions: { parser: plugin.parser, parserOptions: { graphQLConfig: { schema: given.sdl } } },
    rules: {
      ...plugin.configs["flat/schema-recommended"].rules,
      ...plugin.configs["flat/schema-relay"].rules,
      ...EXCEPTIONS,
    },
  },
});

for (const { messages } of await eslint.lintFiles([given.sdl])) {
  report("read", true, `${Object.values(schema.getTypeMap()).filter(isObjectType).length} types`);
  for (const { ruleId, line, message } of messages) report(`${ruleId ?? "parser"}, line ${line}`, false, message);
}
done();

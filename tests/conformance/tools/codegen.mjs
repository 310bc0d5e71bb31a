// @graphql-codegen: types of the operations in each file of examples/, and of the whole schema.
import { readdirSync } from "node:fs";

const root = new URL("../../../", import.meta.url).pathname;
const config = { strictScalars: true, scalars: { DateTime: "string", FeedCursor: "string" }, useTypeImports: true };
const examples = readdirSync(`${root}examples`).map((name) => name.replace(".graphql", ""));

export default {
  schema: `${root}schema.graphql`,
  silent: true,
  generates: {
    "schema.ts": { plugins: ["typescript"], config },
    ...Object.fromEntries(
      examples.map((name) => [
        `${name}.ts`,
        { documents: `${root}examples/${name}.graphql`, plugins: ["typescript-operations"], config },
      ]),
    ),
  },
};

import { readdirSync } from "node:fs";
const root = new URL("../../", import.meta.url).pathname;
const examples = readdirSync(`${root}examples`).filter((name) => name.endsWith(".graphql"));
export default {
  schema: `${root}schema.graphql`,
  silent: true,
  generates: Object.fromEntries(examples.map((name) => [
    `/tmp/cg/${name.replace(".graphql", ".ts")}`,
    { documents: `${root}examples/${name}`, plugins: ["typescript-operations"], config: { strictScalars: true, scalars: { DateTime: "string", FeedCursor: "string" }, useTypeImports: true, enumsAsTypes: true } },
  ])),
};

// What @graphql-inspector finds that would break clients of the last release.
import { readFileSync } from "node:fs";
import { CriticalityLevel, diff } from "@graphql-inspector/core";
import { buildSchema } from "graphql";
import { done, given, report } from "../clients/report.mjs";

const [released, present] = [given.released, given.present].map((path) => buildSchema(readFileSync(path, "utf8")));
for (const { criticality, path, message } of await diff(released, present)) {
  report(path ?? "schema", criticality.level !== CriticalityLevel.Breaking, message);
}
done();

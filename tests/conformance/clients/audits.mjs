// The audits of graphql-http.
import { serverAudits } from "graphql-http";
import { done, given, report } from "./report.mjs";

// Without it, a GET is a request that any page may make its visitors' browsers send.
const preflighted = { "graphql-require-preflight": "true" };
const fetchFn = (url, { headers, ...options } = {}) => fetch(url, { ...options, headers: { ...preflighted, ...headers } });

for (const audit of serverAudits({ url: `${given.origin}/graphql`, fetchFn })) {
  const { status, reason } = await audit.fn();
  report(`${audit.id} ${audit.name}`, status === "ok", reason);
}
done();

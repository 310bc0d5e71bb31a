// How GraphiQL asks: queries and mutations by POST, subscriptions by graphql-transport-ws.

const ENDPOINT = new URL("graphql", document.baseURI);
const SOCKET = ENDPOINT.href.replace(/^http/, "ws");
const SHOWN = 50;

const sockets = new Map();

export function fetcher(request, { headers = {}, documentAST } = {}) {
  return isSubscription(documentAST, request.operationName) ? follow(request, headers) : ask(request, headers);
}

function isSubscription(document, name) {
  const operations = (document?.definitions ?? []).filter(({ kind }) => kind === "OperationDefinition");
  const chosen = name ? operations.find((operation) => operation.name?.value === name) : operations[0];
  return chosen?.operation === "subscription";
}

async function ask(request, headers) {
  let response;
  try {
    response = await fetch(ENDPOINT, {
      method: "POST",
      headers: { accept: "application/json", "content-type": "application/json", ...headers },
      body: JSON.stringify(request),
    });
  } catch {
    return failure("The service does not answer.");
  }
  const text = await response.text();
  try {
    return JSON.parse(text);
  } catch {
    return failure(`HTTP ${response.status}: ${text.slice(0, 500)}`);
  }
}

// GraphiQL shows one answer at a time, so each answer is all that has come, the newest first.
function follow(request, headers) {
  return {
    subscribe(observer) {
      let events = [];
      let isStopped = false;
      const show = (feed, more = {}) => isStopped || observer.next({ feed, ...more, events });
      const end = (feed, more) => {
        show(feed, more);
        if (!isStopped) observer.complete();
      };
      const stop = socketFor(headers).subscribe(request, {
        next(event) {
          events = [event, ...events.filter((told) => !isHeartbeat(told))].slice(0, SHOWN);
          show("Live, the newest first.");
        },
        error: (reason) => end("Ended by an error.", failure(...explain(reason))),
        complete: () => end("Ended by the server."),
      });
      show("Live. What happens from now on is shown here.");
      return {
        unsubscribe() {
          isStopped = true;
          stop();
        },
      };
    },
  };
}

function isHeartbeat({ data }) {
  return Object.values(data ?? {})[0]?.__typename === "Heartbeat";
}

// One socket per sign-in: a socket says who it is once, when it opens.
function socketFor(headers) {
  const key = Object.keys(headers).find((name) => name.toLowerCase() === "authorization");
  const authorization = key && headers[key];
  if (!sockets.has(authorization)) {
    const connectionParams = authorization ? { authorization } : {};
    // Not tried again: here a person should see that it closed, and why.
    const client = globalThis.graphqlWs.createClient({ url: SOCKET, connectionParams, retryAttempts: 0 });
    sockets.set(authorization, client);
  }
  return sockets.get(authorization);
}

function explain(reason) {
  if (Array.isArray(reason)) return reason;
  if (reason instanceof CloseEvent) return [`The socket was closed: ${reason.code} ${reason.reason}`.trim()];
  return [reason instanceof Error ? reason.message : "The socket cannot be opened."];
}

function failure(...errors) {
  return { errors: errors.map((error) => (typeof error === "string" ? { message: error } : error)) };
}

// The page: GraphiQL with a ready tab per story.

import { fetcher } from "./fetcher.js";

const { GraphiQL, React, ReactDOM } = globalThis;

const HINT = `# Ask anything: press Ctrl-Space for what fits here, Ctrl-Enter to run.
# Who asks is said in Headers: {"authorization": "Bearer …"}
`;

async function readyTabs() {
  const response = await fetch("graphiql/tabs.json");
  return response.ok ? response.text() : '{"tabs": []}';
}

// Edits outlive a reload and end with the browser's tab; a new demo brings new tabs.
function storageFor(tabs) {
  if (sessionStorage.getItem("plenary:tabs") !== tabs) {
    sessionStorage.clear();
    sessionStorage.setItem("plenary:tabs", tabs);
  }
  return sessionStorage;
}

const tabs = await readyTabs();
const page = React.createElement(GraphiQL, {
  fetcher,
  defaultQuery: HINT,
  defaultTabs: JSON.parse(tabs).tabs,
  defaultEditorToolsVisibility: "variables",
  shouldPersistHeaders: true,
  storage: storageFor(tabs),
});
ReactDOM.render(page, document.getElementById("graphiql"));

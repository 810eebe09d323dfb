// The types of lit.js, for `tsc --checkJs` alone; they come from npm.
export { html, nothing, render, svg } from "lit/html.js";
export { live } from "lit/directives/live.js";
export { repeat } from "lit/directives/repeat.js";

// @openai/agents' RealtimeSession over a WebSocket: a spoken turn, and the history it keeps.
import { OpenAIRealtimeWebSocket, RealtimeAgent, RealtimeSession } from "@openai/agents/realtime";
import { spokenTurn } from "./spoken.mjs";

const [url] = process.argv.slice(2);
const address = `${url.replace("http", "ws")}/openai/v1/realtime?model=gpt-realtime`;
const agent = new RealtimeAgent({ name: "desk", instructions: "Answer briefly." });
const session = new RealtimeSession(agent, {
  transport: new OpenAIRealtimeWebSocket({ url: address, useInsecureApiKey: true }),
  model: "gpt-realtime",
});
const result = { audioBytes: 0, errors: [] };

session.on("error", ({ error }) => result.errors.push(JSON.stringify(error)));
session.on("audio", (event) => {
  result.audioBytes += event.data.byteLength;
});
session.transport.on("*", (event) => {
  if (event.type !== "response.done") return;
  result.status = event.response.status;
  result.history = session.history.map((item) => [item.role, item.content[0]?.transcript]);
  result.transcript = result.history.at(-1)[1];
  console.log(JSON.stringify(result));
  session.close();
  process.exit(0);
});
await session.connect({ apiKey: "local" });
session.sendAudio(spokenTurn());

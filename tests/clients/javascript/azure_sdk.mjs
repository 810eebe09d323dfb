// Microsoft's JavaScript SDK, @azure/ai-voicelive, with a model or with an agent.
import { VoiceLiveClient } from "@azure/ai-voicelive";
import { AzureKeyCredential } from "@azure/core-auth";

const [url, who] = process.argv.slice(2);
const client = new VoiceLiveClient(url, new AzureKeyCredential("local"));
const result = { audioBytes: 0 };
const session = client.createSession(
  who === "agent" ? { agent: { agentName: "desk", projectName: "any" } } : "gpt-realtime",
);
session.subscribe({
  onError: async ({ error }) => {
    console.error(String(error));
    process.exit(1);
  },
  onResponseAudioDelta: async (event) => {
    result.audioBytes += event.delta.length;
  },
  onResponseAudioTranscriptDone: async (event) => {
    result.transcript = event.transcript;
  },
  onResponseDone: async (event) => {
    result.status = event.response.status;
    console.log(JSON.stringify(result));
    await session.disconnect();
    process.exit(0);
  },
});
await session.connect();
await session.addConversationItem({
  type: "message",
  role: "user",
  content: [{ type: "input_text", text: "good morning" }],
});
await session.sendEvent({ type: "response.create" });

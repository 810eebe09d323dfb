// npm openai's OpenAIRealtimeWS of the beta protocol, which connects by wss:// alone.
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/beta/realtime/ws";

const [url] = process.argv.slice(2);
const client = new OpenAI({ apiKey: "local", baseURL: `${url}/voice-live` });
const realtime = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);
const result = { audioBytes: 0 };

realtime.on("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
realtime.socket.on("open", () => {
  const content = [{ type: "input_text", text: "good morning" }];
  realtime.send({
    type: "session.update",
    session: { model: "gpt-realtime", modalities: ["text", "audio"], voice: "alloy" },
  });
  realtime.send({
    type: "conversation.item.create",
    item: { type: "message", role: "user", content },
  });
  realtime.send({ type: "response.create" });
});
realtime.on("session.updated", (event) => {
  result.voice = event.session.voice?.name ?? event.session.voice;
});
realtime.on("response.audio.delta", (event) => {
  result.audioBytes += Buffer.from(event.delta, "base64").length;
});
realtime.on("response.audio_transcript.done", (event) => {
  result.transcript = event.transcript;
});
realtime.on("response.done", (event) => {
  result.status = event.response.status;
  console.log(JSON.stringify(result));
  realtime.close();
});

// npm openai's OpenAIRealtimeWS of GA, which connects by wss:// alone: a spoken turn.
import OpenAI from "openai";
import { OpenAIRealtimeWS } from "openai/realtime/ws";
import { spokenTurn } from "./spoken.mjs";

const [url] = process.argv.slice(2);
const client = new OpenAI({ apiKey: "local", baseURL: `${url}/openai/v1` });
const realtime = new OpenAIRealtimeWS({ model: "gpt-realtime" }, client);
const result = { audioBytes: 0 };

realtime.on("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
realtime.socket.on("open", () => {
  realtime.send({
    type: "session.update",
    session: {
      type: "realtime",
      model: "gpt-realtime",
      output_modalities: ["audio"],
      audio: { output: { voice: "marin" } },
    },
  });
  realtime.send({
    type: "input_audio_buffer.append",
    audio: Buffer.from(spokenTurn()).toString("base64"),
  });
});
realtime.on("session.updated", (event) => {
  result.voice = event.session.audio.output.voice;
});
realtime.on("response.output_audio.delta", (event) => {
  result.audioBytes += Buffer.from(event.delta, "base64").length;
});
realtime.on("response.output_audio_transcript.done", (event) => {
  result.transcript = event.transcript;
});
realtime.on("response.done", (event) => {
  result.status = event.response.status;
  console.log(JSON.stringify(result));
  realtime.close();
});

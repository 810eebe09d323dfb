// A bare WebSocket that offers the sub-protocol `realtime`, as browsers' clients do; npm `ws`.
import WebSocket from "ws";

const [url] = process.argv.slice(2);
const socket = new WebSocket(`${url}/voice-live/realtime?agent-id=desk&agent-project-name=any`, [
  "realtime",
]);
const result = { audioBytes: 0, protocol: "" };

socket.on("error", (error) => {
  console.error(String(error));
  process.exit(1);
});
socket.on("message", (frame) => {
  const event = JSON.parse(frame.toString());
  if (event.type === "session.created") {
    // The quickstarts send a prepared greeting without a type.
    const content = [{ type: "text", text: "Welcome to the desk." }];
    const message = { role: "assistant", content };
    socket.send(
      JSON.stringify({
        type: "response.create",
        response: { pre_generated_assistant_message: message },
      }),
    );
  } else if (event.type === "response.audio.delta") {
    result.audioBytes += Buffer.from(event.delta, "base64").length;
  } else if (event.type === "response.audio_transcript.done") {
    result.transcript = event.transcript;
  } else if (event.type === "response.done") {
    result.protocol = socket.protocol;
    result.status = event.response.status;
    console.log(JSON.stringify(result));
    socket.close();
  }
});

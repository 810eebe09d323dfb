// A spoken turn for the clients here: audio that the fake ears take for speech, and a pause.
const RATE_HZ = 24_000;

export function spokenTurn() {
  const samples = new Int16Array(RATE_HZ * 2.3);
  for (let n = 0; n < RATE_HZ * 0.8; n++) samples[n] = 12_000 * Math.sin(0.2 * n);
  return samples.buffer;
}

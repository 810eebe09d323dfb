"""Pipecat's AzureVoiceLiveLLMService in a pipeline, by wss:// alone: a typed and a spoken turn."""

import asyncio
import json
import sys
from typing import Any

from pipecat.frames.frames import (
    ErrorFrame,
    Frame,
    InputAudioRawFrame,
    LLMContextFrame,
    LLMFullResponseEndFrame,
    TranscriptionFrame,
    TTSAudioRawFrame,
    TTSTextFrame,
)
from pipecat.pipeline.pipeline import Pipeline
from pipecat.pipeline.worker import PipelineParams, PipelineWorker
from pipecat.processors.aggregators.llm_context import LLMContext
from pipecat.processors.frame_processor import FrameDirection, FrameProcessor
from pipecat.services.azure.voice_live.llm import AzureVoiceLiveLLMService
from pipecat.workers.runner import WorkerRunner
from spoken import RATE_HZ, spoken_turn

PIECE_BYTES = RATE_HZ // 50 * 2


class Ends(FrameProcessor):  # type: ignore[misc]
    """Before and behind the service: what it heard goes one way, what it says the other."""

    def __init__(self, told: dict[str, Any], ended: asyncio.Event) -> None:
        super().__init__()
        self.told = told
        self.ended = ended

    async def process_frame(self, frame: Frame, direction: FrameDirection) -> None:
        await super().process_frame(frame, direction)
        if isinstance(frame, TTSAudioRawFrame):
            self.told["audioBytes"] += len(frame.audio)
        elif isinstance(frame, TTSTextFrame):
            self.told["transcript"] += frame.text
        elif isinstance(frame, TranscriptionFrame):
            self.told["heard"] = frame.text
        elif isinstance(frame, ErrorFrame):
            self.told["errors"].append(frame.error)
        elif isinstance(frame, LLMFullResponseEndFrame):
            self.ended.set()
        await self.push_frame(frame, direction)


async def main(url: str) -> None:
    told: dict[str, Any] = {"audioBytes": 0, "transcript": "", "errors": [], "status": "completed"}
    ended = asyncio.Event()
    service = AzureVoiceLiveLLMService(endpoint=url, api_key="local")
    pipeline = Pipeline([Ends(told, asyncio.Event()), service, Ends(told, ended)])
    worker = PipelineWorker(
        pipeline,
        params=PipelineParams(audio_in_sample_rate=RATE_HZ, audio_out_sample_rate=RATE_HZ),
    )
    runner = WorkerRunner(handle_sigint=False)
    await runner.add_workers(worker)
    running = asyncio.create_task(runner.run())
    context = LLMContext([{"role": "user", "content": "good morning"}])
    await worker.queue_frame(LLMContextFrame(context))
    await ended.wait()
    told["reply"], told["transcript"] = told["transcript"], ""
    ended.clear()
    pcm = spoken_turn()
    for start in range(0, len(pcm), PIECE_BYTES):
        piece = pcm[start : start + PIECE_BYTES]
        await worker.queue_frame(InputAudioRawFrame(piece, RATE_HZ, 1))
    await ended.wait()
    await worker.stop_when_done()
    await running
    sys.stdout.write(json.dumps(told) + "\n")


asyncio.run(main(sys.argv[1]))

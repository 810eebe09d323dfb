"""``python -m examples.front_desk``: a whole spoken conversation, without a microphone.

Serves the front desk and an emulator in this process and holds the conversation of ``demo.yaml``
with them. Further arguments are those of ``voicelive-agent check``.
"""

import asyncio
import sys
from collections.abc import Sequence
from pathlib import Path

from examples.front_desk import reply
from voicelive_agent.emulator.engines import open_engines
from voicelive_agent.emulator.settings import load_settings
from voicelive_agent.frameworks import adapt
from voicelive_agent.testing.services import serve_agent, serve_emulator

HERE = Path(__file__).parent


async def main(arguments: Sequence[str]) -> int:
    """The exit code of the check."""
    async with serve_agent(adapt(reply)) as agent:
        settings = load_settings(agents=[agent], phrases=HERE / "phrases.txt", log_level="warning")
        async with open_engines(settings) as engines, serve_emulator(settings, engines) as url:
            command = ["-m", "voicelive_agent", "check", str(HERE / "demo.yaml"), "--verbose"]
            check = await asyncio.create_subprocess_exec(
                sys.executable,
                *command,
                *("--endpoint", url, "--agent-name", "front-desk", "--project-name", "local"),
                *arguments,
            )
            return await check.wait()


if __name__ == "__main__":
    sys.exit(asyncio.run(main(sys.argv[1:])))

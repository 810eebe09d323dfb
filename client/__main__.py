"""``python -m client [talk | check | say]``: the voice client, with this folder's profile."""

import sys
from pathlib import Path

from voicelive_agent.client.command import run_with_profile

sys.exit(run_with_profile(Path(__file__).with_name("profile.toml")))

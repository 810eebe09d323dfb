"""``python -m client``: the voice client."""

import sys

from voicelive_agent.client.command import main

sys.exit(main())

"""``python -m voicelive_agent``: the command line."""

import sys

from voicelive_agent.cli import main

sys.exit(main())

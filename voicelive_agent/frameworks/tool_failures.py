"""Failures of tools that a model is told of instead of the caller: the developer sees them too.

Frameworks turn what a tool raises into a result for the model, which goes on with it; some of them
without a word to anybody else.
"""

import logging

logger = logging.getLogger(__name__)


def log_tool_failure(name: str, error: BaseException) -> None:
    """Say that the tool ``name`` raised ``error``, and where."""
    logger.error("tool %s failed, which the model was told", name, exc_info=error)

"""Conversations and where they are kept.

The engine talks to a ``ConversationStore``; ``VOICELIVE_CONVERSATIONS`` names which one.
"""

from voicelive_agent.server.conversations.location import open_store
from voicelive_agent.server.conversations.store import (
    Conversation,
    ConversationKey,
    ConversationStore,
    StopTurn,
    StoreError,
    TurnExistsError,
    TurnRecord,
    TurnStatus,
)

__all__ = [
    "Conversation",
    "ConversationKey",
    "ConversationStore",
    "StopTurn",
    "StoreError",
    "TurnExistsError",
    "TurnRecord",
    "TurnStatus",
    "open_store",
]

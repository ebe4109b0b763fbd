"""What is remembered: the playbook of each user's preferences, and the conversations."""

from memory.breaker import CircuitBreaker
from memory.conversations import Conversation, Conversations
from memory.embeddings import Embeddings, StaticEmbeddings, open_embeddings
from memory.entries import CATEGORIES, QUERY_CHARACTERS, Applies, Entry, Version
from memory.errors import (
    EntryConflict,
    InvalidEntry,
    MemoryStoreError,
    PlaybookFull,
    StoreLocked,
    StoreUnavailable,
    TurnTimeout,
    UnknownEntry,
)
from memory.ownership import sole_owner
from memory.playbook import Playbook
from memory.recent import Message
from memory.store import playbook_folder
from memory.writer import Add, Forget, Replace, Writer

__all__ = [
    "CATEGORIES",
    "QUERY_CHARACTERS",
    "Add",
    "Applies",
    "CircuitBreaker",
    "Conversation",
    "Conversations",
    "Embeddings",
    "Entry",
    "EntryConflict",
    "Forget",
    "InvalidEntry",
    "MemoryStoreError",
    "Message",
    "Playbook",
    "PlaybookFull",
    "Replace",
    "StaticEmbeddings",
    "StoreLocked",
    "StoreUnavailable",
    "TurnTimeout",
    "UnknownEntry",
    "Version",
    "Writer",
    "open_embeddings",
    "playbook_folder",
    "sole_owner",
]

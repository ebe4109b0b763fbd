"""What is remembered: the playbook of each user's preferences, and the conversations."""

from memory.conversations import Conversation, Conversations, Message
from memory.embeddings import Embeddings, OpenAIEmbeddings, StaticEmbeddings, open_embeddings
from memory.entries import CATEGORIES, QUERY_CHARACTERS, Entry, Version
from memory.errors import (
    EntryConflict,
    InvalidEntry,
    MemoryStoreError,
    PlaybookFull,
    StoreLocked,
    StoreUnavailable,
    UnknownEntry,
)
from memory.ownership import sole_owner
from memory.playbook import Playbook
from memory.store import playbook_folder
from memory.tokens import TokenCounter
from memory.writer import Writer

__all__ = [
    "CATEGORIES",
    "QUERY_CHARACTERS",
    "Conversation",
    "Conversations",
    "Embeddings",
    "Entry",
    "EntryConflict",
    "InvalidEntry",
    "MemoryStoreError",
    "Message",
    "OpenAIEmbeddings",
    "Playbook",
    "PlaybookFull",
    "StaticEmbeddings",
    "StoreLocked",
    "StoreUnavailable",
    "TokenCounter",
    "UnknownEntry",
    "Version",
    "Writer",
    "open_embeddings",
    "playbook_folder",
    "sole_owner",
]

"""What can go wrong with what is remembered.

MemoryStoreError
├── StoreLocked        another process owns this DATA_DIR
├── StoreUnavailable   a Chroma server, PostgreSQL, an embedding endpoint or the disk fails us
│   └── TurnTimeout    the deadline came before the change could be made; nothing was changed
├── PlaybookFull       no room for another entry of this user
├── UnknownEntry       the user has no entry of that id
├── EntryConflict      the entry changed since its caller read it
└── InvalidEntry       a field is missing, mistyped or over its limit

Messages are fit to be shown to a caller: no password, no key, nothing that was remembered.
"""


class MemoryStoreError(Exception):
    """Base of all."""


class StoreLocked(MemoryStoreError):
    """Another process owns the folder."""


class StoreUnavailable(MemoryStoreError):
    """Something the memory depends on does not answer, or answers with a failure."""


class TurnTimeout(StoreUnavailable):
    """The deadline came before the user's turn to write, or before the write; none was made."""


class PlaybookFull(MemoryStoreError):
    """The user's playbook has as many entries as it may."""


class UnknownEntry(MemoryStoreError):
    """There is no such entry in this user's playbook."""


class EntryConflict(MemoryStoreError):
    """The entry is no longer at the version its caller expected."""


class InvalidEntry(MemoryStoreError):
    """An entry, or an import of entries, breaks a limit. The message names field and limit."""

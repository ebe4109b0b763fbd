"""A change of one entry, in a turn of its own."""

from memory import Entry, Playbook, Replace


async def supersede(
    playbook: Playbook,
    cid: str,
    node_id: str,
    content: str,
    category: str | None = None,
    *,
    evidence: str = "",
    expected_version: int | None = None,
) -> Entry:
    """Let an entry say something else."""
    change = Replace(node_id, content, category, evidence, expected_version=expected_version)
    async with playbook.writing(cid) as writer:
        [entry] = await writer.apply([change])
    return entry

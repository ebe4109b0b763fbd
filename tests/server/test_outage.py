"""Stores that two miners share, stopped and hanging: answers go on, and nothing told is lost."""

from collections.abc import Iterator
from contextlib import ExitStack
from types import SimpleNamespace

import pytest

from benchmarks.outage import WAYS, sharing_miners, suffered
from benchmarks.store_servers import store_servers
from scripted import Scripted
from support import require

ALLOWED = {
    "/complete": {"200"},
    "/health": {"200"},
    "/ready": {"200", "503"},
    "/playbook": {"201", "503"},
    "/human_feedback": {"200", "503"},
}


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """Stores, and two miners that share them."""
    with ExitStack() as opened:
        try:
            stores = opened.enter_context(store_servers())
        except FileNotFoundError as error:
            require(available=False, reason=str(error))
            raise
        backend = opened.enter_context(Scripted())
        backend.default("Paris")
        folder = tmp_path_factory.mktemp("miners")
        miners = opened.enter_context(sharing_miners(folder, backend.base_url, stores))
        yield SimpleNamespace(stores=list(stores.values()), miners=miners)


@pytest.mark.parametrize("way", WAYS)
async def test_an_outage_of_all_stores_costs_no_answer_and_nothing_acknowledged(
    shared: SimpleNamespace, way: str
) -> None:
    outage = await suffered(shared.stores, way, shared.miners, seconds=3, callers=4)
    for kind, seen in outage.seen.items():
        assert set(seen.answers) <= ALLOWED[kind], kind
    assert outage.without["no playbook"]
    assert outage.without["no history"]
    assert outage.told.count
    assert not outage.missing
    assert outage.well is not None
    assert outage.ready is not None
    for miner in shared.miners:
        assert "File " not in miner.log.read_text()  # of a traceback

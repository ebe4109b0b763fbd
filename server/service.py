"""What the miner says of itself: its health, what it can do, and where."""

from typing import Any, Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from graphs.registry import COMPONENTS
from nodes.miner import BackendInfo, Miner
from server import __version__
from server.context import context_of
from server.errors import ApiError, ErrorBody
from server.gate import Gate
from server.health import LOOK_AGAIN, Health, Snapshot

FEATURES = (
    "playbook",
    "conversation_history",
    "flat_contract",
    "unified_contract",
    "notebook",
    "streaming",
    "deadline",
    "cancel_on_disconnect",
)


NOT_READY: dict[int | str, dict[str, Any]] = {
    503: {"model": ErrorBody, "description": "`detail` names what does not answer."}
}
READY_AGAIN = int(LOOK_AGAIN)


class Healthy(BaseModel):
    """All that a caller without the key is told."""

    status: Literal["healthy"] = "healthy"


class Ready(BaseModel):
    status: Literal["ready"] = "ready"


class Details(Healthy, Snapshot):
    """What a caller with the key is told besides."""

    version: str
    llm_provider: str
    model: str
    backends: list[BackendInfo] = Field(description="each address of the model's backends")


class Components(BaseModel):
    """All that a caller without the key is told."""

    supported_functions: list[str] = Field(description="the same as `components`")
    components: list[str]


class Capabilities(Components):
    miner_name: str
    llm_provider: str
    model: str
    note: str = Field(description="what to know of the model, if anything")
    features: list[str]
    max_context_length: int | None = Field(description="tokens")
    max_playbook_nodes: int = Field(description="entries a user")
    max_conversation_messages: int = Field(description="messages a conversation")
    message_retention_days: float


class Root(BaseModel):
    name: str
    version: str
    endpoints: list[str] = Field(description="method and path of each")


routes = APIRouter(tags=["the miner itself"])


@routes.head("/health", include_in_schema=False)
@routes.get("/health", summary="Whether the miner is up")
async def health(request: Request) -> Details | Healthy:
    """Answers at once and asks nobody: with the key, the last look at backend and memory."""
    if context_of(request.scope).caller is None:
        return Healthy()
    miner: Miner = request.state.miner
    watched: Health = request.state.health
    model = miner.model.describe()
    return Details(
        version=__version__,
        llm_provider=model.provider,
        model=model.model,
        backends=miner.model.backends(),
        **watched.snapshot().model_dump(),
    )


@routes.head("/ready", include_in_schema=False)
@routes.get("/ready", summary="Whether the miner can answer now", responses=NOT_READY)
async def ready(request: Request) -> Ready:
    """Whether the model answered lately, and the stores do. Known from a look now and then."""
    gate: Gate = request.state.gate
    watched: Health = request.state.health
    gate.check_draining()
    missing = await watched.missing()
    if missing:
        detail = f"does not answer: {', '.join(missing)}"
        raise ApiError(503, "not_ready", detail, {"Retry-After": str(READY_AGAIN)})
    return Ready()


@routes.head("/capabilities", include_in_schema=False)
@routes.get("/capabilities", summary="What the miner can do")
async def capabilities(request: Request) -> Capabilities | Components:
    """Without the key the components alone, as the registration asks for them."""
    miner: Miner = request.state.miner
    components = _components(miner)
    if context_of(request.scope).caller is None:
        return Components(supported_functions=components, components=components)
    settings, model = miner.settings, miner.model.describe()
    return Capabilities(
        miner_name=settings.miner_name,
        llm_provider=model.provider,
        model=model.model,
        note=model.note,
        supported_functions=components,
        components=components,
        features=list(FEATURES),
        max_context_length=model.context_length,
        max_playbook_nodes=settings.max_playbook_nodes,
        max_conversation_messages=settings.max_conversation_messages,
        message_retention_days=settings.message_retention_days,
    )


def _components(miner: Miner) -> list[str]:
    searching = miner.search is not None
    return [name for name in COMPONENTS if searching or name != "internet_search"]


@routes.head("/", include_in_schema=False)
@routes.get("/", summary="Name, version and endpoints")
async def root(request: Request) -> Root:
    miner: Miner = request.state.miner
    paths = request.app.openapi()["paths"]
    return Root(
        name=miner.settings.miner_name,
        version=__version__,
        endpoints=[
            f"{method.upper()} {path}" for path, methods in paths.items() for method in methods
        ],
    )

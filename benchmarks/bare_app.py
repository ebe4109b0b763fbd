"""What anybody would write: FastAPI, LangGraph and ChatOpenAI, without memory or deadlines.

`python -m benchmarks.bare_app PORT BACKEND` serves `POST /draft` and `POST /check` with as many
nodes and model calls as the miner's strategies of these names.
"""

import sys
from typing import TypedDict

import uvicorn
from fastapi import FastAPI
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_openai import ChatOpenAI
from langgraph.graph import END, START, StateGraph
from pydantic import BaseModel, SecretStr

from benchmarks.plain_backend import MODEL

CHECK = "Check your answer. Reply with one line: PASS if it is correct, or REVISE: what is wrong."


class Body(BaseModel):
    cid: str
    task: str
    input: str


class State(TypedDict, total=False):
    prompt: list[BaseMessage]
    answer: str
    fault: str


def application(backend: str) -> FastAPI:
    model = ChatOpenAI(model=MODEL, base_url=backend, api_key=SecretStr("k"), max_retries=0)

    async def recall(state: State) -> State:
        return {"prompt": [SystemMessage("You are a careful assistant."), *state["prompt"]]}

    async def draft(state: State) -> State:
        return {"answer": (await model.ainvoke(state["prompt"])).text}

    async def check(state: State) -> State:
        asked = [*state["prompt"], AIMessage(state["answer"]), HumanMessage(CHECK)]
        return {"fault": (await model.ainvoke(asked)).text}

    async def remember(state: State) -> State:
        return {}

    machines = {}
    for name, steps in (
        ("draft", [recall, draft, remember]),
        ("check", [recall, draft, check, remember]),
    ):
        graph = StateGraph(State)
        for before, step in zip([START, *(each.__name__ for each in steps)], steps, strict=False):
            graph.add_node(step.__name__, step)
            graph.add_edge(before, step.__name__)
        graph.add_edge(steps[-1].__name__, END)
        machines[name] = graph.compile()
    app = FastAPI()

    @app.post("/{machine}")
    async def run(machine: str, body: Body) -> dict[str, object]:
        prompt: list[BaseMessage] = [HumanMessage(f"{body.task}\n\n{body.input}")]
        result = await machines[machine].ainvoke({"prompt": prompt})
        return {"response": result["answer"], "actions": []}

    return app


if __name__ == "__main__":
    uvicorn.run(application(sys.argv[2]), port=int(sys.argv[1]), log_level="warning")

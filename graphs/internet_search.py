"""`internet_search`: look the queries up and answer from what was found."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.miner import Miner
from nodes.recall import recall
from nodes.remember import remember
from nodes.research import EXPECTED_TOKENS, say_off, search, synthesise
from nodes.state import Request, Result, SearchState
from nodes.steps import best_effort, required

Machine = CompiledStateGraph[SearchState, None, Request, Result]


def route_search(state: SearchState) -> Literal["synthesise", "remember"]:
    return "synthesise" if state.hits else "remember"


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""

    def route_recall(state: SearchState) -> Literal["search", "off"]:
        return "off" if miner.search is None else "search"

    graph = StateGraph(SearchState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall))
    graph.add_node("off", required(miner, say_off))
    graph.add_node("search", required(miner, search))
    # Without a model the sources alone are still an answer.
    graph.add_node("synthesise", best_effort(miner, synthesise, EXPECTED_TOKENS))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_conditional_edges("recall", route_recall)
    graph.add_edge("off", END)
    graph.add_conditional_edges("search", route_search)
    graph.add_edge("synthesise", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="internet_search")

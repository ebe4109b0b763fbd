"""`summary`: one pass over the earlier outputs, or map and reduce where they exceed the window."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes import materials
from nodes.miner import Miner
from nodes.recall import recall
from nodes.remember import remember
from nodes.state import Request, Result, SummaryState
from nodes.steps import required
from nodes.summarise import measure, nothing_to_summarise, summarise, take_notes

Machine = CompiledStateGraph[SummaryState, None, Request, Result]


def route_recall(state: SummaryState) -> Literal["measure", "nothing"]:
    return "measure" if materials.of_outputs(state.previous_outputs) else "nothing"


def route_measure(state: SummaryState) -> Literal["take_notes", "summarise"]:
    return "take_notes" if state.pieces else "summarise"


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    graph = StateGraph(SummaryState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall))
    graph.add_node("nothing", required(miner, nothing_to_summarise))
    graph.add_node("measure", required(miner, measure))
    graph.add_node("take_notes", required(miner, take_notes))
    graph.add_node("summarise", required(miner, summarise))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_conditional_edges("recall", route_recall)
    graph.add_edge("nothing", END)
    graph.add_conditional_edges("measure", route_measure)
    graph.add_edge("take_notes", "summarise")
    graph.add_edge("summarise", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="summary")

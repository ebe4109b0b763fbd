"""`feedback`: review an output and read the single faults off the review."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.critique import critique, keep_whole, reformat
from nodes.miner import Miner
from nodes.recall import recall
from nodes.remember import remember
from nodes.state import FeedbackState, Request, Result
from nodes.steps import best_effort, required

Machine = CompiledStateGraph[FeedbackState, None, Request, Result]


def route_critique(state: FeedbackState) -> Literal["reformat", "remember"]:
    return "remember" if state.feedbacks or state.canvas else "reformat"


def route_reformat(state: FeedbackState) -> Literal["keep_whole", "remember"]:
    return "remember" if state.feedbacks else "keep_whole"


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    graph = StateGraph(FeedbackState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall))
    graph.add_node("critique", required(miner, critique))
    graph.add_node("reformat", best_effort(miner, reformat))
    graph.add_node("keep_whole", required(miner, keep_whole))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "critique")
    graph.add_conditional_edges("critique", route_critique)
    graph.add_conditional_edges("reformat", route_reformat)
    graph.add_edge("keep_whole", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="feedback")

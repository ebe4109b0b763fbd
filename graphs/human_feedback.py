"""`human_feedback`: learn from what a person said; the only machine that writes the playbook."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.apply import apply
from nodes.confirm import confirm
from nodes.extract import extract, extract_lines, feedback_of
from nodes.miner import Miner
from nodes.recall import recall_all
from nodes.remember import remember
from nodes.state import HumanFeedbackState, Request, Result
from nodes.steps import best_effort, required

Machine = CompiledStateGraph[HumanFeedbackState, None, Request, Result]

EXPECTED_TOKENS = 60
LOOK_TOKENS = 2


def route_recall(state: HumanFeedbackState) -> Literal["extract", "apply"]:
    return "extract" if feedback_of(state) else "apply"


def route_extract(state: HumanFeedbackState) -> Literal["extract_lines", "confirm", "apply"]:
    if state.halted:
        return "apply"
    return "extract_lines" if state.grounded is None else "confirm"


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    graph = StateGraph(HumanFeedbackState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall_all))
    # Without a model the feedback is still kept, word for word.
    graph.add_node("extract", best_effort(miner, extract, EXPECTED_TOKENS))
    graph.add_node("extract_lines", best_effort(miner, extract_lines, EXPECTED_TOKENS))
    graph.add_node("confirm", best_effort(miner, confirm, LOOK_TOKENS))
    graph.add_node("apply", required(miner, apply))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_conditional_edges("recall", route_recall)
    graph.add_conditional_edges("extract", route_extract)
    graph.add_edge("extract_lines", "confirm")
    graph.add_edge("confirm", "apply")
    graph.add_edge("apply", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="human_feedback")

"""`human_feedback`: learn from what a person said; the only machine that writes the playbook."""

from typing import Literal

from langgraph.graph import START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.apply import apply
from nodes.extract import extract, extract_lines, feedback_of, recall_all
from nodes.miner import Miner
from nodes.preferences.praise import is_mere_praise
from nodes.reconcile import reconcile
from nodes.state import HumanFeedbackState, Request, Result
from nodes.steps import best_effort, required

Machine = CompiledStateGraph[HumanFeedbackState, None, Request, Result]

EXPECTED_TOKENS = 60


def route_extract(state: HumanFeedbackState) -> Literal["extract_lines", "reconcile"]:
    if state.extracted or state.halted or is_mere_praise(feedback_of(state)):
        return "reconcile"
    return "extract_lines"


def route_apply(state: HumanFeedbackState) -> Literal["reread", "__end__"]:
    return "reread" if state.stale else "__end__"


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    graph = StateGraph(HumanFeedbackState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall_all))
    # Without a model the feedback is still kept, word for word.
    graph.add_node("extract", best_effort(miner, extract, lambda _: EXPECTED_TOKENS))
    graph.add_node("extract_lines", best_effort(miner, extract_lines, lambda _: EXPECTED_TOKENS))
    graph.add_node("reconcile", required(miner, reconcile))
    graph.add_node("apply", required(miner, apply))
    graph.add_node("reread", required(miner, recall_all))
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "extract")
    graph.add_conditional_edges("extract", route_extract)
    graph.add_edge("extract_lines", "reconcile")
    graph.add_edge("reconcile", "apply")
    graph.add_conditional_edges("apply", route_apply)
    graph.add_edge("reread", "reconcile")
    return graph.compile(name="human_feedback")

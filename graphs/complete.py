"""`complete`: draft an answer, look at it again in the way that helps, remember it."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.check import EXPECTED_CHECK_TOKENS, check, compare, revise
from nodes.llm.providers import row_of
from nodes.miner import Miner
from nodes.recall import recall
from nodes.remember import remember
from nodes.state import CompleteState, Request, Result
from nodes.steps import REVISING, best_effort, required
from nodes.vote import choose, draft, sample

Machine = CompiledStateGraph[CompleteState, None, Request, Result]


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    settings = miner.settings
    judges = row_of(settings).judges
    checked = judges and settings.max_revisions > 0

    def route_draft(state: CompleteState) -> Literal["sample", "check", "choose", "remember"]:
        if state.tally.leader is not None:
            return route_votes(state)
        unchecked = state.truncated or state.strategy == "draft" or not checked
        return "remember" if unchecked else "check"

    def route_votes(state: CompleteState) -> Literal["sample", "choose"]:
        return "choose" if state.halted or state.tally.decided else "sample"

    def route_check(state: CompleteState) -> Literal["revise", "remember"]:
        if state.halted or not state.fault or state.rounds > settings.max_revisions:
            return "remember"
        return "revise"

    def route_revision(state: CompleteState) -> Literal["compare", "remember"]:
        return "compare" if state.candidate and not state.halted else "remember"

    def route_comparison(state: CompleteState) -> Literal["check", "remember"]:
        if state.halted or not state.replaced or state.rounds > settings.max_revisions:
            return "remember"
        return "check"

    graph = StateGraph(CompleteState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall))
    graph.add_node("draft", required(miner, draft))
    graph.add_node("sample", best_effort(miner, sample))
    graph.add_node("choose", required(miner, choose))
    graph.add_node("check", best_effort(miner, check, EXPECTED_CHECK_TOKENS))
    graph.add_node("revise", best_effort(miner, revise), metadata=REVISING)
    graph.add_node("compare", best_effort(miner, compare, EXPECTED_CHECK_TOKENS))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "draft")
    graph.add_conditional_edges("draft", route_draft)
    graph.add_conditional_edges("sample", route_votes)
    graph.add_edge("choose", "remember")
    graph.add_conditional_edges("check", route_check)
    graph.add_conditional_edges("revise", route_revision)
    graph.add_conditional_edges("compare", route_comparison)
    graph.add_edge("remember", END)
    return graph.compile(name="complete")

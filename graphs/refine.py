"""`refine`: rewrite an output until its feedbacks are dealt with; the best round wins."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes.llm.providers import row_of
from nodes.miner import Miner
from nodes.recall import recall
from nodes.refine import EXPECTED_JUDGE_TOKENS, judge, keep_output, rewrite, rewrite_again
from nodes.remember import remember
from nodes.state import RefineState, Request, Result
from nodes.steps import REVISING, best_effort, required

Machine = CompiledStateGraph[RefineState, None, Request, Result]


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    most_rounds = miner.settings.max_revisions + 1
    judged = row_of(miner.settings).judges

    def route_rewrite(state: RefineState) -> Literal["judge", "remember"]:
        return "judge" if judged and state.changed and not state.truncated else "remember"

    def route_judge(state: RefineState) -> Literal["rewrite_again", "keep_output", "remember"]:
        if state.halted or not state.still_open or state.rounds >= most_rounds:
            return settled(state)
        return "rewrite_again"

    def route_rewrite_again(state: RefineState) -> Literal["judge", "keep_output", "remember"]:
        return "judge" if state.changed and not state.halted else settled(state)

    def settled(state: RefineState) -> Literal["keep_output", "remember"]:
        return "remember" if state.improved else "keep_output"

    graph = StateGraph(RefineState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall))
    graph.add_node("rewrite", required(miner, rewrite))
    graph.add_node("judge", best_effort(miner, judge, EXPECTED_JUDGE_TOKENS))
    graph.add_node("rewrite_again", best_effort(miner, rewrite_again), metadata=REVISING)
    graph.add_node("keep_output", required(miner, keep_output))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_edge("recall", "rewrite")
    graph.add_conditional_edges("rewrite", route_rewrite)
    graph.add_conditional_edges("judge", route_judge)
    graph.add_conditional_edges("rewrite_again", route_rewrite_again)
    graph.add_edge("keep_output", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="refine")

"""`aggregate`: count the final answers of the earlier outputs; the model only where none counts."""

from typing import Literal

from langgraph.graph import END, START, StateGraph
from langgraph.graph.state import CompiledStateGraph

from nodes import materials
from nodes.aggregate import count, judge_answers, nothing_to_count
from nodes.miner import Miner
from nodes.recall import recall
from nodes.remember import remember
from nodes.state import AggregateState, Request, Result
from nodes.steps import required

Machine = CompiledStateGraph[AggregateState, None, Request, Result]


def route_recall(state: AggregateState) -> Literal["count", "nothing"]:
    return "count" if materials.of_outputs(state.previous_outputs) else "nothing"


def route_count(state: AggregateState) -> Literal["judge_answers", "remember"]:
    return "remember" if state.counted else "judge_answers"


def build(miner: Miner) -> Machine:
    """Compile the machine for this miner."""
    graph = StateGraph(AggregateState, input_schema=Request, output_schema=Result)
    graph.add_node("recall", required(miner, recall))
    graph.add_node("nothing", required(miner, nothing_to_count))
    graph.add_node("count", required(miner, count))
    graph.add_node("judge_answers", required(miner, judge_answers))
    graph.add_node("remember", required(miner, remember))
    graph.add_edge(START, "recall")
    graph.add_conditional_edges("recall", route_recall)
    graph.add_edge("nothing", END)
    graph.add_conditional_edges("count", route_count)
    graph.add_edge("judge_answers", "remember")
    graph.add_edge("remember", END)
    return graph.compile(name="aggregate")

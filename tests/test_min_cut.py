import maxflow
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tutorial_lib.classical.image_network import (
    contrast_capacities,
    grid_network,
    unary_capacities,
)
from tutorial_lib.classical.min_cut import (
    FlowNetwork,
    augmenting_steps,
    cut_capacity,
    every_cut,
    minimum_cut,
    push_flow,
    reachable,
    shortest_augmenting_path,
)

TWO_PIXELS = FlowNetwork(
    {("s", "a"): 7, ("s", "b"): 3, ("a", "t"): 2, ("b", "t"): 6, ("a", "b"): 2, ("b", "a"): 2}
)


def pymaxflow_value(network):
    nodes = {node: i for i, node in enumerate(network.pixels)}
    graph = maxflow.GraphInt(len(nodes), len(network.capacity))
    graph.add_nodes(len(nodes))
    value = 0
    for (tail, head), capacity in network.capacity.items():
        if (tail, head) == (network.source, network.sink):
            value += capacity
        elif tail == network.source:
            graph.add_tedge(nodes[head], capacity, 0)
        elif head == network.sink:
            graph.add_tedge(nodes[tail], 0, capacity)
        elif tail in nodes and head in nodes:
            graph.add_edge(nodes[tail], nodes[head], capacity, 0)
    return value + graph.maxflow()


@st.composite
def networks(draw):
    nodes = ["s", "t", *"abcde"[: draw(st.integers(0, 5))]]
    edges = [(tail, head) for tail in nodes for head in nodes if tail != head]
    chosen = draw(st.dictionaries(st.sampled_from(edges), st.integers(0, 9)))
    return FlowNetwork({("s", "t"): draw(st.integers(0, 3)), **chosen})


def test_two_pixels_by_hand():
    steps = list(augmenting_steps(TWO_PIXELS))
    assert [step.path for step in steps] == [
        ("s", "a", "t"),
        ("s", "b", "t"),
        ("s", "a", "b", "t"),
    ]
    assert [step.bottleneck for step in steps] == [2, 3, 2]
    assert [step.value for step in steps] == [2, 5, 7]
    cut = minimum_cut(TWO_PIXELS)
    assert cut.value == 7
    assert cut.source_side == {"s", "a"}
    assert set(cut.edges) == {("a", "t"), ("s", "b"), ("a", "b")}


def test_the_four_labellings_of_two_pixels():
    costs = {"".join(sorted(side)): cost for side, cost in every_cut(TWO_PIXELS)}
    assert costs == {"abs": 8, "as": 7, "bs": 15, "s": 10}


def test_pushing_opens_the_way_back():
    residual, bottleneck = push_flow(TWO_PIXELS.capacity, ["s", "b", "a", "t"])
    assert bottleneck == 2
    assert residual["b", "a"] == 0
    assert residual["a", "b"] == 4
    assert residual["t", "a"] == 2
    assert TWO_PIXELS.capacity["b", "a"] == 2


def test_an_unlucky_first_path_is_undone():
    residual, value = push_flow(TWO_PIXELS.capacity, ["s", "b", "a", "t"])
    while path := shortest_augmenting_path(residual):
        residual, bottleneck = push_flow(residual, path)
        value += bottleneck
    assert value == 7


def test_no_path_is_none():
    assert shortest_augmenting_path({("s", "a"): 1, ("a", "t"): 0}) is None


def test_other_names_for_the_terminals():
    network = FlowNetwork({(0, 1): 3, (1, 2): 2}, source=0, sink=2)
    assert minimum_cut(network).value == 2
    assert minimum_cut(network).source_side == {0, 1}


def test_reachable_follows_what_is_left():
    assert reachable({("s", "a"): 1, ("a", "b"): 0, ("b", "t"): 5}) == {"s", "a"}


def test_only_edges_out_of_the_source_side_cost():
    assert cut_capacity({("s", "a"): 1, ("a", "s"): 100, ("a", "t"): 5}, {"s"}) == 1


def test_ties_go_where_they_are_told():
    network = FlowNetwork({("s", "a"): 4, ("a", "t"): 4})
    assert minimum_cut(network).source_side == {"s"}
    assert minimum_cut(network, ties="object").source_side == {"s", "a"}
    with pytest.raises(ValueError, match="'background' or 'object', not 'both'"):
        minimum_cut(network, ties="both")


@given(networks())
def test_flow_equals_cut_equals_brute_force_equals_pymaxflow(network):
    flow = sum(step.bottleneck for step in augmenting_steps(network))
    cut = minimum_cut(network)
    assert flow == cut.value == cut_capacity(network.capacity, cut.source_side)
    assert cut.value == sum(network.capacity[edge] for edge in cut.edges)
    assert cut.value == min(cost for _, cost in every_cut(network))
    assert cut.value == pymaxflow_value(network)


@given(networks())
def test_tie_rules_give_the_smallest_and_the_largest_minimum(network):
    best = minimum_cut(network).value
    sides = [side for side, cost in every_cut(network) if cost == best]
    assert minimum_cut(network, ties="background").source_side == frozenset.intersection(*sides)
    assert minimum_cut(network, ties="object").source_side == frozenset.union(*sides)


@given(networks())
def test_every_step_keeps_flow_within_capacity_and_conserved(network):
    for step in augmenting_steps(network):
        assert min(step.residual.values()) >= 0
        flow = {e: network.capacity.get(e, 0) - left for e, left in step.residual.items()}
        for node in network.pixels:
            assert sum(f for (tail, _), f in flow.items() if tail == node) == 0


@pytest.mark.parametrize(
    ("capacity", "terminals", "error", "text"),
    [
        ({("s", "a"): -1, ("a", "t"): 1}, {}, ValueError, "s -> a has capacity -1"),
        ({("s", "a"): 0.5, ("a", "t"): 1}, {}, TypeError, "whole numbers"),
        ({("s", "s"): 1, ("s", "t"): 1}, {}, ValueError, "loop"),
        ({("a", "t"): 1}, {}, ValueError, "source 's' has no edge"),
        ({("s", "a"): 1}, {}, ValueError, "sink 't' has no edge"),
        ({("s", "t"): 1}, {"sink": "s"}, ValueError, "two nodes, but both are 's'"),
        ({}, {}, ValueError, "source 's' has no edge"),
    ],
)
def test_bad_networks_are_refused_in_one_sentence(capacity, terminals, error, text):
    with pytest.raises(error, match=text) as caught:
        FlowNetwork(capacity, **terminals)
    assert "\n" not in str(caught.value)


def test_a_network_cannot_be_changed():
    with pytest.raises(TypeError):
        TWO_PIXELS.capacity["s", "a"] = 1


def test_one_row_of_two_pixels_is_the_network_by_hand():
    network = grid_network(np.array([[7, 3]]), np.array([[2, 6]]), 2)
    assert network.pixels == ((0, 0), (0, 1))
    assert minimum_cut(network).value == 7
    assert minimum_cut(network).source_side == {"s", (0, 0)}


def test_a_grid_links_each_pixel_to_its_four_neighbours():
    ones = np.ones((3, 3), dtype=int)
    network = grid_network(ones, ones, 1)
    assert len(network.capacity) == 9 + 9 + 2 * 12
    assert ((0, 0), (1, 1)) not in network.capacity


def test_pairwise_arrays_go_to_the_right_links():
    ones = np.ones((2, 2), dtype=int)
    network = grid_network(ones, ones, (np.array([[2], [3]]), np.array([[4, 0]])))
    assert network.capacity[(0, 0), (0, 1)] == 2
    assert network.capacity[(1, 1), (1, 0)] == 3
    assert network.capacity[(1, 0), (0, 0)] == 4
    assert ((0, 1), (1, 1)) not in network.capacity


@pytest.mark.parametrize(
    ("source", "sink", "pairwise", "error", "text"),
    [
        (np.ones((2, 2), int), np.ones((2, 3), int), 1, ValueError, "one shape"),
        (np.ones(4, int), np.ones(4, int), 1, ValueError, "one shape"),
        (
            np.ones((2, 2), int),
            np.ones((2, 2), int),
            (np.ones(3), np.ones(3)),
            ValueError,
            "shapes",
        ),
        (np.ones((2, 2), int), np.ones((2, 2), int), -1, ValueError, "capacity -1"),
        (np.ones((1, 2), int), np.ones((1, 2), int), 0.5, TypeError, "whole numbers"),
    ],
)
def test_bad_grids_are_refused(source, sink, pairwise, error, text):
    with pytest.raises(error, match=text):
        grid_network(source, sink, pairwise)


def test_unary_capacities_are_rounded_negative_logs():
    source, sink = unary_capacities(np.array([[0.5, 0.9]]), scale=10)
    assert source.tolist() == [[7, 23]]
    assert sink.tolist() == [[7, 1]]
    with pytest.raises(ValueError, match="strictly between 0 and 1"):
        unary_capacities(np.array([[1.0]]))


def test_contrast_capacities_fall_with_the_difference():
    across, down = contrast_capacities(np.array([[0, 0, 60]]), strength=100, sigma=60)
    assert across.tolist() == [[100, 61]]
    assert down.shape == (0, 3)

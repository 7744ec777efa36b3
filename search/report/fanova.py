"""Functional ANOVA over bootstrap resamples: what each dimension explains, and how sure that is.

Hutter et al. 2014, https://proceedings.mlr.press/v32/hutter14.html. Optuna's own takes 20 to 110 ms
a resample of 1,000 trials, this one 5 to 15: it knows no effects of several dimensions together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeRegressor

RESAMPLES = 100
_DEPTH = 6
_SEED = 0

Array = NDArray[np.float64]


def resampled_shares(places: Array, values: Array) -> Array:
    """Shares of the variation that each dimension explains by itself, which sum to 1.

    Each row is of one resample, on which a tree is grown: one tree a resample gave intervals that
    hold the truth (in 0.83 to 1.0 of simulated studies with 20 to 200 trials), forests on each
    resample gave too narrow ones (0.3 to 0.95).

    Args:
        places: (trials, dimensions) from 0 to 1.
        values: (trials,).

    Returns:
        (resamples, dimensions); without the resamples in which nothing varies.
    """
    # neither the order of the trials nor their numbers may change the result
    order = np.lexsort((*places.T, values))
    places, values = places[order], values[order]
    picks = np.random.default_rng(_SEED).integers(0, len(values), (RESAMPLES, len(values)))
    found = [_main_effects(_tree(places[pick], values[pick]), places.shape[1]) for pick in picks]
    return np.array([effects / effects.sum() for effects in found if effects.sum() > 0])


def _tree(places: Array, values: Array) -> Any:
    return DecisionTreeRegressor(max_depth=_DEPTH, random_state=_SEED).fit(places, values).tree_


def _main_effects(tree: Any, dimensions: int) -> Array:
    """The variance of the tree's mean along each dimension, all others averaged over [0, 1]."""
    low, high, values = _leaves(tree, dimensions)
    widths = high - low
    mean = (widths.prod(axis=1) * values).sum()
    effects = np.zeros(dimensions)
    for dimension in set(tree.feature[tree.feature >= 0].tolist()):
        edges = np.unique(np.concatenate([low[:, dimension], high[:, dimension]]))
        # a leaf adds its value, weighted with its extent in the other dimensions, from its lower
        # edge on, and takes it back from its upper edge on
        weighted = values * np.delete(widths, dimension, axis=1).prod(axis=1)
        steps = np.zeros(len(edges))
        np.add.at(steps, np.searchsorted(edges, low[:, dimension]), weighted)
        np.add.at(steps, np.searchsorted(edges, high[:, dimension]), -weighted)
        marginal = np.cumsum(steps)[:-1]
        effects[dimension] = (np.diff(edges) * (marginal - mean) ** 2).sum()
    return effects


def _leaves(tree: Any, dimensions: int) -> tuple[Array, Array, Array]:
    """Lower and upper corners, each (leaves, dimensions), and values of the leaves."""
    low, high = np.zeros((tree.node_count, dimensions)), np.ones((tree.node_count, dimensions))
    # a node comes before its children
    for node in np.flatnonzero(tree.feature >= 0):
        left, right = tree.children_left[node], tree.children_right[node]
        low[[left, right]], high[[left, right]] = low[node], high[node]
        high[left, tree.feature[node]] = low[right, tree.feature[node]] = tree.threshold[node]
    is_leaf = tree.feature < 0
    return low[is_leaf], high[is_leaf], tree.value[is_leaf, 0, 0]

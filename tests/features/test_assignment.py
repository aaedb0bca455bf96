"""The assignment against all permutations, and against solutions that duality proves to be the best."""

from itertools import permutations

import numpy as np
import pytest

from sieve.features.assignment import assign

SHAPES = [(1, 1), (1, 4), (4, 1), (2, 2), (3, 5), (5, 3), (6, 6), (5, 7)]


def best(score: np.ndarray) -> float:
    """The largest sum that there is, by trying everything."""
    wide = score if score.shape[0] <= score.shape[1] else score.T
    rows = np.arange(len(wide))
    return max(wide[rows, list(columns)].sum() for columns in permutations(range(wide.shape[1]), len(wide)))


def proven(rows: int, columns: int, draw: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Scores (R, C), R ≤ C, and the columns (R,) that are best for them.

    score_ij = profit_i + price_j − loss_ij with loss > 0 but for the chosen pairs, and no price where nobody is: all
    other choices have a smaller sum.
    """
    chosen = draw.permutation(columns)[:rows]
    price = np.zeros(columns)
    price[chosen] = draw.exponential(size=rows)
    loss = draw.exponential(size=(rows, columns)) + 1e-3
    loss[np.arange(rows), chosen] = 0
    return draw.normal(size=(rows, 1)) + price - loss, chosen


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("kind", ["floats", "single precision", "many equal"])
def test_no_permutation_is_better(shape, kind):
    """The sum is the largest of all ways to pair, and nothing is paired twice, with scores of both signs and ties."""
    draw = np.random.default_rng([*shape, len(kind)])
    for _ in range(30):
        score = draw.normal(size=shape) if kind != "many equal" else draw.integers(-2, 2, shape).astype(float)
        score = score.astype(np.float32) if kind == "single precision" else score
        before = score.copy()
        rows, columns = assign(score)

        assert score[rows, columns].sum() == pytest.approx(best(score), rel=1e-6, abs=1e-6)
        assert len(rows) == len(set(rows)) == len(set(columns)) == min(shape)
        assert (np.diff(rows) > 0).all() and (score == before).all()


@pytest.mark.parametrize("shape", [(200, 200), (120, 300), (300, 299)])
def test_the_proven_best_is_found(shape):
    """At sizes that nobody can try out, the pairs are those that prices and profits prove to be the only best ones."""
    small, large = sorted(shape)
    score, chosen = proven(small, large, np.random.default_rng(shape))
    rows, columns = assign(score if shape[0] == small else score.T)
    row, column = (rows, columns) if shape[0] == small else (columns, rows)

    assert (chosen[row] == column).all()


def test_order_does_not_matter():
    """Whoever renumbers rows and columns gets the same pairs under the new numbers."""
    draw = np.random.default_rng(5)
    score, row, column = draw.normal(size=(60, 80)), draw.permutation(60), draw.permutation(80)
    _, direct = assign(score)
    _, shuffled = assign(score[row][:, column])

    assert (column[shuffled] == direct[row]).all()


def test_equals_are_paired_in_order():
    """Rows that are alike, and columns that are alike, get each other by number."""
    blocks = np.kron(np.eye(3), np.ones((4, 4)))
    for score in (np.zeros((7, 7)), np.zeros((4, 9)), blocks):
        assert (assign(score)[1] == np.arange(len(score))).all()


@pytest.mark.parametrize("shape", [(0, 0), (0, 3), (3, 0)])
def test_nobody_to_pair(shape):
    """Without rows or columns there are no pairs."""
    assert [len(numbers) for numbers in assign(np.zeros(shape))] == [0, 0]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_refuses_what_is_no_number(bad):
    """A score that is infinite or no number is refused."""
    with pytest.raises(ValueError, match="must be finite"):
        assign(np.array([[0.0, bad], [1.0, 2.0]]))

"""The assignment problem: partners for everybody, such that the scores add up to the most."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]
Numbers = NDArray[np.int64]


def assign(score: Floats) -> tuple[Numbers, Numbers]:
    """Pairs of a row and a column, none of them twice and as many as there can be, with the largest sum of scores.

    score (R, C) is neither copied nor changed if R ≤ C. Returns rows, ascending, and columns, both (min(R, C),). Exact
    up to the rounding of float64 sums. Among equal scores a lower column is tried first; equal input has equal output.
    O(R² C) operations. ValueError when a score is not finite.

    SciPy's `linear_sum_assignment(maximize=True)` gives the same; nothing else here needs SciPy. Shortest augmenting
    paths (Jonker & Volgenant, 1987; Crouse, 2016, for R < C), told as an auction: columns have prices ≥ 0, rows
    profits, and profit_i ≥ score_ij − price_j, with equality for pairs. Pairs can never add up to more than all profits
    and prices; these do, because a column without a row has price 0.
    """
    if not np.isfinite(score).all():
        raise ValueError(
            "scores must be finite, but some are infinite or not a number; look for them in what was scored"
        )
    if score.shape[0] > score.shape[1]:
        columns, rows = assign(np.ascontiguousarray(score.T))
        order = rows.argsort()
        return rows[order], columns[order]
    auction = _Auction(score)
    for row in np.flatnonzero(auction.column_of < 0):
        auction.place(int(row))
    return np.arange(len(score)), auction.column_of


class _Auction:
    """Pairs so far (−1: none), prices (C,) and profits (R,); it begins with whoever's best column nobody before had."""

    def __init__(self, score: Floats) -> None:
        self.score = score
        self.row_of = np.full(score.shape[1], -1)
        self.column_of = np.full(score.shape[0], -1)
        self.price = np.zeros(score.shape[1])
        self.profit = np.empty(score.shape[0])
        for row, values in enumerate(score):
            column = values.argmax()
            self.profit[row] = values[column]
            if self.row_of[column] < 0:
                self._join(row, column)

    def place(self, start: int) -> None:
        """Find a column for `start`: along the path on which others move and the sum loses least (Dijkstra)."""
        loss = np.full(len(self.price), np.inf)  # of the best path to a column, so far
        before = np.full(len(self.price), -1)  # the row from which it comes there
        unsettled = np.ones(len(self.price), dtype=bool)
        settled: list[int] = []
        row, least = start, 0.0
        while True:
            through = least + self.profit[row] - (self.score[row] - self.price)
            better = unsettled & (through < loss)
            loss[better], before[better] = through[better], row
            column = int(np.where(unsettled, loss, np.inf).argmin())
            least = float(loss[column])
            if self.row_of[column] < 0:
                break
            unsettled[column] = False
            settled.append(column)
            row = int(self.row_of[column])
        self._raise(start, settled, least - loss[settled], least)
        while column >= 0:  # everybody on the path takes the column to which it leads
            row = int(before[column])
            left = int(self.column_of[row])
            self._join(row, column)
            column = left

    def _raise(self, start: int, settled: list[int], by: Floats, least: float) -> None:
        """Prices on the way, so that the path is nobody's loss."""
        self.price[settled] += by
        self.profit[self.row_of[settled]] -= by
        self.profit[start] -= least

    def _join(self, row: int, column: int) -> None:
        self.row_of[column], self.column_of[row] = row, column

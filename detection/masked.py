"""Statistics of each row of a matrix (n_rows, n_columns), of the columns that are in it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Reals = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def masked_median(values: Reals, is_in: Flags) -> Reals:
    """Median of each row, of what is in; nan of nothing."""
    n = is_in.sum(axis=1)
    ordered = np.sort(np.where(is_in, values, np.inf), axis=1)
    rows = np.arange(len(n))
    low = ordered[rows, np.maximum(n - 1, 0) // 2]
    high = ordered[rows, np.minimum(n // 2, values.shape[1] - 1)]
    with np.errstate(invalid="ignore"):
        return np.where(n > 0, (low + high) / 2, np.nan)


def robust_deviation(residuals: Reals, is_in: Flags) -> Reals:
    """Standard deviation of each row as a normal one's median distance from zero tells it."""
    return np.asarray(1.4826 * masked_median(np.abs(residuals), is_in))


def mid_ranks(values: Reals, is_in: Flags) -> Reals:
    """Ranks from 1 within each row; equal values share theirs."""
    values = np.where(is_in, values, np.inf)
    order = np.argsort(values, axis=1)
    ordered = np.take_along_axis(values, order, axis=1)
    places = np.arange(values.shape[1])
    is_new = np.ones(values.shape, bool)
    is_new[:, 1:] = ordered[:, 1:] > ordered[:, :-1]
    first = np.maximum.accumulate(np.where(is_new, places, 0), axis=1)
    is_last = np.ones(values.shape, bool)
    is_last[:, :-1] = is_new[:, 1:]
    last = np.where(is_last, places, places[-1])[:, ::-1]
    last = np.minimum.accumulate(last, axis=1)[:, ::-1]
    ranks = np.empty(values.shape)
    np.put_along_axis(ranks, order, (first + last) / 2 + 1, axis=1)
    return ranks


def serial_correlation(residuals: Reals, is_in: Flags, fitted: int) -> Reals:
    """Of each row with itself one build later; fitted levels make it look smaller, which is put right."""
    residuals = np.where(is_in, residuals, 0.0)
    squares = np.einsum("ij,ij->i", residuals, residuals)
    products = np.einsum("ij,ij->i", residuals[:, 1:], residuals[:, :-1])
    n = np.maximum(is_in.sum(axis=1), 2)
    return np.asarray(products / np.maximum(squares, 1e-300) + fitted / n)


def correlation(a: Reals, b: Reals) -> Reals:
    """Of each row of a with that of b, both about their means."""
    squares = np.einsum("ij,ij->i", a, a) * np.einsum("ij,ij->i", b, b)
    return np.asarray(np.einsum("ij,ij->i", a, b) / np.sqrt(np.maximum(squares, 1e-300)))


def time_of(is_in: Flags, n: Ints) -> Reals:
    """The number of each column within its row, about their middle."""
    return np.where(is_in, is_in.cumsum(axis=1) - (n[:, None] + 1) / 2, 0.0)

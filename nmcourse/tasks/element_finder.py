"""Element Finder: hear which element will be asked for, then the list, then name the element.

    step       what happens (one input channel)
    0          the query q: a place in the list, counted from 0
    1 .. T     the elements e_0 .. e_{T-1}, one a step, whole numbers
    T          (target) the answer e_q, at the last step only

The query and the elements share a channel and a scale: the network must know which number of the
stream is which by counting. Only the last step counts in the loss. Chance is the error of the best
constant answer, the variance of an element: for -10..10 it is 10 * 11 / 3 = 36.67.

The published task has T = 25, elements -10..10 and every query; its time constants are given in
steps, so dt is a free choice (here 10 ms).

Reference: Costacurta et al. 2024, Sec. 5.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from nmcourse._inputs import check_generator, check_tensor, count, whole
from nmcourse.tasks._base import Task, Trials, check_time_step

LARGEST = 2**24  # of an element


class ElementFinder(Task):
    """The Element Finder task.

    Args:
        length: number of elements T; a trial has T + 1 steps.
        low: smallest element.
        high: largest element.
        queries: places that may be asked for, each in 0..T-1; None for all of them.
        dt: time step in ms.

    Raises:
        ValueError: for a length below one, an empty range of elements or one beyond ``LARGEST``, a
            query outside the list or named twice, or a time step that is not positive.
    """

    input_names = ("number",)
    output_names = ("answer",)

    def __init__(
        self,
        length: int = 25,
        low: int = -10,
        high: int = 10,
        queries: Sequence[int] | None = None,
        *,
        dt: float = 10.0,
    ) -> None:
        length, low, high = count("length", length), whole("low", low), whole("high", high)
        if low > high:
            raise ValueError(f"low must not exceed high: got low={low} and high={high}")
        for name, value in (("low", low), ("high", high)):
            if abs(value) > LARGEST:
                raise ValueError(
                    f"{name} must be from -{LARGEST} to {LARGEST}, which single precision holds "
                    f"exactly, got {value}"
                )
        check_time_step(dt)
        self.length, self.low, self.high, self.dt = length, low, high, dt
        self.queries = self._checked(range(length) if queries is None else queries)
        self.n_steps = length + 1

    @property
    def chance(self) -> float:
        """Mean squared error of the best constant answer, which is the variance of one element."""
        n_values = self.high - self.low + 1
        return (n_values**2 - 1) / 12

    def sample(self, n_trials: int, *, generator: torch.Generator | None = None) -> Trials:
        """Draw query and elements of each trial, all independently and uniformly."""
        n_trials = count("n_trials", n_trials)
        check_generator(generator)
        place = torch.randint(len(self.queries), (n_trials,), generator=generator)
        return self.trials(torch.tensor(self.queries)[place], self._elements(n_trials, generator))

    def each_query(self, n_each: int, *, generator: torch.Generator | None = None) -> Trials:
        """The same sequences for each of the queries, in the order of ``queries``.

        Args:
            n_each: number of sequences.
            generator: draws them.

        Returns:
            ``n_each`` trials of the first query, then ``n_each`` of the second, and so on.
        """
        elements = self._elements(count("n_each", n_each), generator)
        query = torch.tensor(self.queries).repeat_interleave(n_each)
        return self.trials(query, elements.repeat(len(self.queries), 1))

    def each_answer(self, n_each: int, *, generator: torch.Generator | None = None) -> Trials:
        """The same sequences for each query and each possible answer, which is put in its place.

        Args:
            n_each: number of sequences.
            generator: draws them.

        Returns:
            ``n_each`` trials of the first query and the smallest answer, then of the same query
            and the next answer, and so on; trial i, i + n_each, ... share all other elements.
        """
        elements = self._elements(count("n_each", n_each), generator)
        queries, values = torch.tensor(self.queries), torch.arange(self.low, self.high + 1)
        query = queries.repeat_interleave(len(values) * n_each)
        value = values.repeat(len(queries)).repeat_interleave(n_each)
        elements = elements.repeat(len(queries) * len(values), 1)
        return self.trials(query, elements.scatter(1, query[:, None], value[:, None]))

    def trials(self, query: Tensor, elements: Tensor) -> Trials:
        """Trials with given queries (trial,) and elements (trial, T).

        Raises:
            ValueError: for a query outside the list, or shapes that do not fit.
        """
        check_tensor("query", query)
        check_tensor("elements", elements)
        if elements.ndim != 2 or elements.shape[1] != self.length:
            raise ValueError(
                f"elements must have shape (trial, {self.length}), got {tuple(elements.shape)}; "
                "for a list of another length make a task of that length"
            )
        if query.shape != elements.shape[:1]:
            raise ValueError(
                f"query must have shape ({len(elements)},), one per trial, got {tuple(query.shape)}"
            )
        if query.is_floating_point() or ((query < 0) | (query >= self.length)).any():
            raise ValueError(
                f"query must hold whole numbers in 0..{self.length - 1}, got {query.tolist()[:10]}"
            )
        dtype = torch.get_default_dtype()
        answer = elements.gather(1, query[:, None])[:, 0]
        inputs = torch.cat([query[:, None], elements], dim=1).to(dtype)[..., None]
        targets, mask = torch.zeros_like(inputs), torch.zeros_like(inputs)
        targets[:, -1, 0], mask[:, -1] = answer.to(dtype), 1.0
        return Trials(inputs, targets, mask, conditions={"query": query, "answer": answer})

    def _elements(self, n_trials: int, generator: torch.Generator | None) -> Tensor:
        """Random sequences, (trial, T)."""
        check_generator(generator)
        size = (n_trials, self.length)
        return torch.randint(self.low, self.high + 1, size, generator=generator)

    def _checked(self, queries: Sequence[int]) -> tuple[int, ...]:
        """Places in the list, all different."""
        last = self.length - 1
        allowed = f"in 0..{last} for length={self.length}"
        places = tuple(whole("queries", query, 0, last, allowed) for query in queries)
        if not places:
            raise ValueError("queries must hold at least one place, got none")
        if len(set(places)) < len(places):
            raise ValueError(f"queries must be all different, got {list(places)}")
        return places

"""The record of training.

A row has the losses averaged over all steps since the last row, the strategy's diagnostics of its
own step, and the selection among the candidates of a window of the last steps.
"""

from typing import Any

import pandas as pd
import torch
from torch import Tensor

from cds_bench.contracts import Terms, loss_terms
from cds_bench.progress import say
from cds_bench.records import Offer, Sharing
from cds_bench.storage.columns import METRICS
from cds_bench.training import candidates
from cds_bench.training.data import DevicePool, effective

QUANTILES = (0.1, 0.5, 0.9)


def pair_sums(offer: Offer, decision: Sharing, tasks: int) -> tuple[Tensor, Tensor]:
    """The sum of weights and the number of offered transitions per pair, [S, source, target] each.

    A strategy that re-assigns considers every transition for every task. For a pair, the weight
    divided by the number of offered transitions is then the share of the source's transitions that
    the target received.
    """
    target = effective(offer, decision)

    def scatter(index: Tensor, values: Tensor) -> Tensor:
        sums = values.new_zeros(values.shape[0], tasks * tasks)
        pair = offer.source * tasks + index
        sums.scatter_add_(1, pair.flatten(1), values.flatten(1))
        return sums.view(-1, tasks, tasks)

    weight = scatter(target, decision.weight)
    offered = scatter(offer.task, torch.ones_like(decision.weight))
    if decision.task is not None:
        offered = offered.sum(2, keepdim=True).expand_as(offered)
    return weight, offered


class Recorder:
    """Accumulates sums on the device and reads them back at log points only.

    Its attributes are plain data and tensors, so a checkpoint can hold them as they are.
    """

    def __init__(self, seeds: list[int], tasks: tuple[str, ...]):
        self.seeds, self.tasks = seeds, tasks
        self.rows: list[tuple] = []
        self.failed: list[dict[str, Any]] = []
        self.terms: list[str] = []
        self.last: Tensor | None = None  # the last finite value of each loss term, [S, terms]
        self.broken: Tensor | None = None  # the first step at which each was not finite, else -1
        self._clear()

    def _clear(self) -> None:
        self.count = 0
        self.sums: list[Tensor] = []
        self.kept: list[candidates.Step] = []  # the last steps, for the measures of the selection

    def add(self, terms: Terms, rows: Tensor, offer: Offer, decision: Sharing, step: int) -> None:
        """Adds the loss terms [S] and the sharing between tasks of the step with number `step`.

        rows: [S, T, B], the numbers of the pool's rows that were offered.
        """
        count = len(self.tasks)
        found = loss_terms(terms)
        self.terms = list(found)
        target = effective(offer, decision)
        q_sums = terms.q_data.new_zeros(len(self.seeds), count)
        q_sums.scatter_add_(1, target.flatten(1), terms.q_data)
        counts = torch.zeros_like(q_sums)
        counts.scatter_add_(1, target.flatten(1), torch.ones_like(terms.q_data))
        losses = torch.stack(list(found.values()), dim=1)
        sums = [losses, q_sums, counts, *pair_sums(offer, decision, count)]
        self.sums = [a + b for a, b in zip(self.sums, sums, strict=True)] if self.sums else sums
        self.count += 1
        self.kept = candidates.keep(self.kept, rows, decision)
        self.diagnostics = decision.diagnostics
        if self.last is None:
            self.last = torch.full_like(losses, torch.nan)
            self.broken = torch.full_like(losses, -1, dtype=torch.int64)
        finite = losses.isfinite()
        self.last = torch.where(finite, losses, self.last)
        self.broken = torch.where(finite | (self.broken >= 0), self.broken, step)

    def write(self, step: int, pool: DevicePool) -> str:
        """Appends the rows of the interval that ends at `step`. Returns a note for the progress.

        A seed has failed once its losses are not finite. From then on it has no rows.
        """
        self._find_failures()
        losses, q_sums, counts, weight, offered = (total.cpu().double() for total in self.sums)
        losses = losses / self.count
        for k, name in enumerate(self.terms):
            self._append(step, name, losses[:, k, None, None])
        self._append(step, "q_data", (q_sums / counts)[:, None, :])
        self._append(step, "weight", weight / offered)
        self._append(step, "effective_share", weight / weight.sum(1, keepdim=True))
        for name, values in self.diagnostics.items():
            for label, quantile in _summaries(name, values.detach().cpu().double()):
                self._append(step, label, quantile[:, None, :])
        self._append_selection(step, pool)
        self._clear()
        return ", ".join(
            f"{name} {value:.3g}"
            for name, value in zip(self.terms[:3], losses.nanmean(0).tolist(), strict=False)
        )

    def _find_failures(self) -> None:
        """Adds the seeds that failed in this interval to `failed` and prints them."""
        broken, last = self.broken.cpu(), self.last.cpu().tolist()
        known = {failure["seed"] for failure in self.failed}
        for s, seed in enumerate(self.seeds):
            if seed in known or (broken[s] < 0).all():
                continue
            first = int(broken[s][broken[s] >= 0].min())
            term = self.terms[int((broken[s] == first).int().argmax())]
            finite = dict(zip(self.terms, last[s], strict=True))
            reason = failure_reason(first, term, finite)
            self.failed.append(
                {"seed": seed, "step": first, "term": term, "last_finite": finite, "reason": reason}
            )
            say(f"seed {seed}: {reason}")

    def _append(self, step: int, metric: str, values: Tensor) -> None:
        """Appends values [S, sources or 1, targets or 1]; a dimension of size 1 names no task."""
        _, sources, targets = values.shape
        failed = {failure["seed"] for failure in self.failed}
        for s, seed in enumerate(self.seeds):
            if seed in failed:
                continue
            for i in range(sources):
                for j in range(targets):
                    source = self.tasks[i] if sources > 1 else ""
                    target = self.tasks[j] if targets > 1 else ""
                    self.rows.append((seed, step, metric, source, target, values[s, i, j].item()))

    def _append_selection(self, step: int, pool: DevicePool) -> None:
        """Appends the measures of the selection for each target that was offered candidates."""
        failed = {failure["seed"] for failure in self.failed}
        for s, target, values in candidates.measured(pool, self.kept):
            if self.seeds[s] not in failed:
                self.rows += [
                    (self.seeds[s], step, f"selection_{name}", "", self.tasks[target], value)
                    for name, value in values.items()
                ]

    def table(self) -> pd.DataFrame:
        return pd.DataFrame(self.rows, columns=METRICS).sort_values(
            ["seed", "step", "metric", "source", "target"], kind="stable"
        )


def failure_reason(step: int, term: str, last_finite: dict[str, float]) -> str:
    """Why a seed failed, as a sentence with the step, the loss term and the last finite values."""
    last = ", ".join(f"{name} {value:.3g}" for name, value in last_finite.items())
    return (
        f"failed at step {step}: the loss term '{term}' is not finite (last finite values: {last})"
    )


def _summaries(name: str, values: Tensor) -> list[tuple[str, Tensor]]:
    """A diagnostic [S, T, n] as named values [S, T]: itself if n is 1, else its quantiles."""
    if values.shape[-1] == 1:
        return [(name, values.squeeze(-1))]
    return [(f"{name}_q{round(100 * q)}", torch.nanquantile(values, q, dim=-1)) for q in QUANTILES]

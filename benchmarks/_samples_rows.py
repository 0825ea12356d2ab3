"""What came of a run with so many samples, as a row."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from ._outcome import Status
from ._solve import Solved

# The error has converged when it stays within this share of its last value.
_CLOSE = 0.1


@dataclass(frozen=True)
class SamplesCase:
    """A problem, a method, and how many samples it takes per point."""

    problem: str
    estimator: str
    tangents: str
    samples: int

    def command(self, dim: int) -> str:
        """What follows `stde solve`; one stage of Adam, whatever the problem's own training."""
        shared = str(self.tangents == "shared").lower()
        return (
            f"{self.problem} --dim {dim} --estimator {self.estimator} -e num_samples={self.samples} "
            f"-t shared_tangents={shared} -t gauss_newton=none -t lbfgs=none"
        )

    @property
    def method(self) -> str:
        """Problem, estimator and tangents in words."""
        return f"{self.problem}, {self.estimator}, {self.tangents}"


@dataclass(frozen=True)
class SamplesRow:
    """One run, or why there is none.

    - `relative_l2`: the error of the last step; `loss`: the mean squared residual, over the last chunk of
      steps, about a second.
    - `older`: whether older sources of stde made it.
    - `seconds`: of all steps; `seconds_to_convergence`: until the error, measured about 20 times, first
      stays within 10 % of its last value.
    """

    problem: str
    estimator: str
    tangents: str
    samples: int
    status: Status
    reason: str
    older: bool
    steps: int
    relative_l2: float | None = None
    trivial_relative_l2: float | None = None
    affine_relative_l2: float | None = None
    loss: float | None = None
    steps_per_second: float | None = None
    seconds: float | None = None
    seconds_to_convergence: float | None = None

    @property
    def line(self) -> tuple[str, str, str]:
        """Problem, estimator and tangents: what one line of the picture is for."""
        return self.problem, self.estimator, self.tangents


def samples_row(case: SamplesCase, steps: int, solved: Solved, affine: float | None) -> SamplesRow:
    """The row of a case, with what came of its run, beside the error of an affine network."""
    result: dict[str, Any] = {}
    if solved.status == "ok":
        seconds, _ = solved.errors[-1]
        result = {name: solved.result[name] for name in ("relative_l2", "trivial_relative_l2", "loss")}
        result["affine_relative_l2"] = affine
        result["steps_per_second"] = steps / seconds
        result["seconds"] = seconds
        result["seconds_to_convergence"] = seconds_to_convergence(solved.errors)
    return SamplesRow(
        case.problem,
        case.estimator,
        case.tangents,
        case.samples,
        solved.status,
        solved.reason,
        solved.older,
        steps,
        **result,
    )


def seconds_to_convergence(errors: Sequence[tuple[float, float]]) -> float:
    """When the error first stays within 10 % of its last value, from (seconds, error) in order."""
    converged, last = errors[-1]
    for seconds, value in reversed(errors):
        if abs(value - last) > _CLOSE * last:
            break
        converged = seconds
    return converged

"""How a network is trained."""

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias, get_args

from stde_core import check_choice, check_count, check_flag
from stde_core.checks import in_short

from ._checks import check_least, check_part
from .optimisers import AbstractStage, Adam
from .resampling import Resampling
from .weighting import AbstractWeighting

MatmulPrecision: TypeAlias = Literal["default", "high", "highest"]


@dataclass(frozen=True)
class Training:
    """How a network is trained on the mean squared residual: by one optimiser after the other.

    - `stages`: the optimisers in their order.
    - `weightings`: what multiplies the weights of points and conditions while training goes on; none by
      default.
    - `shared_tangents`: one draw of tangents for all points of a step, rather than one per point.
    - `unbiased`: the product of two independent residuals in place of the square, whose mean is
      too large by the estimator's variance. It needs stages that draw anew every step: for a fixed draw the
      product has no lower bound.
    - `gpinn_weight`: weight of `|∇r|²`, the squared gradient of the equation's residual in all
      inputs (gradient-enhanced PINN; Yu, Lu, Meng and Karniadakis, 2022).
    - `gpinn_samples`: so many random entries of ∇r per point stand for all of them; exact from the
      number of inputs on.
    - `resampling`: where collocation points are drawn beside the problem's own law; None for there alone.
    - `matmul_precision`: of products of matrices in the steps and the errors, as JAX has it; it
      matters on accelerators, where the default rounds to 10 bits or fewer.
    - `test_points`: how many points errors are measured at; training never sees them.

    Raises `ValueError` or `TypeError` for what none of these can be.
    """

    stages: Sequence[AbstractStage] = (Adam(),)
    weightings: Sequence[AbstractWeighting] = ()
    shared_tangents: bool = False
    unbiased: bool = False
    gpinn_weight: float = 0.0
    gpinn_samples: int = 4
    resampling: Resampling | None = None
    matmul_precision: MatmulPrecision = "highest"
    test_points: int = 20_000

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", _parts("stages", self.stages, AbstractStage, least=1))
        object.__setattr__(self, "weightings", _parts("weightings", self.weightings, AbstractWeighting))
        check_count("test_points", self.test_points)
        check_count("gpinn_samples", self.gpinn_samples)
        check_least("gpinn_weight", self.gpinn_weight, 0)
        check_part("resampling", self.resampling, Resampling)
        for flag in ("shared_tangents", "unbiased"):
            check_flag(flag, getattr(self, flag))
        check_choice("matmul_precision", self.matmul_precision, get_args(MatmulPrecision))
        self._check_unbiased()

    def _check_unbiased(self) -> None:
        holding = [f"`{type(stage).__name__}`" for stage in self.stages if not stage.draws_anew]
        if self.unbiased and holding:
            got = " and ".join(holding)
            raise ValueError(
                f"`unbiased` needs stages that draw anew every step, got {got} too, which hold a draw fixed "
                "while they lower its loss: a product of two draws has no lower bound. Leave these out."
            )

    def gentler(self, times: int) -> "Training":
        """With the stages made gentler so many times."""
        stages = self.stages
        for _ in range(times):
            stages = tuple(stage.gentler() for stage in stages)
        return replace(self, stages=stages)

    def lasting(self, steps: int) -> "Training":
        """The same training in so many steps of all stages, in the proportions of its own.

        Stages whose share is below one step are left out, except for the first.
        """
        check_count("steps", steps)
        first, *later = self.stages
        shares = [stage.steps * steps // self.total_steps for stage in later]
        kept = [stage.lasting(share) for stage, share in zip(later, shares, strict=True) if share]
        return replace(self, stages=(first.lasting(steps - sum(shares)), *kept))

    @property
    def total_steps(self) -> int:
        """The steps of all stages."""
        return sum(stage.steps for stage in self.stages)


def _parts(name: str, given: Any, kind: type, least: int = 0) -> tuple[Any, ...]:
    parts = tuple(given) if isinstance(given, Sequence) and not isinstance(given, str) else (given,)
    wrong = [part for part in parts if not isinstance(part, kind)]
    if wrong or len(parts) < least or not isinstance(given, Sequence):
        got = in_short(wrong[0]) if wrong else in_short(given)
        raise TypeError(f"`Training({name})` needs a sequence of `{kind.__name__}`, got {got}.")
    return parts


def described(part: Any) -> Any:
    """A dataclass as JSON holds it: its fields; what is no number, text or part of its own by its `repr`."""
    if dataclasses.is_dataclass(part) and not isinstance(part, type):
        return {field.name: described(getattr(part, field.name)) for field in dataclasses.fields(part)}
    if isinstance(part, tuple | list):
        return [described(one) for one in part]
    return part if isinstance(part, int | float | str | bool | None) else repr(part)

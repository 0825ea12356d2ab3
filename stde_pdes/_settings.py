from dataclasses import dataclass, replace
from typing import Literal, TypeAlias, get_args

from stde_core import check_choice, check_count, check_flag

from ._causal import Causal
from ._checks import check_least, check_part
from ._resampling import Resampling
from .optimisers import LBFGS, AbstractStage, Adam, GaussNewton
from .optimisers._schedule import Schedule

MatmulPrecision: TypeAlias = Literal["default", "high", "highest"]

_PARTS = {"gauss_newton": GaussNewton, "lbfgs": LBFGS, "causal": Causal, "resampling": Resampling}


@dataclass(frozen=True)
class Training:
    """How a network is trained on the mean squared residual: by Adam, and what may come after it.

    - `steps`, `batch`, `learning_rate`, `schedule`: those of `Adam`.
    - `gauss_newton`, `lbfgs`: further stages, in this order; None for none.
    - `shared_tangents`: one draw of tangents for all points of a step, rather than one per point.
    - `unbiased`: the product of two independent residuals in place of the square, whose mean is
      too large by the estimator's variance; with Adam alone, which draws anew every step: for a fixed
      draw the product has no lower bound.
    - `gpinn_weight`: weight of `|∇r|²`, the squared gradient of the equation's residual in all
      inputs (gradient-enhanced PINN; Yu, Lu, Meng and Karniadakis, 2022).
    - `gpinn_samples`: so many random entries of ∇r per point stand for all of them; exact from the
      number of inputs on.
    - `causal`: weights that follow causality in time; None for none.
    - `resampling`: where collocation points are drawn beside the problem's own law; None for there alone.
    - `matmul_precision`: of products of matrices in the steps and the errors, as JAX has it; it
      matters on accelerators, where the default rounds to 10 bits or fewer.
    - `test_points`: how many points errors are measured at; training never sees them.
    """

    steps: int = 5000
    batch: int = 100
    learning_rate: float = 1e-3
    schedule: Schedule = "linear"
    gauss_newton: GaussNewton | None = None
    lbfgs: LBFGS | None = None
    shared_tangents: bool = False
    unbiased: bool = False
    gpinn_weight: float = 0.0
    gpinn_samples: int = 4
    causal: Causal | None = None
    resampling: Resampling | None = None
    matmul_precision: MatmulPrecision = "highest"
    test_points: int = 20_000

    def __post_init__(self) -> None:
        check_count("test_points", self.test_points)
        check_count("gpinn_samples", self.gpinn_samples)
        check_least("gpinn_weight", self.gpinn_weight, 0)
        for part, kind in _PARTS.items():
            check_part(part, getattr(self, part), kind)
        for flag in ("shared_tangents", "unbiased"):
            check_flag(flag, getattr(self, flag))
        check_choice("matmul_precision", self.matmul_precision, get_args(MatmulPrecision))
        self._check_unbiased()
        self.adam()

    def _check_unbiased(self) -> None:
        later = [f"`{name}`" for name in ("gauss_newton", "lbfgs") if getattr(self, name) is not None]
        if self.unbiased and later:
            got = " and ".join(later)
            raise ValueError(
                f"`unbiased` needs Adam alone, got {got} too, which hold a draw fixed while they lower its "
                f"loss: a product of two draws has no lower bound. Set {got} to none, or leave it out."
            )

    def adam(self) -> Adam:
        """The first stage."""
        return Adam(self.steps, self.batch, self.learning_rate, self.schedule)

    def stages(self, retreats: int = 0) -> tuple[AbstractStage, ...]:
        """The optimisers in their order, made gentler so many times."""
        stages = (self.adam(), *(stage for stage in (self.gauss_newton, self.lbfgs) if stage is not None))
        for _ in range(retreats):
            stages = tuple(stage.gentler() for stage in stages)
        return stages

    def lasting(self, steps: int) -> "Training":
        """The same training in so many steps of all stages, in the proportions of its own.

        Stages whose share is below one step are left out, except for the first.
        """
        check_count("steps", steps)
        later = {"gauss_newton": self.gauss_newton, "lbfgs": self.lbfgs}
        shares = {name: stage.steps * steps // self.total_steps for name, stage in later.items() if stage}
        parts = {name: replace(later[name], steps=share) if share else None for name, share in shares.items()}
        return replace(self, steps=steps - sum(shares.values()), **parts)

    @property
    def total_steps(self) -> int:
        """The steps of all stages."""
        return sum(stage.steps for stage in self.stages())

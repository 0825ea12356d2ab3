"""What `explain` found, for programs and, printed, for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from ._pass_plan import Directions, PassPlan, count, power


@dataclass(frozen=True)
class PlannedDraw:
    """A family of `size` terms of an operator, and what is drawn of it.

    - `powers`: those of its derivatives, such as (3, 1) for ∂³∂.
    - `draw`: the number of the draw: families with equal ones share it.
    - `samples`: how many tangents; `vectors`: how many dense vectors make one, 0 for coordinates.
    - `how`: `"whole"`, `"without replacement"` or `"independent"`.
    """

    operator: str
    powers: tuple[int, ...]
    size: int
    draw: int
    samples: int
    vectors: int
    how: str

    def __str__(self) -> str:
        derivative = "".join(f"∂{power(p)}" for p in self.powers)
        terms = f"{count(self.size, 'term')} {derivative}" if self.powers else "u itself"
        if self.how == "whole":
            return f"{terms}, whole"
        if self.vectors:
            return f"{terms}, by {count(self.samples, 'sample')} of {count(self.vectors, 'dense vector')}"
        return f"{self.samples} of {terms}, {self.how}"


@dataclass(frozen=True)
class PlannedEstimate:
    """How one sampling plan is carried out.

    - `sampler`, `draws`: what is drawn, family by family.
    - `plans`: the ways to do it by Taylor mode, the one that is taken first; none where the estimator
      contracts in a way of its own, which `contraction` names.
    - `requests`: in that case, along which directions, and what is asked of each.
    - `gradients`: the operators that take a reverse pass each.
    - `nested_cost`: the evaluations of nested forward mode: 2^k for each derivative of order k.
    """

    sampler: str
    draws: tuple[PlannedDraw, ...]
    plans: tuple[PassPlan, ...]
    contraction: str
    requests: tuple[Directions, ...]
    gradients: tuple[str, ...]
    nested_cost: int

    @property
    def cost(self) -> int | None:
        """The evaluations of the model by the plan that is taken; None without one."""
        return self.plans[0].cost if self.plans else None

    def sections(self) -> Iterator[list[str]]:
        sampled = [draw.draw for draw in self.draws if draw.how != "whole"]
        width = max(map(len, (*(d.operator for d in self.draws), *self.gradients)), default=0)
        yield [
            f"Draws ({self.sampler})",
            *(
                f"  {d.operator:<{width}}  {d}{', drawn together' * (sampled.count(d.draw) > 1)}"
                for d in self.draws
            ),
            *(f"  {name:<{width}}  one reverse pass" for name in self.gradients),
        ]
        for i, plan in enumerate(self.plans):
            title = "Plan" if i == 0 else "Not taken"
            yield [f"{title}: {plan.name}: {count(plan.cost, 'evaluation')} of the model", *plan.lines()]
        if self.contraction:
            yield [f"By the estimator's own `{self.contraction}`", *(f"  {d}" for d in self.requests)]
        comparison = f", {self.nested_cost / self.cost:.1f}× as many" if self.cost else ""
        yield [f"By nested forward mode: {count(self.nested_cost, 'evaluation')}{comparison}"]


@dataclass(frozen=True, repr=False)
class Explanation:
    """What an estimator does for some operators; `print` it, or read the fields.

    - `estimates`: how it carries out each of its sampling plans, mostly one; none where it has none, and
      does not tell.
    - `cost_otherwise`: the cost with, or else without, standard errors.
    """

    estimator: str
    dim: int
    standard_error: bool
    estimates: tuple[PlannedEstimate, ...]
    cost_otherwise: int | None = None

    @property
    def cost(self) -> int | None:
        """The evaluations of the model, those of all samples together; None where they are not known."""
        costs = [estimate.cost for estimate in self.estimates]
        return sum(c for c in costs if c is not None) if costs and None not in costs else None

    @property
    def nested_cost(self) -> int:
        """The evaluations that nested forward mode takes: 2^k for each derivative of order k."""
        return sum(estimate.nested_cost for estimate in self.estimates)

    def __repr__(self) -> str:
        return "\n\n".join("\n".join(section) for section in self._sections())

    def _sections(self) -> Iterator[list[str]]:
        errors = "with" if self.standard_error else "without"
        yield [f"{self.estimator} in {count(self.dim, 'dimension')}, {errors} standard errors"]
        for estimate in self.estimates:
            yield from estimate.sections()
        if not self.estimates:
            yield ["It does not tell: it follows no `stde.SamplingPlan`. Its docstring says what it costs."]
        if self.cost_otherwise != self.cost and self.cost_otherwise is not None:
            others = "Without" if self.standard_error else "With"
            yield [f"{others} standard errors: {count(self.cost_otherwise, 'evaluation')}"]

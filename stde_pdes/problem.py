"""What a PDE problem is: conditions to be met, and all else that is known."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

import stde_core as stde
from stde_core.checks import in_short, noted, unknown_name

from ._view import AbstractView
from .conditions import AbstractCondition, Condition
from .domains import AbstractDomain, as_domain
from .networks import MLP, AbstractNetwork
from .optimisers import Adam, GaussNewton
from .settings import Training

Ansatz = Callable[[stde.Model], stde.Model]

# With few inputs residuals are exact and cheap, and Gauss-Newton gains orders of magnitude.
_FEW_INPUTS = 4
_NUM_SAMPLES = 16


class Problem(eqx.Module):
    """A PDE: conditions to be met, and all else that is known of it. Everything but the conditions is
    optional.

    ```python
    square = pdes.Box(((0, 1), (0, 1)))
    problem = pdes.Problem(
        conditions=[
            pdes.Condition("equation", square, stde.Laplacian(), lambda x, u, lap: lap + 4 * u),
            pdes.Condition("boundary", square.boundary(), None, lambda x, u, _: u - x[0] * x[1], weight=10.0),
        ],
    )
    ```

    - `conditions`: of `Condition` and `Data`, the equation first.
    - `inputs`, `outputs`: how many the solution has, or their names; taken from the first condition, and 1.
      With one output u(x) is a scalar, with k an array `[k]`, and values of operators end in that axis.
    - `time`: the name or the number of the input that is time; `arrow`: 1 where it runs from an initial
      condition, −1 where it runs back from a terminal one.
    - `ansatz`: makes the solution u of a network; best affine in the network, so that constant and affine
      networks span the simplest solutions. By default the network sees the inputs, scaled to [−1, 1] where
      the first condition's domain is bounded.
    - `solution`: the exact solution `x -> u(x)`, in JAX; or `reference`: its values at many points,
      `[n, inputs] -> [n]` or `[n, k]`, or an array of such at `test_points`.
    - `test_points`: where errors are measured: a domain, or an array `[n, inputs]`; by default the first
      condition's own.
    - `origin`: a point that is judged by itself too.
    - `network`: a blueprint, or any Equinox module from features to outputs.
    - `training`, `estimator`, `plot`: by default chosen from the operators and the number of inputs.
    - `notes`: what a reader of the errors should know, in sentences.
    - `parameters`: numbers or arrays by name that are trained with the network. Residuals then take them, a
      dict, as their fourth argument, and `operators` may be a function of them.

    Raises `ValueError` or `TypeError`, with a sentence, for what does not go together.
    """

    conditions: tuple[AbstractCondition, ...]
    inputs: tuple[str, ...] = eqx.field(static=True)
    outputs: tuple[str, ...] = eqx.field(static=True)
    time: int | None = eqx.field(static=True)
    arrow: Literal[-1, 1] = eqx.field(static=True)
    ansatz: Ansatz
    solution: Callable[[stde.Point], Array] | None
    reference: Callable[[Array], np.ndarray] | np.ndarray | None
    test_points: AbstractDomain | np.ndarray
    origin: np.ndarray | None
    network: Any
    training: Training = eqx.field(static=True)
    estimator: stde.AbstractEstimator | None
    plot: AbstractView | None
    notes: tuple[str, ...] = eqx.field(static=True)
    parameters: dict[str, np.ndarray]
    num_features: int = eqx.field(static=True, init=False)

    def __init__(
        self,
        conditions: Sequence[AbstractCondition],
        *,
        inputs: int | Sequence[str] | None = None,
        outputs: int | Sequence[str] = 1,
        time: int | str | None = None,
        arrow: Literal[-1, 1] = 1,
        ansatz: Ansatz | None = None,
        solution: Callable[[stde.Point], Array] | None = None,
        reference: Callable[[Array], np.ndarray] | np.ndarray | None = None,
        test_points: Any = None,
        origin: Any = None,
        network: Any = None,
        training: Training | None = None,
        estimator: stde.AbstractEstimator | None = None,
        plot: AbstractView | None = None,
        notes: Sequence[str] = (),
        parameters: Mapping[str, Any] | None = None,
    ):
        self.conditions = _conditions(conditions)
        first = self.conditions[0]
        self.inputs = _names("inputs", first.num_inputs if inputs is None else inputs, "x")
        self.outputs = _names("outputs", outputs, "u")
        for condition in self.conditions:
            _check_inputs(condition, self.inputs)
        self.time, self.arrow = _index(time, self.inputs), arrow
        stde.check_choice("Problem(arrow)", arrow, (-1, 1))
        domain = first.points if isinstance(first, Condition) else None
        self.ansatz = _default_ansatz(domain) if ansatz is None else ansatz
        self.solution, self.reference = solution, reference
        self.test_points = _test_points(domain, test_points, reference, len(self.inputs))
        self.origin = None if origin is None else np.asarray(origin, float)
        self.parameters = {name: np.asarray(value, float) for name, value in dict(parameters or {}).items()}
        self.estimator, self.plot, self.notes = estimator, plot, tuple(notes)
        few = len(self.inputs) <= _FEW_INPUTS
        self.network = (MLP(32, 3) if few else MLP(64, 3)) if network is None else network
        self.training = (_few_inputs() if few else Training()) if training is None else training
        _check_kind("training", self.training, Training)
        _check_kind("estimator", estimator, stde.AbstractEstimator)
        _check_kind("plot", plot, AbstractView)
        self.num_features = _num_features(self)

    @property
    def dim(self) -> int:
        """The number of space dimensions: of inputs, time left out."""
        return len(self.inputs) - (self.time is not None)

    @property
    def num_inputs(self) -> int:
        """The number of the solution's inputs."""
        return len(self.inputs)

    @property
    def output_shape(self) -> tuple[int, ...]:
        """`()` for one output, `(k,)` for k."""
        return () if len(self.outputs) == 1 else (len(self.outputs),)

    @property
    def is_judged(self) -> bool:
        """Whether a solution is known that errors are measured by."""
        return self.solution is not None or self.reference is not None

    def truth(self, points: Float[Array, "n inputs"]) -> Float[np.ndarray, "n ..."]:
        """The known solution at points, by `reference` if there is one, else by `solution`."""
        if callable(self.reference):
            return np.asarray(self.reference(points), float)
        if self.reference is not None:
            return np.asarray(self.reference, float)[: len(points)]
        assert self.solution is not None
        return np.asarray(jax.lax.map(self.solution, points, batch_size=256), float)

    def built(self, *, key: PRNGKeyArray, network: Any = None) -> Any:
        """The problem's network before its training, from its blueprint; or the module that it has.

        `network` takes the place of the problem's own.
        """
        blueprint = self.network if network is None else network
        if not isinstance(blueprint, AbstractNetwork):
            return blueprint
        if len(self.outputs) == 1:  # which blueprints of one output take too
            return blueprint(self.num_features, key=key)
        return blueprint(self.num_features, len(self.outputs), key=key)

    def chosen_estimator(self) -> stde.AbstractEstimator:
        """The problem's own; or `exact` where that costs no more than 16 samples, else `stde` with these."""
        if self.estimator is not None:
            return self.estimator
        exact, sampled = stde.get_estimator("exact"), stde.get_estimator("stde", num_samples=_NUM_SAMPLES)
        return exact if all(self._is_cheap(c, exact, sampled) for c in self.conditions) else sampled

    def _is_cheap(self, condition: AbstractCondition, exact: Any, sampled: Any) -> bool:
        operators = condition.operators_at(self.parameters)
        if operators is None:
            return True
        try:
            if sampled.refuses(operators, self.num_inputs) is not None:
                return True
            costs = [stde.explain(operators, self.num_inputs, way).cost for way in (exact, sampled)]
        except ValueError as error:
            raise ValueError(f"The operators of the condition {condition.name!r}: {error}") from error
        return costs[0] is None or costs[1] is None or costs[0] <= costs[1]


class Scaled(eqx.Module):
    """The ansatz in which a network sees the inputs scaled to [−1, 1]."""

    bounds: tuple[tuple[float, float], ...] = eqx.field(static=True)

    def __call__(self, network: stde.Model) -> stde.Model:
        low, high = np.asarray(self.bounds).T

        def model(x: stde.Point) -> Array:
            middle, half = (jnp.asarray(a, x.dtype) for a in ((low + high) / 2, (high - low) / 2))
            return network((x - middle) / half)

        return model


def _as_it_is(network: stde.Model) -> stde.Model:
    return network


def _default_ansatz(domain: AbstractDomain | None) -> Ansatz:
    return _as_it_is if domain is None or domain.bounds is None else Scaled(domain.bounds)


def _few_inputs() -> Training:
    return Training((Adam(500, batch=200), GaussNewton(500, batch=300)))


def _conditions(given: Any) -> tuple[AbstractCondition, ...]:
    conditions = tuple(given) if isinstance(given, Sequence) else (given,)
    for condition in conditions:
        if not isinstance(condition, AbstractCondition):
            raise TypeError(
                f"`Problem(conditions)` needs a list of `Condition(…)` and `Data(…)`, got "
                f"{in_short(condition)}."
            )
    names = [condition.name for condition in conditions]
    if not names or len(set(names)) < len(names):
        raise ValueError(f"`Problem(conditions)` needs at least one, with names of their own, got {names}.")
    return conditions


def _names(what: str, given: Any, letter: str) -> tuple[str, ...]:
    if isinstance(given, Sequence) and not isinstance(given, str):
        names = tuple(given)
        if not names or len(set(names)) < len(names) or not all(isinstance(n, str) and n for n in names):
            raise ValueError(
                f"`Problem({what})` needs different names, or their number, got {in_short(given)}."
            )
        return names
    stde.check_count(f"Problem({what})", given)
    return (letter,) if given == 1 else tuple(f"{letter}{i}" for i in range(int(given)))


def _check_inputs(condition: AbstractCondition, inputs: tuple[str, ...]) -> None:
    if condition.num_inputs != len(inputs):
        raise ValueError(
            f"`Problem(conditions)`: points of the condition {condition.name!r} have {condition.num_inputs} "
            f"coordinates, and the problem has the {len(inputs)} inputs {_listed(inputs)}; give all domains "
            "as many."
        )


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(names) if len(names) <= 6 else f"{', '.join(names[:3])}, …, {names[-1]}"


def _index(time: int | str | None, inputs: tuple[str, ...]) -> int | None:
    if time is None:
        return None
    if isinstance(time, str):
        if time not in inputs:
            raise ValueError(f"`Problem(time={time!r})`: {unknown_name('input', time, inputs)}")
        return inputs.index(time)
    if isinstance(time, bool) or not isinstance(time, int) or not -len(inputs) <= time < len(inputs):
        raise ValueError(f"`Problem(time)` needs the name or the number of an input, got {in_short(time)}.")
    return time % len(inputs)


def _test_points(
    domain: AbstractDomain | None, given: Any, reference: Any, num_inputs: int
) -> AbstractDomain | np.ndarray:
    tabulated = reference is not None and not callable(reference)
    if isinstance(given, AbstractDomain) or callable(given) or (given is None and domain is not None):
        if tabulated:
            raise ValueError(
                "`Problem(reference)` is an array; give `test_points` `[n, inputs]`, where its values are."
            )
        return as_domain(domain if given is None else given, "Problem(test_points)")
    if given is None:
        raise ValueError("`Problem(test_points)` is needed where the first condition is `Data`.")
    points = np.asarray(given, float)
    if (
        points.ndim != 2
        or points.shape[1] != num_inputs
        or (tabulated and len(np.asarray(reference)) != len(points))
    ):
        raise ValueError(
            f"`Problem(test_points)` needs a domain or an array `[n, {num_inputs}]`, one for each value of "
            f"`reference` where that is an array; got shape {points.shape}."
        )
    return points


def _check_kind(name: str, value: Any, kind: type) -> None:
    if value is not None and not isinstance(value, kind):
        raise TypeError(f"`Problem({name})` needs a `stde` `{kind.__name__}`, got {in_short(value)}.")


def _num_features(problem: Problem) -> int:
    """How many numbers the ansatz hands to a network, seen by tracing it with one that only looks."""
    seen: list[tuple[int, ...]] = []

    def network(z: Array) -> Array:
        seen.append(jnp.shape(z))
        return jnp.zeros(problem.output_shape, jnp.result_type(z)) + 0 * jnp.sum(z)

    x = jax.ShapeDtypeStruct((problem.num_inputs,), jnp.result_type(float))
    call = "`Problem(ansatz)` is called with a network, and what it gives with one point."
    with noted(call):
        output = jax.eval_shape(lambda x: problem.ansatz(network)(x), x)
    if jnp.shape(output) != problem.output_shape:
        raise ValueError(
            f"`Problem(ansatz)` gives a model of shape {jnp.shape(output)}, and the outputs "
            f"{_listed(problem.outputs)} need {problem.output_shape}."
        )
    if not seen or len(set(seen)) > 1 or len(seen[0]) != 1:
        raise ValueError(
            "`Problem(ansatz)` needs to call its network, each time with an array `[features]` of one size, "
            f"got the shapes {seen}."
        )
    return seen[0][0]


class Unknowns(eqx.Module):
    """What training looks for: a network, and the problem's parameters."""

    network: Any
    parameters: dict[str, Array]

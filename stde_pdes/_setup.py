"""A run before it starts: the objects that names and options stand for, checked against each other."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal, TypeAlias, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

import stde_core as stde
from stde_core.plugins import construct, registry

from ._options import parameters, parse
from ._problem import AbstractProblem
from ._settings import Training
from .models import AbstractNetwork
from .training import check

Precision: TypeAlias = Literal["float32", "float64", "bfloat16"]

_DEFAULT_NUM_SAMPLES = 16


@dataclasses.dataclass(frozen=True)
class Options:
    """What `stde solve` was asked: names, numbers, and sequences of `name=value` options, as text."""

    dim: int | None = None
    steps: int | None = None
    estimator_name: str | None = None
    model_name: str | None = None
    gpinn_weight: float | None = None
    precision: str | None = None
    problem: Sequence[str] = ()
    estimator: Sequence[str] = ()
    model: Sequence[str] = ()
    training: Sequence[str] = ()

    def arguments(self) -> list[str]:
        """The options as they stand on a command line."""
        named = {
            "--dim": self.dim,
            "--steps": self.steps,
            "--estimator": self.estimator_name,
            "--model": self.model_name,
            "--gpinn-weight": self.gpinn_weight,
            "--precision": self.precision,
        }
        repeated = {"-p": self.problem, "-e": self.estimator, "-m": self.model, "-t": self.training}
        single = [text for flag, value in named.items() if value is not None for text in (flag, str(value))]
        return single + [
            text for flag, values in repeated.items() for value in values for text in (flag, value)
        ]


@dataclasses.dataclass(frozen=True)
class Setup:
    """Everything that determines a run."""

    name: str
    problem: AbstractProblem
    problem_fields: dict[str, Any]
    estimator_name: str
    estimator: stde.AbstractEstimator
    network_name: str | None
    network: AbstractNetwork
    training: Training
    precision: Precision
    seed: int
    options: Options

    def describe(self) -> dict[str, Any]:
        """The setup in words and numbers, enough to repeat the run."""
        return {
            "problem": self.name,
            "dim": self.problem.dim,
            "problem_fields": self.problem_fields,
            "estimator": self.estimator_name,
            "estimator_fields": _fields_of(self.estimator),
            "model_name": self.network_name,
            "model": dataclasses.asdict(self.network),
            "training": dataclasses.asdict(self.training),
            "precision": self.precision,
            "seed": self.seed,
            "options": dataclasses.asdict(self.options),
            "notes": list(self.problem.notes),
        }


def prepare(name: str, seed: int, options: Options) -> Setup:
    """Builds the objects of a run.

    Raises `ValueError` or `TypeError`, with a sentence, for names and values that do not exist or
    do not go together.
    """
    if not 0 <= seed < 2**31:
        raise ValueError(f"`--seed` needs an integer from 0 to {2**31 - 1}, got {seed}.")
    problem, fields = _problem(name, options)
    chosen, estimator = _estimator(problem, options.estimator_name, options.estimator)
    network = _network(problem, options.model_name, options.model)
    training = _training(problem, options)
    check(problem, training)
    _check_accepted(chosen, estimator, problem)
    return Setup(
        name=name,
        problem=problem,
        problem_fields=fields,
        estimator_name=chosen,
        estimator=estimator,
        network_name=options.model_name,
        network=network,
        training=training,
        precision=_precision(options.precision),
        seed=seed,
        options=options,
    )


def _precision(name: str | None) -> Precision:
    """Of the parameters; that of JAX where none is named."""
    double = jax.config.read("jax_enable_x64")
    if name is None:
        return "float64" if double else "float32"
    stde.check_choice("precision", name, get_args(Precision))
    if name == "float64" and not double:
        raise ValueError(
            "`precision` float64 needs double precision switched on; "
            'call `jax.config.update("jax_enable_x64", True)` first.'
        )
    return name  # pyright: ignore[reportReturnType]


def _problem(name: str, options: Options) -> tuple[AbstractProblem, dict[str, Any]]:
    """The problem, in the dimension asked for if it has a choice, and the fields it was made from."""
    factory, dim = registry().entry("problems", name).load(), options.dim
    fields = parse(factory, options.problem, "-p")
    has_choice = "dim" in parameters(factory)
    if dim is not None and has_choice:
        if "dim" in fields:
            raise ValueError("Give the dimension once, as `--dim N` or as `-p dim=N`.")
        fields |= {"dim": dim}
    problem = construct(factory, fields, f"stde solve {name}")
    if not has_choice and dim not in (None, problem.dim):
        raise ValueError(
            f"`{name}` has {problem.dim} space dimension{'s' * (problem.dim > 1)} and no other, got "
            f"`--dim {dim}`; leave it out."
        )
    return problem, fields


def _estimator(
    problem: AbstractProblem, name: str | None, options: Sequence[str]
) -> tuple[str, stde.AbstractEstimator]:
    """The named estimator, or the problem's own; as many samples as the problem's where not given."""
    default_name, defaults = problem.default_estimator(problem.dim)
    chosen = default_name if name is None else name
    target = registry().entry("estimators", chosen).load()
    known = parameters(target)
    if chosen != default_name:
        defaults = {"num_samples": defaults.get("num_samples", _DEFAULT_NUM_SAMPLES)}
    fields = {field: value for field, value in defaults.items() if field in known}
    return chosen, construct(target, fields | parse(target, options, "-e"), f"--estimator {chosen}")


def _network(problem: AbstractProblem, name: str | None, options: Sequence[str]) -> AbstractNetwork:
    """The named network, with what the problem's own says of the fields that both have; or its own."""
    default = problem.default_network
    if name is None:
        network = dataclasses.replace(default, **parse(type(default), options, "-m"))
    else:
        target = registry().entry("networks", name).load()
        fields = {field: getattr(default, field) for field in parameters(target) if hasattr(default, field)}
        network = construct(target, fields | parse(target, options, "-m"), f"--model {name}")
    _check_scalar(network, problem.num_features)
    return network


def _check_scalar(network: AbstractNetwork, num_inputs: int) -> None:
    """Raises `ValueError` for a network that cannot be built or gives no scalar; allocates nothing."""
    model = eqx.filter_eval_shape(network, num_inputs, key=jax.random.key(0))
    point = jax.ShapeDtypeStruct((num_inputs,), jnp.result_type(float))
    shape = jnp.shape(eqx.filter_eval_shape(lambda model, x: model(x), model, point))
    if shape != ():
        raise ValueError(f"`{type(network).__name__}` needs to give a scalar, got an array of shape {shape}.")


def _training(problem: AbstractProblem, options: Options) -> Training:
    """The problem's own training, changed by what was asked."""
    settings = parse(Training, options.training, "-t", problem.default_training)
    if options.gpinn_weight is not None:
        if "gpinn_weight" in settings:
            raise ValueError(
                "Give `gpinn_weight` once, as `--gpinn-weight VALUE` or as `-t gpinn_weight=VALUE`."
            )
        settings["gpinn_weight"] = options.gpinn_weight
    training = dataclasses.replace(problem.default_training, **settings)
    return training if options.steps is None else _lasting(training, options.steps, options.training)


def _lasting(training: Training, steps: int, options: Sequence[str]) -> Training:
    """Trained in the number of steps asked for, which no `-t` may speak of too."""
    fields = [option.partition("=")[0].rpartition(".") for option in options]
    for part, dot, field in fields:
        if field == "steps":
            raise ValueError(
                f"Give steps once: `--steps VALUE` for all optimisers, or `-t {part}{dot}steps=VALUE`."
            )
    return training.lasting(steps)


def _check_accepted(name: str, estimator: stde.AbstractEstimator, problem: AbstractProblem) -> None:
    for condition in problem.conditions:
        if condition.operators is not None:
            reason = estimator.refuses(condition.operators, problem.num_inputs)
            if reason is not None:
                raise ValueError(f"Estimator `{name}` {reason}.")


def _fields_of(module: Any) -> dict[str, Any]:
    """The fields of an estimator by name; objects in them by their representation."""
    plain = (int, float, str, bool, type(None))
    fields = {field.name: getattr(module, field.name) for field in dataclasses.fields(module)}
    return {name: value if isinstance(value, plain) else repr(value) for name, value in fields.items()}

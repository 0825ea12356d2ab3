"""A run before it starts: the objects that names and options stand for, checked against each other."""

import dataclasses
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, TypeAlias, get_args

import equinox as eqx
import jax
import jax.numpy as jnp

import stde_core as stde
from stde_core.checks import unknown_name
from stde_core.plugins import construct, registry

from ..networks import AbstractNetwork
from ..options import parameters, parse, parse_training
from ..problem import Problem
from ..settings import Training, described
from ..training import check

Precision: TypeAlias = Literal["float32", "float64", "bfloat16"]

_DEFAULT_NUM_SAMPLES = 16


@dataclasses.dataclass(frozen=True)
class Options:
    """What a run was asked beside its problem: names, numbers, and `name=value` options, as text."""

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
    """Everything that determines a run.

    - `problem`: as it is solved: with the run's network, training and estimator.
    - `is_registered`: whether name, fields and options say all of it.
    - `file`: the name of the file that the problem stands in, where it is not registered.
    """

    name: str
    problem: Problem
    problem_fields: dict[str, Any]
    estimator_name: str
    network_name: str | None
    precision: Precision
    seed: int
    options: Options
    is_registered: bool
    file: str | None = None

    @property
    def training(self) -> Training:
        return self.problem.training

    @property
    def estimator(self) -> stde.AbstractEstimator:
        assert self.problem.estimator is not None
        return self.problem.estimator

    def describe(self) -> dict[str, Any]:
        """The setup in words and numbers, enough to repeat the run."""
        problem, network = self.problem, self.problem.network
        return {
            "problem": self.name,
            "file": self.file,
            "dim": problem.dim,
            "inputs": list(problem.inputs) if len(problem.inputs) <= _MOST_NAMES else [],
            "outputs": list(problem.outputs),
            "problem_fields": self.problem_fields,
            "estimator": self.estimator_name,
            "estimator_fields": _fields_of(self.estimator),
            "model_name": self.network_name,
            "model": described(network) if isinstance(network, AbstractNetwork) else {},
            "training": _training_described(self.training),
            "precision": self.precision,
            "seed": self.seed,
            "options": dataclasses.asdict(self.options),
            "notes": list(problem.notes),
        }


# Names of more inputs tell nobody anything.
_MOST_NAMES = 20


def _training_described(training: Training) -> dict[str, Any]:
    """The fields of a training, its stages and weightings by name."""
    named = {
        kind: [{"name": name_of(kind, part), **described(part)} for part in getattr(training, kind)]
        for kind in ("stages", "weightings")
    }
    return described(training) | named


def name_of(kind: str, part: Any) -> str:
    """The registered name of an object's class, or the class's own where it has none."""
    module, qualified = type(part).__module__, type(part).__qualname__
    for name in registry().names(kind):
        target = registry().entry(kind, name).target
        if target is type(part) or target == f"{module}:{qualified}":
            return name
        near = isinstance(target, str) and module.startswith(target.partition(":")[0])
        if near and registry().entry(kind, name).load() is type(part):
            return name
    return qualified


def prepare(
    target: str | Problem,
    seed: int,
    options: Options = Options(),
    *,
    changes: Mapping[str, Any] = MappingProxyType({}),
    name: str | None = None,
    file: str | None = None,
) -> Setup:
    """Builds the objects of a run of a registered problem, by its name, or of a problem.

    - `changes`: what takes the place of the problem's `network`, `training` and `estimator`.
    - `name`, `file`: of a problem that is not registered.

    Raises `ValueError` or `TypeError`, with a sentence, for names and values that do not exist or
    do not go together.
    """
    if isinstance(seed, bool) or not isinstance(seed, int) or not 0 <= seed < 2**31:
        raise ValueError(f"`--seed` needs an integer from 0 to {2**31 - 1}, got {seed}.")
    problem, fields = _registered(target, options) if isinstance(target, str) else (target, {})
    problem = _changed(problem, changes)
    estimator = _estimator(problem, options.estimator_name, options.estimator)
    problem = dataclasses.replace(
        problem,
        estimator=estimator,
        network=_network(problem, options.model_name, options.model),
        training=_training(problem, options),
    )
    check(problem, problem.training)
    estimator_name = options.estimator_name or name_of("estimators", estimator)
    _check_accepted(estimator_name, problem)
    return Setup(
        name=target if isinstance(target, str) else name or "problem",
        problem=problem,
        problem_fields=fields,
        estimator_name=estimator_name,
        network_name=options.model_name,
        precision=_precision(options.precision),
        seed=seed,
        options=options,
        is_registered=isinstance(target, str) and not changes,
        file=file,
    )


def _changed(problem: Problem, changes: Mapping[str, Any]) -> Problem:
    for field in changes:
        if field not in ("network", "training", "estimator"):
            raise TypeError(unknown_name("argument", field, ("network", "training", "estimator")))
    return dataclasses.replace(problem, **changes) if changes else problem


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


def _registered(name: str, options: Options) -> tuple[Problem, dict[str, Any]]:
    """The problem of a name, and the fields that it was made from."""
    return made(registry().entry("problems", name).load(), name, options)


def made(factory: Any, name: str, options: Options) -> tuple[Problem, dict[str, Any]]:
    """The problem that a factory makes, in the dimension asked for if it has a choice, and its fields."""
    dim, fields = options.dim, parse(factory, options.problem, "-p")
    has_choice = "dim" in parameters(factory)
    if dim is not None and has_choice:
        if "dim" in fields:
            raise ValueError("Give the dimension once, as `--dim N` or as `-p dim=N`.")
        fields |= {"dim": dim}
    problem = construct(factory, fields, f"stde solve {name}")
    if not has_choice:
        check_dim(problem, name, dim)
    return problem, fields


def check_dim(problem: Problem, name: str, dim: int | None) -> None:
    """Raises `ValueError` where a dimension is asked for that is not the problem's only one."""
    if dim not in (None, problem.dim):
        raise ValueError(
            f"`{name}` has {problem.dim} space dimension{'s' * (problem.dim > 1)} and no other, got "
            f"`--dim {dim}`; leave it out."
        )


def _estimator(problem: Problem, name: str | None, options: Sequence[str]) -> stde.AbstractEstimator:
    """The named estimator, with as many samples as the problem's own where not given; or that, changed."""
    default = problem.chosen_estimator()
    if name is None or name == name_of("estimators", default):
        return dataclasses.replace(default, **parse(type(default), options, "-e"))
    target = registry().entry("estimators", name).load()
    known = parameters(target)
    num_samples = getattr(default, "num_samples", _DEFAULT_NUM_SAMPLES)
    fields = {"num_samples": num_samples} if "num_samples" in known else {}
    return construct(target, fields | parse(target, options, "-e"), f"--estimator {name}")


def _network(problem: Problem, name: str | None, options: Sequence[str]) -> Any:
    """The named network, with what the problem's own says of the fields that both have; or its own."""
    default = problem.network
    if name is not None:
        target = registry().entry("networks", name).load()
        fields = {field: getattr(default, field) for field in parameters(target) if hasattr(default, field)}
        network = construct(target, fields | parse(target, options, "-m"), f"--model {name}")
    elif isinstance(default, AbstractNetwork):
        network = dataclasses.replace(default, **parse(type(default), options, "-m"))
    elif options:
        raise ValueError(
            "`-m` sets fields of a blueprint, and this problem has a network of its own; name one by "
            "`--model`."
        )
    else:
        network = default
    _check_outputs(network, problem)
    return network


def _check_outputs(network: Any, problem: Problem) -> None:
    """Raises `ValueError` for a network that cannot be built or has other outputs; allocates nothing."""
    model = network
    if isinstance(network, AbstractNetwork):
        model = eqx.filter_eval_shape(lambda: problem.built(key=jax.random.key(0), network=network))
    point = jax.ShapeDtypeStruct((problem.num_features,), jnp.result_type(float))
    shape = jnp.shape(eqx.filter_eval_shape(lambda model, x: model(x), model, point))
    if shape != problem.output_shape:
        expected = f"an array of shape {problem.output_shape}" if problem.output_shape else "a scalar"
        raise ValueError(
            f"`{type(network).__name__}` needs to give {expected}, got an array of shape {shape}."
        )


def _training(problem: Problem, options: Options) -> Training:
    """The problem's own training, changed by what was asked."""
    training = parse_training(options.training, problem.training)
    if options.gpinn_weight is not None:
        if any(option.partition("=")[0].replace("-", "_") == "gpinn_weight" for option in options.training):
            raise ValueError(
                "Give `gpinn_weight` once, as `--gpinn-weight VALUE` or as `-t gpinn_weight=VALUE`."
            )
        training = dataclasses.replace(training, gpinn_weight=options.gpinn_weight)
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


def _check_accepted(name: str, problem: Problem) -> None:
    assert problem.estimator is not None
    for condition in problem.conditions:
        operators = condition.operators_at(problem.parameters)
        if operators is not None:
            reason = problem.estimator.refuses(operators, problem.num_inputs)
            if reason is not None:
                raise ValueError(f"Estimator `{name}` {reason}.")


def _fields_of(module: Any) -> dict[str, Any]:
    """The fields of an estimator by name; objects in them by their representation."""
    plain = (int, float, str, bool, type(None))
    fields = {field.name: getattr(module, field.name) for field in dataclasses.fields(module)}
    return {name: value if isinstance(value, plain) else repr(value) for name, value in fields.items()}

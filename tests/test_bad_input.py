"""Bad input to the Python interface: each gets one sentence that says what to do."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from stde_estimators import SDGD, STDE, Exact, Hutchinson

import stde_core as stde
from stde_pdes import (
    LBFGS,
    MLP,
    AbstractLogger,
    Adam,
    Causal,
    Fourier,
    GaussNewton,
    Resampling,
    Residual,
    Training,
    affine_relative_l2,
    get_logger,
    get_network,
    get_problem,
    hold_out,
    load,
    open_loggers,
    periodic,
    train,
)

KEY, POINT, NAN = jax.random.key(0), jnp.ones(3), float("nan")
LAPLACIAN, EXACT = stde.Laplacian(), Exact()
STEPS = Training([Adam(2, 3)], test_points=5)


def u(x):
    return jnp.sum(jnp.sin(x))


def estimate(operators=LAPLACIAN, model=u, x=POINT, estimator=EXACT, **more):
    return stde.estimate(operators, model, x, estimator, **more)


def trained(**changed):
    problem = get_problem("wave", dim=1)
    network = MLP(4, 1)(problem.num_features, key=KEY)
    given = {"problem": problem, "network": network, "estimator": EXACT, "training": STEPS, "key": KEY}
    given["held_out"] = hold_out(problem, 5) if "held_out" not in changed else None
    return train(**(given | changed))


CORE = {
    # points
    "a number as point": (lambda: estimate(x=1.0), "`estimate(…, x, …)` takes one point", "the float 1.0"),
    "no point": (lambda: estimate(x=None), "takes one point, an array of shape [dim], got the NoneType None"),
    "empty point": (lambda: estimate(x=jnp.zeros(0)), "takes one point", "got shape (0,)"),
    "empty batch": (lambda: estimate(x=jnp.zeros((0, 3))), "got shape (0, 3); batch with `jax.vmap`"),
    "integer point": (lambda: estimate(x=jnp.arange(3)), "needs a floating-point x, got dtype int64"),
    "boolean point": (lambda: estimate(x=POINT > 0), "needs a floating-point x, got dtype bool"),
    "complex point": (lambda: estimate(x=POINT + 0j), "needs a floating-point x, got dtype complex128"),
    # models
    "no model": (lambda: estimate(model=None), "`estimate(…, model, …)` needs a callable", "got None"),
    "model of integers": (lambda: estimate(model=lambda x: x.astype(int)), "one floating-point array, got"),
    "model of two": (lambda: estimate(model=lambda x, y: x), "positional argument", "here float64[3]"),
    "model of other points": (
        lambda: estimate(model=eqx.nn.MLP(5, 1, 4, 1, key=KEY)),
        "`estimate(…, model, x, …)` calls the model with one point, here float64[3]",
    ),
    "model of text": (
        lambda: estimate(model=lambda x: "a"),
        "<class 'str'>",
        "calls the model with one point",
    ),
    "Estimated of nothing": (lambda: stde.Estimated((), u, EXACT), "`stde.Estimated(operators, …)` got no"),
    "Estimated of no model": (
        lambda: stde.Estimated(LAPLACIAN, 3, EXACT),
        "`stde.Estimated(…, model, …)` needs a callable from [dim] to an array, got 3",
    ),
    "Estimated by a name": (
        lambda: stde.Estimated(LAPLACIAN, u, "exact"),
        "`stde.Estimated(…, estimator)` needs an estimator object, got 'exact'",
    ),
    "Estimated at a batch": (
        lambda: stde.Estimated(LAPLACIAN, u, EXACT)(jnp.ones((2, 3))),
        "got shape (2, 3); batch with `jax.vmap`",
    ),
    # keys and flags
    "text as key": (lambda: estimate(key="k"), "`estimate(…, key=…)` needs `jax.random.key(…)`, got 'k'"),
    "floats as key": (lambda: estimate(key=jnp.zeros(2)), "needs `jax.random.key(…)`, got Array([0., 0.]"),
    "key of three": (
        lambda: estimate(key=jnp.zeros(3, jnp.uint32)),
        "takes a key of shape (2,), got (3,); use `jax.random.key(…)`",
    ),
    "several raw keys": (
        lambda: estimate(key=jnp.zeros((2, 2), jnp.uint32)),
        "takes one key, got shape (2, 2)",
    ),
    "flag": (lambda: estimate(standard_error="no"), "`estimate(…, standard_error=…)` needs True or False"),
    # operators
    "name of an operator": (lambda: estimate("laplacian"), "needs operators, got 'laplacian' among them"),
    "None as operator": (lambda: estimate(None), "`estimate(operators, …)` got no operator"),
    "coefficient of text": (
        lambda: np.array(["a"]) * LAPLACIAN,
        "must be a number, an array",
        "got array(['a']",
    ),
    "coefficient, NumPy text": (lambda: np.str_("a") * LAPLACIAN, "must be a number, an array", "got 'a'"),
    "coefficient of objects": (lambda: np.array([None]) * LAPLACIAN, "must be a number, an array"),
    "list as coefficient": (lambda: [1, 2] * LAPLACIAN, "must be a number, an array", "got [1, 2]"),
    "function to nothing": (
        lambda: estimate((lambda x: None) * LAPLACIAN),
        "None is not a valid value",
        "is a function of one point `x` to an array",
    ),
    "function without a point": (
        lambda: estimate((lambda: 1.0) * LAPLACIAN),
        "takes 0 positional arguments",
        "is a function of one point `x` to an array",
    ),
    "coefficient's shape": (
        lambda: estimate(np.ones(7) * LAPLACIAN),
        "coefficient of shape (7,) does not fit",
    ),
    "direction of text": (lambda: stde.Directional("x"), "must be a number, an array", "got 'x'"),
    "direction of 0 axes": (lambda: estimate(stde.Directional(2.0)), "needs v of shape (3,), got ()"),
    "sigma as list": (lambda: stde.WeightedLaplacian([1.0]), "must be a number, an array", "got [1.0]"),
    "axes of rank 2": (
        lambda: stde.Laplacian(axes=np.array([[0, 1]])),
        "`axes` must hold ints, got array([0",
    ),
    "axes by text": (lambda: stde.Gradient(axes="x"), "`axes` must be None, an int, a range", "got 'x'"),
    "slice without step": (
        lambda: stde.Laplacian(axes=slice(0, 3, 0)),
        "`axes` needs a slice whose step is not 0",
    ),
    "axes of a partial": (
        lambda: stde.partial(np.array([0, 1])),
        "`stde.partial(axis)` needs an int, got array",
    ),
    "no dimension": (lambda: LAPLACIAN.families(0), "`operator.families(dim)` needs an integer ≥ 1, got 0"),
    "dimension as text": (lambda: LAPLACIAN.families("3"), "`operator.families(dim)` needs an integer ≥ 1"),
    "order": (lambda: stde.PowerSum("2"), "`PowerSum(order)` needs an integer ≥ 1, got '2'"),
    "power": (lambda: LAPLACIAN**LAPLACIAN, "`operator ** k` needs an integer k ≥ 0, got Laplacian()"),
    "number of partials": (lambda: stde.partials(2.0), "`stde.partials(dim)` needs an integer ≥ 1, got 2.0"),
    # samplers and estimators
    "probabilities of text": (
        lambda: stde.Sparse(True, "ab"),
        "needs a vector of positive numbers, got 'ab'",
    ),
    "probabilities of nan": (
        lambda: stde.Sparse(True, (NAN, 1.0)),
        "positive numbers that sum to 1",
        "sum nan",
    ),
    "negative probabilities": (lambda: stde.Sparse(True, (-0.5, 1.5)), "with sum 1 and least entry -0.5"),
    "a class as sampler": (lambda: STDE(1, stde.Sparse), "`STDE(sampler)` needs a", "got <class"),
    "a sampler too sparse": (
        lambda: Hutchinson(1, stde.Sparse()),
        "`AbstractDenseSampler` sampler",
        "Sparse()",
    ),
    "nan samples": (lambda: STDE(NAN), "`STDE(num_samples)` needs an integer ≥ 1, got nan"),
    "too many samples": (lambda: STDE(2**40), "`STDE(num_samples)` needs an integer ≤ 2147483647"),
    "flag of SDGD": (lambda: SDGD(1, sequential=3), "`SDGD(sequential)` needs True or False, got 3"),
    "chunks": (lambda: Exact(-1), "`Exact(chunk_size)` needs an integer ≥ 1, got -1"),
    "missing field": (lambda: stde.get_estimator("stde"), "`get_estimator('stde')` needs `num_samples`"),
    "unknown field": (lambda: stde.get_estimator("stde", samples=1), "Unknown field 'samples'; did you mean"),
    "unknown estimator": (
        lambda: stde.get_estimator("exat"),
        "Unknown estimator 'exat'; did you mean 'exact'?",
    ),
    "no name": (lambda: stde.get_estimator(None), "`get_estimator(name)` needs a registered name in quotes"),
    "unknown operator": (lambda: stde.get_operator("laplasian"), "did you mean 'laplacian'"),
    "unknown sampler": (lambda: stde.get_sampler("gausian"), "did you mean 'gaussian'?"),
    # explain, check_model, rules
    "explain nothing": (lambda: stde.explain(None, 3, EXACT), "`stde.explain(operators, …)` got no operator"),
    "explain in half": (
        lambda: stde.explain(LAPLACIAN, 2.5, EXACT),
        "`stde.explain(…, dim)` needs an integer",
    ),
    "explain by name": (lambda: stde.explain(LAPLACIAN, 3, "exact"), "`stde.explain(…, estimator)` needs an"),
    "explain errors": (
        lambda: stde.explain(LAPLACIAN, 3, EXACT, standard_error="x"),
        "`stde.explain(…, standard_error=…)` needs True or False, got 'x'",
    ),
    "check no model": (lambda: stde.check_model(None, 3), "`stde.check_model(model, …)` needs a callable"),
    "check no dimension": (lambda: stde.check_model(u, True), "`stde.check_model(dim)` needs an integer ≥ 1"),
    "check of text": (
        lambda: stde.check_model(u, 3, dtype="floot"),
        "needs a floating-point dtype, got 'floot'",
    ),
    "check of integers": (
        lambda: stde.check_model(u, 3, dtype=int),
        "needs a floating-point dtype, got int64",
    ),
    "check another dim": (
        lambda: stde.check_model(lambda x: x @ jnp.ones(5), 3),
        "pass the `dim` that it takes",
    ),
    "rule of a name": (lambda: stde.taylor_rule("tanh"), "needs a `jax.extend.core.Primitive`, got 'tanh'"),
}

PDES = {
    # problems
    "unknown problem": (lambda: get_problem("kdvv"), "Unknown problem 'kdvv'; did you mean 'kdv'"),
    "problem's dim": (lambda: get_problem("hjb-lin", dim=2.5), "`dim` needs an integer ≥ 1, got 2.5"),
    "problem's field": (lambda: get_problem("kdv", dim=3), "Unknown field 'dim'; known are: solution"),
    "problem's choice": (
        lambda: get_problem("kdv", solution=["cosine"]),
        "`solution` needs to be one of soliton",
    ),
    "horizon as text": (
        lambda: get_problem("wave", horizon="1"),
        "`horizon` needs to be a positive number, got '1'",
    ),
    "no horizon": (
        lambda: get_problem("wave", horizon=None),
        "`horizon` needs to be a positive number, got None",
    ),
    "nan horizon": (
        lambda: get_problem("wave", horizon=NAN),
        "`horizon` needs to be a positive number, got nan",
    ),
    "true horizon": (lambda: get_problem("wave", horizon=True), "needs to be a positive number, got True"),
    "complex mu": (lambda: get_problem("hjb-lqg", mu=1j), "`mu` needs to be a positive number, got 1j"),
    "power c": (lambda: get_problem("hjb-lin", c="a"), "`c` needs to be a number ≥ 1, got 'a'"),
    "rate r": (
        lambda: get_problem("black-scholes-barenblatt", r=-1.0),
        "`r` needs to be a number ≥ 0, got -1.0",
    ),
    "seed": (
        lambda: get_problem("poisson-two-body", dim=3, coefficient_seed=-1),
        "`coefficient_seed` needs an integer ≥ 0, got -1",
    ),
    "no such lump": (lambda: get_problem("kp", sigma_squared=1, solution="lump"), "needs `sigma_squared` -1"),
    # networks
    "unknown network": (lambda: get_network("mpl"), "Unknown network 'mpl'; did you mean 'mlp'?"),
    "width": (lambda: get_network("mlp", width="8"), "`MLP(width)` needs an integer ≥ 1, got '8'"),
    "depth": (lambda: get_network("mlp", depth=10**6), "`MLP(depth)` needs an integer ≤ 1000, got 1000000"),
    "activation": (
        lambda: get_network("mlp", activation=["tanh"]),
        "needs to be one of tanh, sin",
        "['tanh']",
    ),
    "norm": (lambda: get_network("residual", norm="yes"), "`Residual(norm)` needs True or False, got 'yes'"),
    "scale": (lambda: Fourier(scale=None), "`Fourier(scale)` needs to be a positive number, got None"),
    "no inputs": (lambda: Fourier()(0, key=KEY), "`Fourier(…)(num_inputs)` needs an integer ≥ 1, got 0"),
    "inputs": (lambda: MLP()(2.5, key=KEY), "`MLP(…)(num_inputs)` needs an integer ≥ 1, got 2.5"),
    "seed as key": (
        lambda: Residual()(3, key=0),
        "`Residual(…)(num_inputs, key=…)` needs `jax.random.key(…)`",
    ),
    "period": (lambda: periodic(jnp.ones(()), "a"), "`period` needs to be a positive number, got 'a'"),
    "many coordinates": (lambda: periodic(POINT, 1.0), "takes one coordinate of a point, got shape (3,)"),
    # training
    "no steps": (lambda: Adam(steps=0), "`steps` needs an integer ≥ 1, got 0"),
    "half a step": (lambda: Adam(steps=2.5), "`steps` needs an integer ≥ 1, got 2.5"),
    "rate": (
        lambda: Adam(learning_rate="fast"),
        "`learning_rate` needs to be a positive number, got 'fast'",
    ),
    "nan rate": (
        lambda: Adam(learning_rate=NAN),
        "`learning_rate` needs to be a positive number, got nan",
    ),
    "stage": (
        lambda: Training(True),
        "`Training(stages)` needs a sequence of `AbstractStage`, got True",
    ),
    "stage's class": (
        lambda: Training([LBFGS]),
        "`Training(stages)` needs a sequence of `AbstractStage`, got <class",
    ),
    "part": (lambda: Training(weightings=2.0), "needs a sequence of `AbstractWeighting`, got 2.0"),
    "switch": (lambda: Training(unbiased=1), "`unbiased` needs True or False, got 1"),
    "weight": (lambda: Training(gpinn_weight=NAN), "`gpinn_weight` needs to be a number ≥ 0, got nan"),
    "products": (lambda: Training(matmul_precision="hi"), "`matmul_precision` needs to be one of default"),
    "strength": (lambda: Causal("a"), "`causal.strength` needs to be a positive number, got 'a'"),
    "candidates": (lambda: Resampling(1), "`resampling.candidates` needs an integer ≥ 2, got 1"),
    "momentum": (lambda: GaussNewton(momentum=None), "needs a number from 0 to below 1, got None"),
    "memory": (lambda: LBFGS(memory=0), "`lbfgs.memory` needs an integer ≥ 1, got 0"),
    # what is trained
    "no points": (
        lambda: hold_out(get_problem("kdv"), 0),
        "`hold_out(…, num_points)` needs an integer ≥ 1, got 0",
    ),
    "points of a name": (
        lambda: hold_out("kdv", 4),
        "`hold_out(problem)` needs a `Problem`, got 'kdv'",
    ),
    "points of an affine fit": (
        lambda: affine_relative_l2(get_problem("kdv"), np.ones((3, 2))),
        "`affine_relative_l2(held_out)` needs a `HeldOut`, got",
    ),
    "train a name": (lambda: trained(problem="kdv", held_out=1), "needs a `Problem`, got 'kdv'"),
    "train by a name": (
        lambda: trained(estimator="exact"),
        "`train(estimator)` needs an `AbstractEstimator`",
    ),
    "train a blueprint": (lambda: trained(network=MLP()), "got the blueprint MLP(", "problem.num_features"),
    "train another network": (
        lambda: trained(network=MLP(4, 1)(9, key=KEY)),
        "`train(network)` calls the network with the 2 features of the problem",
    ),
    "train a vector": (
        lambda: trained(network=eqx.nn.MLP(2, 3, 4, 1, key=KEY)),
        "`train(network)` needs a network with a scalar output, got shape (3,)",
    ),
    "train by nothing": (lambda: trained(training={"steps": 3}), "`train(training)` needs a `Training`"),
    "judge by nothing": (lambda: trained(held_out=jnp.ones((2, 2))), "`train(held_out)` needs a `HeldOut`"),
    "judge by another": (
        lambda: trained(held_out=hold_out(get_problem("hjb-lin", dim=4), 3)),
        "has points of 5 inputs, and the problem has 2",
    ),
    "train with a seed": (lambda: trained(key=0), "`train(key)` needs `jax.random.key(…)`, got 0"),
    "train with keys": (
        lambda: trained(key=jax.random.split(KEY)),
        "`train(key)` takes one key, got shape (2,)",
    ),
    "report to nobody": (lambda: trained(report=3), "`train(report)` needs a function, got 3"),
    "start from a number": (lambda: trained(start=3), "`train(start)` needs a `Snapshot`, got 3"),
    # runs and loggers
    "load a number": (lambda: load(3), "`load(directory)` needs the path of a directory as a text, got 3"),
    "load bytes": (lambda: load(b"run"), "needs the path of a directory as a text, got b'run'"),
    "load nothing": (
        lambda: load("/no/run"),
        "`/no/run` is not a directory; name one that `stde solve` wrote",
    ),
    "load a NUL": (lambda: load("a\0b"), r"`'a\x00b'` is not a directory"),
    "load escapes": (lambda: load("a\nb\x1b[31m"), r"`'a\nb\x1b[31m'` is not a directory"),
    "load bytes as text": (lambda: load("\udcff"), r"`'\udcff'` is not a directory"),
    "a name of a logger": (lambda: open_loggers("tensorboard"), "needs a list of names, got 'tensorboard'"),
    "no loggers": (lambda: open_loggers(None), "`open_loggers(names)` needs a list of names, got None"),
    "unknown logger": (lambda: get_logger("wanb"), "Unknown logger 'wanb'; did you mean 'wandb'?"),
    "half a logger": (lambda: AbstractLogger(), "abstract methods", "finish", "record", "start"),
}


@pytest.mark.parametrize("case", [*CORE, *PDES])
def test_bad_arguments_get_a_sentence(case, unchecked, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, *words = (CORE | PDES)[case]
    with pytest.raises((ValueError, TypeError)) as caught:
        call()
    told = " ".join([str(caught.value), *getattr(caught.value, "__notes__", ())])
    assert all(word in told for word in words), told
    assert str(caught.value).isprintable() and list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("zero", [0, 0.0, np.zeros(3), np.array([1.0, 0.0])], ids=repr)
def test_division_by_zero_is_refused(zero):
    with pytest.raises(ZeroDivisionError, match=r"An operator cannot be divided by 0\."):
        LAPLACIAN / zero


@pytest.mark.parametrize(
    "estimator", [EXACT, STDE(2), SDGD(2), Hutchinson(2)], ids=lambda e: type(e).__name__
)
def test_nan_comes_out_where_nan_goes_in(estimator):
    """As everywhere in JAX, and where only one of many points has it, only there."""
    points = jnp.ones((3, 3)).at[1, 2].set(jnp.nan)

    def values(x):
        found = estimate(x=x, model=lambda x: jnp.sin(jnp.sum(x)), estimator=estimator, key=KEY)
        return jnp.stack([found.value, found.primal])

    expected = np.array([[False] * 2, [True] * 2, [False] * 2])
    np.testing.assert_array_equal(np.isnan(jax.vmap(values)(points)), expected)
    assert jnp.isnan(estimate(jnp.nan * LAPLACIAN, estimator=estimator, key=KEY).value)
    assert jnp.isnan(estimate(model=lambda x: jnp.nan * u(x), estimator=estimator, key=KEY).value)


def test_an_empty_batch_has_no_values():
    assert jax.vmap(stde.Estimated(LAPLACIAN, u, EXACT))(jnp.zeros((0, 3))).shape == (0,)

import contextlib
import os

import jax
import jaxlib
import jaxtyping
import pytest

# Most of what tests compile runs once. Of XLA's time these flags save half in jax 0.10, a seventh in 0.12,
# which has no other emitters than those of fusions.
FLAGS = ["--xla_backend_optimization_level=0", "--xla_cpu_parallel_codegen_split_count=1"]
if jaxlib.__version__.startswith("0.10."):
    FLAGS += ["--xla_cpu_use_fusion_emitters=false"]
os.environ["XLA_FLAGS"] = " ".join([*FLAGS, os.environ.get("XLA_FLAGS", "")])

jax.config.update("jax_enable_x64", True)

# The tests of the core, in which nothing may be promoted in rank or dtype but what says so.
STRICT = frozenset(
    """
    check_model edges engine_collapse engine_polynomials engine_structure engine_transforms engine_zoo
    estimate estimators explain foreign_rules operators properties samplers scalars taylor taylor_rule
    """.split()  # noqa: SIM905
)

# Cases of theirs whose own models promote, as complex numbers and functions of JAX's do.
PROMOTING = (
    *("attention", "complex", "extrema", "gather", "inverse", "matrix exponential", "modulus", "orthogonal"),
    *("singular", "sort", "top k", "triangular", "weight-shared"),
)


@pytest.fixture(autouse=True)
def _strict_promotion(request):
    """No implicit promotion in the tests of the core, of ranks or of dtypes, but in those that need it."""
    name, case = request.module.__name__.removeprefix("test_"), request.node.name
    needed = "promotes" in request.keywords or any(word in case for word in PROMOTING)
    with contextlib.ExitStack() as stack:
        if name in STRICT and not needed:
            stack.enter_context(jax.numpy_rank_promotion("raise"))
            stack.enter_context(jax.numpy_dtype_promotion("strict"))
        yield


@pytest.fixture
def getkey():
    """Keys of a stream that is the same in every test and every run."""
    keys = iter(jax.random.split(jax.random.key(2024), 64))
    return lambda: next(keys)


@pytest.fixture
def unchecked():
    """What is said to users, who do not have types checked at run time as the tests do."""
    jaxtyping.config.update("jaxtyping_disable", True)
    yield
    jaxtyping.config.update("jaxtyping_disable", False)

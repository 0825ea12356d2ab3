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

import jax
import jaxtyping
import pytest

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

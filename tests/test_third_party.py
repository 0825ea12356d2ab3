"""A package of somebody else: its wheel installed into an environment of its own, and used there."""

import json
import os
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from fake_distributions import write_distribution

pytest.importorskip("hatchling")

EXAMPLE = Path(__file__).parent.parent / "examples" / "stde-example-plugin"
USE = """
import jax, jax.numpy as jnp, stde_core as stde
generator = stde.get_operator("ornstein-uhlenbeck", theta=0.5)
four = stde.get_estimator("stde", num_samples=4)
estimator = stde.get_estimator("averaged", estimator=four, repeats=16)
x = jnp.linspace(-1, 1, 20)
estimate = jax.jit(lambda key: stde.estimate(generator, lambda x: jnp.sum(x**4), x, estimator, key=key))
out = estimate(jax.random.key(0))
exact = jnp.sum(6 * x**2 - 2 * x**4)
assert 0 < out.standard_error < exact
assert abs(out.value - exact) < 4 * out.standard_error, (out, exact)
"""


def run(*command, cwd, **environment):
    kept = {name: value for name, value in os.environ.items() if name not in ("STDE_PLUGINS", "PYTHONPATH")}
    done = subprocess.run(
        command, cwd=cwd, env=kept | environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def pip(*arguments, cwd):
    run(sys.executable, "-m", "pip", "--quiet", *arguments, "--no-deps", "--no-index", cwd=cwd)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of the example, built from a copy and without an index."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(EXAMPLE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, folder / "source", cwd=folder)
    (built,) = folder.glob("*.whl")
    return built


class Environment:
    """A new environment that sees the packages of this one, editable installs included."""

    def __init__(self, folder):
        run(sys.executable, "-m", "venv", "--without-pip", folder, cwd=folder.parent)
        paths = {"base": str(folder), "platbase": str(folder)}
        scheme = "nt" if os.name == "nt" else "posix_prefix"
        self.folder = folder
        self.packages = Path(sysconfig.get_path("purelib", scheme, paths))
        self.executable = Path(sysconfig.get_path("scripts", scheme, paths)) / "python"
        ours = [p for p in (*site.getsitepackages(), site.getusersitepackages()) if p in sys.path]
        (self.packages / "ours.pth").write_text(
            "".join(f"import site; site.addsitedir({p!r})\n" for p in ours)
        )

    def python(self, *arguments, **environment):
        return run(self.executable, *arguments, cwd=self.folder, **environment)

    def stde(self, *arguments, **environment):
        return json.loads(self.python("-m", "stde_core", *arguments, "--json", **environment))

    def install(self, wheel):
        pip("--python", self.executable, "install", wheel, cwd=self.folder)


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "environment")


def test_a_wheel_of_somebody_else(wheel, environment):
    environment.install(wheel)
    listed = environment.stde("list")
    operators = {row["name"]: row for row in listed["operators"]}
    estimators = {row["name"]: row for row in listed["estimators"]}
    assert operators["ornstein-uhlenbeck"]["plugin"] == estimators["averaged"]["plugin"] == "example"
    assert operators["ornstein-uhlenbeck"]["summary"].startswith("`½ tr(σσᵀ∇²) − θ x·∇`")
    assert {"laplacian", "biharmonic"} <= operators.keys()
    assert {"stde", "exact"} <= estimators.keys()
    environment.python("-c", USE)


@pytest.mark.slow
def test_the_tests_of_somebody_else(wheel, environment):
    environment.install(wheel)
    copied = shutil.copy(EXAMPLE / "test_stde_example_plugin.py", environment.folder)
    environment.python("-m", "pytest", "-p", "no:cacheprovider", "--rootdir", environment.folder, copied)


def test_a_broken_package_breaks_nothing_else(environment):
    source = "import no_such_package"
    write_distribution(environment.packages, "broken-dist", {"broken": "broken_module"}, broken_module=source)
    plugins = {plugin["distribution"]: plugin for plugin in environment.stde("plugins")["plugins"]}
    cause = "ModuleNotFoundError: No module named 'no_such_package'"
    assert plugins["broken-dist"] == {
        "name": "broken",
        "distribution": "broken-dist",
        "version": "1.0",
        "adds": {},
        "error": cause,
    }
    table = environment.python("-m", "stde_core", "plugins")
    assert f"FAILED: {cause}" in table
    assert {"stde", "exact"} <= {row["name"] for row in environment.stde("list")["estimators"]}
    off = environment.stde("plugins", STDE_PLUGINS="")
    assert "broken-dist" in [plugin["distribution"] for plugin in off["switched_off"]]
    assert "broken" not in str(off["plugins"])

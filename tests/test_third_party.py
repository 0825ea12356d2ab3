"""Packages of somebody else: their wheels installed into an environment of its own, and used there."""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from fake_distributions import write_distribution

pytest.importorskip("hatchling")

EXAMPLES = Path(__file__).parent.parent / "examples"
PACKAGES = ("stde-fokker-planck", "stde-hutchpp", "stde-ornstein-uhlenbeck")
# The three know nothing of each other: a density of one, the operator of another, the estimator of the third.
TOGETHER = """
import jax, jax.numpy as jnp, stde_core as stde, stde_pdes
jax.config.update("jax_enable_x64", True)
problem = stde_pdes.get_problem("ornstein-uhlenbeck", dim=12)
sigma = jnp.vstack([problem.test_points.law.sigma, jnp.zeros(12)])
forward = stde.get_operator("fokker-planck", drift=lambda x: -x.at[-1].set(0.0), sigma=sigma)
density = lambda x: jnp.exp(problem.solution(x) - problem.solution(jnp.zeros(13)))
point = problem.conditions[0].points(1, key=jax.random.key(0))[0]
operators = {"p_t": stde.partial(-1), "L*p": forward}
estimator = stde.get_estimator("hutch++", num_samples=8, sampler=stde.Gaussian())
exact = stde.estimate(operators, density, point, stde.get_estimator("exact")).value
assert jnp.allclose(exact["p_t"], exact["L*p"], rtol=1e-10), exact
out = jax.jit(lambda key: stde.estimate(operators, density, point, estimator, key=key))(jax.random.key(1))
assert jnp.allclose(out.value["p_t"], exact["p_t"])
assert abs(out.value["L*p"] - exact["L*p"]) < 4 * out.standard_error["L*p"], out
"""
SOLVE = "solve ornstein-uhlenbeck --dim 4 --steps 3 -t batch=8 -t test_points=50"
HUTCHPP = "--estimator hutch++ -e num_samples=2"


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
def wheels(tmp_path_factory):
    """The wheels of the examples, built from copies and without an index."""
    folder = tmp_path_factory.mktemp("wheels")
    for package in PACKAGES:
        shutil.copytree(EXAMPLES / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    sources = [folder / package for package in PACKAGES]
    pip("wheel", "--no-build-isolation", "--wheel-dir", folder, *sources, cwd=folder)
    return sorted(folder.glob("*.whl"))


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
        return json.loads(self.python("-m", "stde_cli", *arguments, "--json", **environment))

    def install(self, *wheels):
        pip("--python", self.executable, "install", *wheels, cwd=self.folder)


@pytest.fixture
def environment(tmp_path):
    return Environment(tmp_path / "environment")


@pytest.mark.slow
def test_wheels_of_somebody_else(wheels, environment):
    environment.install(*wheels)
    kinds = environment.stde("list")
    plugins = {row["name"]: row["plugin"] for rows in kinds.values() for row in rows}
    assert plugins["fokker-planck"] == plugins["diffusion-generator"] == "fokker-planck"
    assert plugins["hutch++"] == "hutchpp"
    assert plugins["ornstein-uhlenbeck"] == "ornstein-uhlenbeck"
    assert {"laplacian", "stde", "exact", "kdv"} <= plugins.keys()
    loaded = {row["distribution"]: row["error"] for row in environment.stde("plugins")["plugins"]}
    assert all(loaded[package] is None for package in PACKAGES)
    environment.python("-c", TOGETHER)


@pytest.mark.slow
def test_the_problem_of_one_package_is_solved_by_the_estimator_of_another(wheels, environment):
    environment.install(*wheels)
    out = environment.folder / "run"
    result = environment.python("-m", "stde_cli", *SOLVE.split(), *HUTCHPP.split(), "--out", out, "--json")
    assert json.loads(result.splitlines()[-1])["relative_l2"] > 0
    settings = json.loads((out / "run.json").read_text(encoding="utf-8"))
    assert (settings["problem"], settings["estimator"]) == ("ornstein-uhlenbeck", "hutch++")


@pytest.mark.slow
@pytest.mark.parametrize("package", PACKAGES)
def test_the_code_in_the_readme_of_somebody_else(wheels, environment, package):
    environment.install(*wheels)
    text = (EXAMPLES / package / "README.md").read_text(encoding="utf-8")
    for block in re.findall(r"```python\n(.*?)```", text, re.DOTALL):
        environment.python("-c", block)


@pytest.mark.slow
def test_the_tests_of_somebody_else(wheels, environment):
    environment.install(*wheels)
    tests = [
        shutil.copy(path, environment.folder) for p in PACKAGES for path in (EXAMPLES / p).glob("test_*.py")
    ]
    assert len(tests) == len(PACKAGES)
    environment.python("-m", "pytest", "-p", "no:cacheprovider", "--rootdir", environment.folder, *tests)


@pytest.mark.slow
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
    table = environment.python("-m", "stde_cli", "plugins")
    assert f"FAILED: {cause}" in table
    assert {"stde", "exact"} <= {row["name"] for row in environment.stde("list")["estimators"]}
    off = environment.stde("plugins", STDE_PLUGINS="")
    assert "broken-dist" in [plugin["distribution"] for plugin in off["switched_off"]]
    assert "broken" not in str(off["plugins"])

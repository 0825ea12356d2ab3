"""The README is right: its Python examples run, and the files that it names exist."""

import re
from pathlib import Path

import pytest

import stde_core as stde

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```", README, re.DOTALL)


def test_python_examples_run_one_after_the_other():
    namespace = {"__name__": "readme"}
    for source in BLOCKS:
        exec(compile(source, "README.md", "exec"), namespace)


def test_the_plugin_of_the_readme_estimates():
    import jax.numpy as jnp

    namespace = {"__name__": "readme"}
    (plugin,) = (block for block in BLOCKS if "hookimpl" in block)
    exec(compile(plugin, "README.md", "exec"), namespace)
    estimator = namespace["stde_estimators"]()["finite-difference"]()
    out = stde.estimate(stde.Laplacian(), lambda x: jnp.sum(x**4), jnp.ones(3), estimator)
    assert float(out.value) == pytest.approx(36.0, rel=1e-3)


def test_links_to_files_lead_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links and all((ROOT / link).exists() for link in links)


def test_the_table_names_what_is_installed():
    from stde_core._plugins import registry

    for kind in ("samplers", "estimators", "problems", "networks", "loggers"):
        own = [n for n in registry().names(kind) if registry().entry(kind, n).plugin.distribution == "stde"]
        assert all(f"`{name}`" in README for name in own)

"""The README is right: its Python examples run, the files that it names exist, its speeds were measured."""

import re
from pathlib import Path

import pytest

import stde_core as stde
from benchmarks.rows import read_rows
from benchmarks.tables import summary

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
    from stde_core.plugins import registry

    for kind in ("samplers", "estimators", "problems", "networks", "loggers"):
        own = [n for n in registry().names(kind) if registry().entry(kind, n).plugin.distribution == "stde"]
        assert all(f"`{name}`" in README for name in own)


# --- the tables of speeds


def table(title):
    """The lines of the table whose first column has that title and more, as cells by title."""
    lines = README[README.index(f"| {title} |") :].partition("\n\n")[0].splitlines()
    titles, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    return [dict(zip(titles, row, strict=True)) for row in rows]


def measured(*names):
    """Medians of committed results."""
    files = [path for name in names for path in (ROOT / "benchmarks" / "results" / name).glob("*.jsonl")]
    return [row for path in files for row in summary(read_rows(path)).to_dict("records")]


def says(cell, value):
    """Whether the number in a cell is the value, rounded."""
    number = re.search(r"\d+(?:\.(\d+))?", cell)
    return number is not None and number[0] == f"{value:.{len(number[1] or '')}f}"


def test_numbers_are_compared_as_they_are_rounded():
    assert says("folx **2.8**", 2.77) and says("5.7×", 5.66) and says("546 MB", 546.4)
    assert not says("2.8", 2.86) and not says("5.6×", 5.66) and not says("–", 1.0)


def test_speeds_of_a_training_step_are_those_measured():
    rows = measured("training-step", "training-step-1M")
    found = {(row["dim"], row["method"]): row for row in rows}
    columns = {
        "`released`, steps/s": ("released", lambda row: 1 / row["seconds"]),
        "`stde`, steps/s": ("stde", lambda row: 1 / row["seconds"]),
        "ratio": ("released", lambda row: row["seconds/"]),
        "by hand, steps/s": ("hand-written", lambda row: 1 / row["seconds"]),
        "memory, `released`": ("released", lambda row: row["peak_memory_mb"]),
        "memory, `stde`": ("stde", lambda row: row["peak_memory_mb"]),
    }
    for line in table("dimensions | `released`, steps/s"):
        dim = int(line.pop("dimensions").replace(" ", ""))
        for title, cell in line.items():
            method, quantity = columns[title]
            assert says(cell, quantity(found[dim, method])), (dim, title)


def test_times_of_the_kdv_equation_are_those_measured():
    found = {(row["network"], row["method"]): row for row in measured("kdv-2d")}
    names = {"4 × 128": "base (4×128)", "8 × 128": "L=8 (8×128)", "16 × 128": "L=16 (16×128)"}
    names["4 × 512"] = "h=512 (4×512)"
    rows = table("network | nested reverse mode")
    assert len(rows) == len(names)
    for row in rows:
        network, *cells = row.values()
        for method, cell in zip(("nested-reverse", "stde-jet", "stde"), cells, strict=True):
            assert says(cell, 1e3 * found[names[network], method]["seconds"]), (network, method)


def test_times_of_laplacians_are_those_measured():
    found = {}
    for row in measured("laplacian-and-biharmonic"):
        case = tuple(row[name] for name in ("workload", "inputs", "network"))
        found.setdefault(case, []).append(row["seconds"])  # nested, folx or jets, stde
    rows = table("operator | network")
    assert len(rows) == len(found) == 5
    for row, (case, seconds) in zip(rows, found.items(), strict=True):
        operator, network, *cells = row.values()
        assert operator.startswith("Δ²" if case[0] == "biharmonic" else "Δ,"), operator
        assert operator.endswith(f"d = {case[1]}") and network.startswith("8" if "8" in case[2][-1] else "4")
        assert all(says(cell, 1e3 * value) for cell, value in zip(cells, seconds, strict=True)), operator

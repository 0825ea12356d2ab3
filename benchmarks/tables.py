"""Rows of results as pages of Markdown, and as pictures."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from stde_pdes.training import beats_affine

from .rows import CASES, Row
from .sweep import in_words

STUDIES = ("step", "operators", "accuracy", "samples")
_CASE = {"step": ["dim"], "operators": ["workload", "inputs", "network"]}
_MEASURED = ["seconds", "trace_seconds", "compile_seconds", "peak_memory_mb", "loss"]
_ERRORS = ["relative_l2", "relative_error_origin", "trivial_relative_l2", "affine_relative_l2"]
_RUN = [*_ERRORS, "loss", "seconds", "steps", "parameters", "errors", "dim", "time"]
_COLOURS = {"stde": "#0b5fd8", "hand-written": "#343a40", "released": "#e8590c", "stde-jet": "#f08c5a"}
_SAMPLES = "Samples per point: {fields[dim]} dimensions, {steps} steps"
_SHORT = "The same commands at a fifth of the steps with seeds 0, 1 and 2: mean, and least to greatest."


def page(rows: Sequence[Row]) -> str:
    """The page of a study, from its rows."""
    pages = {"accuracy": _accuracy_page, "samples": _samples_page}
    return "\n\n".join(filter(None, pages.get(rows[0]["study"], _methods_page)(rows))) + "\n"


def draw(rows: Sequence[Row], path: Path) -> None:
    """Writes the picture of a study to a PNG file."""
    figure = Figure(figsize=(11, 5.4), layout="constrained", dpi=140)
    (_draw_samples if rows[0]["study"] == "samples" else _draw_methods)(figure, rows)
    figure.savefig(path)


# --- numbers, never with an exponent where a reader would rather not have one


def number(value: Any, digits: int = 3) -> str:
    """Rounded to so many digits, whole where it is longer; a dash for nothing."""
    if _is_nothing(value):
        return "–"
    short = f"{value:.{digits}g}"
    return f"{value:.0f}" if "e+" in short and abs(value) < 1e7 else short


def error(value: Any, digits: int = 2) -> str:
    """A relative error, as 3.0e-3; a dash for nothing."""
    if _is_nothing(value):
        return "–"
    mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
    return f"{mantissa}e{int(exponent)}" if int(exponent) else mantissa


def _whole(value: Any) -> str:
    return "–" if _is_nothing(value) else f"{value:.0f}"


def _is_nothing(value: Any) -> bool:
    return value is None or bool(value != value)  # pandas has NaN for None


def _in_markdown(columns: Mapping[str, Iterable[str]]) -> str:
    """A table; numbers are set to the right."""
    frame = pd.DataFrame({title: list(cells) for title, cells in columns.items()})
    numbers = frame.apply(lambda cells: cells.str.match(r"[\d–-]").all())
    align = ["right" if one else "left" for one in numbers]
    return frame.to_markdown(index=False, disable_numparse=True, colalign=align) or ""


def _frame(rows: Sequence[Row], columns: Sequence[str]) -> Any:
    """The rows, with these columns at least, and by which version each was made."""

    def made_by(row: Row) -> str:
        commit = row.get("commit")
        return row.get("versions", {}).get("stde", "–") + (f" ({commit[:7]})" if commit else "")

    frame = pd.DataFrame([{**row, "made by": made_by(row)} for row in rows])
    return frame.reindex(columns=list(dict.fromkeys([*frame, *columns])))


def _machine(rows: Sequence[Row], *more: str) -> str:
    """What was measured on and with, in one line."""
    made = sorted((row for row in rows if "device" in row), key=lambda row: row["date"])
    if not made:
        return "nothing measured"
    first, when = made[0], " to ".join(dict.fromkeys((made[0]["date"], made[-1]["date"])))
    precision = f"{first['precision']} (matrix products {first['matmul_precision']})"
    versions = [f"Python {first['python']}", *(f"{name} {v}" for name, v in first["versions"].items())]
    return ", ".join([when, first["device"], f"{first['cpus']} cores", precision, *more, *versions])


def _label(figure: Figure, title: str, rows: Sequence[Row], *more: str) -> None:
    figure.suptitle(title, fontsize=11, fontweight="bold")
    figure.supxlabel("\n".join([*more, _machine(rows)]), fontsize=6.5, color="0.35")


# --- methods side by side


def summary(rows: Sequence[Row]) -> Any:
    """A line for each method in each case: medians over its repeats, and ratios to the reference in its case.

    Where one of the repeats failed, there are neither, and `status` and `reason` say why.
    """
    case, reference = _CASE[rows[0]["study"]], rows[0]["reference"]
    frame = _frame([row for row in rows if row["status"] != "left out"], _MEASURED)
    frame[_MEASURED] = frame[_MEASURED].astype(float)
    groups, bad = (
        one.groupby([*case, "method"], sort=False) for one in (frame, frame[frame["status"] != "ok"])
    )
    found: Any = groups[_MEASURED].median().join(groups[["note", "made by"]].first())
    found = found.join(bad[["status", "reason"]].first()).fillna({"status": "ok", "reason": ""}).reset_index()
    found.loc[found["status"] != "ok", _MEASURED] = float("nan")
    found["compile"] = found["trace_seconds"] + found["compile_seconds"]
    found["per second"], found["ms"] = 1 / found["seconds"], 1e3 * found["seconds"]
    for name in ("seconds", "peak_memory_mb", "compile"):
        of_reference = found[name].where(found["method"] == reference)
        found[f"{name}/"] = found[name] / of_reference.groupby([found[c] for c in case]).transform("first")
    return found


def _methods_page(rows: Sequence[Row]) -> list[str]:
    """Title, command, machine, table, and what the columns mean."""
    found, first = summary(rows), rows[0]
    reference, settings = first["reference"], first["settings"]
    failed = (found["status"] + ": " + found["reason"]).where(found["status"] != "ok", "")
    columns = {name: found[name].map(str) for name in [*_CASE[first["study"]], "method"]} | {
        "per second": found["per second"].map(number),
        "ms": found["ms"].map(number),
        f"time/{reference}": found["seconds/"].map("{:.2f}×".format).replace("nan×", "–"),
        "peak MB": found["peak_memory_mb"].map(number),
        f"memory/{reference}": found["peak_memory_mb/"].map("{:.2f}×".format).replace("nan×", "–"),
        "compile s": found["compile"].map(lambda seconds: number(seconds, 2)),
        "loss": found["loss"].map(lambda loss: number(loss, 5)),
        "made by": found["made by"],
        "remarks": [", ".join(filter(None, texts)) for texts in zip(found["note"], failed, strict=True)],
    }
    whole = "the whole process, Python and its libraries included"
    notes = [
        f"Times: medians over {settings['repeats']} repeats of {settings['seconds']:g} s each; "
        "methods alternate.",
        f"peak MB is of {whole if first['device'].startswith('cpu') else 'the device'}; "
        "compile s with tracing.",
        f"Ratios are to `{reference}` in the same run.",
        *(f"{name}: {summary}" for name, summary in settings.get("workloads", {}).items()),
        *dict.fromkeys(f"Left out: {row['reason']}" for row in rows if row["status"] == "left out"),
    ]
    head = [f"# {first['title']}", f"    {first['command']}", _machine(rows, f"seed {settings['seed']}")]
    return [*head, _in_markdown(columns), "\n".join(f"- {line}" for line in notes)]


def _draw_methods(figure: Figure, rows: Sequence[Row]) -> None:
    """Speed and memory over the dimension where there are several, else bars over those of the reference."""
    found, case = summary(rows), _CASE[rows[0]["study"]]
    curves, reference = case == ["dim"] and found["dim"].nunique() > 1, rows[0]["reference"]
    found["case"] = found["dim"] if curves else [", ".join(map(str, line)) for line in found[case].to_numpy()]
    shown = {"per second": "steps per second", "peak_memory_mb": "peak memory, MB"}
    if not curves:
        shown = {
            "seconds/": f"time over that of {reference}",
            "peak_memory_mb/": f"memory over that of {reference}",
        }
    for axes, (name, title) in zip(figure.subplots(1, 2, sharey=not curves), shown.items(), strict=True):
        _plot(
            axes,
            found.pivot_table(name, "case", "method", sort=False, dropna=False),
            title,
            "dimensions" * curves,
        )
    if not curves:
        figure.axes[0].invert_yaxis()
    figure.axes[1].legend(fontsize=8)
    _label(figure, rows[0]["title"].replace(": ", "\n", 1), rows)


def _plot(axes: Any, table: pd.DataFrame, title: str, of: str) -> None:
    """A line, or a bar, for each column: lines over what the rows are of."""
    how: dict[str, Any] = {"style": "o-", "loglog": True} if of else {"kind": "barh", "width": 0.85}
    colours = [_COLOURS.get(str(name), f"C{i + 4}") for i, name in enumerate(table)]
    table.plot(ax=axes, title=title, color=colours, grid=bool(of), legend=False, **how)
    axes.set(xlabel=of, ylabel="")
    (axes.yaxis if of else axes.xaxis).set_major_formatter(FuncFormatter(lambda value, _: number(value)))
    if of:
        axes.set_xticks(table.index, [f"{one:,}".replace(",", " ") for one in table.index])


# --- accuracies


def judged(row: Row) -> Row:
    """A run at full length, with all fields, beside its aims.

    - `aim`, `aim_origin`: what the errors should not pass; None for no aim.
    - `reached`: whether they do not; None where nothing has an aim, or nothing was run.
    - `better_than_affine`: None where either error is unknown.
    """
    row = dict.fromkeys(_RUN) | row
    case = next((case for case in CASES["accuracy"] if in_words(case) == row["solve"]), {})
    aim, (l2, at_origin, trivial, affine) = case.get("aim", {}), map(row.get, _ERRORS)
    simplest = min((one for one in (trivial, affine) if one is not None), default=None)
    limit = aim["share"] * simplest if "share" in aim and simplest is not None else aim.get("domain")
    pairs = [(l2, limit), (at_origin, aim.get("origin"))]
    within = [value <= most for value, most in pairs if value is not None and most is not None]
    reached = False if aim and row["status"] not in ("ok", "not run") else all(within) if within else None
    better = None if l2 is None or affine is None else beats_affine(l2, affine)
    judgement = {
        "aim": limit,
        "aim_origin": aim.get("origin"),
        "reached": reached,
        "better_than_affine": better,
    }
    return row | judgement | {"published": case.get("published")}


def _accuracy_page(rows: Sequence[Row]) -> list[str]:
    """How to repeat it, the runs at full length, the short runs, and what failed."""
    full = [judged(row) for row in rows if row["length"] == "full"]
    short = [row for row in rows if row["length"] == "short"]
    scaled = [f"steps scaled by {rows[0]['steps_scale']:g}"] if rows[0]["steps_scale"] != 1 else []
    bad = [row for row in rows if row["status"] != "ok"]
    missed = [f"`{row['solve']}`" for row in full if row["reached"] is False]
    notes = [f"`{row['solve']}`, seed {row['seed']}: {row['status']}: {row['reason']}" for row in bad]
    notes += [f"Aims not reached: {', '.join(missed)}."] if missed else []
    return [
        "# Accuracy of `stde solve`",
        "What `stde solve` reaches with its defaults. This page is written by",
        "    python -m benchmarks accuracy --out benchmarks/results/accuracy --table docs/accuracy.md "
        "--finished",
        f"from runs of {_machine(rows, *scaled)}.",
        CASES["pages"]["accuracy"].strip(),
        *(["## One seed (0) at full length", _full_table(full)] if full else []),
        *(["## Three seeds", _SHORT, _short_table(short)] if short else []),
        "\n".join(f"- {line}" for line in notes),
    ]


def _full_table(rows: Sequence[Row]) -> str:
    frame = _frame(rows, _RUN)
    three = {name: [error(row[name], 3) for row in rows] for name in (*_ERRORS, "aim")}
    worse = frame["better_than_affine"].map({False: ", not better than an affine network"}).fillna("")
    at_origin = [
        "" if row["aim_origin"] is None else f", {error(row['aim_origin'])} at the origin" for row in rows
    ]
    columns = {
        "stde solve": "`" + frame["solve"] + "`",
        "dimensions": frame["dim"].map(_whole) + frame["time"].map({True: " + time"}).fillna(""),
        "error": pd.Series(three["relative_l2"]).where(frame["status"] == "ok", frame["status"]),
        "at the origin": frame["relative_error_origin"].map(error),
        "aim": pd.Series(three["aim"]) + at_origin,
        "reached": frame["reached"].map({True: "yes", False: "**no**"}).fillna("–"),
        "trivial": three["trivial_relative_l2"],
        "affine": three["affine_relative_l2"] + worse,
        **{name: frame[name].map(_whole) for name in ("seconds", "steps", "parameters")},
        "published": frame["published"].map(_published),
    }
    return _in_markdown(columns | {"made by": frame["made by"]})


def _published(published: Any) -> str:
    if not isinstance(published, dict):
        return "–"
    deviation = f" ± {error(published['deviation'])}" if "deviation" in published else ""
    where = " at the origin" if published.get("at") == "origin" else ""
    return f"{error(published['error'])}{deviation}{where} (Table {published['table']})"


def _short_table(rows: Sequence[Row]) -> str:
    """A line for each problem, over its seeds."""
    groups = _frame(rows, _RUN).astype(dict.fromkeys([*_ERRORS, "steps"], float)).groupby("solve", sort=False)
    mean, least, most = (groups[[*_ERRORS, "steps"]].agg(how) for how in ("mean", "min", "max"))
    columns = {"stde solve": [f"`{solve}`" for solve in mean.index], "steps": mean["steps"].map(_whole)}
    for title, name in (("error", "relative_l2"), ("at the origin", "relative_error_origin")):
        spread = least[name].map(error) + " to " + most[name].map(error)
        columns |= {
            f"{title}, mean": mean[name].map(error),
            f"{title}, least to greatest": spread.replace("– to –", "–"),
        }
    columns |= {name: mean[f"{name}_relative_l2"].map(error) for name in ("trivial", "affine")}
    return _in_markdown(
        columns | {"made by": groups["made by"].agg(lambda one: ", ".join(dict.fromkeys(one)))}
    )


# --- samples


def _over_samples(rows: Sequence[Row]) -> Any:
    """The rows, with the speed of all steps and when the error converged."""
    frame = _frame(rows, _RUN).astype({"relative_l2": float})
    curves = [errors if isinstance(errors, list) else [] for errors in frame["errors"]]
    frame["seconds"] = [curve[-1][0] if curve else float("nan") for curve in curves]
    frame["per second"] = frame["steps"] / frame["seconds"]
    return frame.assign(converged=list(map(seconds_to_convergence, curves)))


def seconds_to_convergence(errors: Sequence[Sequence[float]]) -> float | None:
    """When the error first stays within 10 % of its last value, from (seconds, error) in order."""
    converged = None
    for seconds, value in reversed(errors):
        if abs(value - errors[-1][1]) > 0.1 * errors[-1][1]:
            break
        converged = seconds
    return converged


def _samples_page(rows: Sequence[Row]) -> list[str]:
    """Title, command, machine, table, and what the columns mean."""
    frame = _over_samples(rows)
    numbers = {"loss": "loss", "steps/s": "per second", "seconds": "seconds", "converged s": "converged"}
    columns = {
        **{name: frame[name] for name in ("problem", "estimator", "tangents")},
        "samples": frame["num_samples"].map(str),
        "error": frame["relative_l2"].map(error),
        **{name: frame[f"{name}_relative_l2"].map(error) for name in ("trivial", "affine")},
        **{title: frame[name].map(number) for title, name in numbers.items()},
        "made by": frame["made by"],
        "remarks": (frame["status"] + ": " + frame["reason"]).where(frame["status"] != "ok", ""),
    }
    good = [row for row in rows if row["status"] == "ok" and row.get("affine_relative_l2")]
    floor = good and not any(beats_affine(row["relative_l2"], row["affine_relative_l2"]) for row in good)
    return [
        f"# {_SAMPLES.format(**rows[0])}",
        "    python -m benchmarks samples --out benchmarks/results/samples --finished",
        _machine(rows, f"seed {rows[0]['seed']}"),
        "![Error and speed over the number of samples](samples.png)",
        _in_markdown(columns),
        CASES["pages"]["samples"].strip(),
        "No run is better than an affine network: the errors say nothing of how many samples to take."
        if floor
        else "",
    ]


def _draw_samples(figure: Figure, rows: Sequence[Row]) -> None:
    """A line for each problem and method, and the errors of the simplest models of the first problem."""
    frame, (left, right) = _over_samples(rows), figure.subplots(1, 2)
    frame["method"] = frame["problem"] + ", " + frame["estimator"] + ", " + frame["tangents"]
    for axes, name, title in (
        (left, "relative_l2", "relative L2 error"),
        (right, "per second", "steps per second"),
    ):
        table = frame.pivot_table(name, "num_samples", "method", sort=False)
        if not table.empty:
            _plot(axes, table, title, "samples per point")
    right.legend(*right.get_legend_handles_labels(), fontsize=7.5, loc="lower left")
    for name in ("trivial", "affine"):
        if level := rows[0].get(f"{name}_relative_l2"):
            left.axhline(level, color="0.6", linestyle=":")
            left.annotate(f"{name}, {rows[0]['problem']}", (1, level), fontsize=7.5, color="0.4")
    _label(figure, _SAMPLES.format(**rows[0]), rows, f"seed {rows[0]['seed']}, one run each")

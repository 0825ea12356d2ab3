"""The accuracies as tables: on a terminal, and as a page of Markdown."""

from collections.abc import Callable, Sequence
from typing import Any

from ._accuracy_cases import Published
from ._accuracy_rows import AccuracyRow, FullRun, Spread
from ._columns import in_markdown, print_page
from ._findings import Findings
from ._format import OLDER, error, machine, mark

_MEANING = """\
Errors are those of the last step, at points of the law that training draws from, which it never sees: over
the domain the relative L2 error, beside those of the simplest models. The *trivial* error is that of the
best constant or of the best constant network inside the problem's ansatz, whichever is smaller. The *affine*
error is that of the best affine network there, a + b·z with z what the network sees, by least squares on the
solution at other points; an error that is not 5 % below it at least is called not better. The aim is the
error that the defaults should not pass, and below both. Seconds are those of the whole run, compilation,
reference solution and picture included, of one run each; other work on the machine makes them longer. The
solution is random in the elliptic problems, by `coefficient_seed`.
`kuramoto-sivashinsky` runs to t = 8; chaos sets in at about t = 20.

Published errors are those of STDE (Shi, Hu, Lin, Kawaguchi, NeurIPS 2024) for its own method, 10 000 steps
on an A100: over the domain relative L2 errors, with coefficients of the exact solution drawn from other
seeds, so with other trivial errors; at the origin relative L1 errors against published reference values,
which are themselves off by up to 1e-3. Those of the three-body problems were measured with a right-hand
side that lacks two factors."""
_SPREAD = "The same commands at a fifth of the steps with seeds 0, 1 and 2: mean, and least to greatest."


def print_accuracy(findings: Findings) -> None:
    """Prints both tables to stdout; into a pipe, one line a row."""
    heading, remarks = f"{findings.title}\n{_environment(findings)}", "\n".join(_remarks(findings))
    full, short = _full_columns(findings.rows), _short_columns(findings.rows)
    if full:
        print_page(heading, full, "" if short else remarks)
    if short:
        print_page(_SPREAD if full else heading, short, remarks)


def markdown(findings: Findings) -> str:
    """The page: how to repeat it, the runs at full length, the short runs, and what failed."""
    full, short = _full_columns(findings.rows), _short_columns(findings.rows)
    parts = [
        f"# {findings.title}",
        "What `stde solve` reaches with its defaults. This page is written by",
        f"    {findings.environment['command']}",
        f"which goes on from the runs that it finds, and was last called here: {_environment(findings)}.",
        _MEANING,
    ]
    if full:
        parts += ["## One seed (0) at full length", in_markdown(full)]
    if short:
        parts += ["## Three seeds", _SPREAD, in_markdown(short)]
    parts.append("\n".join(f"- {remark}" for remark in _remarks(findings)))
    return "\n\n".join(filter(None, parts)) + "\n"


def _environment(findings: Findings) -> str:
    scale = findings.settings["steps_scale"]
    return machine(findings.environment, *([] if scale == 1 else [f"steps scaled by {scale:g}"]))


def _full_columns(rows: Sequence[AccuracyRow]) -> dict[str, list[str]]:
    """The cells of the runs at full length, by column; none where there are no such runs."""
    runs = [(row, row.full) for row in rows if row.full is not None]

    def column(cell: Callable[[AccuracyRow, FullRun], str]) -> list[str]:
        return [cell(row, run) for row, run in runs]

    columns = {
        "stde solve": column(lambda row, run: f"`{row.command}`{mark(run.older)}"),
        "dimensions": column(lambda row, run: _dimensions(row)),
        "error": column(lambda row, run: _error(row, run.relative_l2) if run.status == "ok" else run.status),
        "at the origin": column(lambda row, run: error(run.relative_error_origin)),
        "aim": column(lambda row, run: _aim(row)),
        "reached": column(lambda row, run: {True: "yes", False: "**no**", None: "–"}[row.reached]),
        "trivial": column(lambda row, run: _error(row, row.trivial_relative_l2)),
        "affine": column(lambda row, run: f"{_error(row, row.affine_relative_l2)}{_words(row)}"),
        "seconds": column(lambda row, run: _whole(run.seconds)),
        "steps": column(lambda row, run: _whole(run.steps)),
        "parameters": column(lambda row, run: _whole(run.parameters)),
        "published": column(lambda row, run: _published(row.published)),
    }
    return columns if runs else {}


def _short_columns(rows: Sequence[AccuracyRow]) -> dict[str, list[str]]:
    """The cells of the short runs, by column; none where there are no such runs."""
    runs = [(row, row.short) for row in rows if row.short is not None]

    def column(cell: Callable[[AccuracyRow, Any], str]) -> list[str]:
        return [cell(row, run) for row, run in runs]

    columns = {
        "stde solve": column(lambda row, run: f"`{row.command}`{mark(run.older)}"),
        "steps": column(lambda row, run: _whole(run.steps)),
        "error, mean": column(lambda row, run: error(run.relative_l2 and run.relative_l2.mean)),
        "least to greatest": column(lambda row, run: _range(run.relative_l2)),
        "at the origin, mean": column(
            lambda row, run: error(run.relative_error_origin and run.relative_error_origin.mean)
        ),
        "least to greatest there": column(lambda row, run: _range(run.relative_error_origin)),
        "trivial": column(lambda row, run: error(row.trivial_relative_l2)),
        "affine": column(lambda row, run: error(row.affine_relative_l2)),
    }
    return columns if runs else {}


def _dimensions(row: AccuracyRow) -> str:
    return f"{'–' if row.dim is None else row.dim}{' + time' if row.time else ''}"


def _aim(row: AccuracyRow) -> str:
    limits = [(row.aim_relative_l2, ""), (row.aim_relative_error_origin, " at the origin")]
    return ", ".join(f"{_error(row, limit)}{where}" for limit, where in limits if limit is not None) or "–"


def _error(row: AccuracyRow, value: float | None) -> str:
    """With a digit more where a run missed its aim, perhaps by little."""
    missed = row.reached is False and row.full is not None and row.full.status == "ok"
    return error(value, digits=3 if missed else 2)


def _words(row: AccuracyRow) -> str:
    return ", not better than an affine network" if row.better_than_affine is False else ""


def _published(published: Published | None) -> str:
    if published is None:
        return "–"
    deviation = "" if published.deviation is None else f" ± {error(published.deviation)}"
    where = " at the origin" if published.at == "origin" else ""
    return f"{error(published.error)}{deviation}{where} (Table {published.table})"


def _range(spread: Spread | None) -> str:
    return "–" if spread is None else f"{error(spread.least)} to {error(spread.most)}"


def _whole(value: int | float | None) -> str:
    return "–" if value is None else f"{value:.0f}"


def _remarks(findings: Findings) -> list[str]:
    remarks = []
    for row in findings.rows:
        bad = [row.full] if row.full and row.full.status != "ok" else []
        remarks += [f"`{row.command}`: {run.status}: {run.reason}" for run in bad]
        remarks += [f"`{row.command}`: {failure}" for failure in (row.short.failures if row.short else ())]
    missed = [row.command for row in findings.rows if row.reached is False]
    if missed:
        remarks.append(f"Aims not reached: {', '.join(f'`{command}`' for command in missed)}.")
    if any(run and run.older for row in findings.rows for run in (row.full, row.short)):
        remarks.append(OLDER)
    return [*remarks, *(f"Left out: {reason}" for reason in findings.left_out)]

"""A report as a table: on a terminal, and in Markdown."""

from ._columns import in_markdown, print_page
from ._format import machine, number, processes, ratio
from ._report import Report, Row


def print_report(report: Report) -> None:
    """Prints title, environment, table and remarks to stdout; into a pipe, one line a row."""
    heading = f"{report.title}\n{_environment(report)}"
    print_page(heading, _columns(report), "\n".join(_remarks(report)))


def markdown(report: Report) -> str:
    """The report as a page: title, command, environment, settings, table, and what the columns mean."""
    parts = [
        f"# {report.title}",
        f"    {report.environment['command']}",
        _environment(report),
        "\n".join(f"- {name}: {_setting(value)}" for name, value in report.settings.items()),
        in_markdown(_columns(report)),
        "\n".join(f"- {line}" for line in _remarks(report)),
    ]
    return "\n\n".join(parts) + "\n"


def _columns(report: Report) -> dict[str, list[str]]:
    """The cells of each column, by its title."""
    rows = report.rows
    names = dict.fromkeys(name for row in rows for name in row.case)
    return {
        **{name: [str(row.case.get(name, "")) for row in rows] for name in names},
        "method": [row.method for row in rows],
        "per second": [number(row.seconds and 1 / row.seconds) for row in rows],
        "ms": [number(row.seconds and 1e3 * row.seconds) for row in rows],
        f"time/{report.reference}": [ratio((row.ratios or {}).get("seconds")) for row in rows],
        "peak MB": [number(row.peak_memory_mb) for row in rows],
        f"memory/{report.reference}": [ratio((row.ratios or {}).get("peak_memory_mb")) for row in rows],
        "compile s": [number(row.preparation_seconds, digits=2) for row in rows],
        "loss": [number(row.loss, digits=5) for row in rows],
        "remarks": [_remark(row) for row in rows],
    }


def _remark(row: Row) -> str:
    failure = "" if row.status == "ok" else f"{row.status}: {row.reason}"
    return "; ".join(filter(None, [row.note, failure]))


def _setting(value: object) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name} {text}" for name, text in value.items())
    return "by default" if value is None else str(value)


def _environment(report: Report) -> str:
    return machine(report.environment, f"seed {report.settings['seed']}")


def _remarks(report: Report) -> list[str]:
    on_cpu = report.environment["device"].startswith("cpu")
    memory = "the whole process, Python and its libraries included" if on_cpu else "the device"
    return [
        f"Times: {processes(report.settings['repeats'])}; within a case the methods alternate.",
        f"peak MB is of {memory}; compile s is tracing and compiling.",
        f"Ratios are to `{report.reference}` in the same run.",
        *(f"Left out: {reason}" for reason in report.left_out),
    ]

"""Solves all problems of this folder at full length, and adds a line for each to `results.jsonl`.

`python run_all.py` runs all of them, `python run_all.py helmholtz kovasznay` these. Each run has a process
and a directory of its own, in a folder that is thrown away.
"""

import json
import os
import runpy
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
RESULTS = HERE / "results.jsonl"
KEPT = ("relative_l2", "relative_l2_outputs", "affine_relative_l2", "found")


def solved(name, folder, commit):
    """Runs one of the files as a user would, and returns what is to be kept of its run."""
    file = HERE / f"{name}.py"
    subprocess.run([sys.executable, file], cwd=folder, check=True)
    directory = Path(folder) / "runs" / name
    result, record = (json.loads((directory / f"{part}.json").read_text()) for part in ("result", "run"))
    made_with = record["environment"]
    return {
        "name": name,
        **{field: result[field] for field in KEPT if field in result},
        **({"truth": runpy.run_path(str(file))["truth"]} if "found" in result else {}),
        "residuals_rms": {condition: size["rms"] for condition, size in result["residuals"].items()},
        # Without what compiling and drawing takes.
        "seconds": round(result["steps"] / result["steps_per_second"], 1),
        "steps": result["steps"],
        "seed": result["seed"],
        "versions": made_with["versions"],
        "device": made_with["device"],
        "cpus": made_with["cpus"],
        "load": loads(),
        "commit": commit,
    }


def loads():
    """How many processes wanted a processor in the last minute, on average; None where none can tell."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def commit_here():
    """The commit of this checkout, with a mark where files differ from it; None outside of git."""
    command = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(command, cwd=HERE, capture_output=True, text=True)
    return done.stdout.strip() or None


if __name__ == "__main__":
    every = sorted(path.stem for path in HERE.glob("*.py") if path.stem != Path(__file__).stem)
    commit = commit_here()  # before this writes a line itself
    for name in sys.argv[1:] or every:
        with tempfile.TemporaryDirectory() as folder, RESULTS.open("a") as results:
            results.write(json.dumps(solved(name, folder, commit)) + "\n")

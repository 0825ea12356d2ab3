"""Runs the commands of gallery.md, for their pictures and errors: `python docs/make_gallery.py RUNS`.

RUNS is a directory for the runs; those that it holds already are used as they are. All together take about
ten minutes on two cores.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
_SECTION = re.compile(
    r"```console\n\$ (?P<command>stde solve .*)\n```\n\n"
    r"!\[(?P<title>.*)\]\((?P<picture>(?:gallery/)?(?P<name>.*)\.png)\)\n(?:\n\*Relative.*\n)?"
)
_WIDTH, _COLOURS = 1100, 256


def main(runs: Path) -> None:
    page = DOCS / "gallery.md"
    (DOCS / "gallery").mkdir(exist_ok=True)
    text = page.read_text(encoding="utf-8")
    page.write_text(_SECTION.sub(lambda match: _section(match, runs), text), encoding="utf-8")


def _section(match: re.Match[str], runs: Path) -> str:
    """The section with a new picture and the errors of the run."""
    run = runs / match["name"]
    if not (run / "result.json").exists():
        command = [sys.executable, "-m", "stde_cli", *shlex.split(match["command"])[1:]]
        subprocess.run([*command, "--out", str(run)], check=True)
    _shrink(run / "solution.png", DOCS / match["picture"])
    result = json.loads((run / "result.json").read_text(encoding="utf-8"))
    return (
        f"```console\n$ {match['command']}\n```\n\n![{match['title']}]({match['picture']})\n\n"
        f"*Relative L2 error {result['relative_l2']:.1e}, affine {result['affine_relative_l2']:.1e}, "
        f"trivial {result['trivial_relative_l2']:.1e}; "
        f"{result['steps']} steps, seed {result['seed']}.*\n"
    )


def _shrink(source: Path, target: Path) -> None:
    """A picture in few colours, below 100 kB."""
    with Image.open(source) as picture:
        height = round(picture.height * _WIDTH / picture.width)
        small = picture.convert("RGB").resize((_WIDTH, height), Image.Resampling.LANCZOS)
        small.quantize(_COLOURS).save(target, optimize=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]))

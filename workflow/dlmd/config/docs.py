"""config/README.md from the typed models: every key with type, default and meaning.

Run `python -m dlmd.config.docs config/README.md` (or `make docs`) after changing a model; a test compares the two.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from dlmd.config.levels import LEVELS
from dlmd.config.run_config import RunConfig

INTRODUCTION = """# The run config

One YAML file is one run, complete in itself; its results land in `results/<run>/`. Start from `pretrained.yaml` (embedded
engine, minutes), `few.yaml` (fifty single points of DFT), `demo.yaml` (labels that are there), `toy.yaml` (tiny, for tests) or
`li3ticl6.yaml` (the published study at full scale), and run it with

    snakemake --cores 2 --configfile config/my.yaml

Unknown keys, wrong types, impossible occupancies and settings that contradict each other are refused before the first
job, with line, key and remedy. Lengths are in Å, temperatures in K; other units are part of the key. Names of
occupancies, cells and levels become folders. Quote names that look like numbers where they are referred to
(`occupancy: "0.750"`).

Results follow their settings: changing `transport.lag_start_ps` redoes the fits and the report, not the MD; raising
`md.segments` adds segments and repeats none.

`engines/` has a complete block of levels for every label engine. `toy_few.yaml` is `few.yaml` in tiny.

## A config is code

`launch.lammps.command` and `launch.levels.<name>.command` are command lines that the jobs run, with your rights and on the
machine of the job; paths such as `pseudo_dir` and `potcar.directory` are read from wherever they point to. Read a config of
somebody else before you run it, `launch` first, as you would read a script. `dlmd check` starts none of these commands beyond
asking CP2K and `pw.x` for their version.

## What is checked between two jobs

Each job records the checksums of the files it writes (`results/<run>/.checksums/`), and the jobs that read them compare: a
file that was cut, zeroed or edited since is refused by name. To change a result by hand on purpose, delete its record too.
Files that are yours (config, CIF, given labels, the reference) have no record. Settings that are possible but unwise are notes
of `dlmd check`.

## Which pretrained level is good for what

Their weights come with their packages, and none of them is DFT+U. They are starts and labellers: CHGNet relaxes, explores and
gives the first weights (`start_from`), and few labels of the level that is meant correct them
([docs/potential.md](../docs/potential.md)): DFT's, or for minutes those of SevenNet-l3i5 (`dlmd new --engine sevennet`).
Measured on Li3TiCl6 (Li3InCl6, Li3YCl6), 80 and 160 atoms, one thread:

| | CHGNet 0.3.0 | CHGNet r2scan | SevenNet-0 (7net-0) | 7net-l3i5 | SevenNet-MF-0 r2scan |
|---|---|---|---|---|---|
| functional | PBE, no U in chlorides | r2SCAN | PBE, no U in chlorides | PBE, no U in chlorides | r2SCAN |
| error of the cell's volume, % | +7.6 (+5.9, +3.3) | +0.4 (+0.1, -2.7) | +2.6 (+6.8, -) | +5.7 (-, -) | -3.0 (-0.4, -1.1) |
| its forces over SevenNet-0's on the same frames | 0.81 to 0.84 | 0.61 to 0.65 | 1 | - | 0.69 to 0.72 |
| slope of its forces against PBE's, and their error: | | | | | |
| Li3TiCl6+U, 17 labels (pressure, GPa) | 0.51, 56 % (-1.4)| 0.38 (-2.4) | 0.65, 41 % (-1.3) | 0.77, 32 % (-0.9) | 0.46 (-2.6) |
| Li3InCl6, 13 labels | 0.78, 28 % (+0.6) | - | 0.93, 16 % (+0.7) | 0.96, 11 % (+0.6) | - |
| Li10GeP2S12, 22 labels | 0.64, 44 % (-0.8) | - | 0.85, 24 % (-0.6) | 0.91, 17 % (-0.3) | - |
| D_self of Li at 600 K, Å²/ps (experiment: 0.03 to 0.06) | 0.18 to 0.20 | 0.27 | not decided | not decided | not decided |
| s per call, 80 / 160 atoms | 0.24 / 0.50 | 0.17 / 0.48 | 0.71 / 1.22 | 1.3 / - | 0.75 / 1.22 |
| good for | a start: fast, smooth | the lattice | a stiffer start, thrice the price | few labels without DFT | the lattice |

The geometries of these labels come from copies of CHGNet and are at home on its surface, so that its slope on them is lower
than elsewhere. SevenNet-MF-0 is two potentials in one, of which that of PBE is SevenNet-0's equal (0.65, -1.3 GPa).

Editors with a YAML language server (VS Code with the extension YAML, Neovim, Emacs, Kate) complete keys, show what they
mean and underline what is wrong, because the first line of each file names `schema.json`. Keep it in your copy.

This page is made from the typed models by `make docs`; do not edit it by hand.
"""


def render() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    parts += _section(RunConfig, "top level", "")
    for engine, model in LEVELS.items():
        parts += _section(model, f"levels.<name> with engine: {engine}", "levels.<name>.")
    return "\n".join(parts).rstrip() + "\n"


def _section(model: type[BaseModel], title: str, prefix: str) -> Iterator[str]:
    text = " ".join((model.__doc__ or "").split())
    yield f"## {title}\n\n{text}\n\n| key | type | default | meaning |\n|---|---|---|---|"
    below = []
    for name, field in model.model_fields.items():
        yield f"| `{prefix}{name}` | {_type(field.annotation)} | {_default(field)} | {_meaning(field)} |"
        inner, many = _model_of(field.annotation)
        if inner is not None:
            below.append((inner, f"{prefix}{name}" + (".<n>" if many else "")))
    yield ""
    for inner, path in below:
        yield from _section(inner, path, f"{path}.")


def _model_of(annotation: object) -> tuple[type[BaseModel] | None, bool]:
    """The single model inside an annotation, and whether there is a list of it; unions of several have own sections."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    arguments = getattr(annotation, "__args__", ())
    found = [model for model, _ in map(_model_of, arguments) if model]
    return (found[0], getattr(annotation, "__origin__", None) is list) if len(found) == 1 else (None, False)


def _type(annotation: object) -> str:
    """An annotation in words: 'list of float', 'int or null', ..."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _type(arguments[0])
    if annotation is Any:
        return "value or section"
    if origin in (Union, UnionType) and {bool, int, float, str} <= set(arguments):
        # what a foreign program takes
        sections = [a for a in arguments if get_origin(a) is dict]
        return " or ".join(["value", *map(_type, sections)])
    if origin in (Union, UnionType):
        return " or ".join(map(_type, arguments))
    if origin is Literal:
        return " or ".join(f"`{value}`" for value in arguments)
    if origin is list:
        return f"list of {_type(arguments[0])}"
    if origin is tuple:
        return f"{len(arguments)} x {_type(arguments[0])}"
    if origin is dict:
        return f"map of {_type(arguments[1])}"
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section" if annotation not in LEVELS.values() else f"{annotation.__name__[:-5].lower()} level"
    name = str(getattr(annotation, "__name__", annotation))
    return {"str": "text", "bool": "true or false", "Path": "path"}.get(name, name)


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default if field.default is not PydanticUndefined else None
    if isinstance(value, BaseModel) or field.default_factory is not None:
        return "see below"
    return "null" if value is None else f"`{list(value) if isinstance(value, tuple) else value}`"


def _meaning(field: FieldInfo) -> str:
    inner, _ = _model_of(field.annotation)
    text = field.description or ((inner.__doc__ or "").split("\n")[0] if inner else "")
    return text.replace("|", r"\|").replace("\n", " ")


def main() -> None:
    """Write the page to the path given."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", type=Path, help="file to write")
    parser.parse_args().page.write_text(render(), encoding="utf-8")


if __name__ == "__main__":
    main()

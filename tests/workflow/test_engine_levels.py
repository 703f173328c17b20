"""The example levels of config/engines are valid as they stand, and give a DAG of the same shape as the demo's."""

import os

import pytest
import yaml

from dlmd.config_file import parse
from dlmd.engines import ENGINES
from running import ROOT, jobs, snakemake

FILES = sorted((ROOT / "config/engines").glob("*.yaml"))


def with_levels(levels):
    return yaml.safe_load((ROOT / "config/toy.yaml").read_text(encoding="utf-8")) | {"levels": levels}


def as_text(value):
    """Names such as 0.750 as the loader keeps them."""
    if isinstance(value, dict):
        return {f"{k:.3f}" if isinstance(k, float) else str(k): as_text(v) for k, v in value.items()}
    return value


@pytest.mark.parametrize("file", FILES, ids=lambda f: f.stem)
def test_example_is_complete(file):
    block = yaml.safe_load(file.read_text(encoding="utf-8"))
    assert set(block) == {"levels"}
    cfg = parse(as_text(with_levels(block["levels"])), file=file.name)
    assert {level.engine for level in cfg.levels.values()} == {file.stem}
    for name, level in cfg.levels.items():
        # every DFT level has both values of U, and judges the moment of Ti
        if hasattr(level, "hubbard_u_ev"):
            assert level.hubbard_u_ev == {"Ti": {"u0": 0.0, "u4": 4.0}[name]}
            assert level.magmom == {"Ti": 1.0} and level.moment_range == {"Ti": (0.5, 1.5)}


def test_every_engine_has_an_example():
    assert {f.stem for f in FILES} == set(ENGINES) - {"chgnet"}  # the demo's


def test_dry_run_with_all_of_them(make_workdir, monkeypatch):
    workdir = make_workdir("engines")
    # found, not imported: what a dry run needs of packages and pseudopotentials that are not here
    for package in ("gpaw", "sevenn"):
        (workdir / "stubs" / package).mkdir(parents=True)
        (workdir / "stubs" / package / "__init__.py").touch()
    monkeypatch.setenv("PYTHONPATH", f"{workdir / 'stubs'}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    levels = {}
    for file in FILES:
        block = yaml.safe_load(file.read_text(encoding="utf-8"))["levels"]
        levels |= {f"{file.stem}-{name}": level for name, level in block.items()}
    config = workdir / "config/engines.yaml"
    text = (workdir / "config/toy.yaml").read_text(encoding="utf-8")
    before, after = text.split("levels:\n  chgnet:\n    engine: chgnet\n")
    config.write_text(before + yaml.safe_dump({"levels": levels}) + after, encoding="utf-8")

    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", "config/engines.yaml")
    assert done.returncode != 0 and "no such pseudopotential" in done.stderr

    (workdir / "pseudopotentials").mkdir()
    for name in levels["espresso-u4"]["pseudopotentials"].values():
        (workdir / "pseudopotentials" / name).write_text('<PP_HEADER z_valence="7.0"/>\n')
    done = snakemake(workdir, "-n", "--cores", "2", "--configfile", "config/engines.yaml")
    assert done.returncode == 0, done.stderr
    table = jobs(done.stdout + done.stderr)
    assert len(levels) == 7
    assert table["accept"] == table["arrhenius"] == len(levels)
    assert table["aimd"] == len(levels) * 4

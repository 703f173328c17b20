"""Whole configs of well-known conductors: right composition, ions and cells, checked and complete."""

from math import prod
from pathlib import Path

import numpy as np
import pytest

import conductors
from dlmd.base.errors import DlmdError
from dlmd.config.reading import loads
from dlmd.proposal import Wishes, propose, theory
from dlmd.proposal.cells import narrowest
from dlmd.run import estimates, preflight, targets

ROOT = Path(__file__).parents[3]
SHIPPED = sorted((ROOT / "structures").glob("*.cif"))
REAL = sorted((ROOT.parent / "shared/data/structures").glob("*.cif"))


def checked(cif, wishes=None):
    """A proposal, its own text read again, and the CIF and counts checked as `dlmd check` does."""
    proposal = propose(cif, wishes, file="config/new.yaml")
    cfg = loads(proposal.text, file="config/new.yaml")
    assert cfg == proposal.config
    preflight.check_structures(cfg, file="config/new.yaml")
    return proposal


def assert_right(proposal):
    """What every proposal must keep."""
    design, cfg = proposal.design, proposal.config
    for cell in (design.label, design.production):
        charge = sum(design.charges[s] * n for s, n in cell.composition.items())
        assert charge == pytest.approx(0, abs=1e-6)
        assert narrowest(cell) >= 2 * cfg.training.cutoff_angstrom - 0.01
        assert not cell.lost
    assert design.production.composition[design.mobile] >= 100
    assert design.production.composition_error < 0.05
    # LGPS' refined 16h pairs hold 1.38 Li 1.74 Å apart: what has no room there is on 8f
    assert design.production.occupancy_error < (0.36 if design.crystal.name == "lgps" else 0.05)
    assert cfg.validation.rdf_temperature_k in cfg.md.temperatures_k
    hottest = max(t for g in cfg.labels.aimd.trajectories for t in g.temperatures_k)
    assert hottest > max(cfg.md.temperatures_k)


@pytest.mark.parametrize("name", sorted(conductors.CONDUCTORS))
def test_a_well_known_conductor(tmp_path, name):
    known = conductors.CONDUCTORS[name]
    proposal = checked(conductors.write(tmp_path, name))
    assert proposal.design.mobile == known.mobile
    assert dict(proposal.design.charges) == pytest.approx(known.charges)
    # no two halves of a split site
    assert proposal.design.distances[f"{known.mobile}-{known.mobile}"] >= 1.95
    assert_right(proposal)


@pytest.mark.parametrize("cif", SHIPPED, ids=lambda path: path.stem)
def test_a_shipped_cif(cif):
    proposal = checked(cif)
    assert proposal.design.mobile == "Li"
    assert_right(proposal)


@pytest.mark.parametrize("cif", REAL or [None], ids=lambda path: path.stem if path else "none")
def test_a_published_cif(cif):
    if cif is None:
        pytest.skip("the published CIFs are not here")
    proposal = checked(cif)
    assert_right(proposal)
    host = {s: n for s, n in proposal.design.production.composition.items() if s != "Li"}
    cells = prod(proposal.design.production.repeat)
    atoms = proposal.design.crystal.composition
    assert {s: n / cells for s, n in host.items()} == pytest.approx({s: atoms[s] for s in host}, rel=0.02)


def test_what_the_user_knows_is_used(tmp_path):
    cif = conductors.write(tmp_path, "alpha_agi")
    known = Wishes(sigma_ms_per_cm=1300, activation_energy_ev=0.1, melting_k=831, budget_core_hours=10)
    proposal = checked(cif, known)
    assert max(proposal.config.md.temperatures_k) == round(0.8 * 831, -1)
    assert "all given" in proposal.text


def test_budgets_buy_time_and_gpus_buy_size(tmp_path):
    cif = conductors.write(tmp_path, "bismuth_oxide")
    small, large = (checked(cif, Wishes(budget_core_hours=h)) for h in (1.0, 100.0))
    assert small.config.learning is None and large.config.learning is not None
    times = [found.lengths.production.length_ps * found.config.md.replicas for found in (small, large)]
    assert times[1] > 10 * times[0]
    # every ordering is run where each run is long enough
    assert (small.config.md.replicas, large.config.md.replicas) == (1, 3)
    for found, hours in ((small, 1.0), (large, 100.0)):
        assert found.lengths.hours_before + found.lengths.hours_of_production <= 1.05 * hours
    gpu = checked(cif, Wishes(gpu=True))
    assert gpu.config.launch.accelerator == "cuda"
    assert gpu.design.production.composition["O"] >= 1000


def test_too_small_a_budget_is_said(tmp_path):
    proposal = checked(conductors.write(tmp_path, "alpha_agi"), Wishes(budget_core_hours=0.01))
    assert any("too few" in note for note in proposal.notes)


@pytest.fixture
def salt(tmp_path):
    """CIF of an ordered crystal."""
    ordered = conductors.Conductor(
        conductors.hall_of(225),
        conductors.cubic(5.64),
        (("Na1", "Na", 0, 0, 0, 1), ("Cl1", "Cl", 0.5, 0.5, 0.5, 1)),
        "Na",
        {"Na": 1, "Cl": -1},
    )
    cif = tmp_path / "salt.cif"
    cif.write_text(ordered.cif("salt"))
    return cif


def test_an_ordered_crystal_has_one_ordering(salt):
    proposal = checked(salt)
    assert proposal.config.structures.orderings == 1
    assert list(proposal.config.structures.cells) == ["label", "production"]


@pytest.mark.parametrize(
    ("engine", "worth"),
    [("chgnet", "chgnet is a start, not the material"), ("sevennet", "sevennet stands for PBE without U")],
)
def test_what_a_pretrained_teacher_is_worth_is_said(salt, engine, worth):
    proposal = checked(salt, Wishes(engine=engine))
    (line,) = [note for note in proposal.notes if worth in note]
    assert "few" in line and "docs/potential.md" in line
    # beside the level, as a comment
    levels = proposal.text.partition("\nlevels:")[2].partition("\nlabels:")[0]
    assert line in " ".join(levels.replace("#", " ").split())


def test_the_default_engine_names_what_is_nearer_and_how_to_get_it(salt):
    (line,) = [note for note in checked(salt).notes if "chgnet is a start" in note]
    for said in ("0.78", "0.64", "0.96 and 0.91", "--engine sevennet", "pip install -e '.[sevennet]'"):
        assert said in line


@pytest.mark.parametrize("engine", ["vasp", "gpaw"])
def test_dft_labels_are_few_and_start_from_a_pretrained_potential(tmp_path, engine):
    proposal = checked(conductors.write(tmp_path, "thioantimonate"), Wishes(engine=engine, single_points=100))
    cfg = proposal.config
    assert cfg.levels["dft"].engine == engine and cfg.levels["dft"].start_from == "chgnet"
    assert not any("is a start" in note for note in proposal.notes)
    assert cfg.learning.iterations * cfg.learning.max_frames == 100
    assert {g.split for g in cfg.learning.explore} == {"train", "test"}
    held_out = [(g.cell, n) for g in cfg.learning.explore if g.split == "test" for n in g.orderings]
    trained = [(g.cell, n) for g in cfg.learning.explore if g.split == "train" for n in g.orderings]
    assert not set(held_out) & set(trained)


def test_sevennet_labels_few_frames_within_the_budget(tmp_path):
    cif = conductors.write(tmp_path, "thioantimonate")
    rich, poor = (checked(cif, Wishes(engine="sevennet", budget_core_hours=h)).config for h in (24.0, 1.0))
    for cfg in (rich, poor):
        level = cfg.levels["sevennet"]
        assert (level.engine, level.model, level.start_from) == ("sevennet", "7net-l3i5", "chgnet")
    assert rich.learning.iterations * rich.learning.max_frames == 120
    assert (poor.learning.iterations, poor.learning.max_frames) == (1, 50)


@pytest.mark.parametrize("engine", ["vasp", "gpaw", "sevennet"])
@pytest.mark.parametrize("gpu", [False, True])
def test_held_out_frames_of_an_ordered_crystal_are_of_the_small_cell(salt, engine, gpu):
    proposal = checked(salt, Wishes(engine=engine, single_points=50, gpu=gpu))
    cfg = proposal.config
    groups = cfg.learning.explore
    assert [(g.cell, g.split) for g in groups] == [("label", "train"), ("label_held_out", "test")]
    cells = cfg.structures.cells
    assert cells["label_held_out"] == cells["label"]
    # all that the engine labels is of the label cell's 216 atoms
    asked = {estimates.compositions(cfg)[s.occupancy, s.cell]["Na"] for s in targets.explorations(cfg)}
    assert asked == {108} and proposal.design.label.n_atoms == 216


@pytest.mark.parametrize(
    ("element", "charge", "moment"),
    [
        ("Ti", 3, 1),
        ("Ti", 4, 0),
        ("Fe", 3, 5),
        ("Fe", 2, 4),
        ("Co", 2, 3),
        ("Ni", 2, 2),
        ("Zn", 2, 0),
        ("W", 6, 0),
        ("Li", 1, 0),
    ],
)
def test_moments_are_those_of_high_spin_ions(element, charge, moment):
    assert theory.moment(element, charge) == moment


def test_electrons_without_a_u_are_named_and_open_f_shells_are_none_of_gpaw_s():
    text = "\n".join(theory.levels("gpaw", {"Li": 1, "Ti": 3, "Cl": -1}))
    assert "d electrons of Ti have no U here" in text and "magmom: {Ti: 1.0}" in text
    assert "no U here" not in "\n".join(theory.levels("vasp", {"Li": 1, "Fe": 2, "O": -2}))
    for closed in ({"Ce": 4}, {"Lu": 3}, {"La": 3}):
        assert "gpaw" in "\n".join(theory.levels("gpaw", {"Li": 1, "I": -1, **closed}))
    with pytest.raises(DlmdError, match="4f electrons of Er"):
        theory.levels("gpaw", {"Li": 1, "Er": 3, "I": -1})
    assert "Er: Er_3" in "\n".join(theory.levels("vasp", {"Li": 1, "Er": 3, "I": -1}))


def test_occupancies_of_a_proposal_are_whole_atoms(tmp_path):
    proposal = checked(conductors.write(tmp_path, "lgps"))
    structures = proposal.config.structures
    for name, cell in (("labels", "label"), ("production", "production")):
        for site in proposal.design.crystal.sites:
            filled = structures.occupancies.get(name, structures.occupancies["production"])
            override = filled.get(site.label, {})
            values = list(override.values()) if isinstance(override, dict) else [override]
            atoms = np.array(values) * site.multiplicity * prod(structures.cells[cell])
            assert atoms == pytest.approx(np.round(atoms), abs=1e-3)


def test_a_crystal_without_charge_balance_is_refused(tmp_path):
    bad = conductors.Conductor(
        conductors.hall_of(225),
        conductors.cubic(5.0),
        (("Zr1", "Zr", 0, 0, 0, 1), ("O1", "O", 0.5, 0.5, 0.5, 1)),
        "O",
        {},
    )
    cif = tmp_path / "bad.cif"
    cif.write_text(bad.cif("bad"))
    with pytest.raises(DlmdError, match=r"leave \+8 e per cell"):
        propose(cif)

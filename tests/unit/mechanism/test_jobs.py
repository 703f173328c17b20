import csv

import numpy as np
import pytest

from dlmd.mechanism import jobs
from dlmd.mechanism.site_lattice import site_lattice
from li3ticl6_jumps import CRYSTAL, analysed, run


def summary(**occupancies):
    rows = [
        {"site": site.label, "species": species, "realised_occupancy": occupancies.get(site.label, x)}
        for site in CRYSTAL.sites
        for species, x in site.occupancy.items()
    ]
    return {"sites": rows}


def test_sites_are_open_as_the_cell_was_built():
    charges = {"Li": 1, "Ti": 3, "Cl": -1}
    full = jobs.as_built(CRYSTAL, summary(Ti1=1.0, Ti2=0.0))
    labels = [t.label for t in site_lattice(full, mobile="Li", charges=charges).types]
    assert "oct 2a" not in labels
    # an empty site of the CIF is a place for ions all the same
    assert "oct 4g" in labels
    again = jobs.as_built(full, summary())
    assert "oct 2a" in [t.label for t in site_lattice(again, mobile="Li", charges=charges).types]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Tables and arrays of a run with hops."""
    folder = tmp_path_factory.mktemp("mechanism")
    trajectory, *_ = run(2, within=0.02, between=0.02, length_ps=40.0)
    found = analysed(trajectory, window_ps=(2.0, 6.0))
    jobs.write_hops(folder / "hops.csv", found)
    jobs.write_traces(folder / "traces.csv", found)
    jobs.write_arrays(folder / "arrays.npz", found)
    return folder, found


def read(path):
    with path.open() as file:
        return list(csv.DictReader(file))


def test_every_hop_has_a_row_in_order_of_time(written):
    folder, found = written
    rows = read(folder / "hops.csv")
    assert len(rows) == found.n_hops
    times = [float(r["time_ps"]) for r in rows]
    assert times == sorted(times)
    assert {r["class"] for r in rows} == set(found.classes[0])
    lengths = np.linalg.norm([[float(r[k]) for k in ("dx_a", "dy_a", "dz_a")] for r in rows], axis=1)
    assert np.allclose(np.sort(lengths), np.sort(np.linalg.norm(found.tables[0].vector_a, axis=1)), atol=2e-3)


def test_traces_start_at_zero_and_arrays_hold_what_figures_need(written):
    folder, found = written
    rows = read(folder / "traces.csv")
    assert {r["kind"] for r in rows} == {t.kind for t in found.traces}
    assert [float(rows[0][k]) for k in ("da_a", "db_a", "dc_star_a")] == [0, 0, 0]
    with np.load(folder / "arrays.npz") as arrays:
        assert arrays["density_per_a3"].ndim == 3
        assert arrays["trace0_positions_a"].shape == (len(arrays["trace0_time_ps"]), 3)


def test_a_molten_temperature_leaves_tables_without_rows(tmp_path):
    jobs.write_hops(tmp_path / "hops.csv", None)
    jobs.write_traces(tmp_path / "traces.csv", None)
    assert read(tmp_path / "hops.csv") == read(tmp_path / "traces.csv") == []

"""Inputs of LAMMPS as text: what must be in them, and in which order."""

from dataclasses import replace

import pytest

from dlmd.base.errors import DlmdError
from dlmd.md.inputs import (
    GUARD_STEPS,
    Dynamics,
    Strides,
    deepmd_dynamics,
    deepmd_pair,
    deviation_that_ended,
    equilibrate_input,
    guard_that_ended,
    segment_input,
)

DYNAMICS = Dynamics(
    pair=deepmd_pair(["/models/compressed.pb"], ["Li", "Ti", "Cl"]),
    species=["Li", "Ti", "Cl"],
    mobile="Li",
    temperature_k=298,
    time_step_fs=1.0,
    damping_fs=100.0,
)


def segment(timeout_s=None, dynamics=DYNAMICS):
    return segment_input(
        dynamics,
        restart_in="0000.restart",
        last_step=500000,
        strides=Strides(positions=100, all_atoms=5000, thermo=100, restart=50000),
        positions="a.dcd",
        all_atoms="a.xtc",
        host="a.host.txt",
        thermo="a.thermo.csv",
        restart_out="end",
        restart_prefix="restart",
        reached="reached",
        timeout_s=timeout_s,
    ).splitlines()


def test_elements_are_named_in_pair_coeff():
    assert "pair_coeff * * Li Ti Cl" in segment()


def test_protocol_of_the_paper_is_what_lammps_reads():
    lines = segment()
    assert "units metal" in lines and "timestep 0.001" in lines
    assert "fix integrate all nvt temp 298 298 0.1" in lines
    assert "run 500000 upto" in lines


def test_positions_are_unwrapped_sorted_and_of_mobile_ions_only():
    lines = segment()
    assert "group mobile type 1" in lines and "group host subtract all mobile" in lines
    assert "dump positions mobile dcd 100 a.dcd" in lines
    assert "dump_modify positions unwrap yes sort id first yes" in lines
    assert any(line.startswith("fix host_file host ave/time 100 1 100 ") for line in lines)


def test_several_mobile_elements_are_one_group():
    assert "group mobile type 1 2" in segment(dynamics=replace(DYNAMICS, mobile="Li,Ti"))


def test_thermostat_has_one_name_so_that_its_state_goes_through_restarts():
    equilibration = equilibrate_input(
        DYNAMICS,
        data="cell.data",
        steps=10,
        seed=5,
        thermo_stride=5,
        all_atoms_stride=2,
        thermo="t",
        all_atoms="x",
        minimised="m",
        restart="r",
    ).splitlines()
    assert "dump all_atoms all xtc 2 x" in equilibration
    nvt = [line for line in equilibration if " nvt " in line]
    assert nvt == [line for line in segment() if " nvt " in line]
    first_words = [line.split(" ")[0] for line in equilibration]
    order = [first_words.index(word) for word in ("minimize", "velocity", "run", "write_restart")]
    assert order == sorted(order)
    assert "velocity all create 298 5 mom yes rot no dist gaussian" in equilibration


def test_a_walltime_ends_the_run_where_all_outputs_fall_together():
    assert segment(timeout_s=3600.5)[0] == "timer timeout 3600 every 5000"
    assert not any(line.startswith("timer") for line in segment())
    assert segment().index("write_restart end") < segment().index('print "$(step)" file reached screen no')


def test_the_guard_that_ended_a_run_is_named():
    log = "100 300\nERROR: Fix halt condition for fix-id guard_distance met on step 1200 with value 0.713 (fix_halt.cpp)"
    assert guard_that_ended(log) == "two atoms are 0.71 Å apart at step 1200"
    assert guard_that_ended("ERROR: Lost atoms: original 160 current 159") == "atoms have flown away"
    assert guard_that_ended("ERROR: Cannot open restart file 0000.restart") is None


def test_a_committee_watches_and_the_first_potential_moves_the_atoms():
    settings = {k: getattr(DYNAMICS, k) for k in ("species", "mobile", "time_step_fs", "damping_fs")}
    pair = deepmd_dynamics("/m/0.pb", settings, temperature_k=298, others=["/m/1.pb", "/m/2.pb"]).pair
    assert (
        pair[0] == f"pair_style deepmd /m/0.pb /m/1.pb /m/2.pb out_freq {GUARD_STEPS} out_file deviation.txt"
    )
    assert deepmd_dynamics("/m/0.pb", settings, temperature_k=298).pair[0] == "pair_style deepmd /m/0.pb"


HEAD = "# step max_devi_v min_devi_v avg_devi_v max_devi_f min_devi_f avg_devi_f\n"


def table(*largest):
    return HEAD + "".join(
        f"{100 * i:12d} 9.0e+00 9.0e+00 9.0e+00 {value:18.6e} 1.0e-02 2.0e-02\n"
        for i, value in enumerate(largest)
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        (
            table(0.1, 0.6, 0.7, 0.8),
            "differ by 0.60 eV/Å and more in the force on an atom from step 100 to 300",
        ),
        (table(0.1, 0.6, 0.7, 0.4, 0.8, 0.9), None),
        (table(0.1, float("nan"), float("nan"), float("nan")), "from step 100 to 300"),
        # the first step of a run is there twice
        (table(0.6) + table(0.6, 0.7).removeprefix(HEAD), None),
        # the last row is still being written
        (table(0.1, 0.6, 0.7) + "         300 9.0e+00 9.0e+00", None),
        (HEAD, None),
    ],
)
def test_a_deviation_that_stays_ends_a_run_and_one_in_passing_does_not(tmp_path, text, found):
    path = tmp_path / "deviation.txt"
    assert deviation_that_ended(path, 0.5) is None
    path.write_text(text)
    verdict = deviation_that_ended(path, 0.5)
    assert verdict is None if found is None else found in verdict


def test_paths_are_seen_from_where_lammps_runs(tmp_path):
    """So that no folder above the run's matters, whatever its name."""
    run = tmp_path / "my $files #1/été/results"
    settings = {"species": ["Li", "Cl"], "mobile": "Li", "time_step_fs": 1, "damping_fs": 100}
    pair = deepmd_dynamics(run / "0.pb", settings, temperature_k=298, folder=run / "md/r0").pair
    assert pair[0] == "pair_style deepmd ../../0.pb"
    with pytest.raises(DlmdError, match="cannot read a path with spaces"):
        deepmd_dynamics(run / "a b.pb", settings, temperature_k=298, folder=run / "md/r0")

"""How names of a rule become arguments, on plain mappings."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from dlmd.config.launch import LammpsLaunch, LevelLaunch
from dlmd.run.binding import BindingError, Given, arguments

RAW = {
    # as YAML gives them: text, and PyYAML reads 5e-1 as text too
    "launch": {"lammps": {"ranks": "2"}, "levels": {"u4": {"cores": "8"}}},
    "md": {
        "occupancy": "o",
        "cell": "c",
        "temperatures_k": [300],
        "max_deviation_ev_per_angstrom": "5e-1",
    },
}


def given(**changes):
    parts = {
        "inputs": {"cif": "a.cif"},
        "outputs": {},
        "params": {},
        "wildcards": {},
        "threads": 2,
        "log": "a.log",
        "config": RAW,
    }
    return Given(**(parts | changes))


def test_names_of_all_kinds_become_arguments_of_their_types():
    def job(
        cif: str,
        frames: Sequence[str],
        reference: str | None,
        accepted: Path,
        *,
        seed: int,
        temperature_k: int,
        strain: float,
        level: str,
        threads: int,
        log: str,
    ): ...

    found = arguments(
        job,
        given(
            inputs={"cif": "a.cif", "frames": ["1", "2"], "reference": []},
            outputs={"accepted": "b.json"},
            params={"seed": 7, "algorithm": 3},
            wildcards={"T": "300", "strain": "+0.020", "level": "u4", "unasked": "x"},
        ),
    )
    assert found == {
        "cif": "a.cif",
        "frames": ["1", "2"],
        "reference": None,
        "accepted": Path("b.json"),
        "seed": 7,
        "temperature_k": 300,
        "strain": 0.02,
        "level": "u4",
        "threads": 2,
        "log": "a.log",
    }
    assert isinstance(found["temperature_k"], int)


def test_values_of_the_config_reach_the_job_validated():
    def job(
        cif: str, *, lammps: LammpsLaunch, launch: LevelLaunch, max_deviation_ev_per_angstrom: float | None
    ): ...

    found = arguments(job, given(wildcards={"level": "u4"}))
    assert found["lammps"].ranks == 2 and found["launch"].cores == 8
    assert found["max_deviation_ev_per_angstrom"] == 0.5


def job(cif: str, *, seed: int): ...


@pytest.mark.parametrize(
    ("changes", "unread", "words"),
    [
        ({}, (), "has no value for seed"),
        ({"params": {"seed": 1, "sed": 2}}, (), "does not take sed"),
        ({"params": {"seed": 1}}, ("extxyz",), "is said not to read, where there is none, extxyz"),
        ({"params": {"seed": 1}}, ("seed",), "has no value for seed"),
        ({"params": {"seed": 1, "cif": "b.cif"}}, (), "would get two values for cif"),
        ({"params": {"seed": 1}, "wildcards": {"seed": "2"}}, (), "would get two values for seed"),
        ({"params": {"seed": 1}, "inputs": {"cif": ["a", "b"]}}, (), "cif is one path, 2 are given"),
    ],
)
def test_names_that_do_not_fit_are_an_error(changes, unread, words):
    with pytest.raises(BindingError, match=words):
        arguments(job, given(**changes), unread=unread)

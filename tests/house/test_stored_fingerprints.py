"""Fingerprints that lie in users' checkpoints. One that changes makes hours of finished work useless, without any error."""

import json

import numpy as np
from ase.build import bulk

from dlmd.labels.relaxation import structure_mark
from dlmd.md import production
from dlmd.md.inputs import Dynamics
from dlmd.training.run import training_mark

SALT = bulk("NaCl", "rocksalt", a=5.64)


def test_relaxation():
    assert structure_mark(SALT, 0.01) == "8a51fad6d262ab7e5b9d5b84c8bf1b12ff4c50e83539c706ee754c9c99b2776b"


def test_label_dynamics():
    settings = json.dumps({"b": 1, "a": {"x": [1, 2]}}, sort_keys=True)
    found = structure_mark(SALT, 1.0, 10, 7, settings)
    assert found == "4a35e9f9dfb6fa1c7ba7430c47fb9c8d4e34045f2393f29c3839222d984a0b47"


def test_labels_of_the_loop():
    found = structure_mark(SALT, {"functional": "PBE", "u": {"Ti": 4.0}})
    assert found == "db6552b32c773b93a25f5de501fcf6ee0e4d8309e6c13db1ad67ddfe0ea0b51f"


def test_band():
    found = structure_mark(SALT, SALT.positions.tobytes(), 0.5, 0.05, 3)
    assert found == "fb74a1c1f833926d24213baaca43e2796fcb0e0bcbbcc8a63aa8d94667e4fbfc"


def test_training(tmp_path):
    for number in range(2):
        part = tmp_path / "train" / "s1" / f"set.00{number}"
        part.mkdir(parents=True)
        np.save(part / "energy.npy", np.arange(3.0 + number))
    settings = {"b": 1, "training": {"numb_steps": 5, "training_data": {"systems": ["../train/s1"]}}}
    found = training_mark(settings, tmp_path / "work")
    assert found == "8d1a21cdd19a9f7309d83f456718bd8f05d58710340ca34d5858b0a0c76ab904"


def test_segment(tmp_path):
    parent = tmp_path / "0000.restart"
    parent.write_bytes(b"state")
    dynamics = Dynamics(
        pair=["x"],
        species=["Li", "Cl"],
        mobile="Li",
        temperature_k=600.0,
        time_step_fs=2.0,
        damping_fs=100.0,
    )
    identity = production.identity(
        level="u4",
        replica=0,
        seed=7,
        cell={
            "mobile_ids": [1],
            "types": [1, 2],
            "cell_angstrom": [[9.0, 0, 0], [0, 9.0, 0], [0, 0, 9.0]],
        },
        masses={"Li": 6.94, "Cl": 35.45},
        versions={"dlmd": "0.1"},
        model_sha256="ab",
    )
    found = production.segment_mark(
        parent,
        steps=1000,
        dynamics=dynamics,
        strides=production.Strides(10, 100, 50, 100),
        identity={**identity, "watched_by": []},
    )
    assert found == "b6569247cd35ef74bc8058b48dc92bb55b35aa48706430f3fc44561a6d51b1e4"

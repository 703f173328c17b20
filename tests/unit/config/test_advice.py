"""What is possible but unwise is said with its reason, and what is usual is not."""

from pathlib import Path

import pytest
import yaml

from dlmd.config.advice import longest_step_fs, unwise
from dlmd.config.reading import _Loader, load, parse

CONFIG = Path(__file__).parents[3] / "config"
GOOD = (CONFIG / "li3ticl6.yaml").read_text()

# whatever production's temperatures are
BASE = {"validation.rdf_temperature_k": None, "md.replicas": 2}
# key -> (changes that call for advice on it, word of the reason)
UNWISE = {
    "md.time_step_fs": [({"md.time_step_fs": 4}, "long for Li"), ({"md.time_step_fs": 0.1}, "short for Li")],
    "labels.aimd.time_step_fs": [({"labels.aimd.time_step_fs": 5}, "energy may drift")],
    "md.thermostat_damping_fs": [
        ({"md.thermostat_damping_fs": 5}, "disturbs"),
        ({"md.thermostat_damping_fs": 9000}, "hardly held"),
    ],
    "md.temperatures_k": [
        ({"md.temperatures_k": [100, 500, 600, 700]}, "few ions hop"),
        ({"md.temperatures_k": [600, 700, 800, 2000]}, "solid"),
        ({"md.temperatures_k": [600]}, "no activation energy"),
        ({"md.temperatures_k": [500, 600, 700]}, "from a bend"),
        ({"md.temperatures_k": [600, 610, 620, 630]}, "narrow"),
        ({"md.temperatures_k": [600, 800, 1000, 1400]}, "extrapolates"),
    ],
    "md.segments": [
        ({"md.segments": 1, "md.segment_ps": 10, "md.restart_interval_ps": 10}, "few conductors")
    ],
    "md.equilibrate_ps": [({"md.equilibrate_ps": 0.2}, "heat of the start")],
    "md.position_interval_fs": [({"md.position_interval_fs": 5000}, "single hops")],
    "md.all_atom_interval_ps": [
        ({"md.all_atom_interval_ps": 500, "md.restart_interval_ps": 500}, "judged by few")
    ],
    "md.replicas": [({"md.replicas": 1}, "ordering")],
    "training.potentials": [({"training.potentials": 1, "md.potentials": 1}, "is the potential's")],
    "training.cutoff_angstrom": [
        ({"training.cutoff_angstrom": 3}, "neighbours"),
        ({"training.cutoff_angstrom": 14}, "cost"),
    ],
    "training.cutoff_smooth_angstrom": [({"training.cutoff_smooth_angstrom": 6.5}, "fade out")],
    "training.embedding": [
        ({"training.embedding": [32, 2], "training.axis_neurons": 2}, "2 neurons"),
        ({"training.embedding": [20, 50]}, "stay or double"),
    ],
    "training.fitting": [
        ({"training.fitting": [2048]}, "slow"),
        ({"training.fitting": [64] * 12}, "12 layers"),
    ],
    "training.start_lr": [
        ({"training.start_lr": 0.5}, "diverge"),
        ({"training.start_lr": 1e-6}, "before it has learnt"),
    ],
    "training.stop_lr": [({"training.stop_lr": 9e-4}, "come to rest")],
    "training.decay_steps": [({"training.decay_steps": 10**8}, "never decays")],
    "training.steps": [({"training.steps": 1000}, "few")],
    "training.force_prefactor": [
        ({"training.force_prefactor": [0.001, 1]}, "other way round"),
        ({"training.force_prefactor": [1e7, 1]}, "drowns"),
    ],
    "training.energy_prefactor": [({"training.energy_prefactor": [0, 0]}, "no weight")],
    "structures.tolerance": [({"structures.tolerance": 0.2}, "composition")],
    "validation.max_relative_force_rmse": [({"validation.max_relative_force_rmse": 3}, "half and more")],
    "transport.max_host_shift_angstrom": [({"transport.max_host_shift_angstrom": 5}, "melted")],
    "transport.confidence": [({"transport.confidence": 0.6}, "0.95")],
}


def told(changes):
    """What is said of the paper's config with these changes: (key, text)."""
    data = yaml.load(GOOD, Loader=_Loader)
    for key, value in (BASE | changes).items():
        section, *above, last = key.split(".")
        place = data.setdefault(section, {})
        for part in above:
            place = place[part]
        place[last] = value
    return list(unwise(parse(data)))


@pytest.mark.parametrize(
    ("key", "changes", "why"), [(key, *case) for key, cases in UNWISE.items() for case in cases]
)
def test_the_reason_is_said(key, changes, why):
    assert not any(why in text for found, text in told({}) if found == key)
    assert any(why in text for found, text in told(changes) if found == key)


def test_the_papers_settings_are_usual():
    assert told({}) == []


@pytest.mark.parametrize("name", ["demo", "pretrained", "few", "li3incl6", "li3ycl6"])
def test_what_is_shipped_says_little(name):
    # what twenty minutes allow
    quick = {"md.temperatures_k"} if name == "demo" else set()
    found = {key for key, _ in unwise(load(CONFIG / f"{name}.yaml"))}
    assert found <= {"md.replicas", "training.potentials"} | quick


@pytest.mark.parametrize(
    ("elements", "step"), [("Li Cl", 3.0), ("Na P S", 3.6), ("Li N H", 0.75), ("Ag I", 4.0)]
)
def test_steps_for_the_lightest_atom(elements, step):
    assert longest_step_fs(elements.split())[0] == pytest.approx(step, rel=0.03)


def test_a_long_step_is_noted_once():
    assert told({"labels.aimd.time_step_fs": 3}) == []
    ((key, text),) = told({"md.time_step_fs": 4, "labels.aimd.time_step_fs": 4.5})
    assert key == "md.time_step_fs" and "(labels.aimd.time_step_fs: 4.5 fs)" in text


def test_every_advice_is_one_line():
    for key, text in unwise(load(CONFIG / "toy.yaml")):
        assert "\n" not in text and len(f"{key}: {text}") < 180

"""What `dlmd new` proposes is not what `dlmd check` calls unwise."""

from dlmd.config.advice import SHORTEST_LABELS_PS, unwise
from dlmd.proposal import Wishes, propose

CIF = """data_acid
_cell_length_a 5.64
_cell_length_b 5.64
_cell_length_c 5.64
_cell_angle_alpha 90
_cell_angle_beta 90
_cell_angle_gamma 90
_symmetry_space_group_name_H-M 'F m -3 m'
loop_
_atom_site_label
_atom_site_type_symbol
_atom_site_fract_x
_atom_site_fract_y
_atom_site_fract_z
_atom_site_occupancy
Li1 Li 0 0 0 0.5
{second}
Cl1 Cl 0.5 0.5 0.5 1
"""


def test_labels_of_short_steps_and_small_budgets_are_long_enough(tmp_path):
    for second, hours in (("H1 H 0 0 0 0.5", 24.0), ("Na1 Na 0 0 0 0.5", 1.0)):
        path = tmp_path / "acid.cif"
        path.write_text(CIF.format(second=second))
        cfg = propose(path, Wishes(budget_core_hours=hours), file="config/new.yaml").config
        aimd = cfg.labels.aimd
        assert aimd.steps * aimd.time_step_fs >= 1e3 * SHORTEST_LABELS_PS
        assert not [key for key, _ in unwise(cfg) if key.startswith("labels")]

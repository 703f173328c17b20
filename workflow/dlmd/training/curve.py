"""Learning curve of a training: dp's lcurve.out as a table."""

from __future__ import annotations

from dlmd.base.errors import DlmdError

# column of lcurve.out -> column of the learning curve's table
CURVE_COLUMNS = {
    "step": "step",
    "rmse_e_trn": "energy_rmse_train_ev_per_atom",
    "rmse_e_val": "energy_rmse_valid_ev_per_atom",
    "rmse_f_trn": "force_rmse_train_ev_per_a",
    "rmse_f_val": "force_rmse_valid_ev_per_a",
    "rmse_v_trn": "virial_rmse_train_ev_per_atom",
    "rmse_v_val": "virial_rmse_valid_ev_per_atom",
    "lr": "learning_rate",
}


def parse_lcurve(text: str) -> list[dict[str, float]]:
    """Rows of dp's lcurve.out in ascending steps, under the names of `CURVE_COLUMNS`.

    After a restart the steps between the checkpoint and the end of the killed run occur twice: the later ones count.

    Raises
    ------
    DlmdError
        for a table without a header or without rows.
    """
    header: list[str] = []
    rows: dict[int, dict[str, float]] = {}
    for line in text.splitlines():
        words = line.lstrip("#").split()
        if line.startswith("#"):
            header = words if "step" in words else header
        # a killed run may leave half a line
        elif words and len(words) == len(header):
            row = {
                CURVE_COLUMNS[k]: float(v) for k, v in zip(header, words, strict=True) if k in CURVE_COLUMNS
            }
            rows[int(row["step"])] = row
    if not rows:
        raise DlmdError(
            "the learning curve is empty",
            where="lcurve.out",
            remedy="see the training's log for what went wrong",
        )
    return [rows[step] | {"step": step} for step in sorted(rows)]

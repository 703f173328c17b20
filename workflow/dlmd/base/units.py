"""The only conversion factors of the project (CODATA 2018 exact values through SciPy).

Inside dlmd: length Å, time ps, energy eV, temperature K, mass amu, charge e.
Shown to users: D in cm²/s, conductivity in mS/cm, activation energy in eV.
"""

from __future__ import annotations

from scipy import constants

ELEMENTARY_CHARGE_C = constants.e
BOLTZMANN_J_PER_K = constants.k
BOLTZMANN_EV_PER_K = constants.k / constants.e

FS_PER_PS = 1.0e3
M_PER_ANGSTROM = 1.0e-10
S_PER_PS = 1.0e-12

# 1 Å²/ps = 1e-16 cm² / 1e-12 s
CM2_PER_S_PER_A2_PER_PS = 1.0e-4
# 1 S/m = 10 mS/cm
MS_PER_CM_PER_S_PER_M = 10.0
EV_PER_A3_PER_GPA = 1.0e9 * 1.0e-30 / constants.e
# k_B in u Å²/ps² per K
BOLTZMANN_U_A2_PER_PS2_PER_K = constants.k / constants.atomic_mass / M_PER_ANGSTROM**2 * S_PER_PS**2
GPA_PER_BAR = 1.0e-4
# e²/(4 pi eps0): energy in eV of two unit charges 1 Å apart
COULOMB_EV_A = constants.e / (4.0 * constants.pi * constants.epsilon_0) / M_PER_ANGSTROM


def conductivity_ms_per_cm(
    *, diffusion_a2_per_ps: float, n_ions: int, charge_e: float, volume_angstrom3: float, temperature_k: float
) -> float:
    """Ionic conductivity N z² e² D / (V k_B T) in mS/cm, from D_total in Å²/ps."""
    density_per_m3 = n_ions / (volume_angstrom3 * M_PER_ANGSTROM**3)
    diffusion_m2_per_s = diffusion_a2_per_ps * M_PER_ANGSTROM**2 / S_PER_PS
    siemens_per_m = (
        density_per_m3
        * (charge_e * ELEMENTARY_CHARGE_C) ** 2
        * diffusion_m2_per_s
        / (BOLTZMANN_J_PER_K * temperature_k)
    )
    return siemens_per_m * MS_PER_CM_PER_S_PER_M

"""The VASP DFT(+U) route: stage inputs, run or hand over, collect frames. VASP itself is the user's own."""

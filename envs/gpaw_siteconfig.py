"""How GPAW is built here: one process per job, FFTW, and the BLAS that the system has."""

mpi = False
fftw = True
compiler = "g++"
libraries += ["fftw3"]

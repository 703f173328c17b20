"""Become a command of the shell, in a folder and a process group of its own: run as a script, with the folder and the command.

For programs that another package starts and that would otherwise share this job's group, or outlive it when it is killed.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    folder, command = sys.argv[1:]
    os.setpgid(0, 0)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.chdir(folder)
    os.execv("/bin/sh", ["sh", "-c", command])

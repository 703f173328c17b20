"""Foreign programs and the folders they write to: starting them, one writer per folder, the walltime of a job.

In: a command and a folder. Out: the program's files, or an error that says why there are none.
"""

"""The command `dlmd`: one module per subcommand, each a thin layer over the library.

In: the command line. Out: text, files and an exit code.
"""

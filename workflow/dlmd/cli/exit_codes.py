"""Exit codes of `dlmd`: what a script can tell from them."""

FAILED = 1
BAD_USAGE = 2
# The analysis went through, and its answer is a verdict in place of a number.
VERDICT = 3
INTERRUPTED = 130
# as a shell has it of a program that SIGPIPE ends
PIPE_CLOSED = 141

MEANING = {
    0: "done; all numbers asked for are there",
    FAILED: "an error: nothing was written, the message says what to do (`dlmd study` names the temperatures it had written)",
    BAD_USAGE: "wrong usage: an unknown option, or a value that it does not take",
    VERDICT: "refused: the data were read and the result written, but a verdict stands in place of a number",
    INTERRUPTED: "interrupted (Ctrl-C)",
    PIPE_CLOSED: "the reader of the output, such as `head`, ended first",
}

import io
import sys

from dlmd.base.progress import Progress


def test_lines_when_due_and_at_the_end():
    stream = io.StringIO()
    progress = Progress(stream, title="MD", total=4, interval_s=1000)
    for done in range(1, 5):
        progress.update(done, "300 K")
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert "MD: 100%" in lines[0] and "4/4" in lines[0] and "300 K" in lines[0]

    progress = Progress(stream := io.StringIO(), title="MD", total=4, interval_s=0)
    for done in range(1, 5):
        progress.update(done)
    assert len(stream.getvalue().splitlines()) == 4


def test_silent_without_a_stream(capfd):
    """The same calls print with a stream, so that the silence is that of the missing stream."""
    for stream, printed in ((sys.stderr, 3), (None, 0)):
        progress = Progress(stream, title="MD", total=3, interval_s=0)
        for done in range(1, 4):
            progress.update(done, "300 K")
        found = capfd.readouterr()
        assert (found.out, found.err.count("300 K")) == ("", printed)
        assert printed or found.err == ""
